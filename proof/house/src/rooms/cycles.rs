//! Which file of a crate uses which, and whether they go round in a circle.

use super::source::Source;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A crate's files by their modules' paths: `live::report`, and nothing for the root.
pub(super) type Modules = BTreeMap<Vec<String>, Source>;

/// How often a name may be passed on before it is taken for one that leads nowhere.
const PASSES: usize = 8;

/// Returns one circle of modules for each knot that there is, the shortest one: `a -> b -> a`.
pub(super) fn cycles(modules: &Modules) -> Vec<String> {
    let uses: BTreeMap<_, _> = modules.keys().map(|module| (module, used(modules, module))).collect();
    let (mut told, mut found) = (BTreeSet::new(), Vec::new());
    for module in modules.keys() {
        let Some(circle) =
            way_back(&uses, module).filter(|circle| circle.iter().all(|at| !told.contains(at)))
        else {
            continue;
        };
        told.extend(circle.iter().cloned());
        let names = circle.iter().chain(circle.first()).map(|module| match module.join("::") {
            root if root.is_empty() => "the root".into(),
            name => name,
        });
        found.push(names.collect::<Vec<String>>().join(" -> "));
    }
    found
}

/// The shortest way from a module back to itself.
fn way_back(
    uses: &BTreeMap<&Vec<String>, BTreeSet<Vec<String>>>,
    module: &Vec<String>,
) -> Option<Vec<Vec<String>>> {
    let mut ways = VecDeque::from([vec![module.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(way.last()?).into_iter().flatten() {
            if next == module {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back([&way[..], std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}

/// The modules that one uses. What it only passes on, it does not use.
fn used(modules: &Modules, module: &Vec<String>) -> BTreeSet<Vec<String>> {
    let Some(source) = modules.get(module) else { return BTreeSet::new() };
    let named = source.named.iter().filter(|named| !named.passed_on);
    let mut used: BTreeSet<_> =
        named.filter_map(|named| resolve(modules, module, &named.path, PASSES)).collect();
    used.remove(module);
    used
}

/// The module that has what a path names, when it stands in `module`; `None` if that is not of this crate.
fn resolve(modules: &Modules, module: &[String], path: &[String], passes: usize) -> Option<Vec<String>> {
    let mut rest = path;
    let mut at = match rest.first()?.as_str() {
        "crate" => vec![],
        "self" | "super" => module.to_vec(),
        child if modules.contains_key(&[module, &[child.to_owned()]].concat()) => module.to_vec(),
        _ => return None,
    };
    while let Some(word @ ("crate" | "self" | "super")) = rest.first().map(String::as_str) {
        if word == "super" {
            at.pop()?;
        }
        rest = &rest[1..];
    }
    for name in rest {
        let below = [&at[..], std::slice::from_ref(name)].concat();
        if modules.contains_key(&below) {
            at = below;
        } else {
            return passed_on(modules, &at, name, passes).or(Some(at));
        }
    }
    Some(at)
}

/// Where a name comes from that a module has from elsewhere.
fn passed_on(modules: &Modules, module: &[String], name: &str, passes: usize) -> Option<Vec<String>> {
    let passes = passes.checked_sub(1)?;
    let source = modules.get(module)?;
    if source.defines(name) {
        return None;
    }
    for named in &source.named {
        let brings = named.brings.as_deref();
        if brings == Some(name) && named.path.len() > 1 {
            return resolve(modules, module, &named.path, passes);
        }
        if brings == Some("*") {
            let from = resolve(modules, module, &named.path, passes)?;
            if modules.get(&from).is_some_and(|source| source.defines(name)) {
                return Some(from);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &str)]) -> Modules {
        let path = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        files.iter().map(|(name, text)| (path(name), Source::read(text))).collect()
    }

    #[test]
    fn a_circle_is_found_and_told() {
        let files =
            [("", "mod a; mod b; mod c;"), ("a", "use crate::b::B;"), ("b", "use crate::c::C; struct B;")];
        let open = modules(&[&files[..], &[("c", "struct C;")]].concat());
        assert!(cycles(&open).is_empty());
        let closed = modules(&[&files[..], &[("c", "struct C; fn f() { super::a::g() }")]].concat());
        assert_eq!(cycles(&closed), ["a -> b -> c -> a"]);
    }

    #[test]
    fn a_name_that_is_passed_on_is_used_where_it_comes_from() {
        // The error's users use the file with the error, not the root that passes it on; nor does the root use them.
        let files = [
            (
                "",
                "mod error; mod work; mod types; pub use error::Error; pub use types::*; pub use work::run;",
            ),
            ("error", "pub enum Error {}"),
            ("types", "use crate::Error; pub struct Plan;"),
            ("work", "use crate::{Error, Plan}; pub fn run() {}"),
        ];
        assert!(cycles(&modules(&files)).is_empty());
        let root = "mod error; mod work; mod types; pub use types::*; fn help() { work::run() }";
        let with_root = [("", root), ("work", "fn run() { crate::help() }"), files[2]];
        assert_eq!(cycles(&modules(&with_root)), ["the root -> work -> the root"]);
    }
}
