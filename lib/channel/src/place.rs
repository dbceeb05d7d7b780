//! A device's place among all: who comes first is drawn anew for each release, and stays for it.

use drydock_format::{Digest, sha256};

/// How many places there are.
pub const PLACES: u32 = 10_000;

/// Returns a device's place for a release, 0 to 9999: the first 32 bits, big endian, of SHA-256 over the channel's name, the
/// manifest digest in hex and the device's id, with a newline between them, modulo 10000.
pub fn place(channel: &str, manifest: &Digest, id: &str) -> u32 {
    let Digest(hash) = sha256(format!("{channel}\n{manifest}\n{id}").as_bytes());
    let [a, b, c, d, ..] = hash;
    u32::from_be_bytes([a, b, c, d]) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_is_that_of_the_reference() {
        // printf 'stable\n%064d\npump-7' 0 | sha256sum
        assert_eq!(place("stable", &Digest([0; 32]), "pump-7"), 2542);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// 20,000 devices: the share is met within six standard deviations.
        #[test]
        fn a_share_is_met(manifest in any::<[u8; 32]>(), share in 1..PLACES, prefix in "[a-z]{0,8}-?") {
            let count = 20_000_u32;
            let chosen = (0..count)
                .filter(|number| place("stable", &Digest(manifest), &format!("{prefix}{number}")) < share)
                .count() as f64;
            let part = f64::from(share) / f64::from(PLACES);
            let expected = part * f64::from(count);
            let deviation = (expected * (1.0 - part)).sqrt();
            prop_assert!((chosen - expected).abs() <= 6.0 * deviation + 1.0, "{chosen} of {expected}");
        }

        /// Who is among the first tenth of one release is so in the next with a tenth's chance.
        #[test]
        fn it_is_not_always_the_same_who_come_first(one in any::<[u8; 32]>(), other in any::<[u8; 32]>()) {
            prop_assume!(one != other);
            let first = |manifest, id: &str| place("stable", &Digest(manifest), id) < PLACES / 10;
            let ids: Vec<String> = (0..20_000).map(|number| format!("pump-{number}")).collect();
            let both = ids.iter().filter(|id| first(one, id) && first(other, id)).count();
            prop_assert!((110..=290).contains(&both), "{both} of about 200");
        }
    }
}
