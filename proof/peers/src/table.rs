//! The table of one pair.

use crate::figures::Figures;
use crate::measure::Cost;
use crate::pair::Pair;
use crate::rows::{HDIFFPATCH, ROWS};

/// All rows that were measured with this pair, as text.
pub(crate) fn table(pair: &Pair, figures: &Figures) -> String {
    let phase = |name: &str| format!("   {:>8} {:>7} {:>5}", format!("{name} s"), "CPU s", "MiB");
    let phases: String = ["make", "fetch", "apply"].map(phase).concat();
    let mut text = format!(
        "{}: {} bytes of image\n{:33} {:>11} {:>7} {:>8}{phases} {:>6}\n",
        pair.name, pair.size, "", "bytes", "/ HDiff", "requests", "/ full"
    );
    let measure = figures.get(pair, HDIFFPATCH).map(|figure| figure.bytes);
    for row in ROWS {
        let Some(figure) = figures.get(pair, row.name) else { continue };
        let ratio = measure.map_or("-".into(), |bytes| format!("{:.3}", figure.bytes as f64 / bytes as f64));
        let requests = figure.requests.map_or("-".into(), |requests| requests.to_string());
        let beside = figure.beside_full.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let costs = [figure.make, figure.fetch, figure.apply].map(shown).concat();
        text += &format!("{:33} {:11} {ratio:>7} {requests:>8}{costs} {beside:>6}\n", row.name, figure.bytes);
    }
    text
}

fn shown(cost: Option<Cost>) -> String {
    match cost {
        Some(Cost { wall, cpu, peak_kib }) => {
            format!("   {wall:8.1} {cpu:7.1} {:5.0}", peak_kib as f64 / 1024.0)
        }
        None => format!("   {:>8} {:>7} {:>5}", "-", "-", "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;

    #[test]
    fn a_table_has_what_was_measured_and_how_it_compares() {
        let dir = tempfile::tempdir().unwrap();
        let pair = Pair { name: "v1 to v2".into(), size: 7000, key: "a".into(), ..Pair::default() };
        let mut figures = Figures::load(dir.path().join("figures")).unwrap();
        let cost = Cost { wall: 2.0, cpu: 3.0, peak_kib: 2048 };
        figures.set(&pair, "xdelta3", Figure { bytes: 300, make: Some(cost), ..Figure::default() }).unwrap();
        assert!(table(&pair, &figures).lines().nth(2).unwrap().starts_with("xdelta3 "));
        assert!(table(&pair, &figures).contains(" 300       -        -        2.0     3.0     2 "));
        let ours = Figure {
            bytes: 200,
            requests: Some(7),
            beside_full: Some(0.5),
            apply: Some(cost),
            ..Figure::default()
        };
        figures.set(&pair, HDIFFPATCH, ours).unwrap();
        let table = table(&pair, &figures);
        assert!(table.contains(" 300   1.500 ") && table.contains(" 200   1.000        7 "), "{table}");
        assert!(table.contains("     2.0     3.0     2   0.50\n"), "{table}");
        assert_eq!(table.lines().count(), 4);
    }
}
