//! Searches for devices, in the part of RSQL that operators use.

use crate::http::Response;
use crate::store::{Store, Target};

/// A search: alternatives of things that must all hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    any: Vec<Vec<Term>>,
}

/// One comparison.
#[derive(Clone, Debug)]
struct Term {
    field: String,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Is(String),
    IsNot(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Null,
    NotNull,
    Order(&'static str, String),
}

impl Filter {
    /// What a request asks for; everything where it asks for nothing. 400 for what can't be read.
    pub(crate) fn asked(search: Option<&str>) -> Result<Self, Response> {
        match search.map(str::trim) {
            None | Some("") => Ok(Self::default()),
            Some(text) => Self::parse(text).ok_or_else(|| Response::empty(400)),
        }
    }

    /// Reads a search: comparisons, joined by `and` or `;`, and these by `or` or `,`. Brackets are not read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let any = split(text, "or", ',');
        let any = any.iter().map(|all| split(all, "and", ';').iter().map(|term| Term::parse(term)).collect());
        Some(Self { any: any.collect::<Option<_>>()? })
    }

    /// Whether a device is meant.
    pub(crate) fn matches(&self, store: &Store, target: &Target) -> bool {
        self.any.is_empty()
            || self
                .any
                .iter()
                .any(|all| all.iter().all(|term| term.holds(&value(store, target, &term.field))))
    }
}

/// Cuts at a word or its sign, but not within brackets or quotes.
fn split(text: &str, word: &str, sign: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0, None);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match (quote, next) {
            (Some(open), _) if open == next => quote = None,
            (None, '\'' | '"') => quote = Some(next),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        let spaced = rest.get(..word.len() + 2).filter(|_| depth == 0 && quote.is_none());
        if spaced.is_some_and(|spaced| spaced.eq_ignore_ascii_case(&format!(" {word} "))) {
            parts.push(String::new());
            rest = &rest[word.len() + 2..];
            continue;
        }
        if next == sign && depth == 0 && quote.is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(next);
        }
        rest = &rest[next.len_utf8()..];
    }
    parts
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = text.find(['=', '!', '<', '>'])?;
        let (field, rest) = text.split_at(at);
        let bare = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
        let list = |text: &str| -> Option<Vec<String>> {
            let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
            Some(inner.split(',').map(bare).collect())
        };
        let how = if let Some(value) = rest.strip_prefix("==") {
            How::Is(bare(value))
        } else if let Some(value) = rest.strip_prefix("!=") {
            How::IsNot(bare(value))
        } else if let Some(values) = rest.strip_prefix("=in=") {
            How::In(list(values)?)
        } else if let Some(values) = rest.strip_prefix("=out=") {
            How::NotIn(list(values)?)
        } else if rest == "=is=null" {
            How::Null
        } else if rest == "=not=null" {
            How::NotNull
        } else {
            const ORDERS: [(&str, &str); 8] = [
                ("=le=", "<="),
                ("=ge=", ">="),
                ("=lt=", "<"),
                ("=gt=", ">"),
                ("<=", "<="),
                (">=", ">="),
                ("<", "<"),
                (">", ">"),
            ];
            let mut orders =
                ORDERS.iter().filter_map(|(sign, order)| Some((order, rest.strip_prefix(sign)?)));
            let (order, value) = orders.next()?;
            How::Order(order, bare(value))
        };
        let field = field.trim().to_owned();
        known(&field).then_some(Self { field, how })
    }

    fn holds(&self, value: &Option<String>) -> bool {
        let like = |pattern: &str| value.as_deref().is_some_and(|value| like(pattern, value));
        match &self.how {
            How::Is(pattern) => like(pattern),
            // A device that lacks the attribute is in neither.
            How::IsNot(pattern) => value.is_some() && !like(pattern),
            How::In(patterns) => patterns.iter().any(|pattern| like(pattern)),
            How::NotIn(patterns) => value.is_some() && !patterns.iter().any(|pattern| like(pattern)),
            How::Null => value.is_none(),
            How::NotNull => value.is_some(),
            How::Order(order, than) => value.as_deref().is_some_and(|value| {
                let order_is = match (value.parse::<i64>(), than.parse::<i64>()) {
                    (Ok(value), Ok(than)) => value.cmp(&than),
                    _ => value.cmp(than),
                };
                match *order {
                    "<=" => order_is.is_le(),
                    ">=" => order_is.is_ge(),
                    "<" => order_is.is_lt(),
                    _ => order_is.is_gt(),
                }
            }),
        }
    }
}

/// Whether devices have such a field.
fn known(field: &str) -> bool {
    let fields = [
        "id",
        "controllerid",
        "name",
        "description",
        "updatestatus",
        "assignedds.name",
        "assignedds.version",
        "installedds.name",
        "installedds.version",
        "createdat",
        "lastcontrollerrequestat",
    ];
    let lower = field.to_lowercase();
    fields.contains(&lower.as_str()) || lower.starts_with("attribute.") || lower.starts_with("metadata.")
}

fn value(store: &Store, target: &Target, field: &str) -> Option<String> {
    if let Some((_, key)) = field.split_once('.').filter(|(first, _)| first.eq_ignore_ascii_case("attribute"))
    {
        return target.attributes.get(key).cloned();
    }
    if let Some((_, key)) = field.split_once('.').filter(|(first, _)| first.eq_ignore_ascii_case("metadata"))
    {
        return target.metadata.get(key).cloned();
    }
    let set = |id: Option<u64>| store.contents.sets.get(&id?);
    match field.to_lowercase().as_str() {
        "id" | "controllerid" => Some(target.id.clone()),
        "name" => Some(target.name.clone()),
        "description" => target.description.clone(),
        "updatestatus" => Some(target.status.to_owned()),
        "assignedds.name" => set(target.assigned).map(|set| set.name.clone()),
        "assignedds.version" => set(target.assigned).map(|set| set.version.clone()),
        "installedds.name" => set(target.installed).map(|set| set.name.clone()),
        "installedds.version" => set(target.installed).map(|set| set.version.clone()),
        "createdat" => Some(target.created.to_string()),
        _ => target.last_poll.map(|at| at.to_string()),
    }
}

/// Compares without regard to case; `*` is anything.
fn like(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_lowercase(), value.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = value.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(search: &str) -> Vec<&'static str> {
        let mut store = Store::default();
        for (id, pairs) in [
            ("a", &[("board", "bbb"), ("site", "s1")][..]),
            ("b", &[("board", "rpi"), ("site", "s3")]),
            ("c", &[]),
        ] {
            let target = store.add_target(id, None, "unknown", 1).unwrap();
            target.attributes = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        }
        let filter = Filter::parse(search).unwrap();
        let found = |id: &&str| filter.matches(&store, &store.targets[*id]);
        ["a", "b", "c"].into_iter().filter(|id| found(id)).collect()
    }

    #[test]
    fn devices_are_found_by_their_attributes() {
        assert_eq!(found("attribute.board==bbb and attribute.site=in=(s1,s3)"), ["a"]);
        assert_eq!(found("attribute.board==bbb or attribute.board==rpi"), ["a", "b"]);
        assert_eq!(found("attribute.board==b*;attribute.site==*1"), ["a"]);
        assert_eq!(found("attribute.board!=bbb"), ["b"]);
        assert_eq!(found("attribute.board=is=null"), ["c"]);
        assert_eq!(found("controllerId==B,name=='c'"), ["b", "c"]);
        assert_eq!(found("attribute.site=ge=s2"), ["b"]);
    }

    #[test]
    fn what_is_no_search_is_refused() {
        for text in ["board", "wheels==4", "attribute.a=in=x", "attribute.a=~b"] {
            assert!(Filter::parse(text).is_none(), "{text}");
        }
    }
}
