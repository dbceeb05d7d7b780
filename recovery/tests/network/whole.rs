//! The real nginx, with client certificates: whole and resumed fetches, and what goes over the wire.

use crate::certificates::{Authority, EC};
use crate::nginx::{Line, Nginx};
use crate::setup::{Setup, bundle, claimed, installs, place};
use drydock_engine::fetch::Stream;
use drydock_format::ReadAt;
use drydock_transfer::Ranges;

#[test]
fn what_the_device_lacks_comes_in_few_requests_and_is_enough() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "");
    server.put("3.drydock", bundle());
    let (_folder, path) = place();
    let setup = Setup::new(server.url("3.drydock")).by(&authority, Some(&own));
    let fetched = setup.fetch(&path).unwrap();
    assert_eq!((fetched.version.as_str(), fetched.length), ("3", bundle().len() as u64));
    assert_eq!(claimed(&path), fetched.there);
    assert!(fetched.there < fetched.length);
    let log = server.log();
    let sent: u64 = log.iter().map(|line| line.bytes).sum();
    // The bytes that are there, and the heads of a few parts.
    assert!(sent >= fetched.there && sent < fetched.there + 4096, "{sent} of {}: {log:#?}", fetched.there);
    assert!(
        log.len() <= 4 && log.iter().all(|line| line.status == 206 && line.verified == "SUCCESS"),
        "{log:#?}"
    );
    assert!(log.iter().all(|line| line.protocol == "TLSv1.3"));
    installs(&path);
}

#[test]
fn what_is_there_already_does_not_come_again() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let (_folder, path) = place();
    let fetch = || {
        let server = Nginx::usual(&authority, "");
        server.put("3.drydock", bundle());
        let fetched = Setup::new(server.url("3.drydock")).by(&authority, Some(&own)).fetch(&path).unwrap();
        (fetched, server.log().iter().map(|line| line.bytes).sum::<u64>())
    };
    let (whole, first) = fetch();
    // Only the front and the manifest come again, to know that it is the same release.
    let (again, second) = fetch();
    assert_eq!((again.there, again.version), (whole.there, whole.version));
    assert!(second < 40_000 && first > 250_000, "{first}, {second}");
}

/// Every third of these many pieces of the bundle.
fn scattered() -> Ranges {
    let piece = bundle().len() as u64 / 900;
    (0..300).map(|number| number * 3 * piece..number * 3 * piece + piece).collect()
}

/// Asks nginx for scattered pieces. Returns its log.
fn gets_scattered(more: &str) -> Vec<Line> {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, more);
    server.put("u", bundle());
    let mut session = Setup::new(server.url("u")).by(&authority, Some(&own)).session().unwrap();
    let mut got = Ranges::new();
    session
        .get(&scattered(), &mut |offset, bytes| {
            let range = offset..offset + bytes.len() as u64;
            assert!(bytes == &bundle()[range.start as usize..range.end as usize]);
            got.add(range);
            Ok(())
        })
        .unwrap();
    assert_eq!(got, scattered());
    drop(session);
    server.log()
}

#[test]
fn many_ranges_come_as_parts_of_few_answers() {
    let log = gets_scattered("");
    assert!(log.iter().all(|line| line.status == 206), "{log:#?}");
    // The front, and three requests of a hundred ranges.
    assert_eq!(log.len(), 4, "{log:#?}");
    assert!(log.iter().skip(1).all(|line| line.range.matches(',').count() == 99));
    let sent: u64 = log.iter().skip(1).map(|line| line.bytes).sum();
    // A part's head has a hundred bytes or so.
    assert!(sent < scattered().bytes() + 300 * 150, "{sent} of {}", scattered().bytes());
}

#[test]
fn a_server_that_takes_one_range_at_a_time_will_do() {
    for limit in ["max_ranges 1;", "max_ranges 30;"] {
        let log = gets_scattered(limit);
        // One answer with the whole file, which is not read to its end; then one range after the other.
        assert_eq!(log.iter().filter(|line| line.status == 200).count(), 1, "{log:#?}");
        assert!(log.iter().filter(|line| line.status == 206).all(|line| !line.range.contains(',')));
        assert_eq!(log.len(), 302, "{limit}");
    }
}

#[test]
fn a_server_without_ranges_sends_the_whole_file() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "max_ranges 0;");
    server.put("3.drydock", bundle());
    let (_folder, path) = place();
    Setup::new(server.url("3.drydock")).by(&authority, Some(&own)).fetch(&path).unwrap();
    assert!(server.log().iter().all(|line| line.status == 200));
    claimed(&path);
    installs(&path);
}

#[test]
fn a_file_that_is_exchanged_on_the_server_is_noticed() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "");
    server.put("u.drydock", bundle());
    let (_folder, path) = place();
    let setup = || Setup::new(server.url("u.drydock")).by(&authority, Some(&own));
    let stream = Stream::open(setup().session().unwrap()).unwrap();
    let mut buffer = vec![0; 1000];
    stream.read_at(100_000, &mut buffer).unwrap();
    assert_eq!(buffer, bundle()[100_000..101_000]);
    // The same bytes, put there anew: another tag, and no reason to stop.
    server.put("u.drydock", bundle());
    std::fs::File::open(server.files().join("u.drydock"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000))
        .unwrap();
    stream.read_at(200_000, &mut buffer).unwrap();
    assert_eq!(buffer, bundle()[200_000..201_000]);
    // Another release.
    server.put("u.drydock", &crate::setup::WORKSHOP.version("4").bundle);
    let error = stream.read_at(20_000, &mut buffer).unwrap_err().to_string();
    assert!(error.contains("another one than before"), "{error}");
    // And a fetch takes what is there now.
    assert_eq!(setup().fetch(&path).unwrap().version, "4");
}

#[test]
fn a_stream_brings_the_same_bytes() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "");
    server.put("3.drydock", bundle());
    let setup = Setup::new(server.url("3.drydock")).by(&authority, Some(&own));
    let stream = Stream::open(setup.session().unwrap()).unwrap();
    let mut all = vec![0; bundle().len()];
    for (at, piece) in (0..).step_by(50_000).zip(all.chunks_mut(50_000)) {
        stream.read_at(at, piece).unwrap();
    }
    assert!(all == bundle());
    drop(stream);
    let sent: u64 = server.log().iter().map(|line| line.bytes).sum();
    assert_eq!(sent, bundle().len() as u64);
}
