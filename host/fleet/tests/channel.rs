//! Channels from their making to a device's decision. What is run is the text of `docs/channels.md` itself, and openssl is
//! the second opinion about every signature.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, documented, trusted};
use drydock_channel::{Channel, Decision, Device, Error, Seen, Why};
use drydock_fixtures::COMPATIBLE;
use drydock_format::{Bundle, Digest};
use drydock_state::UnixTime;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

fn open(bench: &Bench) -> Channel {
    Channel::open(&bench.bytes("stable.channel"), &trusted(&[1], 1)).unwrap()
}

fn manifest(bench: &Bench, name: &str) -> Digest {
    Bundle::open(bench.bytes(name), &trusted(&[1], 1)).unwrap().manifest_digest()
}

/// What the library on a device makes of a channel, `after` seconds from when it was made.
fn decide(channel: &Channel, id: &str, running: Option<Digest>, after: u64) -> (String, Seen) {
    let attributes = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    let (compatible, failed) = (COMPATIBLE, &[][..]);
    let device = Device { id, compatible, attributes: &attributes, running, install_floor: 0, failed };
    let now = UnixTime(channel.document().made.0 + after);
    let accepted = channel.accept("stable", None, now).unwrap();
    let decision = match accepted.meant(&device) {
        Decision::Release(release) => release.version.clone(),
        Decision::NotYet { from, .. } => format!("not yet, {}", from.0 - channel.document().made.0),
        Decision::Nothing(Why::Runs(version)) => format!("runs {version}"),
        Decision::Nothing(why) => why.to_string(),
    };
    (decision, accepted.seen().clone())
}

#[test]
fn a_device_follows_what_the_commands_of_the_document_make() {
    let bench = Bench::new();
    let said = bench.good(&documented("make"));
    assert!(said.contains("device      pump-7: "), "{said}");
    let channel = open(&bench);
    let document = channel.document();
    assert_eq!((document.channel.as_str(), document.sequence), ("stable", 2));
    assert_eq!(document.expires.0 - document.made.0, 90 * 86_400);
    let [new, old] = &document.releases[..] else { panic!("{document:?}") };
    assert_eq!((new.manifest, new.url.as_str()), (manifest(&bench, "new.drydock"), "new.drydock"));
    assert_eq!((new.security_version, new.compatible.as_str()), (2, COMPATIBLE));

    let ids: Vec<String> = (0..2000).map(|number| format!("pump-{number}")).collect();
    let count = |word: &str, after: u64| {
        let running = Some(old.manifest);
        ids.iter().filter(|id| decide(&channel, id, running, after).0 == word).count()
    };
    // 5 % of 2000: three standard deviations are 29. The ids are always the same; the manifest's digest is, too.
    let early = count("2.0", 0);
    assert!((60..=140).contains(&early), "{early}");
    assert_eq!(count("not yet, 259200", 0), 2000 - early);
    assert_eq!(count("2.0", 259_200), 2000);
    assert_eq!(decide(&channel, &ids[0], Some(new.manifest), 0).0, "runs 2.0");
    let (expired, _) = decide(&channel, &ids[0], None, 90 * 86_400);
    assert!(expired.contains("has expired"), "{expired}");

    let first = decide(&channel, &ids[0], None, 0).1;
    bench.good(&documented("change"));
    let changed = open(&bench);
    let [only] = &changed.document().releases[..] else { panic!("{changed:?}") };
    assert_eq!((only.manifest, only.conditions.len(), only.waves.len()), (new.manifest, 0, 1));
    assert_eq!((changed.document().sequence, changed.document().halt), (5, false));
    let seen = changed.accept("stable", Some(&first), first.time).unwrap().seen().clone();
    let fallen = channel.accept("stable", Some(&seen), first.time);
    assert!(matches!(fallen, Err(Error::Fallen { seen: 5, found: 2 })));
}

#[test]
fn openssl_and_the_tool_take_each_others_signatures() {
    let bench = Bench::new();
    bench.good(&documented("make"));
    let said = bench.good(&documented("check"));
    assert!(said.contains("Signature Verified Successfully"), "{said}");
    let release = format!("2.0 {}\n", manifest(&bench, "new.drydock"));
    assert!(said.contains(&release), "{said}");
    bench.good(&documented("by-hand"));
    let channel = open(&bench);
    assert_eq!((channel.document().sequence, channel.document().releases.len()), (90, 1));
    assert_eq!(channel.document().releases[0].manifest, manifest(&bench, "old.drydock"));
    assert_eq!(decide(&channel, "pump-7", None, 0).0, "1.0");
    bench.good("drydock-fleet channel show stable.channel --key $PUBKEY");
}

#[test]
fn a_channel_that_is_signed_elsewhere_is_the_same_file() {
    let bench = Bench::new();
    bench.good(&documented("make"));
    bench.good(&documented("hsm"));
    let elsewhere = bench.bytes("stable.channel");
    let [first, _] =
        [0, 1].map(|number| elsewhere.split(|byte| *byte == b'\n').nth(number).unwrap().to_vec());
    fs::write(bench.path("plain"), [&first[..], b"\n"].concat()).unwrap();
    bench.good("drydock-fleet channel sign plain --key $KEY");
    assert_eq!(bench.bytes("plain"), elsewhere);
    bench.refused(
        "drydock-fleet channel sign stable.channel --attach signature --pubkey other.pub.pem",
        4,
        "the signature of key",
    );
    assert_eq!(bench.bytes("stable.channel"), elsewhere);
}

#[test]
fn as_many_as_must_can_sign() {
    let bench = Bench::new();
    bench.good(&documented("make"));
    let both = trusted(&[1, 2], 2);
    assert!(Channel::open(&bench.bytes("stable.channel"), &both).is_err());
    bench.refused(
        "drydock-fleet channel show stable.channel --key $PUBKEY --key other.pub.pem --threshold 2",
        4,
        "1 of the 2 keys",
    );
    bench.good("drydock-fleet channel sign stable.channel --key other.pem");
    assert_eq!(Channel::open(&bench.bytes("stable.channel"), &both).unwrap().signers().len(), 2);
    // A change takes all signatures with it.
    bench.good("drydock-fleet channel set stable.channel --pubkey other.pub.pem");
    bench.refused("drydock-fleet channel show stable.channel --key $PUBKEY", 4, "there are none");
    let said = bench.good("drydock-fleet channel show stable.channel");
    assert!(said.ends_with("NOT VERIFIED: nobody has checked who signed this; see --key\n"), "{said}");
}

#[test]
fn nobody_signs_what_somebody_else_has_put_there() {
    let bench = Bench::new();
    bench.good(&documented("make"));
    let file = String::from_utf8(bench.bytes("stable.channel")).unwrap();
    fs::write(bench.path("stable.channel"), file.replace("new.drydock", "bad.drydock")).unwrap();
    bench.refused("drydock-fleet channel set stable.channel --key $KEY", 4, "was changed after signing");
    bench.refused("drydock-fleet channel set stable.channel", 1, "can't be checked");
    bench.refused("drydock-fleet channel show stable.channel --key $PUBKEY", 4, "was changed after signing");
    bench.good("drydock-fleet channel set stable.channel --unchecked --key $KEY");
    assert_eq!(open(&bench).document().releases[0].url, "bad.drydock");
    // A bundle's manifest is no channel, whoever has signed it.
    bench.good("tar -xf $OLD manifest.json; echo >> manifest.json");
    bench.refused("drydock-fleet channel sign manifest.json --key $KEY", 3, "does not begin with");
}

#[test]
fn a_channel_can_be_halted_and_goes_on() {
    let bench = Bench::new();
    bench.good("drydock-fleet channel new stable.channel --add $OLD --key $KEY");
    bench.good("drydock-fleet channel set stable.channel --halt --key $KEY");
    assert_eq!(decide(&open(&bench), "pump-7", None, 0).0, Why::Halted.to_string());
    let said = bench.good("drydock-fleet channel set stable.channel --expires 1h --key $KEY");
    assert!(said.contains("HALTED"), "{said}");
    bench.good("drydock-fleet channel set stable.channel --resume --expires 1h --key $KEY");
    assert_eq!(decide(&open(&bench), "pump-7", None, 3599).0, "1.0");
    assert!(decide(&open(&bench), "pump-7", None, 3600).0.contains("has expired"));
    assert_eq!(open(&bench).document().sequence, 4);
}

#[test]
fn show_says_what_each_device_would_do() {
    let bench = Bench::new();
    bench.good(&documented("make"));
    let devices = "--device id=pump-1,region=eu --device id=pump-2 --device id=pump-3,running=2.0,region=eu \
        --device id=pump-4,floor=3 --device id=pump-5,compatible=acme-valve --device id=pump-6,running=0.9";
    let said = bench.good(&format!("drydock-fleet --json channel show stable.channel --at +4d {devices}"));
    let said: Value = serde_json::from_str(&said).unwrap();
    let words: Vec<_> = said["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["decision"].as_str().unwrap(), one["version"].as_str().unwrap_or("-")))
        .collect();
    let nothing = ("nothing", "-");
    assert_eq!(
        words,
        [("release", "2.0"), ("release", "1.0"), nothing, nothing, nothing, ("release", "1.0")]
    );
    assert_eq!(said["document"]["sequence"], 2);
    let late = bench.good("drydock-fleet channel show stable.channel --at +91d --device id=pump-1");
    assert!(late.contains("EXPIRED") && late.contains("pump-1: the channel has expired"), "{late}");
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_the_file_alone() {
    let bench = Bench::new();
    bench.bundle("unsigned.drydock", "3.0", &[]);
    bench.good(&documented("make"));
    let before = bench.bytes("stable.channel");
    for (arguments, code, words) in [
        ("--add unsigned.drydock", 1, "it is not signed"),
        ("--add $OLD", 1, "in the channel already"),
        ("--add key.pem", 3, "is truncated"),
        ("--add nothing.drydock", 1, "nothing.drydock"),
        ("--place 9.9 --wave 5%", 1, "not in the channel"),
        ("--remove '#3'", 1, "has 2 releases"),
        ("--wave 5%", 1, "say which one with --add"),
        ("--place 2.0 --wave 5% --wave 5%", 3, "do not grow"),
        ("--expires 2020-01-01", 3, "not later"),
        ("--place 2.0 --remove 1.0", 2, "cannot be used with"),
        ("--halt --resume", 2, "cannot be used with"),
        ("--place 2.0 --where =eu", 2, "no attribute's name"),
        ("--place 2.0 --wave 5", 2, "no share"),
    ] {
        bench.refused(
            &format!("drydock-fleet channel set stable.channel --key $KEY {arguments}"),
            code,
            words,
        );
    }
    bench.refused("drydock-fleet channel new stable.channel --key $KEY", 1, "there already");
    let long = format!("--where id={}", "x".repeat(60).repeat(2) + &",y".repeat(300));
    bench.refused(
        &format!("drydock-fleet channel set stable.channel --key $KEY --place 2.0 {long}"),
        3,
        "up to 256",
    );
    let long: String =
        (0..3).map(|part| format!(" --where id={}", vec!["x".repeat(120 + part); 200].join(","))).collect();
    let long = format!("drydock-fleet channel set stable.channel --pubkey $PUBKEY --place 2.0 {long}");
    bench.refused(&long, 3, "the limit is 65536");
    assert_eq!(bench.bytes("stable.channel"), before);
    bench.refused("head -c 70000 /dev/zero > x; drydock-fleet channel show x", 3, "the limit is 65536");
}
