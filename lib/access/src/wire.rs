//! Strings with their length, as SSH has them (RFC 4251, section 5).

/// What is left of a message.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// Takes so many bytes. `None`: there are not so many.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes a number of 32 bits.
    pub(crate) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Takes a string: its length, and so many bytes.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }
}

/// Appends a string with its length. What is longer than a string can be is cut off, which nothing here ever is.
pub(crate) fn put(to: &mut Vec<u8>, string: &[u8]) {
    let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
    to.extend(length.to_be_bytes());
    to.extend(string.iter().take(length as usize));
}

/// The name of an Ed25519 key, and of a signature made with one (RFC 8709).
pub(crate) const ED25519: &[u8] = b"ssh-ed25519";

/// Takes a name and so many bytes that belong to it apart: a key, or a signature. An error says what it is instead.
pub(crate) fn named<'a, const N: usize>(blob: &'a [u8]) -> Result<&'a [u8; N], Foreign<'a>> {
    let mut reader = Reader(blob);
    let kind = reader.string().ok_or(Foreign::Damaged)?;
    if kind != ED25519 {
        return Err(Foreign::Kind(kind));
    }
    let bytes = reader.string().and_then(|bytes| bytes.try_into().ok());
    bytes.filter(|_| reader.0.is_empty()).ok_or(Foreign::Damaged)
}

/// The other direction.
pub(crate) fn put_named(to: &mut Vec<u8>, bytes: &[u8]) {
    let mut blob = Vec::with_capacity(8 + ED25519.len() + bytes.len());
    put(&mut blob, ED25519);
    put(&mut blob, bytes);
    put(to, &blob);
}

/// What is not what was looked for.
pub(crate) enum Foreign<'a> {
    /// It is of another kind, with this name.
    Kind(&'a [u8]),
    /// It is of no kind at all.
    Damaged,
}
