//! The figures, and the file that keeps them: a line for each pair and tool, with tabs between the columns.

use crate::Fallible;
use crate::measure::Cost;
use crate::pair::Pair;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

const HEAD: &str = "images\tpair\ttool\tbytes\trequests\tbeside full\tmake s\tmake CPU s\tmake KiB\tfetch s\tfetch CPU s\tfetch KiB\t\
                    apply s\tapply CPU s\tapply KiB";
const COLUMNS: usize = 15;
/// What was not measured.
const NONE: &str = "-";

/// What one tool needs for one pair.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figure {
    /// What a device fetches.
    pub(crate) bytes: u64,
    /// In how many requests, where it was fetched from a real server.
    pub(crate) requests: Option<u64>,
    /// The time to apply it, by that which the whole image took in the same rounds.
    pub(crate) beside_full: Option<f64>,
    pub(crate) make: Option<Cost>,
    /// All that a device does until it has what it needs; the installation is not in it.
    pub(crate) fetch: Option<Cost>,
    pub(crate) apply: Option<Cost>,
}

/// All figures, and where they are kept.
pub(crate) struct Figures {
    path: PathBuf,
    /// By the pair's key and the tool's name.
    known: BTreeMap<(String, String), (String, Figure)>,
}

impl Figures {
    /// Those of earlier runs, if there are any.
    pub(crate) fn load(path: PathBuf) -> Fallible<Self> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let lines = text.lines().filter(|line| *line != HEAD);
        let known = lines.map(|line| {
            parse(line).ok_or_else(|| format!("{}: not a line of figures: {line}; remove it", path.display()))
        });
        let known = known.collect::<Result<_, _>>()?;
        Ok(Self { path, known })
    }

    /// All pairs, by their keys and names.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<_> =
            self.known.iter().map(|((key, _), (name, _))| (key.clone(), name.clone())).collect();
        pairs.dedup();
        pairs
    }

    pub(crate) fn get(&self, pair: &Pair, tool: &str) -> Option<Figure> {
        self.known.get(&(pair.key.clone(), tool.into())).map(|(_, figure)| *figure)
    }

    /// Keeps a figure, in the file, too.
    pub(crate) fn set(&mut self, pair: &Pair, tool: &str, figure: Figure) -> Fallible<()> {
        self.known.insert((pair.key.clone(), tool.into()), (pair.name.clone(), figure));
        let mut text = format!("{HEAD}\n");
        for ((key, tool), (name, figure)) in &self.known {
            let requests = figure.requests.map_or(NONE.into(), |requests| requests.to_string());
            let ratio = figure.beside_full.map_or(NONE.into(), |ratio| format!("{ratio:.3}"));
            let costs = [figure.make, figure.fetch, figure.apply].map(shown).join("\t");
            text += &format!("{key}\t{name}\t{tool}\t{}\t{requests}\t{ratio}\t{costs}\n", figure.bytes);
        }
        Ok(fs::write(&self.path, text)?)
    }
}

fn shown(cost: Option<Cost>) -> String {
    match cost {
        Some(Cost { wall, cpu, peak_kib }) => format!("{wall:.2}\t{cpu:.2}\t{peak_kib}"),
        None => [NONE; 3].join("\t"),
    }
}

type Line = ((String, String), (String, Figure));

fn parse(line: &str) -> Option<Line> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [key, name, tool, bytes, requests, ratio, costs @ ..] = &columns[..] else { return None };
    let [make, fetch, apply] = costs.as_chunks::<3>().0 else { return None };
    let figure = Figure {
        bytes: bytes.parse().ok()?,
        requests: if *requests == NONE { None } else { Some(requests.parse().ok()?) },
        beside_full: if *ratio == NONE { None } else { Some(ratio.parse().ok()?) },
        make: cost(make)?,
        fetch: cost(fetch)?,
        apply: cost(apply)?,
    };
    (columns.len() == COLUMNS).then(|| ((key.to_string(), tool.to_string()), (name.to_string(), figure)))
}

/// A cost, or that there is none; `None` if it is neither.
#[expect(clippy::option_option, reason = "whether it can be read, and whether there is one")]
fn cost(columns: &[&str]) -> Option<Option<Cost>> {
    match columns {
        [NONE, NONE, NONE] => Some(None),
        [wall, cpu, peak] => {
            let (wall, cpu) = (wall.parse().ok()?, cpu.parse().ok()?);
            Some(Some(Cost { wall, cpu, peak_kib: peak.parse().ok()? }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str) -> Pair {
        Pair { name: "v1 to v2".into(), key: key.into(), ..Pair::default() }
    }

    #[test]
    fn figures_outlive_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("figures.tsv");
        let cost = Cost { wall: 1.25, cpu: 2.5, peak_kib: 77 };
        let first = Figure { bytes: 5, make: Some(cost), requests: Some(4), ..Figure::default() };
        let second = Figure { fetch: Some(cost), apply: Some(cost), beside_full: Some(0.75), ..first };
        let mut figures = Figures::load(path.clone()).unwrap();
        figures.set(&pair("a"), "xdelta3", second).unwrap();
        figures.set(&pair("a"), "xdelta3", first).unwrap();
        figures.set(&pair("b"), "xdelta3", second).unwrap();
        let again = Figures::load(path.clone()).unwrap();
        assert_eq!(again.get(&pair("a"), "xdelta3"), Some(first));
        assert_eq!(again.get(&pair("b"), "xdelta3"), Some(second));
        assert_eq!((again.get(&pair("c"), "xdelta3"), again.get(&pair("a"), "casync")), (None, None));
        fs::write(&path, "a\tv1 to v2\txdelta3\t5\t1\t2\n").unwrap();
        assert!(Figures::load(path).is_err());
    }
}
