//! What a device calls itself towards technicians.

use crate::event::Events;
use crate::machine::{Machine, Place};
use crate::machine_id;
use std::path::Path;

/// The longest name in bytes: that of a device in its fleet.
const LONGEST: usize = 128;
/// What may surround a name in its file, in bytes: line ends.
const AROUND: usize = 8;
/// What a device is called that has no name.
const NAMELESS: &str = "unnamed";

/// Returns the device's name for its challenges: what is in the file of `service.name_file`, in that of `fleet.id_file`, or the
/// machine id, as far as `data` is mounted for recovery's own use; else the GUID of its disk.
///
/// The name only tells a technician which device asks. That a challenge is this device's own is for its nonce to show, so that
/// it takes nothing away from that where `data` can't be read and the name is another one.
///
/// `guid` is the one in the header of the disk's GPT, if it is known.
pub fn device_name(machine: &impl Machine, guid: Option<&str>) -> String {
    let config = machine.config();
    let configured = config.service.as_ref().and_then(|service| service.name_file.as_deref());
    #[cfg(feature = "fleet")]
    let configured = configured.or(config.fleet.as_ref().and_then(|fleet| fleet.id_file.as_deref()));
    let files = machine.is_mounted(Place::Data).then(|| machine.files(Place::Data));
    for path in [configured, Some(machine_id::PATH)].into_iter().flatten() {
        let Some(files) = &files else { break };
        let inside = Path::new(path.trim_start_matches('/'));
        let read = files.read(inside, (LONGEST + AROUND + 1) as u64);
        match read.map(|bytes| name(&bytes)) {
            Ok(Some(name)) => return name,
            Ok(None) => machine.events().warning(format_args!(
                "{path} on the data volume holds no name of a device: 1 to {LONGEST} characters of A-Z a-z 0-9 . _ -; it is called by another one"
            )),
            Err(why) => note_missing(machine.events(), path, &why),
        }
    }
    guid.or(config.disk.guid.as_deref()).unwrap_or(NAMELESS).to_owned()
}

/// A machine id need not be there; a configured file should.
fn note_missing(events: &dyn Events, path: &str, why: &std::io::Error) {
    if path != machine_id::PATH {
        events.warning(format_args!("reading the device's name from {path} on the data volume: {why}"));
    }
}

/// The name in a file, if it is one.
fn name(bytes: &[u8]) -> Option<String> {
    let name = str::from_utf8(bytes).ok()?.trim();
    let good = (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    good.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word() {
        assert_eq!(name(b"pump-7\r\n").as_deref(), Some("pump-7"));
        assert_eq!(name(&[b'x'; LONGEST]).map(|name| name.len()), Some(LONGEST));
        for bad in [&b""[..], b"\n", b"a b", b"a\x1b[2J", b"\xff", &[b'x'; LONGEST + 1]] {
            assert_eq!(name(bad), None);
        }
    }
}
