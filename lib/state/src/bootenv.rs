use crate::set::SetName;
use drydock_block::Error;

/// The size of the environment block in bytes: one sector, so that it is either old or new.
///
/// GRUB's own tool makes 1024 bytes, which can tear between its two sectors; GRUB reads and writes a block
/// of 512 bytes just as well.
pub const SIZE: usize = 512;

const WHAT: &str = "boot environment";
const SIGNATURE: &str = "# GRUB Environment Block\n";

/// What the bootloader reads and counts in.
///
/// Linux writes the whole block; the bootloader only takes one off a counter, which never changes the
/// block's layout because each counter is one digit. `dd_gen` at the beginning and `dd_end` at the end carry
/// the same generation: GRUB accepts torn and truncated blocks, its script does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootEnv {
    /// The generation of the record that it was derived from.
    pub generation: u32,
    /// The set that is tried first; the other one is tried after it.
    pub first: SetName,
    /// Whether recovery has a job.
    pub mode: Mode,
    /// Starts left for set a, 0 to 9; 0 means that it is not to be booted.
    pub left_a: u8,
    /// Starts left for set b, 0 to 9.
    pub left_b: u8,
    /// Starts left for recovery, 0 to 9.
    pub left_recovery: u8,
    /// The copy of the recovery that is tried first; the other one is tried after it.
    pub copy: SetName,
}

/// Whether recovery has a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Boot the sets in order.
    Normal,
    /// Boot recovery first.
    Recovery,
}

impl BootEnv {
    /// The starts left for a set.
    pub fn left(&self, set: SetName) -> u8 {
        match set {
            SetName::A => self.left_a,
            SetName::B => self.left_b,
        }
    }

    /// The starts left for a set, to change them.
    pub fn left_mut(&mut self, set: SetName) -> &mut u8 {
        match set {
            SetName::A => &mut self.left_a,
            SetName::B => &mut self.left_b,
        }
    }

    /// The block as it stands on the medium.
    pub fn encode(&self) -> [u8; SIZE] {
        let order = match self.first {
            SetName::A => "ab",
            SetName::B => "ba",
        };
        let mode = match self.mode {
            Mode::Normal => 'n',
            Mode::Recovery => 'r',
        };
        let generation = self.generation % 100_000_000;
        let text = format!(
            "{SIGNATURE}dd_gen={generation:08}\ndd_order={order}\ndd_mode={mode}\ndd_a={}\ndd_b={}\ndd_r={}\ndd_copy={}\ndd_end={generation:08}\n",
            self.left_a.min(9),
            self.left_b.min(9),
            self.left_recovery.min(9),
            self.copy,
        );
        let mut block = [b'#'; SIZE];
        block[..text.len()].copy_from_slice(text.as_bytes());
        block
    }

    /// Reads a block the way the bootloader's script does: variables in any order, unknown ones ignored;
    /// anything missing, out of range or with two generations is an error. Only `dd_copy` may be missing: that means
    /// copy a.
    pub fn decode(block: &[u8]) -> Result<Self, Error> {
        let damaged = |why: &str| Error::Damaged { what: WHAT, why: why.to_owned() };
        let body =
            block.strip_prefix(SIGNATURE.as_bytes()).ok_or_else(|| damaged("its first line is missing"))?;
        let text = body.split(|&b| b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let variables: Vec<(&str, &str)> =
            text.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
        let get = |name: &str| {
            let found = variables.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
            found.ok_or_else(|| damaged(&format!("{name} is missing")))
        };
        let digits = |name: &str, count: usize| {
            let value = get(name)?;
            let plain = value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
            value
                .parse::<u32>()
                .ok()
                .filter(|_| plain)
                .ok_or_else(|| damaged(&format!("{name} is `{value}`")))
        };
        let generation = digits("dd_gen", 8)?;
        if digits("dd_end", 8)? != generation {
            return Err(damaged("its beginning and its end are of two generations"));
        }
        let left = |name: &str| digits(name, 1).map(|n| n as u8);
        Ok(Self {
            generation,
            first: match get("dd_order")? {
                "ab" => SetName::A,
                "ba" => SetName::B,
                other => return Err(damaged(&format!("dd_order is `{other}`"))),
            },
            mode: match get("dd_mode")? {
                "n" => Mode::Normal,
                "r" => Mode::Recovery,
                other => return Err(damaged(&format!("dd_mode is `{other}`"))),
            },
            left_a: left("dd_a")?,
            left_b: left("dd_b")?,
            left_recovery: left("dd_r")?,
            copy: match get("dd_copy").unwrap_or_default() {
                "" | "a" => SetName::A,
                "b" => SetName::B,
                other => return Err(damaged(&format!("dd_copy is `{other}`"))),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_env() -> impl Strategy<Value = BootEnv> {
        (0u32..100_000_000, any::<[bool; 3]>(), 0u8..10, 0u8..10, 0u8..10).prop_map(
            |(generation, [b, r, copy_b], left_a, left_b, left_recovery)| BootEnv {
                generation,
                first: if b { SetName::B } else { SetName::A },
                mode: if r { Mode::Recovery } else { Mode::Normal },
                left_a,
                left_b,
                left_recovery,
                copy: if copy_b { SetName::B } else { SetName::A },
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(env in any_env()) {
            prop_assert_eq!(BootEnv::decode(&env.encode()).unwrap(), env);
        }

        #[test]
        fn a_block_torn_between_two_generations_is_refused(a in any_env(), b in any_env(), cut in 40usize..120) {
            prop_assume!(a.generation != b.generation);
            let mut block = a.encode();
            block[cut..].copy_from_slice(&b.encode()[cut..]);
            // A cut before the first generation's digits end or after the last one's gives one whole block.
            let decoded = BootEnv::decode(&block);
            prop_assert!(decoded.is_err() || decoded.as_ref().ok() == Some(&a) || decoded.as_ref().ok() == Some(&b));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut block = SIGNATURE.as_bytes().to_vec();
            block.extend(bytes);
            let _ = BootEnv::decode(&block);
        }
    }

    #[test]
    fn grubs_own_counting_leaves_every_other_byte_alone() {
        let mut env = BootEnv {
            generation: 17,
            first: SetName::B,
            mode: Mode::Recovery,
            left_a: 3,
            left_b: 3,
            left_recovery: 3,
            copy: SetName::A,
        };
        let before = env.encode();
        env.left_recovery = 2;
        let after = env.encode();
        assert_eq!(before.iter().zip(&after).filter(|(x, y)| x != y).count(), 1);
    }

    #[test]
    fn an_environment_of_an_older_drydock_means_copy_a() {
        let env = BootEnv {
            generation: 17,
            first: SetName::A,
            mode: Mode::Normal,
            left_a: 3,
            left_b: 3,
            left_recovery: 3,
            copy: SetName::B,
        };
        let text = String::from_utf8(env.encode().to_vec()).unwrap().replace("dd_copy=b\n", "");
        assert_eq!(BootEnv::decode(text.as_bytes()).unwrap(), BootEnv { copy: SetName::A, ..env });
    }
}
