//! Links from one document of the repository to another, or to a source, and names of sources: each must lead somewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns every Markdown file below a folder, but for what was built and what git keeps.
pub fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with(".git") {
            found.extend(documents(&path));
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the links of these documents that lead nowhere: to no file, or to no heading of a document.
pub fn broken(documents: &[PathBuf]) -> Vec<String> {
    let mut headings = BTreeMap::new();
    let mut broken = Vec::new();
    for document in documents {
        let text = fs::read_to_string(document).unwrap_or_default();
        for link in links(&text) {
            let (path, heading) =
                link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
            let folder = document.parent().unwrap_or(Path::new(""));
            let target = if path.is_empty() { document.clone() } else { folder.join(path) };
            let leads = target.exists()
                && heading.is_none_or(|heading| {
                    let known = headings
                        .entry(target.clone())
                        .or_insert_with(|| self::headings(&fs::read_to_string(&target).unwrap_or_default()));
                    known.iter().any(|known| known == heading)
                });
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    broken
}

/// Returns the sources and folders that these documents name in their text and that are not there: `lib/x/src/y.rs`, `lib/x/`.
pub fn missing(root: &Path, documents: &[PathBuf]) -> Vec<String> {
    let mut missing = Vec::new();
    for document in documents {
        let text = fs::read_to_string(document).unwrap_or_default();
        for name in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let Some((first, _)) = name.split_once('/').filter(|(first, _)| !first.is_empty()) else {
                continue;
            };
            let source = name.ends_with(".rs");
            let folder = name.ends_with('/') && first != "target" && root.join(first).is_dir();
            let beside = document.parent().is_some_and(|folder| folder.join(name).exists());
            if (source || folder) && !name.contains(['*', ' ']) && !beside && !root.join(name).exists() {
                missing.push(format!("{}: `{name}`", document.display()));
            }
        }
    }
    missing
}

/// The links of a document that stay within the repository.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in prose(text) {
        let targets =
            line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        found.extend(targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")));
    }
    found
}

/// The lines that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The names of a document's headings, as a link has them behind its `#`.
fn headings(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let name: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let again =
            names.iter().filter(|known| **known == name || known.starts_with(&format!("{name}-"))).count();
        let taken = names.contains(&name);
        names.push(if taken { format!("{name}-{again}") } else { name });
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("target")).unwrap();
        fs::create_dir(path("docs")).unwrap();
        fs::write(path("target/old.md"), "[x](gone.md)").unwrap();
        fs::write(
            path("one.md"),
            "[a](docs/two.md#the-end-of-it) [b](docs/two.md#no) [c](#top)\n# Top\n[d](gone.rs)",
        )
        .unwrap();
        let two = "# The end of `it`!\n```\n# no\n[e](gone)\n```\n[f](../one.md) [g](https://example.org/x) [h](..)\n";
        fs::write(path("docs/two.md"), two).unwrap();
        let documents = documents(folder.path());
        assert_eq!(documents, [path("docs/two.md"), path("one.md")]);
        let broken = broken(&documents);
        let expected =
            ["docs/two.md#no", "gone.rs"].map(|link| format!("{}: {link}", path("one.md").display()));
        assert_eq!(broken, expected);
    }

    #[test]
    fn a_source_that_is_not_there_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("lib/a/src")).unwrap();
        fs::write(path("lib/a/src/b.rs"), "").unwrap();
        let text = "`lib/a/src/b.rs` `lib/a/` `src/b.rs` `old/b.rs` `lib/old/` `/run/x/` `a.rs` `lib/*/c.rs` `target/x/`";
        fs::write(path("one.md"), text).unwrap();
        fs::write(path("lib/a/two.md"), "`src/b.rs`").unwrap();
        let missing = missing(folder.path(), &documents(folder.path()));
        let expected = ["src/b.rs", "old/b.rs", "lib/old/"];
        assert_eq!(missing, expected.map(|name| format!("{}: `{name}`", path("one.md").display())));
    }

    #[test]
    fn headings_of_the_same_words_are_told_apart() {
        assert_eq!(headings("# A b\n## `verify`\n## `verify`\n"), ["a-b", "verify", "verify-1"]);
    }
}
