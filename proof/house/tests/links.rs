//! Every link of a document leads to a file of the repository, and to a heading where it names one; every source that a
//! document names is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::{links, repository};

#[test]
fn every_link_leads_somewhere() {
    let documents = links::documents(&repository());
    assert!(documents.len() > 15, "{documents:?}");
    let broken = links::broken(&documents);
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_source_that_is_named_is_there() {
    let root = repository();
    let missing = links::missing(&root, &links::documents(&root));
    assert!(missing.is_empty(), "{missing:#?}");
}
