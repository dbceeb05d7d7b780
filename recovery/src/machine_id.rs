//! The machine id that `data` keeps for systemd.

use crate::device::files::{Files, replace};
use crate::error::Error;
use crate::reset::archive::{Entry, Kind};
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
    files: &impl Files,
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
fn text(mut id: [u8; 16]) -> String {
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::files::Mounted;

    #[test]
    fn a_new_machine_id_is_32_hex_digits_and_a_line_end() {
        let id = text([0xff; 16]);
        assert_eq!((id.len(), &id[12..13], &id[16..17], &id[32..]), (33, "4", "b", "\n"));
        assert!(is_valid(id.as_bytes()) && is_valid(text([0; 16]).as_bytes()));
    }

    #[test]
    fn what_is_no_machine_id_is_made_anew_with_a_warning_and_then_stays() {
        let good = "0123456789abcdef0123456789abcdef";
        let nulls = "\0".repeat(33);
        let wrong = [
            "",
            &nulls,
            good,
            &format!("{good}0\n"),
            &format!("{}\n", "0".repeat(32)),
            &good.replace('f', "g"),
        ];
        for wrong in wrong {
            let data = tempfile::tempdir().unwrap();
            let files = Mounted(data.path().into());
            let file = data.path().join(PATH);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, wrong).unwrap();
            let mut warnings = vec![];
            let mut seven = |bytes: &mut [u8]| {
                bytes.fill(7);
                Ok(())
            };
            let id = keep(&files, &mut seven, &mut |text| warnings.push(text)).unwrap();
            assert_eq!((id, warnings.len()), (text([7; 16]).into_bytes(), 1), "{wrong:?}");
            let again = keep(&files, &mut |_| panic!("a second one is made"), &mut |_| panic!("again"));
            assert_eq!(again.unwrap(), std::fs::read(&file).unwrap());
            assert_eq!(
                std::fs::read_dir(file.parent().unwrap()).unwrap().count(),
                1,
                "something is left over"
            );
        }
    }

    #[test]
    fn a_machine_id_that_cannot_be_read_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(data.path().join(PATH)).unwrap();
        let error =
            keep(&Mounted(data.path().into()), &mut |_| panic!("one is made"), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("reading lib/drydock/machine-id"), "{error}");
        assert!(data.path().join(PATH).is_dir());
    }
}
