//! Searches, in the part of RSQL that operators use.

use crate::store::Denied;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 20;

/// A search.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// All of these hold. None at all: everything is found.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    One(Term),
}

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Term {
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
    /// What a request asks for; everything where it asks for nothing.
    pub(crate) fn asked(search: Option<&str>, fields: &[&str]) -> Result<Self, Denied> {
        match search.map(str::trim) {
            None | Some("") => Ok(Self::All(vec![])),
            Some(text) => Self::parse(text, fields),
        }
    }

    /// Reads a search: comparisons, joined by `and` or `;`, and these by `or` or `,`, with brackets.
    /// `fields` are those that there are, in lower case; one that ends with a dot has keys of its own behind it.
    pub(crate) fn parse(text: &str, fields: &[&str]) -> Result<Self, Denied> {
        Self::any(text, fields, MAX_DEPTH)
    }

    fn any(text: &str, fields: &[&str], depth: usize) -> Result<Self, Denied> {
        let all = |text: &String| {
            let terms = split(text, "and", ';');
            Ok(Self::All(terms.iter().map(|term| Self::one(term, fields, depth)).collect::<Result<_, _>>()?))
        };
        Ok(Self::Any(split(text, "or", ',').iter().map(all).collect::<Result<_, _>>()?))
    }

    fn one(text: &str, fields: &[&str], depth: usize) -> Result<Self, Denied> {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        match inner {
            Some(inner) if depth > 0 => Self::any(inner, fields, depth - 1),
            Some(_) => Err(Denied::Invalid("search")),
            None => Ok(Self::One(Term::parse(text, fields)?)),
        }
    }

    /// What a field is compared with.
    pub(crate) fn values_of(&self, field: &str) -> Vec<&str> {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().flat_map(|filter| filter.values_of(field)).collect()
            }
            Self::One(term) if term.field == field => match &term.how {
                How::Is(value) | How::IsNot(value) | How::Order(_, value) => vec![value],
                How::In(values) | How::NotIn(values) => values.iter().map(String::as_str).collect(),
                How::Null | How::NotNull => vec![],
            },
            Self::One(_) => vec![],
        }
    }

    /// Whether something is meant that has these values.
    pub(crate) fn holds(&self, value: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(value)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(value)),
            Self::One(term) => term.holds(&value(&term.field)),
        }
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
    fn parse(text: &str, fields: &[&str]) -> Result<Self, Denied> {
        let mut term = Self::read(text).ok_or(Denied::Invalid("search"))?;
        let lower = term.field.to_lowercase();
        let known = fields
            .iter()
            .find(|known| **known == lower || (known.ends_with('.') && lower.starts_with(**known)));
        // Only a key is told from another one by its case.
        let length = known.ok_or(Denied::Invalid("field"))?.len();
        term.field = lower.chars().take(length).chain(term.field.chars().skip(length)).collect();
        Ok(term)
    }

    fn read(text: &str) -> Option<Self> {
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
        Some(Self { field: field.trim().to_owned(), how })
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

    const FIELDS: &[&str] = &["controllerid", "name", "attribute."];

    fn found(search: &str) -> Vec<&'static str> {
        let filter = Filter::parse(search, FIELDS).unwrap();
        let devices: [(&str, &[(&str, &str)]); 3] = [
            ("a", &[("board", "bbb"), ("site", "s1")]),
            ("b", &[("board", "rpi"), ("site", "s3")]),
            ("c", &[]),
        ];
        let is_meant = |(id, pairs): &(&str, &[(&str, &str)])| {
            filter.holds(&|field| match field.strip_prefix("attribute.") {
                Some(key) => pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).into()),
                None => Some((*id).to_owned()),
            })
        };
        devices.into_iter().filter(is_meant).map(|(id, _)| id).collect()
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
        assert_eq!(found("name==* and (attribute.site==s1 or (attribute.site==s3))"), ["a", "b"]);
    }

    #[test]
    fn what_is_no_search_is_refused() {
        for text in ["board", "wheels==4", "attribute.a=in=x", "attribute.a=~b"] {
            assert!(Filter::parse(text, FIELDS).is_err(), "{text}");
        }
    }
}
