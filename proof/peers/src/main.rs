//! `make bench-delta`: what a device has to fetch for an update from one image to another, with drydock and with others'
//! tools, and what that costs to make and to apply.
//!
//! `bench-delta [--only ROW]... [[NAME=]OLD NEW]...` measures each tool with each pair of images, prints a table for each, says
//! which goals are missed, and draws them all. Figures are kept by the images' digests: of what was measured before, only
//! drydock is measured again. With `--only` just the tools of those rows are measured, and again. Tools that are not installed are
//! left out. All that is written is in `target/bench-delta`.
//!
//! `bench-delta draw FIGURES PICTURE` draws figures that were kept.
//!
//! drydock's bytes are those that a real nginx has logged, of a device's own client ([`transfer`]); its times to apply are those
//! of whole installations, in rounds that alternate with that of the whole image ([`device`]).

mod device;
mod figures;
mod goals;
mod measure;
mod nginx;
mod pair;
mod plot;
mod rows;
mod table;
mod tools;
#[cfg(feature = "network")]
mod transfer;

use figures::Figures;
use pair::Pair;
use rows::{ROWS, UNPACKED};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tools::{Job, TOOLS};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: bench-delta [--only ROW]... [[NAME=]OLD NEW]...";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        // What is measured of drydock runs as a program of its own, as the others do.
        #[cfg(feature = "network")]
        ["fetch", folder, url, name, threads] => transfer::fetch(Path::new(folder), url, name, threads),
        ["install", folder, bundle, threads] => device::install(Path::new(folder), bundle, threads),
        ["draw", figures, picture] => draw(Path::new(figures)).and_then(|svg| Ok(fs::write(picture, svg)?)),
        _ => compare(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench-delta: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be done, by the words of the command line.
struct Wanted<'a> {
    only: Vec<&'a str>,
    /// With a name each.
    pairs: Vec<(String, &'a str, &'a str)>,
}

fn wanted<'a>(words: &[&'a str]) -> Fallible<Wanted<'a>> {
    let mut wanted = Wanted { only: Vec::new(), pairs: Vec::new() };
    let mut left = words;
    loop {
        left = match left {
            [] => return Ok(wanted),
            ["--only", tool, rest @ ..] => {
                if !ROWS.iter().any(|known| known.name == *tool) {
                    let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
                    return Err(format!("no row is called {tool}; known are {}", names.join(", ")).into());
                }
                wanted.only.push(tool);
                rest
            }
            [word, ..] if word.starts_with('-') => return Err(USAGE.into()),
            [old, new, rest @ ..] => {
                let (name, old) = match old.split_once('=') {
                    Some((name, old)) => (name.to_owned(), old),
                    None => (pair::name_of(Path::new(old), Path::new(new)), *old),
                };
                wanted.pairs.push((name, old, new));
                rest
            }
            [_] => return Err(USAGE.into()),
        };
    }
}

fn compare(words: &[&str]) -> Fallible<()> {
    let Wanted { only, pairs } = wanted(words)?;
    if pairs.is_empty() {
        return Err(USAGE.into());
    }
    let folder = PathBuf::from("target/bench-delta");
    fs::create_dir_all(&folder)?;
    let folder = fs::canonicalize(folder)?;
    let mut figures = Figures::load(folder.join("figures.tsv"))?;
    let mut done = Vec::new();
    for (name, old, new) in pairs {
        let pair = Pair::open(name, Path::new(old), Path::new(new))?;
        measure_all(&folder, &pair, &only, &mut figures)?;
        println!("\n{}{}", table::table(&pair, &figures), goals::verdicts(&pair, &figures));
        done.push(pair);
    }
    let picture = folder.join("delta.svg");
    fs::write(&picture, plot::plot(&done, &figures))?;
    println!("figures: {}; drawn: {}", folder.join("figures.tsv").display(), picture.display());
    Ok(())
}

/// What a file of figures looks like.
fn draw(figures: &Path) -> Fallible<String> {
    let figures = Figures::load(figures.into())?;
    let pair = |(key, name)| Pair { key, name, ..Pair::default() };
    let mut pairs: Vec<Pair> = figures.pairs().into_iter().map(pair).collect();
    pairs.sort_by_key(|pair| goals::place(&pair.name));
    Ok(plot::plot(&pairs, &figures))
}

/// Measures every tool with one pair, and keeps what is found as soon as it is.
fn measure_all(folder: &Path, pair: &Pair, only: &[&str], figures: &mut Figures) -> Fallible<()> {
    for tool in TOOLS {
        let now = match only {
            [] => {
                tool.rows.contains(&UNPACKED) || tool.rows.iter().any(|row| figures.get(pair, row).is_none())
            }
            only => tool.rows.iter().any(|row| only.contains(row)),
        };
        if !now {
            continue;
        }
        let names = tool.rows.join("; ");
        if let Some(missing) = (tool.missing)(folder) {
            eprintln!("{names}: left out: {missing}");
            continue;
        }
        eprintln!("{}: {names}", pair.name);
        let scratch = tempfile::tempdir_in(folder)?;
        let job = Job { folder, scratch: scratch.path(), pair };
        match (tool.run)(&job) {
            Ok(found) => {
                for (row, figure) in tool.rows.iter().zip(found) {
                    figures.set(pair, row, figure)?;
                }
            }
            // A tool that drydock is measured against must not stop that.
            Err(why) => eprintln!("{names}: left out: {why}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_images_and_may_have_a_name() {
        let words = ["--only", "xdelta3", "dir/v1.img", "v2.img", "kernel=a", "b"];
        let wanted = wanted(&words).unwrap();
        assert_eq!(wanted.only, ["xdelta3"]);
        let pairs = [("v1 to v2".into(), "dir/v1.img", "v2.img"), ("kernel".into(), "a", "b")];
        assert_eq!(wanted.pairs, pairs);
    }

    #[test]
    fn the_picture_in_the_documents_is_what_the_figures_beside_it_say() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/measured");
        let picture = fs::read_to_string(folder.join("deltas.svg")).unwrap();
        assert!(
            draw(&folder.join("deltas.tsv")).unwrap() == picture,
            "draw it anew: bench-delta draw FIGURES PICTURE"
        );
        assert_eq!(picture.matches("class=\"head\"").count(), 3);
    }

    #[test]
    fn words_that_mean_nothing_are_refused() {
        for words in [&["one"][..], &["--only"], &["--only", "tar", "a", "b"], &["--more", "a", "b"]] {
            assert!(wanted(words).is_err(), "{words:?}");
        }
    }
}
