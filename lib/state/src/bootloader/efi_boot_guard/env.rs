//! BGENV.DAT: one environment of EFI Boot Guard, byte for byte as its `include/envdata.h` lays it out. The layout is the same
//! in every release from 0.3 to 0.22 that was built without other sizes.

use drydock_block::{Error, crc32};

/// The size of the file in bytes. One that was built with other sizes, or a later one, has another.
pub const ENV_SIZE: usize = 132_104;
/// What follows the strings, the state and the revision: room for user variables.
pub(super) const VARIABLES: usize = 131_072;

pub(super) const WHAT: &str = "environment of EFI Boot Guard";
/// Each of the two strings has so many bytes, two for a character, with a NUL at the end.
const STRING: usize = 510;
const IN_PROGRESS_AT: usize = 2 * STRING;
const USTATE_AT: usize = IN_PROGRESS_AT + 1;
const TIMEOUT_AT: usize = USTATE_AT + 1;
const REVISION_AT: usize = TIMEOUT_AT + 2;
const VARIABLES_AT: usize = REVISION_AT + 4;
const CRC_AT: usize = VARIABLES_AT + VARIABLES;

/// What the loader knows of what an environment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ustate {
    /// It is started, and that is not counted.
    Ok,
    /// It has its one try before it.
    Installed,
    /// It was started.
    Testing,
    /// It was started, and the machine was reset since.
    Failed,
}

/// An environment whose checksum holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// What is started: `C:LABEL:FILE` is the file on the volume whose file `EFILABEL` begins with LABEL. 254 characters at
    /// most.
    pub kernel: String,
    /// Somebody is at work on it: it is not started.
    pub in_progress: bool,
    /// What is known of it.
    pub ustate: Ustate,
    /// How long the watchdog waits, in seconds; 0: there is none.
    pub watchdog: u16,
    /// The higher one is started; 0 is none.
    pub revision: u32,
    /// The user variables, 131,072 bytes.
    pub variables: Vec<u8>,
}

impl Environment {
    /// Reads the file's contents. Another size, a wrong checksum, and values that the loader does not have are an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != ENV_SIZE {
            return Err(damaged("it has another size"));
        }
        if crc32(&bytes[..CRC_AT]) != le32(bytes, CRC_AT) {
            return Err(damaged("its checksum is wrong"));
        }
        let name = bytes[..STRING].as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair));
        let name: Vec<u16> = name.take(STRING / 2 - 1).take_while(|&unit| unit != 0).collect();
        Ok(Self {
            kernel: String::from_utf16(&name).map_err(|_| damaged("the kernel's name is no text"))?,
            in_progress: match bytes[IN_PROGRESS_AT] {
                0 => false,
                1 => true,
                _ => return Err(damaged("in_progress is neither 0 nor 1")),
            },
            ustate: match bytes[USTATE_AT] {
                0 => Ustate::Ok,
                1 => Ustate::Installed,
                2 => Ustate::Testing,
                3 => Ustate::Failed,
                _ => return Err(damaged("it has an ustate that there is not")),
            },
            watchdog: u16::from_le_bytes([bytes[TIMEOUT_AT], bytes[TIMEOUT_AT + 1]]),
            revision: le32(bytes, REVISION_AT),
            variables: bytes[VARIABLES_AT..CRC_AT].to_vec(),
        })
    }

    /// Returns the file's contents. The kernel's parameters are left empty: a unified image has its own.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; ENV_SIZE];
        // The last character stays a NUL.
        let room = bytes[..STRING - 2].as_chunks_mut().0;
        room.iter_mut().zip(self.kernel.encode_utf16()).for_each(|(to, unit)| *to = unit.to_le_bytes());
        bytes[IN_PROGRESS_AT] = u8::from(self.in_progress);
        bytes[USTATE_AT] = match self.ustate {
            Ustate::Ok => 0,
            Ustate::Installed => 1,
            Ustate::Testing => 2,
            Ustate::Failed => 3,
        };
        bytes[TIMEOUT_AT..REVISION_AT].copy_from_slice(&self.watchdog.to_le_bytes());
        bytes[REVISION_AT..VARIABLES_AT].copy_from_slice(&self.revision.to_le_bytes());
        let variables = &self.variables[..self.variables.len().min(VARIABLES)];
        bytes[VARIABLES_AT..][..variables.len()].copy_from_slice(variables);
        let crc = crc32(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// The user variables in a file whose checksum may be wrong: a write that was cut does not move them.
pub(super) fn variables_in(bytes: &[u8]) -> &[u8] {
    bytes.get(VARIABLES_AT..CRC_AT).unwrap_or_default()
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn damaged(why: &str) -> Error {
    Error::Damaged { what: WHAT, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootloader::efi_boot_guard::variables;
    use proptest::prelude::*;

    fn any_environment() -> impl Strategy<Value = Environment> {
        let ustate = prop_oneof![
            Just(Ustate::Ok),
            Just(Ustate::Installed),
            Just(Ustate::Testing),
            Just(Ustate::Failed)
        ];
        let numbers = (any::<bool>(), any::<u16>(), any::<u32>(), any::<u8>());
        ("[a-zA-Z:.\u{e4}-]{0,254}", ustate, numbers).prop_map(
            |(kernel, ustate, (in_progress, watchdog, revision, fill))| Environment {
                kernel,
                in_progress,
                ustate,
                watchdog,
                revision,
                variables: vec![fill; VARIABLES],
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_encoded_is_decoded(environment in any_environment()) {
            prop_assert_eq!(Environment::decode(&environment.encode()).unwrap(), environment);
        }

        #[test]
        fn what_is_torn_or_damaged_is_refused(
            a in any_environment(), b in any_environment(), cut in 0usize..=258, flip in 0usize..ENV_SIZE,
        ) {
            let (old, mut torn) = (a.encode(), b.encode());
            let cut = (cut * 512).min(ENV_SIZE);
            torn[cut..].copy_from_slice(&old[cut..]);
            let found = Environment::decode(&torn).ok();
            prop_assert!(found.is_none_or(|found| found == a || found == b));
            let mut damaged = a.encode();
            damaged[flip] ^= 0x10;
            prop_assert!(Environment::decode(&damaged).is_err());
        }
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_name_that_is_too_long_never_spills_over() {
        let environment = Environment {
            kernel: "k".repeat(300),
            in_progress: false,
            ustate: Ustate::Installed,
            watchdog: 7,
            revision: 2,
            variables: variables::join(&[], "mine").unwrap(),
        };
        let read = Environment::decode(&environment.encode()).unwrap();
        assert_eq!((read.kernel, read.watchdog), ("k".repeat(254), 7));
    }
}
