//! Text for slow lines and dumb terminals: printable ASCII, at most 79 columns, and a screen that is short.

use std::fmt::{Display, Write};

/// The longest line, in columns: terminals of 80 go to the next line behind the last one.
pub const COLUMNS: usize = 79;
/// The longest screen in bytes, with a carriage return for each line: at 9600 baud that takes a second.
pub const SCREEN: usize = 1000;
/// So many entries are on one part of a list; 9 leads to the next one.
pub const PER_PAGE: usize = 8;
/// What stands for bytes that are left out.
const CUT: &str = "...";

/// Returns how many parts a list has: one at least.
pub fn pages(entries: usize) -> usize {
    entries.div_ceil(PER_PAGE).max(1)
}

/// Makes text from outside harmless: nothing of it controls a terminal, and it has at most `columns` characters. Where it had
/// more, or came from a file whose name is none, that shows.
pub fn harmless(text: &str, columns: usize) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    let mut safe: String = text.chars().take(columns).map(shown).collect();
    if text.chars().nth(columns).is_some() {
        safe.truncate(columns.saturating_sub(CUT.len()));
        safe.push_str(CUT.get(..columns.min(CUT.len())).unwrap_or_default());
    }
    safe
}

/// A screen. What does not fit on it is left out, whoever wrote it.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    /// Bytes on the wire so far.
    sent: usize,
    /// Bytes that are kept for the prompt.
    kept: usize,
}

impl Page {
    /// An empty one, whose prompt comes last and always fits.
    pub fn new() -> Self {
        // The line before it and the blank behind it.
        Self { text: String::new(), sent: 0, kept: 2 * (COLUMNS + 2) }
    }

    /// Adds a line, cut to its columns. Returns whether there was room for it.
    pub fn line(&mut self, text: impl Display) -> bool {
        let line = harmless(&text.to_string(), COLUMNS);
        let fits = self.sent + line.len() + 2 + self.kept < SCREEN;
        if fits {
            self.put(&line, "\n");
        }
        fits
    }

    /// Adds a text, broken into lines at blanks where there are any; `lines` of them at most.
    pub fn paragraph(&mut self, text: &str, lines: usize) {
        let mut rest = harmless(text, lines * COLUMNS);
        for _ in 0..lines {
            if rest.is_empty() {
                return;
            }
            let at = match rest.len() > COLUMNS {
                false => rest.len(),
                true => rest
                    .get(..=COLUMNS)
                    .and_then(|line| line.rfind(' '))
                    .filter(|at| *at > 0)
                    .unwrap_or(COLUMNS),
            };
            let after = rest.split_off(at);
            self.line(&rest);
            rest = after.trim_start().to_owned();
        }
        if !rest.is_empty() {
            self.line(CUT);
        }
    }

    /// Ends it with a last line and a prompt, for both of which there always is room.
    pub fn prompt(mut self, hint: &str, prompt: &str) -> String {
        self.put(&harmless(hint, COLUMNS), "\n");
        self.put(&harmless(prompt, COLUMNS - 1), " ");
        self.text
    }

    fn put(&mut self, text: &str, end: &str) {
        self.sent += text.len() + 1 + end.len();
        let _ = write!(self.text, "{text}{end}");
    }
}

/// Bytes that a screen takes on the wire, where each line has a carriage return.
pub fn on_the_wire(screen: &str) -> usize {
    screen.len() + screen.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_controls_a_terminal_is_shown_as_question_marks() {
        assert_eq!(harmless("1.2\x1b[2J\x07\r\n\u{9b}31m", 40), "1.2?[2J?????31m".replace("?????", "????"));
        assert_eq!(harmless("gr\u{fc}n \u{202e}txt.exe", 40), "gr?n ?txt.exe");
        assert_eq!(harmless("abcdef", 6), "abcdef");
        assert_eq!(harmless("abcdefg", 6), "abc...");
        assert_eq!(harmless("abcdefg", 2), "..");
        assert_eq!(harmless("", 0), "");
    }

    #[test]
    fn a_page_has_room_for_its_prompt_whatever_else_is_on_it() {
        let mut page = Page::new();
        let lines = (0..100).take_while(|n| page.line(format!("{n} {}", "x".repeat(200)))).count();
        assert_eq!(lines, 10);
        let screen = page.prompt(&"h".repeat(200), &"p".repeat(200));
        assert!(on_the_wire(&screen) < SCREEN, "{}", on_the_wire(&screen));
        assert!(screen.lines().all(|line| line.len() <= COLUMNS));
    }

    #[test]
    fn a_paragraph_breaks_at_blanks_and_has_an_end() {
        let mut page = Page::new();
        page.paragraph(&"word ".repeat(40), 5);
        let screen = page.prompt("", ">");
        assert!(screen.lines().take(2).all(|line| line.ends_with("word")), "{screen}");
        let mut page = Page::new();
        page.paragraph(&"x".repeat(1000), 3);
        assert_eq!(page.prompt("", ">").lines().count(), 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_it_was_it_is_short_and_printable_now(text in any::<String>(), columns in 0..100_usize) {
            let safe = harmless(&text, columns);
            prop_assert!(safe.len() <= columns && safe.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }

        #[test]
        fn whatever_is_on_it_a_page_is_short_and_narrow(texts in proptest::collection::vec(any::<String>(), 0..30)) {
            let mut page = Page::new();
            for (n, text) in texts.iter().enumerate() {
                if n % 2 == 0 { page.line(text); } else { page.paragraph(text, n); }
            }
            let screen = page.prompt(&texts.concat(), &texts.concat());
            prop_assert!(on_the_wire(&screen) < SCREEN);
            prop_assert!(screen.lines().all(|line| line.len() <= COLUMNS));
        }
    }
}
