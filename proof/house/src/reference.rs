//! What `docs/reference.md` says of a program's commands and options, to be held against the program itself.

use std::collections::{BTreeMap, BTreeSet};

/// The options of each command, as the words that begin with two dashes; those of the whole program under an empty name.
pub type Commands = BTreeMap<String, BTreeSet<String>>;

/// Returns what the document says of a program: a heading of the second level with its name, below it headings of the third
/// level with its commands.
pub fn documented(document: &str, program: &str) -> Commands {
    let heading = format!("\n## `{program}`\n");
    let Some(at) = document.find(&heading) else { return Commands::new() };
    let section = &document[at + heading.len()..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    let mut parts = section.split("\n### `");
    let mut commands = Commands::from([(String::new(), options(parts.next().unwrap_or_default()))]);
    for part in parts {
        let (name, text) = part.split_once('`').unwrap_or_default();
        commands.insert(name.to_owned(), options(text));
    }
    commands
}

/// Returns the words of a text that begin with two dashes and a letter.
pub fn options(text: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        let end =
            text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(text.len());
        text[..end].trim_end_matches('-').to_owned()
    };
    let pieces = text
        .split("--")
        .skip(1)
        .filter(|piece| piece.starts_with(|letter: char| letter.is_ascii_lowercase()));
    pieces.map(word).collect()
}

/// Returns what a program's help says: the commands that it lists, and the options of each one. `help` prints the help of
/// the whole (nothing) or of a command. An option that every command has, and `--help` itself, belong to the whole. A command
/// that has commands of its own stands for them: `channel new`.
pub fn helped(help: impl Fn(&[&str]) -> String) -> Commands {
    let whole = help(&["--help"]);
    let mut everywhere = options(&whole);
    everywhere.remove("version");
    everywhere.insert("help".into());
    let mut commands = Commands::new();
    for name in listed(&whole) {
        let text = help(&[name, "--help"]);
        let inner = listed(&text);
        if inner.is_empty() {
            commands.insert(name.to_owned(), own(&text, &everywhere));
        }
        for inner in inner {
            let text = help(&[name, inner, "--help"]);
            commands.insert(format!("{name} {inner}"), own(&text, &everywhere));
        }
    }
    // Only the whole program has a version; a command's `--version` is something else.
    everywhere.insert("version".into());
    commands.insert(String::new(), everywhere);
    commands
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<&str> {
    let list = help.split_once("Commands:\n").map(|(_, list)| list).unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

/// The options of a command's help that not every command has.
fn own(help: &str, everywhere: &BTreeSet<String>) -> BTreeSet<String> {
    // An option's own line; what is said about it may name others.
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let own = lines.flat_map(|line| options(line.split("  ").next().unwrap_or_default()));
    own.filter(|option| !everywhere.contains(option)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_documents_commands_are_found_with_their_options() {
        let document = "# R\n\n## `other`\n### `x`\n\n## `tool`\n`--json` is everywhere.\n\n### `one`\n`--all`, `--all-of-it` -- or not\n\n### `two`\nnothing\n\n## Last\n### `three`\n";
        let found = documented(document, "tool");
        let expected = [("", set(&["json"])), ("one", set(&["all", "all-of-it"])), ("two", set(&[]))];
        assert_eq!(found, expected.map(|(name, options)| (name.to_owned(), options)).into());
        assert_eq!(documented(document, "absent"), Commands::new());
    }

    #[test]
    fn commands_of_a_command_are_found_with_their_options() {
        let found = helped(|words| match words {
            ["--help"] => "Commands:\n  group  Some\n  one  One\n\nOptions:\n  --json  JSON\n".into(),
            ["group", "--help"] => {
                "Commands:\n  in  Inner\n  help  Print\n\nOptions:\n  --json  JSON\n".into()
            }
            ["group", "in", "--help"] => "Options:\n      --deep <N>  Deep\n      --json  JSON\n".into(),
            _ => "Options:\n      --flat  Flat\n".into(),
        });
        assert_eq!(found["group in"], set(&["deep"]));
        assert_eq!(found["one"], set(&["flat"]));
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), ["", "group in", "one"]);
    }

    #[test]
    fn a_programs_commands_are_found_with_their_options() {
        let found = helped(|words| {
            match words {
            ["--help"] => "Commands:\n  one  The first, not --this\n  help  Print\n\nOptions:\n      --json  JSON\n".into(),
            _ => "Options:\n      --json\n          JSON\n\n  -a, --all <N>  All, as --nothing says\n  -h, --help  Help\n".into(),
        }
        });
        assert_eq!(found["one"], set(&["all"]));
        assert_eq!(found.len(), 2);
        assert!(found[""].contains("json") && found[""].contains("help"));
    }
}
