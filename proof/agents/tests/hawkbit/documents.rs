//! What docs/fleet.md says of orders and attributes, held against what a server shows.

use drydock_config::Fleet;
use drydock_hawkbit::Kind;
use std::collections::BTreeMap;

/// A section of the document.
fn section(title: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fleet.md");
    let text = std::fs::read_to_string(path).unwrap();
    let from = text.find(&format!("## {title}\n")).unwrap();
    let end = text[from + 3..].find("\n## ").map_or(text.len(), |end| from + 3 + end);
    text[from..end].to_owned()
}

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_queries_of_the_document_find_the_devices_that_they_are_to_find() {
    let site = crate::site();
    let fleet = |site: &str| Fleet {
        attributes: BTreeMap::from([("site".to_owned(), site.to_owned())]),
        ..Fleet::default()
    };
    let mut well = site.device(fleet("s1"), None);
    let mut sick = site.device(fleet("s2"), None);
    let silent = site.device(fleet("s3"), None);
    sick.device.sick = Some("2".into());
    for life in [&mut well, &mut sick] {
        site.assign(life, "2", Kind::Forced);
        life.settle();
    }
    let ours = [well.id.as_str(), &sick.id, &silent.id];
    let find = |query: &str| {
        // The document's names, as they are here.
        let here = [
            ("acme-pump", "simulated-pump"),
            ("==1.4", "==1"),
            ("!=2.0", "!=2"),
            ("install==3", "install==2"),
        ];
        let query = here.iter().fold(query.to_owned(), |query, (old, new)| query.replace(old, new));
        let mut found = site.operator.find(&query);
        found.retain(|id| ours.contains(&id.as_str()));
        found
    };
    let table = section("Finding devices");
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with('|') && line.contains("attribute.")).collect();
    let found: Vec<Vec<String>> = rows.iter().map(|row| find(quoted(row).last().unwrap())).collect();
    let [well, sick, silent] = ours.map(str::to_owned);
    assert_eq!(found, [vec![sick.clone()], vec![sick], vec![silent], vec![], vec![well.clone()], vec![well]]);
}

#[test]
fn the_document_names_all_attributes_and_all_words_of_reports() {
    let site = crate::site();
    let mut life = site.device(Fleet::default(), None);
    let action = site.assign(&life, "2", Kind::Forced);
    life.settle();
    let (attributes, words) = (section("Finding devices"), section("What the server shows"));
    let named = quoted(&attributes);
    for name in site.operator.attributes(&life.id).keys().filter(|name| !name.starts_with("set_b_")) {
        assert!(named.contains(&name.as_str()), "{name} is not in the document");
    }
    let (_, messages) = site.verdict(&life, action);
    assert!(messages.len() >= 7, "{messages:?}");
    for message in messages {
        let word = format!("{}]", message.split(']').next().unwrap());
        assert!(quoted(&words).contains(&word.as_str()), "{word} is not in the document");
    }
}
