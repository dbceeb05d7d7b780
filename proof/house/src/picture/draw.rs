//! From a picture to SVG. Colours follow the reader's choice of light or dark.

use super::grid::{Area, End, FONT, Item, LINE, Picture, UNIT};
use std::fmt::Write;

const STYLE: &str = "
text { font: 13px ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif; fill: #1b2530 }
.code { font-family: ui-monospace, 'Cascadia Mono', Menlo, 'Liberation Mono', monospace; font-size: 12px }
.head { font-weight: 600; font-size: 15px }
.note, .label { fill: #51606f }
.ground { fill: #fbfcfd; stroke: #d9e0e6 }
.area { stroke: #6b7a89; stroke-width: 1.2; fill: #ffffff }
.a { fill: #dcebfa; stroke: #3f7fbf } .b { fill: #e3f3df; stroke: #4f9a45 }
.recovery { fill: #fdeacb; stroke: #c98a1b } .state { fill: #ece5f7; stroke: #8264b8 }
.good { fill: #d6f0e0; stroke: #2f9a63 } .bad { fill: #fbdfdc; stroke: #c8564a } .ask { fill: #f1f4f7; stroke: #6b7a89 }
.line { fill: none; stroke: #51606f; stroke-width: 1.4 } .dashed { stroke-dasharray: 5 4 }
.tip { fill: #51606f } .zoom { fill: #51606f; fill-opacity: .08; stroke: #51606f; stroke-dasharray: 3 4; stroke-opacity: .6 }
@media (prefers-color-scheme: dark) {
text { fill: #e4eaf0 } .note, .label { fill: #a9b6c3 }
.ground { fill: #12181f; stroke: #2b3641 } .area { fill: #1b232c; stroke: #8494a4 }
.a { fill: #16344f; stroke: #6aa7e0 } .b { fill: #1e3a1b; stroke: #7cc172 }
.recovery { fill: #46330f; stroke: #e0ab4c } .state { fill: #332650; stroke: #ad92e0 }
.good { fill: #14402a; stroke: #5cc48d } .bad { fill: #4d211d; stroke: #e58a80 } .ask { fill: #232d37; stroke: #8494a4 }
.line { stroke: #a9b6c3 } .tip { fill: #a9b6c3 } .zoom { fill: #a9b6c3; stroke: #a9b6c3 }
}
";

/// Returns the picture as SVG.
pub(super) fn svg(picture: &Picture) -> String {
    let (width, height) = (picture.width * UNIT, picture.height * UNIT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        escape(&picture.title),
        width - 1.0,
        height - 1.0,
    );
    // Arrows go below boxes, labels above all.
    for pass in 0..3 {
        for item in &picture.items {
            match (pass, item) {
                (0, Item::Zoom { from, to }) => zoom(&mut out, *from, *to),
                (0, Item::Arrow { from, to, dashed, .. }) => arrow(&mut out, *from, *to, *dashed),
                (1, Item::Box { area, style, lines }) => draw_box(&mut out, *area, style, lines),
                (1, Item::Text { x, y, style, lines }) => {
                    let y = y * UNIT + FONT;
                    text(&mut out, (x * UNIT, y), style, "start", lines);
                }
                (2, Item::Arrow { from, label, .. }) if !label.is_empty() => {
                    draw_label(&mut out, *from, label)
                }
                _ => {}
            }
        }
    }
    out + "</svg>\n"
}

/// Writing to a string does not fail.
macro_rules! put {
    ($out:expr, $($words:tt)*) => { let _ = writeln!($out, $($words)*); };
}

fn draw_box(out: &mut String, area: Area, style: &str, lines: &[String]) {
    let (x, y, w, h) = (area.x * UNIT, area.y * UNIT, area.width * UNIT, area.height * UNIT);
    if style == "ask" {
        let (r, b, m) = (x + w, y + h, y + h / 2.0);
        let points =
            format!("{x},{m} {},{y} {},{y} {r},{m} {},{b} {},{b}", x + 12.0, r - 12.0, r - 12.0, x + 12.0);
        put!(out, "<polygon class=\"area {style}\" points=\"{points}\"/>");
    } else {
        put!(out, "<rect class=\"area {style}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"4\"/>");
    }
    let first = y + h / 2.0 - (lines.len() as f64 - 1.0) * LINE / 2.0 + FONT * 0.36;
    text(out, (x + w / 2.0, first), "word", "middle", lines);
}

fn text(out: &mut String, (x, y): (f64, f64), style: &str, anchor: &str, lines: &[String]) {
    for (at, line) in lines.iter().enumerate() {
        let y = y + at as f64 * LINE;
        put!(
            out,
            "<text class=\"{style}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            words(line)
        );
    }
}

/// A line's words; what stands between backquotes is code.
fn words(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    pieces
        .map(|(at, piece)| match at % 2 {
            1 => format!("<tspan class=\"code\">{}</tspan>", escape(piece)),
            _ => escape(piece),
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn zoom(out: &mut String, from: Area, to: Area) {
    let (y, below) = ((from.y + from.height) * UNIT, to.y * UNIT);
    let points = [
        (from.x * UNIT, y),
        ((from.x + from.width) * UNIT, y),
        ((to.x + to.width) * UNIT, below),
        (to.x * UNIT, below),
    ];
    put!(out, "<polygon class=\"zoom\" points=\"{}\"/>", joined(&points));
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// A line of straight pieces that leaves both boxes at a right angle.
fn arrow(out: &mut String, from: End, to: End, dashed: bool) {
    let (start, mut end) = ((from.x * UNIT, from.y * UNIT), (to.x * UNIT, to.y * UNIT));
    // What is nearly straight becomes straight.
    for (start, end) in [(start.0, &mut end.0), (start.1, &mut end.1)] {
        if (start - *end).abs() < UNIT {
            *end = start;
        }
    }
    let mut points = vec![start];
    let level = |end: End| end.away.1 == 0.0;
    match (level(from), level(to)) {
        // Both leave to the side: out, along, and in again. On the same side it goes around both.
        (true, true) if from.away == to.away => {
            let beyond =
                if from.away.0 > 0.0 { start.0.max(end.0) + 15.0 } else { start.0.min(end.0) - 15.0 };
            points.extend([(beyond, start.1), (beyond, end.1)]);
        }
        (true, true) => {
            let middle = f64::midpoint(start.0, end.0);
            points.extend([(middle, start.1), (middle, end.1)]);
        }
        (false, false) if from.away == to.away => {
            let beyond =
                if from.away.1 > 0.0 { start.1.max(end.1) + 15.0 } else { start.1.min(end.1) - 15.0 };
            points.extend([(start.0, beyond), (end.0, beyond)]);
        }
        (false, false) => {
            let middle = f64::midpoint(start.1, end.1);
            points.extend([(start.0, middle), (end.0, middle)]);
        }
        (true, false) => points.push((end.0, start.1)),
        (false, true) => points.push((start.0, end.1)),
    }
    // The line ends where the tip begins.
    let base = (end.0 + to.away.0 * 8.0, end.1 + to.away.1 * 8.0);
    points.push(base);
    let style = if dashed { "line dashed" } else { "line" };
    put!(out, "<polyline class=\"{style}\" points=\"{}\"/>", joined(&points));
    let (x, y) = (to.away.1 * 4.5, to.away.0 * 4.5);
    let tip = [end, (base.0 + x, base.1 + y), (base.0 - x, base.1 - y)];
    put!(out, "<polygon class=\"tip\" points=\"{}\"/>", joined(&tip));
}

/// A label stands beside the beginning of its arrow.
fn draw_label(out: &mut String, from: End, label: &str) {
    let (x, y) = (from.x * UNIT, from.y * UNIT);
    let (place, anchor) = match from.away {
        (dx, _) if dx > 0.0 => ((x + 5.0, y - 5.0), "start"),
        (dx, _) if dx < 0.0 => ((x - 5.0, y - 5.0), "end"),
        (_, dy) if dy > 0.0 => ((x + 6.0, y + 14.0), "start"),
        _ => ((x + 6.0, y - 6.0), "start"),
    };
    text(out, place, "label", anchor, &[label.to_owned()]);
}
