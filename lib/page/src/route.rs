//! What there is to ask for.

use crate::limits::MAX_BODY;
use crate::refusal::Refusal;

/// What a request asks for. A target is one of these words as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The page.
    Page,
    /// Its style sheet.
    Style,
    /// Its script.
    Script,
    /// What there is to show: [`View`](crate::View) as JSON.
    Status,
    /// Asks for a challenge: the body is a [`Wish`](crate::Wish).
    Ask,
    /// Answers it: the body is the wish, a line feed, and the answer.
    Answer,
    /// Does what was asked for.
    Act,
    /// Brings a bundle, as the body.
    Bundle,
}

/// Every target, its method and what it means.
const ALL: [(&str, &str, Route); 8] = [
    ("/", "GET", Route::Page),
    ("/page.css", "GET", Route::Style),
    ("/page.js", "GET", Route::Script),
    ("/status", "GET", Route::Status),
    ("/ask", "POST", Route::Ask),
    ("/answer", "POST", Route::Answer),
    ("/act", "POST", Route::Act),
    ("/bundle", "PUT", Route::Bundle),
];

impl Route {
    /// Returns what a method and a target ask for.
    pub(crate) fn of(method: &str, target: &str) -> Result<Self, Refusal> {
        let (_, expected, route) =
            ALL.iter().find(|(known, _, _)| *known == target).ok_or(Refusal::NotFound)?;
        if method == *expected { Ok(*route) } else { Err(Refusal::Method) }
    }

    /// Whether it changes anything, or asks for a change.
    pub fn changes(self) -> bool {
        matches!(self, Self::Ask | Self::Answer | Self::Act | Self::Bundle)
    }

    /// How long its body may be, in bytes. That of a bundle is limited by the room that there is.
    pub(crate) fn longest_body(self) -> u64 {
        match self {
            Self::Page | Self::Style | Self::Script | Self::Status => 0,
            Self::Ask | Self::Answer | Self::Act => MAX_BODY,
            Self::Bundle => u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_one_of_a_few_words_and_nothing_else() {
        for (target, method, route) in ALL {
            assert_eq!(Route::of(method, target), Ok(route));
            assert_eq!(Route::of("TRACE", target), Err(Refusal::Method));
        }
        for target in [
            "",
            "*",
            "//",
            "/.",
            "/..",
            "/../etc/passwd",
            "/%2e%2e/",
            "/page.js/../status",
            "/page.css?x",
            "/status#x",
            "/STATUS",
            "/status/",
            "https://10.0.0.1/status",
            "/bundle/../../data/x",
        ] {
            assert_eq!(Route::of("GET", target), Err(Refusal::NotFound), "{target}");
        }
    }
}
