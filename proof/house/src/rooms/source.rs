//! Rust sources, as far as one must understand them to see what they use: code without comments, strings and tests, and
//! the paths in it.

/// A word or a sign of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Sign(char),
}

/// A path that a source names: `crate::error::Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    /// For a `use`: the name that it brings, `*` for all of them.
    pub(super) brings: Option<String>,
    /// Whether it is only passed on to others: a `pub use`.
    pub(super) passed_on: bool,
}

/// What one source uses.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) tokens: Vec<Token>,
    pub(super) named: Vec<Named>,
    /// Modules that are only there for tests.
    pub(super) test_modules: Vec<String>,
}

impl Source {
    /// Reads a source's text.
    pub(super) fn read(text: &str) -> Self {
        let mut source = Self::default();
        source.tokens = without_tests(&tokens(text), &mut source.test_modules);
        let mut at = 0;
        while at < source.tokens.len() {
            at = match &source.tokens[at] {
                Token::Word(word) if word == "use" => source.read_use(at),
                Token::Word(_) => source.read_path(at),
                Token::Sign(_) => at + 1,
            };
        }
        source
    }

    /// Whether it names this: a word (`unsafe`, `nix`), or a path (`std::fs`) however it is written.
    pub(super) fn names(&self, what: &str) -> bool {
        let what: Vec<_> = what.split("::").collect();
        let inside = |named: &Named| named.path.windows(what.len()).any(|part| part == what);
        match what[..] {
            [word] => self.has_word(word),
            _ => self.named.iter().any(inside),
        }
    }

    fn has_word(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Word(own) if own == word))
    }

    /// Whether it defines an item of this name.
    pub(super) fn defines(&self, name: &str) -> bool {
        const KINDS: [&str; 9] = ["struct", "enum", "fn", "trait", "type", "const", "static", "mod", "union"];
        self.tokens.windows(2).any(|pair| match pair {
            [Token::Word(kind), Token::Word(own)] => own == name && KINDS.contains(&kind.as_str()),
            _ => false,
        })
    }

    /// A path outside of a `use`; a word alone is none. Returns where it ends.
    fn read_path(&mut self, from: usize) -> usize {
        let (mut path, mut at) = (vec![], from);
        while let Some(Token::Word(word)) = self.tokens.get(at) {
            path.push(word.clone());
            at += 1;
            if !self.is_path_sign(at) {
                break;
            }
            at += 2;
        }
        if path.len() > 1 {
            self.named.push(Named { path, brings: None, passed_on: false });
        }
        at.max(from + 1)
    }

    fn is_path_sign(&self, at: usize) -> bool {
        self.tokens.get(at..at + 2) == Some(&[Token::Sign(':'), Token::Sign(':')])
    }

    /// A `use` with all that is in its braces. Returns where it ends.
    fn read_use(&mut self, from: usize) -> usize {
        let before = from.checked_sub(1).map(|at| &self.tokens[at]);
        let passed_on = match before {
            Some(Token::Word(word)) => word == "pub",
            Some(Token::Sign(')')) => true,
            _ => false,
        };
        self.read_tree(from + 1, &[], passed_on)
    }

    fn read_tree(&mut self, mut at: usize, prefix: &[String], passed_on: bool) -> usize {
        let mut path = prefix.to_vec();
        loop {
            match self.tokens.get(at).cloned() {
                Some(Token::Word(word)) if word == "as" => {
                    if let Some(Token::Word(alias)) = self.tokens.get(at + 1).cloned() {
                        self.named.push(Named { path: path.clone(), brings: Some(alias), passed_on });
                    }
                    path.clear();
                    at += 2;
                }
                Some(Token::Word(word)) => {
                    // `self` at the end of a list is the module that the list is of.
                    if word != "self" || path.is_empty() {
                        path.push(word);
                    }
                    at += 1;
                }
                Some(Token::Sign('*')) => {
                    self.named.push(Named { path: path.clone(), brings: Some("*".into()), passed_on });
                    path.clear();
                    at += 1;
                }
                Some(Token::Sign('{')) => {
                    at += 1;
                    while !matches!(self.tokens.get(at), Some(Token::Sign('}' | ';')) | None) {
                        at = self.read_tree(at, &path, passed_on);
                        if self.tokens.get(at) == Some(&Token::Sign(',')) {
                            at += 1;
                        }
                    }
                    path.clear();
                    at += 1;
                }
                Some(Token::Sign(':')) => at += 1,
                _ => break,
            }
        }
        if path.len() > prefix.len() || (path.len() == prefix.len() && !path.is_empty()) {
            let brings = path.last().cloned();
            self.named.push(Named { path, brings, passed_on });
        }
        at
    }
}

/// The words and signs of a text, without comments and what stands in quotes.
fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let find = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        let found = letters.get(from..).and_then(|rest| rest.windows(end.len()).position(|part| part == end));
        found.map_or(letters.len(), |found| from + found + end.len())
    };
    while at < letters.len() {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        at = match letters[at] {
            '/' if next == '/' => find(at, "\n"),
            '/' if next == '*' => find(at + 2, "*/"),
            '"' => string_end(&letters, at + 1),
            '\'' if next == '\\' => find(at + 3, "'"),
            '\'' if letters.get(at + 2) == Some(&'\'') => at + 3,
            letter if letter.is_alphabetic() || letter == '_' => {
                let rest =
                    letters[at..].iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_');
                let word: String = rest.collect();
                let end = at + word.chars().count();
                let hashes = letters[end..].iter().take_while(|letter| **letter == '#').count();
                let raw =
                    matches!(word.as_str(), "r" | "br" | "cr") && letters.get(end + hashes) == Some(&'"');
                if raw {
                    find(end + hashes + 1, &format!("\"{}", "#".repeat(hashes)))
                } else {
                    tokens.push(Token::Word(word));
                    end
                }
            }
            letter => {
                if !letter.is_whitespace() {
                    tokens.push(Token::Sign(letter));
                }
                at + 1
            }
        };
    }
    tokens
}

fn string_end(letters: &[char], mut at: usize) -> usize {
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Leaves out each item behind `#[cfg(test)]`, and notes the modules among them that have a file of their own.
fn without_tests(tokens: &[Token], modules: &mut Vec<String>) -> Vec<Token> {
    let attribute = self::tokens("#[cfg(test)]");
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if !tokens[at..].starts_with(&attribute) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += attribute.len();
        let (begin, mut depth) = (at, 0_usize);
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                Token::Sign('{' | '(' | '[') => depth += 1,
                Token::Sign('}' | ')' | ']') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && *token == Token::Sign('}') {
                        break;
                    }
                }
                Token::Sign(';') if depth == 0 => break,
                _ => {}
            }
        }
        if let [.., Token::Word(word), Token::Word(name), Token::Sign(';')] = &tokens[begin..at]
            && word == "mod"
        {
            modules.push(name.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_seen_however_it_is_written() {
        for text in [
            "use std::fs;",
            "use std::{io, fs::File};",
            "use ::std::{fs as files};",
            "fn f() { std::fs::read(p) }",
        ] {
            assert!(Source::read(text).names("std::fs"), "{text}");
        }
        for text in [
            "// use std::fs;",
            "/* std::fs */",
            "\"std::fs\"",
            "r#\"std::fs \" \"#",
            "use std::{io, fmt};",
            "/// `std::fs`",
        ] {
            assert!(!Source::read(text).names("std::fs"), "{text}");
        }
        assert!(Source::read("let c = '\"'; unsafe { x }").names("unsafe"));
        assert!(!Source::read("#![forbid(unsafe_code)] fn f<'a>(x: &'a str) {}").names("unsafe"));
    }

    #[test]
    fn tests_do_not_count() {
        let source = Source::read(
            "use a::b;\n#[cfg(test)]\nmod tests { use std::fs; fn f() { {} } }\n#[cfg(test)]\nmod other;\n#[cfg(test)]\nuse std::fs;\nfn g() { c::d() }",
        );
        assert!(!source.names("std::fs") && source.names("a::b") && source.names("c::d"));
        assert_eq!(source.test_modules, ["other"]);
    }

    #[test]
    fn a_list_is_taken_apart() {
        let source = Source::read("pub use crate::a::{self, b::{C, D as E}, f::*};");
        let named: Vec<_> =
            source.named.iter().map(|named| (named.path.join("::"), named.brings.clone().unwrap())).collect();
        let expected =
            [("crate::a", "a"), ("crate::a::b::C", "C"), ("crate::a::b::D", "E"), ("crate::a::f", "*")];
        assert_eq!(named, expected.map(|(path, name)| (path.to_owned(), name.to_owned())));
        assert!(source.named.iter().all(|named| named.passed_on));
    }
}
