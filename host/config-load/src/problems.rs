//! What is wrong with a configuration, as it is found.

/// The key at fault (see `ConfigText::fault`), and what is wrong with it.
pub(crate) type Problem = (String, String);

/// What was found so far.
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Adds a problem with the key `at`, unless all is well.
    pub(crate) fn unless(&mut self, holds: bool, at: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.0.push((at.into(), message.into()));
        }
    }

    /// Adds a problem with the key `at`, unless its value is within its limits.
    pub(crate) fn unless_within(&mut self, value: u32, least: u32, most: u32, at: impl Into<String>) {
        let message = format!("{value} is out of range: {least} to {most}");
        self.unless((least..=most).contains(&value), at, message);
    }
}

/// Whether a word has 1 to `longest` small letters, digits and characters of `more`; also capitals, with `upper`.
pub(crate) fn is_word(word: &str, longest: usize, more: &str, upper: bool) -> bool {
    let good = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c) || (upper && c.is_ascii_uppercase())
    };
    (1..=longest).contains(&word.len()) && word.chars().all(good)
}

/// Whether it is an absolute path without `..`.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.split('/').any(|part| part == "..")
}
