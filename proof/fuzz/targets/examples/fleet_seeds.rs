//! Writes the seeds of what a fleet says and hears: answers as Eclipse hawkBit 1.0.4 gives them, channels and reports. Run it
//! from the repository's root: `cargo run -p drydock-fuzz-targets --example fleet_seeds`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_channel::{Condition, Document, Format, Outcome, Release, Report, Test, Wave, add};
use drydock_fixtures::key;
use drydock_format::sha256;
use drydock_state::UnixTime;
use std::collections::BTreeMap;
use std::path::Path;

fn main() {
    channel_seeds();
    report_seeds();
    ddi_seeds();
}

fn write(target: &str, name: &str, content: &[u8]) {
    let folder = Path::new("proof/fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

fn release(version: &str) -> Release {
    Release {
        version: version.into(),
        security_version: 2,
        manifest: sha256(version.as_bytes()),
        url: format!("acme-pump-{version}.drydock"),
        compatible: "acme-pump".into(),
        conditions: Vec::new(),
        waves: Vec::new(),
    }
}

fn channel_seeds() {
    let signed = |document: &Document| {
        let bytes = document.to_bytes();
        [1, 2]
            .into_iter()
            .fold(bytes.clone(), |file, seed| add(&file, &key(seed).sign(&bytes).unwrap()).unwrap())
    };
    let plain = Document {
        drydock: Format::V1,
        channel: "stable".into(),
        sequence: 1,
        made: UnixTime(1_795_411_199),
        expires: UnixTime(1_803_187_199),
        halt: false,
        releases: vec![release("1.0")],
        critical: Vec::new(),
    };
    write("channel", "one-release", &signed(&plain));
    let halted =
        Document { halt: true, releases: Vec::new(), critical: vec!["halt".into()], ..plain.clone() };
    write("channel", "halted", &signed(&halted));
    let on = |attribute: &str, test| Condition { attribute: attribute.into(), test };
    let new = Release {
        conditions: vec![
            on("region", Test::Equals("eu".into())),
            on("board", Test::OneOf(vec!["a".into(), "b".into()])),
            on("id", Test::NoneOf(vec!["pump-1".into()])),
            on("modem", Test::Exists(false)),
        ],
        waves: vec![
            Wave { share: 100, from: UnixTime(1_795_411_199) },
            Wave { share: 10_000, from: UnixTime(1_795_511_199) },
        ],
        url: "https://cdn.example/2.0".into(),
        ..release("2.0")
    };
    let waves = Document { sequence: 7, releases: vec![new, release("1.0")], ..plain };
    write("channel", "waves", &signed(&waves));
}

fn report_seeds() {
    let report = Report {
        id: "1f:rolled-back".into(),
        device: "pump-7".into(),
        channel: "stable".into(),
        sequence: 7,
        version: "2.0".into(),
        manifest: sha256(b"2.0"),
        outcome: Outcome::RolledBack,
        reason: "the health check failed".into(),
        time: UnixTime(1_795_411_199),
        attributes: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
    };
    write("report", "rolled-back", report.to_json().as_bytes());
    let plain = Report { outcome: Outcome::Good, attributes: BTreeMap::new(), ..report };
    write("report", "good", plain.to_json().as_bytes());
}

fn ddi_seeds() {
    let base = "https://fleet.example/DEFAULT/controller/v1/pump-7";
    let poll = format!(
        r#"{{"config":{{"polling":{{"sleep":"00:05:00"}}}},"_links":{{"configData":{{"href":"{base}/configData"}},"deploymentBase":{{"href":"{base}/deploymentBase/5?c=-2129030598"}},"installedBase":{{"href":"{base}/installedBase/4"}}}}}}"#
    );
    write("ddi", "poll", poll.as_bytes());
    let cancel = format!(
        r#"{{"config":{{"polling":{{"sleep":"00:05:00"}}}},"_links":{{"cancelAction":{{"href":"{base}/cancelAction/5"}},"confirmationBase":{{"href":"{base}/confirmationBase/6?c=1"}}}}}}"#
    );
    write("ddi", "poll-cancel", cancel.as_bytes());
    let chunks = format!(
        r#""download":"forced","update":"attempt","maintenanceWindow":"available","chunks":[{{"part":"os","version":"2.0","name":"acme-pump","metadata":[{{"key":"manifest","value":"5a"}}],"artifacts":[{{"filename":"2.0.drydock","hashes":{{"sha1":"aa","md5":"bb","sha256":"cc"}},"size":5242880,"_links":{{"download":{{"href":"{base}/softwaremodules/1/artifacts/2.0.drydock"}},"download-http":{{"href":"http://fleet.example/x"}}}}}}]}}]"#
    );
    let order = format!(
        r#"{{"id":"5","deployment":{{{chunks}}},"actionHistory":{{"status":"RUNNING","messages":["newest","oldest"]}}}}"#
    );
    write("ddi", "deployment", order.as_bytes());
    let slashes = order.replace("fleet.example/DEFAULT", "fleet.example//evil.example/DEFAULT");
    write("ddi", "link-with-two-slashes", slashes.as_bytes());
    let waiting = format!(r#"{{"id":"6","confirmation":{{{chunks}}}}}"#);
    write("ddi", "confirmation", waiting.as_bytes());
}
