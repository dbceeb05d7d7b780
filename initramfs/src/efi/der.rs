//! DER, as far as certificates are read and signatures written. ITU-T X.690, sections 8 and 10.

/// Tags of what is read and written here.
pub(crate) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// `[n]` of something primitive.
    pub(crate) const fn primitive(n: u8) -> u8 {
        0x80 | n
    }
    /// `[n]` of something constructed.
    pub(crate) const fn constructed(n: u8) -> u8 {
        0xa0 | n
    }
}

/// Writes one value: tag, length, content.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().position(|&byte| byte != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | digits.len() as u8);
    }
    out.extend_from_slice(digits);
    out.extend_from_slice(content);
    out
}

/// Writes one value that holds others, one after the other.
pub(crate) fn all(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    value(tag, &parts.concat())
}

/// One value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    /// Its tag.
    pub(crate) tag: u8,
    /// What is in it.
    pub(crate) content: &'a [u8],
    /// All of it, with tag and length.
    pub(crate) whole: &'a [u8],
}

/// Takes the first value off what is left. Returns `None` where there is none that is whole, or its length is not written as DER
/// has it.
pub(crate) fn take<'a>(left: &mut &'a [u8]) -> Option<Value<'a>> {
    let all = *left;
    let (&tag, &first) = (all.first()?, all.get(1)?);
    let (head, length) = match first {
        0..0x80 => (2, usize::from(first)),
        _ => {
            let digits = all.get(2..2 + usize::from(first & 0x7f))?;
            let minimal = digits.len() <= 4 && !matches!(digits, [] | [0, ..] | [0..0x80]);
            let length = digits.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
            (2 + digits.len(), usize::try_from(length).ok().filter(|_| minimal)?)
        }
    };
    let whole = all.get(..head.checked_add(length)?)?;
    *left = &all[whole.len()..];
    Some(Value { tag, content: &whole[head..], whole })
}

/// The same, if its tag is this one.
pub(crate) fn take_tagged<'a>(left: &mut &'a [u8], tag: u8) -> Option<Value<'a>> {
    take(left).filter(|value| value.tag == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_written_as_short_as_they_can_be_and_read_back() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (70_000, &[4, 0x83, 1, 0x11, 0x70]),
        ] {
            let written = value(tag::OCTETS, &vec![7; length]);
            assert!(written.starts_with(head), "{:?}", &written[..head.len()]);
            let mut left = &[&written[..], b"rest"].concat()[..];
            let read = take(&mut left).unwrap();
            assert_eq!(
                (read.tag, read.content.len(), read.whole.len(), left),
                (4, length, written.len(), &b"rest"[..])
            );
            assert_eq!(take(&mut &written[..written.len() - 1]), None);
        }
        for bad in
            [&[4u8, 0x80][..], &[4, 0x81, 5, 0, 0, 0, 0, 0], &[4, 0x82, 0, 200], &[4, 0x85, 1, 0, 0, 0, 0]]
        {
            assert_eq!(take(&mut &[bad, &[0; 300]].concat()[..]), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut left = &bytes[..];
            while take(&mut left).is_some() {}
        }
    }
}
