//! Patterns that stand for files by their names.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

/// The longest pattern in bytes.
const LONGEST: usize = 256;

/// A pattern: names separated by `/`. In a name `*` stands for any characters, also none, and `?` for one byte; a name that
/// is `**` stands for any number of folders, also none. What a pattern matches it stands for with all that is below.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Whether a path, or a folder above it, is what the pattern stands for. The time that it takes is bounded by the product
    /// of both lengths and the number of folders.
    pub fn covers(&self, path: &Path) -> bool {
        let pattern: Vec<&[u8]> = self.0.split('/').map(str::as_bytes).collect();
        let names: Vec<&[u8]> = path.iter().map(OsStrExt::as_bytes).collect();
        (1..=names.len()).any(|count| matches(&pattern, &names[..count], |name| *name == b"**", name_matches))
    }

    /// Whether something below a folder may be what the pattern stands for.
    pub fn leads_through(&self, folder: &Path) -> bool {
        let mut parts = self.0.split('/').map(str::as_bytes);
        for name in folder.iter().map(OsStrExt::as_bytes) {
            match parts.next() {
                Some(b"**") | None => return true,
                Some(part) if name_matches(&part, &name) => {}
                Some(_) => return false,
            }
        }
        true
    }
}

/// Whether a name fits the pattern of one.
fn name_matches(pattern: &&[u8], name: &&[u8]) -> bool {
    matches(pattern, name, |byte| *byte == b'*', |pattern, byte| *pattern == b'?' || pattern == byte)
}

/// Whether a row of things fits a pattern, some of whose parts stand for any number of things: it is enough to come back to
/// the last one of these.
fn matches<P, T>(
    pattern: &[P],
    things: &[T],
    is_any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut next, mut back) = (0, 0, None);
    while let Some(thing) = things.get(next) {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                back = Some((at, next));
                at += 1;
            }
            Some(part) if fits(part, thing) => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((any, taken)) = back else { return false };
                back = Some((any, taken + 1));
                (at, next) = (any + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Pattern { text: text.into(), problem });
        if text.is_empty() || text.len() > LONGEST {
            return wrong("must have 1 to 256 bytes");
        }
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return wrong("must not have control characters");
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return wrong(
                "must be names separated by single slashes, without a first and a last one, `.` and `..`",
            );
        }
        if text.split('/').any(|part| part.contains("**") && part != "**") {
            return wrong("must have `**` as a whole name only");
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which files are meant: only these, all but these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Only what one of these stands for. None: all.
    pub only: Vec<Pattern>,
    /// Nothing that one of these stands for.
    pub except: Vec<Pattern>,
}

impl Choice {
    /// Whether a path is meant.
    pub fn has(&self, path: &Path) -> bool {
        let covered = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.covers(path));
        (self.only.is_empty() || covered(&self.only)) && !covered(&self.except)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covers(pattern: &str, path: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().covers(Path::new(path))
    }

    #[test]
    fn a_pattern_stands_for_what_it_matches_and_for_all_below() {
        for (pattern, path) in [
            ("etc", "etc"),
            ("etc", "etc/app/a.conf"),
            ("etc/*.conf", "etc/a.conf"),
            ("etc/*.conf", "etc/a.conf/inner"),
            ("**/*.so", "lib.so"),
            ("**/*.so", "a/b/lib.so"),
            ("a/**/z", "a/z"),
            ("a/**/z", "a/b/c/z"),
            ("a/**", "a"),
            ("?at", "cat"),
            ("*a*b*c", "xxaxxbxxbxxc"),
            ("**/a/**/b", "a/a/x/a/b"),
        ] {
            assert!(covers(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("etc", "etcetera"),
            ("etc/*.conf", "etc/sub/a.conf"),
            ("etc/app", "etc"),
            ("*", ""),
            ("?at", "at"),
            ("a/**/z", "a/b"),
            ("*.so", "a/b.so"),
        ] {
            assert!(!covers(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "/etc", "etc/", "a//b", "../a", "a/./b", "a**", "a/**b", "a\n", &"x".repeat(257)] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_that_leads_to_nothing_is_not_looked_into() {
        let leads = |pattern: &str, folder: &str| {
            pattern.parse::<Pattern>().unwrap().leads_through(Path::new(folder))
        };
        assert!(leads("etc/ssh/*", "") && leads("etc/ssh/*", "etc") && leads("*/ssh/*", "etc/ssh"));
        assert!(!leads("etc/ssh/*", "usr") && !leads("etc/ssh/*", "etc/ssl") && leads("**/key", "usr/lib"));
    }

    /// The same, said by trying everything.
    fn slowly(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=name.len()).any(|skip| slowly(rest, &name[skip..])),
            (Some((b'?', rest)), Some((_, name))) => slowly(rest, name),
            (Some((one, rest)), Some((other, name))) => one == other && slowly(rest, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn names_match_as_if_everything_were_tried(pattern in "[ab*?]{1,8}", name in "[ab]{1,8}") {
            prop_assume!(!pattern.contains("**"));
            prop_assert_eq!(covers(&pattern, &name), slowly(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn folders_match_as_if_everything_were_tried(pattern in "[ab*]{1,6}", path in "[ab]{1,6}") {
            // Each letter is a folder, and each star any number of them.
            let slashed = |text: &str| -> Vec<String> {
                text.chars().map(|c| if c == '*' { "**".into() } else { c.to_string() }).collect()
            };
            let (parts, names) = (slashed(&pattern), slashed(&path));
            let expected = (1..=path.len()).any(|end| slowly(pattern.as_bytes(), &path.as_bytes()[..end]));
            prop_assert_eq!(covers(&parts.join("/"), &names.join("/")), expected);
        }

        #[test]
        fn whatever_a_pattern_stands_for_is_found_through_the_folders_above_it(
            pattern in "[ab*?/]{1,10}", path in "[ab]{1,3}(/[ab]{1,3}){0,4}"
        ) {
            let Ok(pattern) = pattern.parse::<Pattern>() else { return Ok(()) };
            let path = Path::new(&path);
            if pattern.covers(path) {
                prop_assert!(path.ancestors().skip(1).all(|folder| pattern.leads_through(folder)));
            }
        }

        #[test]
        fn what_is_below_a_chosen_folder_is_chosen_too(only in "[ab*]{1,4}", path in "[ab]{1,4}(/[ab]{1,4}){0,3}") {
            prop_assume!(!only.contains("**"));
            let choice = Choice { only: vec![only.parse().unwrap()], except: vec![] };
            if choice.has(Path::new(&path)) {
                prop_assert!(choice.has(&Path::new(&path).join("below")));
            }
            let but = Choice { only: vec![], except: choice.only.clone() };
            prop_assert_ne!(but.has(Path::new(&path)), choice.has(Path::new(&path)));
        }
    }
}
