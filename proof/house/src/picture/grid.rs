//! What a picture's text says: boxes, arrows and words at their places, each with room for what stands in it.

use std::collections::BTreeMap;
use std::fmt;

/// Pixels in a unit.
pub(super) const UNIT: f64 = 10.0;
/// The height of a letter, and the distance from line to line, in pixels.
pub(super) const FONT: f64 = 13.0;
pub(super) const LINE: f64 = 17.0;

/// A line of the text that makes no sense, or a box that its words do not fit into.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// A picture, as its text describes it.
#[derive(Debug, Default)]
pub struct Picture {
    pub(super) title: String,
    pub(super) width: f64,
    pub(super) height: f64,
    boxes: BTreeMap<String, Area>,
    /// In the order of the text: what comes later lies on top.
    pub(super) items: Vec<Item>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Debug)]
pub(super) enum Item {
    Box { area: Area, style: String, lines: Vec<String> },
    Text { x: f64, y: f64, style: String, lines: Vec<String> },
    Arrow { from: End, to: End, dashed: bool, label: String },
    Zoom { from: Area, to: Area },
}

/// Where an arrow begins or ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) x: f64,
    pub(super) y: f64,
    /// The direction that leads away from the box.
    pub(super) away: (f64, f64),
}

const BOX_STYLES: [&str; 8] = ["plain", "a", "b", "recovery", "state", "good", "bad", "ask"];
const TEXT_STYLES: [&str; 2] = ["note", "head"];

impl Picture {
    /// Reads a picture's text.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut picture = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                picture.statement(line).map_err(|why| Mistake { line: at + 1, why })?;
            }
        }
        Ok(picture)
    }

    fn statement(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').ok_or("there is nothing behind the first word")?;
        match word {
            "picture" => {
                let (size, title) = rest.split_once(' ').ok_or("a picture has a size and a title")?;
                (self.width, self.height) = pair(size, 'x')?;
                self.title = title.trim().to_owned();
            }
            "box" => {
                let [id, place, size, style, words] = fields(rest)?;
                let ((x, y), (width, height)) = (pair(place, ',')?, pair(size, 'x')?);
                let area = Area { x, y, width, height };
                let lines = known(style, &BOX_STYLES).and_then(|()| fitting(area, style, words))?;
                if x + width > self.width || y + height > self.height {
                    return Err(format!("the box {id} is outside of the picture"));
                }
                if self.boxes.insert(id.to_owned(), area).is_some() {
                    return Err(format!("there are two boxes {id}"));
                }
                self.items.push(Item::Box { area, style: style.to_owned(), lines });
            }
            "text" => {
                let [place, style, words] = fields(rest)?;
                let ((x, y), lines) = (pair(place, ',')?, lines(words));
                known(style, &TEXT_STYLES)?;
                let room = (self.width - x) * UNIT;
                if let Some(long) = lines.iter().find(|line| width(line) > room) {
                    return Err(format!("{long:?} goes beyond the picture"));
                }
                self.items.push(Item::Text { x, y, style: style.to_owned(), lines });
            }
            "arrow" => {
                let (ends, label) = rest.split_once(" :").unwrap_or((rest, ""));
                let words: Vec<_> = ends.split_whitespace().collect();
                let (from, to, dashed) = match words[..] {
                    [from, to] => (from, to, false),
                    [from, to, "dashed"] => (from, to, true),
                    _ => return Err("an arrow has two ends, and may be `dashed`".into()),
                };
                let (from, to, label) = (self.end(from)?, self.end(to)?, label.trim().to_owned());
                self.items.push(Item::Arrow { from, to, dashed, label });
            }
            "zoom" => {
                let [from, first, last] = fields(rest)?;
                let (from, first, last) = (self.area(from)?, self.area(first)?, self.area(last)?);
                let to = Area { width: last.x + last.width - first.x, ..first };
                self.items.push(Item::Zoom { from, to });
            }
            other => return Err(format!("there is no statement `{other}`")),
        }
        Ok(())
    }

    fn area(&self, id: &str) -> Result<Area, String> {
        self.boxes.get(id).copied().ok_or_else(|| format!("there is no box {id} before this line"))
    }

    /// `ID.b` or `ID.b25`.
    fn end(&self, text: &str) -> Result<End, String> {
        let (id, side) = text.rsplit_once('.').ok_or_else(|| format!("{text} names no side"))?;
        let Area { x, y, width, height } = self.area(id)?;
        let (side, along) = side.split_at_checked(1).ok_or_else(|| format!("{text} names no side"))?;
        let along = if along.is_empty() { 50.0 } else { number(along)? } / 100.0;
        let (x, y, away) = match side {
            "l" => (x, y + height * along, (-1.0, 0.0)),
            "r" => (x + width, y + height * along, (1.0, 0.0)),
            "t" => (x + width * along, y, (0.0, -1.0)),
            "b" => (x + width * along, y + height, (0.0, 1.0)),
            other => return Err(format!("`{other}` is no side: l, r, t, b")),
        };
        Ok(End { x, y, away })
    }
}

/// The first words of a line, one for each field but the last, which takes all that is left.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let (mut fields, mut rest) = ([""; N], text.trim());
    for (at, field) in fields.iter_mut().enumerate() {
        let end = if at + 1 == N { rest.len() } else { rest.find(' ').unwrap_or(rest.len()) };
        (*field, rest) = (&rest[..end], rest[end..].trim_start());
    }
    if fields.contains(&"") { Err(format!("{N} fields are needed")) } else { Ok(fields) }
}

fn pair(text: &str, between: char) -> Result<(f64, f64), String> {
    let (one, other) = text.split_once(between).ok_or_else(|| format!("{text} is no pair of numbers"))?;
    Ok((number(one)?, number(other)?))
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn known(style: &str, styles: &[&str]) -> Result<(), String> {
    let known = styles.contains(&style);
    known.then_some(()).ok_or_else(|| format!("{style} is no style here: {}", styles.join(", ")))
}

fn lines(words: &str) -> Vec<String> {
    words.split('|').map(|line| line.trim().to_owned()).collect()
}

/// A box's lines, which must have room in it.
fn fitting(area: Area, style: &str, words: &str) -> Result<Vec<String>, String> {
    let lines = lines(words);
    let (slant, margin) = if style == "ask" { (20.0, 2.0) } else { (0.0, 6.0) };
    let room = area.width * UNIT - slant - 2.0 * margin;
    if let Some(long) = lines.iter().find(|line| width(line) > room) {
        return Err(format!("{long:?} is about {:.0} pixels long, and has room for {room}", width(long)));
    }
    if lines.len() as f64 * LINE > area.height * UNIT {
        return Err(format!("{} lines have no room in a height of {}", lines.len(), area.height));
    }
    Ok(lines)
}

/// Returns about how wide a line is, in pixels: a little more than in most fonts.
pub(super) fn width(line: &str) -> f64 {
    let pieces = line.split('`').enumerate();
    pieces.map(|(at, piece)| piece.chars().count() as f64 * if at % 2 == 1 { 7.4 } else { 0.53 * FONT }).sum()
}
