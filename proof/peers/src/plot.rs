//! The figures as a picture: for each pair a bar for each tool, as long as what a device fetches.
//!
//! Lengths grow with the logarithm: a full image is a hundred times a good delta.

use crate::figures::Figures;
use crate::pair::Pair;
use crate::rows::{Kind, ROWS};
use std::fmt::Write;

const WIDTH: f64 = 860.0;
/// Where bars begin, and how long they are at most.
const LEFT: f64 = 220.0;
const LONGEST: f64 = 540.0;
/// From one bar to the next, and how thick one is.
const STEP: f64 = 24.0;
const BAR: f64 = 16.0;
/// Above the bars of a pair: its name.
const HEAD: f64 = 48.0;

const STYLE: &str = "\
text { font: 13px ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif; fill: #1b2530 }
.head { font-weight: 600; font-size: 15px } .note { fill: #51606f }
.ground { fill: #fbfcfd; stroke: #d9e0e6 } .line { stroke: #d9e0e6 }
.theirs { fill: #b6c2cd } .bound { fill: #e6cf9f } .ours { fill: #3f7fbf }
@media (prefers-color-scheme: dark) {
text { fill: #e4eaf0 } .note { fill: #a9b6c3 }
.ground { fill: #12181f; stroke: #2b3641 } .line { stroke: #2b3641 }
.theirs { fill: #5b6b7a } .bound { fill: #7a6434 } .ours { fill: #6aa7e0 }
}
";

/// All that was measured of these pairs, as SVG.
pub(crate) fn plot(pairs: &[Pair], figures: &Figures) -> String {
    let all = pairs.iter().flat_map(|pair| ROWS.iter().filter_map(|row| figures.get(pair, row.name)));
    let bytes: Vec<u64> = all.map(|figure| figure.bytes).collect();
    let scale = Scale::of(&bytes);
    let mut body = String::new();
    let mut y = 0.0;
    for pair in pairs {
        let _ = writeln!(
            body,
            r#"<text class="head" x="20" y="{:.0}">{}</text><text class="note" x="{LEFT}" y="{:.0}">MB that a device fetches; lengths are logarithmic</text>"#,
            y + 32.0,
            escaped(&pair.name),
            y + 32.0
        );
        y += HEAD;
        for row in ROWS {
            let Some(figure) = figures.get(pair, row.name) else { continue };
            bar(&mut body, y, row.name, row.kind, figure.bytes, scale.len(figure.bytes));
            y += STEP;
        }
    }
    let mut lines = String::new();
    for decade in scale.decades() {
        let x = LEFT + scale.len(decade);
        let _ = writeln!(
            lines,
            r#"<line class="line" x1="{x:.1}" x2="{x:.1}" y1="{:.0}" y2="{:.0}"/><text class="note" text-anchor="middle" x="{x:.1}" y="{:.0}">{} MB</text>"#,
            HEAD - 6.0,
            y + 4.0,
            y + 20.0,
            mb(decade)
        );
    }
    let height = y + 36.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0}" viewBox="0 0 {WIDTH} {height:.0}" role="img">
<title>What a device fetches for an update, by tool</title>
<style>
{STYLE}</style>
<rect class="ground" x="0.5" y="0.5" width="{:.0}" height="{:.0}" rx="8"/>
{lines}{body}</svg>
"#,
        WIDTH - 1.0,
        height - 1.0
    )
}

fn bar(body: &mut String, y: f64, name: &str, kind: Kind, bytes: u64, len: f64) {
    let class = match kind {
        Kind::Ours => "ours",
        Kind::Theirs => "theirs",
        Kind::Bound => "bound",
    };
    let base = y + BAR - 3.0;
    let _ = writeln!(
        body,
        r#"<text text-anchor="end" x="{:.0}" y="{base:.0}">{}</text><rect class="{class}" x="{LEFT}" y="{y:.0}" width="{len:.1}" height="{BAR}" rx="2"/><text x="{:.1}" y="{base:.0}">{}</text>"#,
        LEFT - 8.0,
        escaped(name),
        LEFT + len + 6.0,
        mb(bytes)
    );
}

/// From bytes to lengths: from a power of ten that is smaller than all of them to the largest.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn of(bytes: &[u64]) -> Self {
        let least = bytes.iter().copied().min().unwrap_or(1).max(1);
        let most = bytes.iter().copied().max().unwrap_or(1).max(least + 1);
        Self { least: (least as f64 / 1.5).log10().floor(), most: (most as f64).log10() }
    }

    fn len(&self, bytes: u64) -> f64 {
        ((bytes.max(1) as f64).log10() - self.least).max(0.0) / (self.most - self.least) * LONGEST
    }

    /// The powers of ten of whole parts of a megabyte that are on it.
    fn decades(&self) -> impl Iterator<Item = u64> {
        let (least, most) = (self.least, self.most);
        (4..12)
            .filter(move |power| (least..=most).contains(&f64::from(*power)))
            .map(|power| 10_u64.pow(power))
    }
}

/// Decimal megabytes, with three digits that count.
fn mb(bytes: u64) -> String {
    let mb = bytes as f64 / 1e6;
    let digits = (2 - mb.max(1e-2).log10().floor() as i32).clamp(0, 3) as usize;
    format!("{mb:.digits$}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;

    #[test]
    fn megabytes_have_three_digits() {
        let shown = [134_000_000, 13_860_000, 3_384_000, 639_000, 1000].map(mb);
        assert_eq!(shown, ["134", "13.9", "3.38", "0.639", "0.001"]);
    }

    #[test]
    fn longer_bars_are_more_bytes() {
        let scale = Scale::of(&[640_000, 134_000_000]);
        assert_eq!(scale.len(134_000_000), LONGEST);
        assert!(scale.len(640_000) > 20.0 && scale.len(640_000) < scale.len(1_000_000));
        assert_eq!(scale.decades().collect::<Vec<_>>(), [100_000, 1_000_000, 10_000_000, 100_000_000]);
        for bytes in [&[][..], &[0], &[5, 5]] {
            assert!(Scale::of(bytes).len(5).is_finite());
        }
    }

    #[test]
    fn every_figure_has_a_bar_and_names_can_not_break_the_picture() {
        let dir = tempfile::tempdir().unwrap();
        let pair = Pair { name: "<v1> & v2".into(), size: 7000, key: "a".into(), ..Pair::default() };
        let mut figures = Figures::load(dir.path().join("figures")).unwrap();
        for (nth, row) in ROWS.iter().enumerate() {
            let figure = Figure { bytes: 1000 << nth, ..Figure::default() };
            figures.set(&pair, row.name, figure).unwrap();
        }
        let picture = plot(&[pair], &figures);
        assert_eq!(picture.matches("<rect class=").count(), ROWS.len() + 1);
        assert!(picture.contains("&lt;v1&gt; &amp; v2") && !picture.contains("<v1>"));
    }
}
