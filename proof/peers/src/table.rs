//! The table of one pair.

use crate::figures::Figures;
use crate::measure::Cost;
use crate::pair::Pair;
use crate::tools::{HDIFFPATCH, TOOLS};

/// All tools that were measured with this pair, as text.
pub(crate) fn table(pair: &Pair, figures: &Figures) -> String {
    let mut text = format!(
        "{}: {} bytes of image\n{:30} {:>12} {:>7}   {:>8} {:>8} {:>7}   {:>8} {:>8} {:>7}\n",
        pair.name, pair.size, "", "bytes", "/ HDiff", "make s", "CPU s", "MiB", "apply s", "CPU s", "MiB"
    );
    let measure = figures.get(pair, HDIFFPATCH).map(|figure| figure.bytes);
    for tool in TOOLS {
        let Some(figure) = figures.get(pair, tool.name) else { continue };
        let ratio = measure.map_or("-".into(), |bytes| format!("{:.3}", figure.bytes as f64 / bytes as f64));
        let [make, apply] = [figure.make, figure.apply].map(shown);
        text += &format!("{:30} {:12} {ratio:>7}   {make}   {apply}\n", tool.name, figure.bytes);
    }
    text
}

fn shown(cost: Option<Cost>) -> String {
    match cost {
        Some(Cost { wall, cpu, peak_kib }) => {
            format!("{wall:8.1} {cpu:8.1} {:7.0}", peak_kib as f64 / 1024.0)
        }
        None => format!("{:>8} {:>8} {:>7}", "-", "-", "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use std::path::PathBuf;

    #[test]
    fn a_table_has_what_was_measured_and_how_it_compares() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new, digest) = (PathBuf::new(), PathBuf::new(), String::new());
        let pair = Pair { name: "v1 to v2".into(), old, new, size: 7000, digest, key: "a".into() };
        let mut figures = Figures::load(dir.path().join("figures")).unwrap();
        let cost = Cost { wall: 2.0, cpu: 3.0, peak_kib: 2048 };
        figures.set(&pair, "xdelta3", Figure { bytes: 300, make: Some(cost), apply: None }).unwrap();
        assert!(table(&pair, &figures).lines().nth(2).unwrap().starts_with("xdelta3 "));
        assert!(table(&pair, &figures).contains(" 300       -        2.0      3.0       2 "));
        figures.set(&pair, HDIFFPATCH, Figure { bytes: 200, make: None, apply: None }).unwrap();
        let table = table(&pair, &figures);
        assert!(table.contains(" 300   1.500 ") && table.contains(" 200   1.000 "), "{table}");
        assert_eq!(table.lines().count(), 4);
    }
}
