//! The head of a bundle: all that stands before the members of its images.

use crate::archive::{Archive, Signed};
use crate::limits::{DELTAS, DELTAS_SIGNATURES, LEFT_OUT, MANIFEST, SIGNATURES};
use crate::manifest::RECOVERY_PROTOCOL;
use crate::{Error, KeyId, Manifest, Supplement, Trusted, sha256, signature};

/// The longest list of what a slim bundle has left out, in bytes.
const MAX_LEFT_OUT: u64 = 512 << 10;

/// What stands before the members of the images.
pub(crate) struct Head {
    /// The manifest as it was signed.
    pub(crate) front: Signed,
    /// The document of the deltas that were made later, as it was signed.
    pub(crate) supplement: Option<Signed>,
    /// The manifest, with what the supplement adds to it.
    pub(crate) manifest: Manifest,
    /// The trusted keys that have signed the manifest.
    pub(crate) signers: Vec<KeyId>,
    /// The names of the members that were left out, a line each.
    pub(crate) left_out: String,
    /// Where the first header of an image's member stands.
    pub(crate) end: u64,
}

impl Head {
    /// Reads the head. The manifest's signatures are checked before it is parsed and before anything behind them is read,
    /// and so are the supplement's. Where nobody is `trusted` no signatures are checked.
    pub(crate) fn read(archive: &Archive, trusted: Option<&Trusted>) -> Result<Self, Error> {
        let verify = |signed: &Signed| match trusted {
            Some(trusted) => signature::verify(&signed.bytes, &signed.signatures, trusted),
            None => Ok(Vec::new()),
        };
        let (front, at) = Signed::read(archive, 0, [MANIFEST, SIGNATURES])?;
        let signers = verify(&front)?;
        let mut manifest = Manifest::parse(&front.bytes)?;
        if manifest.min_recovery > RECOVERY_PROTOCOL {
            return Err(Error::NeedsNewerRecovery { needed: manifest.min_recovery, have: RECOVERY_PROTOCOL });
        }
        let (left_out, mut end) = left_out(archive, at)?;
        let mut supplement = None;
        if archive.peek(end, DELTAS).is_some() {
            let mut read = || {
                let (signed, after) = Signed::read(archive, end, [DELTAS, DELTAS_SIGNATURES])?;
                verify(&signed)?;
                Supplement::parse(&signed.bytes)?.join(&mut manifest, sha256(&front.bytes))?;
                end = after;
                Ok(signed)
            };
            supplement = Some(read().map_err(Error::of_supplement)?);
        }
        Ok(Self { front, supplement, manifest, signers, left_out, end })
    }
}

/// Reads which members a slim bundle has left out, if it is one, in the manifest's order; returns them, a line each, and
/// where the next header stands. Whoever made it slim need not be trusted: what is left out can only be missed.
fn left_out(archive: &Archive, at: u64) -> Result<(String, u64), Error> {
    let Some(header) = archive.peek(at, LEFT_OUT) else { return Ok((String::new(), at)) };
    let problem = |problem: &str| Error::LeftOutList { problem: problem.into() };
    if header.size > MAX_LEFT_OUT {
        return Err(problem("it is too long"));
    }
    let (offset, end) = archive.expect(at, LEFT_OUT, header.size)?;
    let mut bytes = vec![0; header.size as usize];
    archive.read(LEFT_OUT, offset, &mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| problem("it is no text"))?;
    Ok((text, end))
}
