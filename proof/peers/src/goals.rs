//! What was aimed at, and whether it is met.

use crate::figures::Figures;
use crate::pair::Pair;
use crate::rows::{AS_IS, HDIFFPATCH, UNPACKED};

/// What a bundle with a delta may take to make, in GB.
const MAKE_GB: f64 = 2.5;
/// What a device may take beyond its key derivation, in MiB.
const DEVICE_MIB: f64 = 32.0;
/// What it may take to apply a delta, by what the whole image takes.
const BESIDE_FULL: f64 = 1.0;

/// What is aimed at for one of the pairs that the script makes.
struct Aim {
    pair: &'static str,
    /// The most that a device fetches, by what HDiffPatch needs.
    as_is: f64,
    unpacked: f64,
    /// How long making the bundle may take.
    minutes: f64,
}

const AIMS: [Aim; 3] = [
    Aim { pair: "security updates", as_is: 0.85, unpacked: 0.38, minutes: 5.0 },
    Aim { pair: "with a new kernel", as_is: 0.92, unpacked: 0.40, minutes: 10.0 },
    Aim { pair: "nginx added", as_is: 0.98, unpacked: 0.98, minutes: 5.0 },
];

/// Where a pair comes in tables and pictures, by its name.
pub(crate) fn place(pair: &str) -> usize {
    AIMS.iter().position(|aim| aim.pair == pair).unwrap_or(AIMS.len())
}

/// One line for each goal of which something was measured. Sizes are aimed at only for the pairs that the script makes.
pub(crate) fn verdicts(pair: &Pair, figures: &Figures) -> String {
    let aim = AIMS.iter().find(|aim| aim.pair == pair.name);
    let get = |row: &str| figures.get(pair, row);
    let mut lines = String::new();
    let mut judge = |what: &str, found: Option<f64>, most: Option<f64>| {
        if let (Some(found), Some(most)) = (found, most) {
            let verdict = if found <= most { "met" } else { "MISSED" };
            lines += &format!("goal {verdict:6} {what}: {found:.3}, at most {most} is wanted\n");
        }
    };
    let part = |row: &str| Some(get(row)?.bytes as f64 / get(HDIFFPATCH)?.bytes as f64);
    judge("packed files as they are, part of HDiffPatch", part(AS_IS), aim.map(|aim| aim.as_is));
    judge("packed files unpacked, part of HDiffPatch", part(UNPACKED), aim.map(|aim| aim.unpacked));
    let Some(ours) = get(UNPACKED) else { return lines };
    judge("minutes to make the bundle", ours.make.map(|cost| cost.wall / 60.0), aim.map(|aim| aim.minutes));
    judge("GB to make the bundle", ours.make.map(|cost| cost.peak_kib as f64 * 1024.0 / 1e9), Some(MAKE_GB));
    judge("time to apply, beside the whole image", ours.beside_full, Some(BESIDE_FULL));
    let mib = |cost: crate::measure::Cost| cost.peak_kib as f64 / 1024.0;
    judge("MiB to fetch", ours.fetch.map(mib), Some(DEVICE_MIB));
    judge("MiB to apply", ours.apply.map(mib), Some(DEVICE_MIB));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::measure::Cost;

    fn pair(name: &str) -> Pair {
        Pair { name: name.into(), size: 7000, key: "a".into(), ..Pair::default() }
    }

    #[test]
    fn a_goal_that_is_missed_is_said_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let mut figures = Figures::load(dir.path().join("figures")).unwrap();
        let (usual, other) = (pair("nginx added"), pair("other"));
        assert_eq!(verdicts(&usual, &figures), "");
        figures.set(&usual, HDIFFPATCH, Figure { bytes: 1000, ..Figure::default() }).unwrap();
        figures.set(&usual, AS_IS, Figure { bytes: 1009, ..Figure::default() }).unwrap();
        let missed =
            "goal MISSED packed files as they are, part of HDiffPatch: 1.009, at most 0.98 is wanted\n";
        assert_eq!(verdicts(&usual, &figures), missed);
        assert_eq!(verdicts(&other, &figures), "");
        let cost = Cost { wall: 290.0, cpu: 1.0, peak_kib: 33 << 10 };
        let ours = Figure {
            bytes: 970,
            make: Some(cost),
            apply: Some(cost),
            beside_full: Some(1.01),
            ..Figure::default()
        };
        figures.set(&usual, UNPACKED, ours).unwrap();
        let said = verdicts(&usual, &figures);
        assert!(said.contains("goal met    packed files unpacked, part of HDiffPatch: 0.970"), "{said}");
        assert!(said.contains("goal met    minutes to make the bundle: 4.833, at most 5 "), "{said}");
        assert_eq!(said.matches("MISSED").count(), 3, "{said}");
        // Nothing is aimed at for the sizes of images that nobody knows.
        assert_eq!(verdicts(&other, &figures).lines().count(), 3);
    }
}
