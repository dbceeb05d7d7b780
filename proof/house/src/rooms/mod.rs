//! The rooms of the house: for each crate which others it may use, and what must not be in it.
//!
//! `rooms.toml` has the rules. They are held against the crates' manifests and sources; tests, and what only tests need, may
//! use what they like.

mod cycles;
mod source;

use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What has been found: where rules are broken, and circles where a room may have some.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Each breach of a rule.
    pub broken: Vec<String>,
    /// The circles between files of a room that may have so many.
    pub told: Vec<String>,
}

/// Holds the rules of `rooms` against the workspace in a folder. An error: the rules or a manifest make no sense.
pub fn check(folder: &Path, rooms: &str) -> Result<Found, String> {
    let rules: Table = rooms.parse().map_err(|error| format!("the rules: {error}"))?;
    let mut found = Found::default();
    let mut left: BTreeSet<_> =
        strings(table(&manifest(folder)?, "workspace").get("members")).into_iter().collect();
    for room in rules.get("room").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
    {
        let place = string(room, "folder");
        if left.remove(&place) {
            let forbidden = strings(room.get("forbids"));
            let forbidden = forbidden
                .iter()
                .flat_map(|list| strings(rules.get("lists").and_then(|lists| lists.get(list))));
            check_room(folder, &place, room, &forbidden.collect::<Vec<_>>(), &mut found)?;
        } else {
            found.broken.push(format!("{place} has rules and is no crate of the workspace"));
        }
    }
    found.broken.extend(left.into_iter().map(|place| format!("{place} has no rules")));
    Ok(found)
}

/// Returns the sources of the workspace in a folder, tests and all, that have more lines than `limit`.
pub fn too_long(folder: &Path, limit: usize) -> Result<Vec<String>, String> {
    let mut long = Vec::new();
    for place in strings(table(&manifest(folder)?, "workspace").get("members")) {
        for file in sources(&folder.join(place))? {
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let lines = text.lines().count();
            if lines > limit {
                long.push(format!(
                    "{} has {lines} lines",
                    file.strip_prefix(folder).unwrap_or(&file).display()
                ));
            }
        }
    }
    Ok(long)
}

fn check_room(
    root: &Path,
    place: &str,
    room: &Table,
    forbidden: &[String],
    found: &mut Found,
) -> Result<(), String> {
    let folder = root.join(place);
    let manifest = manifest(&folder)?;
    let last = place.rsplit('/').next().unwrap_or_default();
    let name = room.get("name").and_then(Value::as_str).map_or(format!("drydock-{last}"), str::to_owned);
    let own = string(table(&manifest, "package"), "name");
    if own != name {
        found.broken.push(format!("{place} is called {own} and not {name}"));
    }
    let uses = strings(room.get("uses"));
    for dependency in dependencies(&manifest) {
        let ours = dependency.strip_prefix("drydock-");
        if ours.is_some_and(|ours| !uses.iter().any(|used| used == ours)) {
            found.broken.push(format!("{place} must not use {dependency}"));
        }
        if forbidden.iter().any(|word| *word == dependency || *word == dependency.replace('-', "_")) {
            found.broken.push(format!("{place} must not use {dependency}"));
        }
    }
    let modules = modules(&folder.join("src"))?;
    for (module, source) in &modules {
        for word in forbidden.iter().filter(|word| source.names(word)) {
            found.broken.push(format!("{place}, {}: must not use {word}", display(module)));
        }
    }
    let circles =
        cycles::cycles(&modules).into_iter().map(|circle| format!("{place} goes in a circle: {circle}"));
    let circles: Vec<_> = circles.collect();
    let known = room.get("circles").and_then(Value::as_integer).unwrap_or_default();
    if circles.len() as i64 > known {
        found.broken.extend(circles);
    } else {
        found.told.extend(circles);
    }
    Ok(())
}

/// The crates that one depends on, tests aside.
fn dependencies(manifest: &Table) -> Vec<String> {
    let mut tables = vec![manifest];
    tables.extend(table(manifest, "target").values().filter_map(Value::as_table));
    let kinds = ["dependencies", "build-dependencies"];
    tables.iter().flat_map(|part| kinds.iter().flat_map(|kind| table(part, kind).keys().cloned())).collect()
}

/// Every source of a crate by its module's path; what is only there for tests is left out.
fn modules(folder: &Path) -> Result<cycles::Modules, String> {
    let mut modules = cycles::Modules::new();
    for file in sources(folder)? {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let path = file.strip_prefix(folder).unwrap_or(&file).with_extension("");
        let mut path: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if path.last().is_some_and(|last| ["mod", "lib"].contains(&last.as_str())) {
            path.pop();
        }
        modules.insert(path, Source::read(&text));
    }
    let tests: BTreeMap<_, _> = modules
        .iter()
        .flat_map(|(path, source)| {
            source.test_modules.iter().map(|name| ([&path[..], std::slice::from_ref(name)].concat(), ()))
        })
        .collect();
    modules.retain(|path, _| !tests.keys().any(|test| path.starts_with(test)));
    Ok(modules)
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

fn manifest(folder: &Path) -> Result<Table, String> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse().map_err(|error| format!("{}: {error}", path.display()))
}

fn table<'t>(of: &'t Table, name: &str) -> &'t Table {
    static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);
    of.get(name).and_then(Value::as_table).unwrap_or(&EMPTY)
}

fn string(of: &Table, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The strings of an array, or one alone.
fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    }
}

fn display(module: &[String]) -> String {
    if module.is_empty() { "the root".into() } else { module.join("::") }
}
