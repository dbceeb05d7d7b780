//! The machine id that `data` keeps for systemd.

use crate::error::Error;
use crate::files::{Files, replace};
use crate::reset::archive::{Entry, Kind};
use drydock_block::uuid;
use std::io;
use std::path::Path;

/// Where it is on `data`.
pub const PATH: &str = "lib/drydock/machine-id";
/// 32 hex digits and a line end.
const LEN: usize = 33;
const ADVICE: &str = "systemd makes up an id for this boot";

/// The id that is kept. Makes one where there is none, and in place of what can't be one, which is a warning; it is on
/// stable storage on return. One that can't be read is left alone: it may be the right one.
pub fn keep(
    files: &(impl Files + ?Sized),
    random: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
    warn: &mut dyn FnMut(String),
) -> Result<Vec<u8>, Error> {
    let path = Path::new(PATH);
    match files.read(path, LEN as u64 + 1) {
        Ok(kept) if is_valid(&kept) => return Ok(kept),
        Ok(_) => warn(format!("{PATH} on data holds no machine id; this machine gets a new one")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::system("reading", PATH, ADVICE)(error)),
    }
    let mut bytes = [0; 16];
    random(&mut bytes).map_err(Error::system("making", "a machine id", ADVICE))?;
    let contents = text(bytes).into_bytes();
    let file = Entry { kind: Kind::File, path, mode: 0o444, uid: 0, gid: 0, contents: &contents };
    replace(files, &file).map_err(Error::system("writing", PATH, ADVICE))?;
    Ok(contents)
}

/// Whether this is an id, as machine-id(5) has it: not all zeros, either.
fn is_valid(bytes: &[u8]) -> bool {
    let Some((b'\n', digits)) = bytes.split_last() else { return false };
    digits.len() + 1 == LEN
        && digits.iter().all(u8::is_ascii_hexdigit)
        && digits.iter().any(|digit| *digit != b'0')
}

/// 128 random bits as machine-id(5) wants them: a version 4 UUID without hyphens.
fn text(random: [u8; 16]) -> String {
    let id = uuid::version_4(random);
    id.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_machine_id_is_32_hex_digits_and_a_line_end() {
        let id = text([0xff; 16]);
        assert_eq!((id.len(), &id[12..13], &id[16..17], &id[32..]), (33, "4", "b", "\n"));
        assert!(is_valid(id.as_bytes()) && is_valid(text([0; 16]).as_bytes()));
    }
}
