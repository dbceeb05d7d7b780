//! The glossary is in order: who looks for a word finds it, once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::repository;

#[test]
fn words_stand_in_the_order_of_the_alphabet() {
    let text = std::fs::read_to_string(repository().join("docs/glossary.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| **")?.split_once("** |"));
    let words: Vec<_> = rows.map(|(word, _)| word.to_lowercase()).collect();
    assert!(words.len() > 50, "only {} words were found", words.len());
    for pair in words.windows(2) {
        assert!(pair[0] < pair[1], "{} stands before {}", pair[0], pair[1]);
    }
}
