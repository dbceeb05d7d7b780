//! The text of a config file, to point at the place of a fault.

use crate::Fault;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A config file that has been read.
#[derive(Clone, Debug)]
pub struct ConfigText {
    path: PathBuf,
    text: String,
}

impl ConfigText {
    pub(crate) fn new(path: &Path, text: String) -> Self {
        Self { path: path.into(), text }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the folder that relative paths in this file start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Returns a fault of the key `at`, a dotted path with array indexes as numbers: `slot.0.class`. A key that is not
    /// written in the file is placed at the innermost table around it that is.
    pub fn fault(&self, at: &str, message: impl Into<String>) -> Fault {
        self.fault_at_span(self.span_of(at), message)
    }

    pub(crate) fn fault_at_span(&self, span: Option<Range<usize>>, message: impl Into<String>) -> Fault {
        let message = message.into();
        let before = span.as_ref().and_then(|span| self.text.get(..span.start));
        let (Some(span), Some(before)) = (span, before) else {
            return Fault { file: self.path.clone(), place: None, line: String::new(), width: 1, message };
        };
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let column = before[line_start..].chars().count() + 1;
        let meant = self.text.get(span).unwrap_or("").lines().next().unwrap_or("").chars().count();
        let place = Some((before.matches('\n').count() + 1, column));
        // A tab would move the marker away from what it marks.
        Fault { file: self.path.clone(), place, line: line.replace('\t', " "), width: meant.max(1), message }
    }

    fn span_of(&self, at: &str) -> Option<Range<usize>> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut names = at.split('.');
        let mut found = root.get_ref().get(names.next()?)?;
        for name in names {
            let inner = match found.get_ref() {
                DeValue::Table(table) => table.get(name),
                DeValue::Array(array) => name.parse().ok().and_then(|index: usize| array.get(index)),
                _ => None,
            };
            match inner {
                Some(inner) => found = inner,
                None => break,
            }
        }
        Some(found.span())
    }
}
