//! The environment block: what GRUB reads and counts in, byte for byte as GRUB 2.06 (`grub-core/lib/envblk.c`) has it.

use crate::bootloader::variables::{self, damaged, observed};
use crate::bootloader::{Observed, Wanted};
use drydock_block::Error;

/// The size of the environment block in bytes: one sector, so that it is either old or new.
///
/// GRUB's own tool makes 1024 bytes, which can tear between its two sectors; GRUB reads and writes a block
/// of 512 bytes just as well.
pub const ENV_SIZE: usize = 512;

const SIGNATURE: &str = "# GRUB Environment Block\n";
/// Returns the block as it stands on the medium.
///
/// Linux writes the whole block; GRUB only takes one off a counter. `dd_gen` at the beginning and `dd_end` at the end
/// carry the same generation: GRUB accepts torn and truncated blocks, its script does not.
pub fn encode_env(wanted: &Wanted) -> [u8; ENV_SIZE] {
    let text = format!("{SIGNATURE}{}\n", variables::lines(wanted).join("\n"));
    let mut block = [b'#'; ENV_SIZE];
    block[..text.len()].copy_from_slice(text.as_bytes());
    block
}

/// Reads a block the way GRUB's script does: variables in any order, unknown ones ignored; anything missing, out of range
/// or with two generations is an error. Only `dd_copy` may be missing: that means copy a.
pub fn decode_env(block: &[u8]) -> Result<Observed, Error> {
    let body =
        block.strip_prefix(SIGNATURE.as_bytes()).ok_or_else(|| damaged("its first line is missing"))?;
    let text = body.split(|&b| b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let variables: Vec<(&str, &str)> = text
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(up_to_nul)
        .collect();
    observed(&|name| variables.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value))
}

/// To GRUB, names and values are C strings.
fn up_to_nul<'l>((name, value): (&'l str, &'l str)) -> (&'l str, &'l str) {
    let cut = |text: &'l str| text.split('\0').next().unwrap_or_default();
    (cut(name), cut(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootloader::{Mode, Starts};
    use crate::generation::Generation;
    use crate::name::{CopyName, SetName};
    use proptest::prelude::*;

    fn any_wanted() -> impl Strategy<Value = Wanted> {
        (0u32..100_000_000, any::<[bool; 3]>(), 0u8..10, 0u8..10, 0u8..10).prop_map(
            |(generation, [first_b, job, copy_b], a, b, recovery)| Wanted {
                generation: Generation(generation),
                first: if first_b { SetName::B } else { SetName::A },
                mode: if job { Mode::Recovery } else { Mode::Normal },
                attempts: Starts { a, b, recovery },
                copy: if copy_b { CopyName::B } else { CopyName::A },
            },
        )
    }

    const WANTED: Wanted = Wanted {
        generation: Generation(17),
        first: SetName::B,
        mode: Mode::Recovery,
        attempts: Starts { a: 3, b: 3, recovery: 3 },
        copy: CopyName::B,
    };

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(wanted in any_wanted()) {
            prop_assert_eq!(decode_env(&encode_env(&wanted)).unwrap(), wanted.fresh());
        }

        #[test]
        fn a_block_torn_between_two_generations_is_refused(a in any_wanted(), b in any_wanted(), cut in 40usize..120) {
            prop_assume!(a.generation != b.generation);
            let mut block = encode_env(&a);
            block[cut..].copy_from_slice(&encode_env(&b)[cut..]);
            // A cut before the first generation's digits end or after the last one's gives one whole block.
            let decoded = decode_env(&block).ok();
            prop_assert!(decoded.is_none_or(|found| found == a.fresh() || found == b.fresh()));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut block = SIGNATURE.as_bytes().to_vec();
            block.extend(bytes);
            let _ = decode_env(&block);
        }
    }

    #[test]
    fn grubs_own_counting_leaves_every_other_byte_alone() {
        let before = encode_env(&WANTED);
        let after = encode_env(&Wanted { attempts: Starts { recovery: 2, ..WANTED.attempts }, ..WANTED });
        assert_eq!(before.iter().zip(&after).filter(|(x, y)| x != y).count(), 1);
    }

    #[test]
    fn a_value_ends_at_a_nul_as_it_does_for_grub() {
        let text = String::from_utf8(encode_env(&WANTED).to_vec()).unwrap();
        let copy_a = Observed { copy: CopyName::A, ..WANTED.fresh() };
        assert_eq!(decode_env(text.replace("dd_copy=b", "dd_copy=\0").as_bytes()).unwrap(), copy_a);
        assert!(decode_env(text.replace("dd_a=3", "dd_a=\0").as_bytes()).is_err());
    }

    #[test]
    fn an_environment_of_an_older_drydock_means_copy_a() {
        let text = String::from_utf8(encode_env(&WANTED).to_vec()).unwrap().replace("dd_copy=b\n", "");
        let copy_a = Observed { copy: CopyName::A, ..WANTED.fresh() };
        assert_eq!(decode_env(text.as_bytes()).unwrap(), copy_a);
    }
}
