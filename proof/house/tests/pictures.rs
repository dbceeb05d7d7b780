//! The pictures are what their texts say, and every one is shown by a document.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::{picture, repository};
use std::fs;

#[test]
fn every_picture_is_drawn_from_the_text_beside_it() {
    let folder = repository().join("docs/pictures");
    let pictures = picture::pictures(&folder).unwrap();
    assert!(pictures.len() >= 3);
    for (path, svg) in &pictures {
        let kept = fs::read_to_string(path).unwrap_or_default();
        let redraw = "cargo run -p drydock-house --bin pictures";
        assert!(kept == *svg, "{} is not what its text says; redraw it: {redraw}", path.display());
    }
    let kept = fs::read_dir(&folder).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "svg")
    });
    assert_eq!(kept.count(), pictures.len(), "a picture has no text");
}

#[test]
fn every_picture_is_shown_with_words_for_those_who_cannot_see_it() {
    let docs = repository().join("docs");
    let pages = fs::read_dir(&docs).unwrap().map(|entry| entry.unwrap().path());
    let pages: String =
        pages.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    for (path, _) in picture::pictures(&docs.join("pictures")).unwrap() {
        let link = format!("](pictures/{})", path.file_name().unwrap().to_str().unwrap());
        let at = pages.find(&link).unwrap_or_else(|| panic!("no page shows {}", path.display()));
        let words = pages[..at].rsplit_once("![").unwrap().1;
        assert!(words.len() > 20 && !words.contains('\n'), "{link}: {words}");
    }
}
