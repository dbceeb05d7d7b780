//! The file: the document and its signatures. Nothing of the document means anything before these hold.
//!
//! The document is the first line, with its newline; the signatures cover exactly these bytes. The lines of the signatures
//! follow, as in a bundle's `manifest.sig`.

use crate::limits::{MAX_FILE, MAX_SIGNATURES};
use crate::{Document, Error};
use drydock_format::signature::{self, Line};
use drydock_format::{Digest, KeyId, Trusted, sha256};

/// A file in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'b> {
    /// What the signatures cover.
    pub document: &'b [u8],
    /// The signatures.
    pub signatures: &'b [u8],
}

/// Takes a file apart. Nothing in it is looked at but the first newline.
pub fn split(bytes: &[u8]) -> Result<Split<'_>, Error> {
    if bytes.len() > MAX_FILE {
        return Err(Error::TooLarge { size: bytes.len() });
    }
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Error::NoDocument)?;
    let (document, signatures) = bytes.split_at(end + 1);
    match signatures.len() {
        size if size > MAX_SIGNATURES => Err(Error::TooLarge { size: bytes.len() }),
        _ => Ok(Split { document, signatures }),
    }
}

/// Adds a signature to a file, in place of what that key has there already. Returns the new file.
pub fn add(bytes: &[u8], line: &Line) -> Result<Vec<u8>, Error> {
    let Split { document, signatures } = split(bytes)?;
    let mut lines = signature::add(signatures, line).map_err(Error::Signatures)?;
    let end = lines.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 2);
    lines.truncate(end);
    let file = [document, &lines].concat();
    if file.len() > MAX_FILE {
        return Err(Error::TooLarge { size: file.len() });
    }
    Ok(file)
}

/// A channel whose signatures hold. It may be an old one: see [`Channel::accept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    document: Document,
    digest: Digest,
    signers: Vec<KeyId>,
}

impl Channel {
    /// Opens a file: checks its signatures, by the rules of a bundle's, and then what the document says.
    pub fn open(bytes: &[u8], trusted: &Trusted) -> Result<Self, Error> {
        let Split { document, signatures } = split(bytes)?;
        let signers = signature::verify(document, signatures, trusted).map_err(Error::Signatures)?;
        Ok(Self { digest: sha256(document), document: Document::parse(document)?, signers })
    }

    /// Opens a file without looking at its signatures: for what is shown to a person as not verified.
    pub fn open_unverified(bytes: &[u8]) -> Result<Self, Error> {
        let Split { document, .. } = split(bytes)?;
        Ok(Self { digest: sha256(document), document: Document::parse(document)?, signers: Vec::new() })
    }

    /// What it says.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The digest of the document's bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The trusted keys that have signed it.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::document::tests::sample;
    use drydock_format::{Error as Signatures, PublicKey};
    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn public(seed: u8) -> PublicKey {
        PublicKey::from_bytes(key(seed).verifying_key().as_bytes()).unwrap()
    }

    fn line(seed: u8, bytes: &[u8]) -> Line {
        Line { key: public(seed).id(), signature: key(seed).sign(bytes).to_bytes() }
    }

    pub(crate) fn trusted(keys: &[u8], threshold: u32) -> Trusted {
        Trusted { keys: keys.iter().map(|seed| public(*seed)).collect(), threshold }
    }

    pub(crate) fn signed(document: &Document, keys: &[u8]) -> Vec<u8> {
        let bytes = document.to_bytes();
        keys.iter().fold(bytes.clone(), |file, seed| add(&file, &line(*seed, &bytes)).unwrap())
    }

    #[test]
    fn as_many_keys_as_for_a_bundle_must_have_signed() {
        let file = signed(&sample(), &[1, 2]);
        let channel = Channel::open(&file, &trusted(&[1, 2, 3], 2)).unwrap();
        assert_eq!((channel.document(), channel.signers().len()), (&sample(), 2));
        assert_eq!(channel.digest(), sha256(&sample().to_bytes()));
        for (keys, threshold) in [(&[1, 3][..], 2), (&[3], 1), (&[1], 2), (&[1, 2], 0)] {
            let open = Channel::open(&file, &trusted(keys, threshold));
            assert!(matches!(open, Err(Error::Signatures(_))), "{open:?}");
        }
        let unsigned = Channel::open(&sample().to_bytes(), &trusted(&[1], 1));
        assert!(matches!(unsigned, Err(Error::Signatures(Signatures::SignatureMissing))));
        assert_eq!(signed(&sample(), &[1, 1, 2]), file);
    }

    #[test]
    fn a_signature_of_something_else_signs_no_channel() {
        let manifest = b"{\"drydock\":\"bundle/1\",\"channel\":\"stable\"}\n";
        let file = add(manifest, &line(1, manifest)).unwrap();
        assert!(matches!(Channel::open(&file, &trusted(&[1], 1)), Err(Error::NotAChannel)));
    }

    #[test]
    fn nothing_is_parsed_before_the_signatures_hold() {
        for junk in [&b"{\"drydock\":\"channel/1\",,\n"[..], b"\xff\n", b"\n"] {
            let file = add(junk, &line(2, junk)).unwrap();
            assert!(matches!(Channel::open(&file, &trusted(&[1], 1)), Err(Error::Signatures(_))));
        }
    }

    #[test]
    fn a_file_that_is_too_long_or_cut_off_is_no_channel() {
        let keys = trusted(&[1], 1);
        let open = |file: &[u8]| Channel::open(file, &keys);
        assert!(matches!(open(&vec![b' '; MAX_FILE + 1]), Err(Error::TooLarge { .. })));
        let long = [&b"{}\n"[..], &vec![b'\n'; MAX_SIGNATURES + 1]].concat();
        assert!(matches!(open(&long), Err(Error::TooLarge { .. })));
        let file = signed(&sample(), &[1]);
        // The last newline alone may be missing.
        for end in 0..file.len() - 1 {
            assert!(open(&file[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut file = signed(&sample(), &[1, 2]);
            let at = at.index(file.len());
            file[at] ^= 1u8 << bit;
            prop_assert!(Channel::open(&file, &trusted(&[1, 2], 2)).is_err());
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Channel::open(&bytes, &trusted(&[1], 1)).is_err());
        }
    }
}
