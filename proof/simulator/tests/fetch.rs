//! Bundles from a server: what is fetched, what becomes of a fetch that is cut short or lied to, and that a recovery can
//! install what came without a network.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, PATH, Spares, WORKSHOP, device, fails, source};
use drydock_block::Flush;
use drydock_engine::fetch::holes::Claim;
use drydock_engine::fetch::{Keep, Stream, fetch};
use drydock_engine::live;
use drydock_engine::update::Look;
use drydock_fixtures::Parts;
use drydock_format::{Bundle, ReadAt};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::fetches::{self, bring, holes, lie, session};
use drydock_simulator::kept::SimKept;
use drydock_simulator::server::{Answer, Script, Served, SimServer, look};
use drydock_state::SetName;
use drydock_transfer::{Head, Ranges, Trouble};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

fn server(
    script: impl FnMut(usize, &mut Served) -> Answer + Send + 'static,
) -> (SimServer, Arc<Mutex<Served>>) {
    let mut script = script;
    let script: Script = Box::new(move |number, _, served| script(number, served));
    SimServer::new(WORKSHOP.version("3").bundle.clone(), script)
}

fn claim(keep: &SimKept) -> Claim {
    fetches::claim(keep).unwrap()
}

/// Lets the device install what was fetched, without a network.
fn installs(mut device: SimDevice, keep: &Arc<SimKept>) {
    device.bundles.insert(PATH.into(), Arc::new(holes(keep)));
    device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.record().unwrap().sets.a.version, "3");
    assert_eq!(device.violations(), Vec::<String>::new());
}

#[test]
fn only_what_the_device_lacks_is_fetched_and_it_is_enough() {
    let (server, served) = server(|_, _| Answer::Right);
    let keep = SimKept::new(None);
    let fetched = bring(&device(), server, &keep).unwrap();
    let bundle = &WORKSHOP.version("3").bundle;
    assert_eq!((fetched.version.as_str(), fetched.length), ("3", bundle.as_slice().len() as u64));
    // The last frame of the root is the same in every release, and so it is in place.
    let open = Bundle::open_unverified(bundle.to_vec()).unwrap();
    let root = open.image("root").unwrap();
    let [last] = &root.frame_places(root.image().frame_count() - 1)[..] else { panic!("one place") };
    let have = claim(&keep).have;
    assert!(!have.contain(last) && have.bytes() < fetched.length, "{have:?}");
    let sent = look(&served).sent;
    assert!(sent <= have.bytes() && look(&served).asked.len() <= 4, "{sent} {:?}", look(&served).asked);
    installs(device(), &keep);
}

/// Fetches version 5, of which each slot of version 1 is a base, for a device that runs version 1, and lets that install
/// it. Returns how many bytes came.
fn by_delta(file: Vec<u8>) -> u64 {
    let (server, served) = server(|_, _| Answer::Right);
    look(&served).file = Arc::new(file);
    let device = || SimDevice::new(&WORKSHOP, MOMENTS.first.clone());
    let keep = SimKept::new(None);
    let fetched = bring(&device(), server, &keep).unwrap();
    assert_eq!(fetched.version, "5");
    let mut device = device();
    device.bundles.insert(PATH.into(), Arc::new(holes(&keep)));
    device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
    assert_eq!(device.run(), End::Up(SetName::B));
    let set = device.record().unwrap().sets.b;
    assert_eq!(set.version, "5");
    // By this the live system knows later that the file can go.
    assert_eq!(set.manifest, claim(&keep).manifest.into());
    assert_eq!(device.violations(), Vec::<String>::new());
    fetched.there
}

#[test]
fn of_a_delta_only_its_data_are_fetched_and_frames_where_it_does_not_give_what_it_should() {
    let bundle = WORKSHOP.version("5").bundle.to_vec();
    let good = by_delta(bundle.clone());
    assert!(by_delta(WORKSHOP.slim("5")) < good);
    let mut crooked = bundle.clone();
    let parts = Parts::of(&bundle);
    let (at, index) = (parts.offset("root.delta-0.data"), parts.index("root.delta-0.data"));
    crooked[at..at + parts.members[index].1.len()].fill(0x5a);
    let bad = by_delta(crooked);
    println!("{good} bytes by delta, {bad} past one, of {}", bundle.len());
    assert!(good < bad && bad < bundle.len() as u64);
    // The front, the tables and the deltas, and what was read ahead of them.
    assert!(good < bundle.len() as u64 / 2, "{good} of {}", bundle.len());
}

/// Counts what is read of some bytes of a bundle with holes.
struct Counting {
    keep: Arc<SimKept>,
    of: Range<u64>,
    read: AtomicU64,
}

impl ReadAt for Counting {
    fn len(&self) -> std::io::Result<u64> {
        self.keep.len()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        let (start, end) = (self.of.start.max(offset), self.of.end.min(offset + buf.len() as u64));
        self.read.fetch_add(end.saturating_sub(start), Ordering::Relaxed);
        self.keep.read_at(offset, buf)
    }
}

impl Keep for Counting {
    fn room(&self) -> std::io::Result<u64> {
        self.keep.room()
    }
    fn claim(&self) -> std::io::Result<Option<Vec<u8>>> {
        self.keep.claim()
    }
    fn put_claim(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.keep.put_claim(bytes)
    }
    fn make(&self, length: u64) -> std::io::Result<()> {
        self.keep.make(length)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.keep.write_at(offset, bytes)
    }
    fn flush(&self, guard: Flush) -> std::io::Result<()> {
        self.keep.flush(guard)
    }
}

#[test]
fn a_delta_is_read_and_decoded_once_to_fetch_it() {
    let bundle = WORKSHOP.version("5").bundle.clone();
    let parts = Parts::of(&bundle);
    let start = parts.offset("root.delta-0.data") as u64;
    let len = parts.members[parts.index("root.delta-0.data")].1.len() as u64;
    let keep =
        Arc::new(Counting { keep: SimKept::new(None), of: start..start + len, read: AtomicU64::new(0) });
    let (server, served) = server(|_, _| Answer::Right);
    look(&served).file = bundle;
    let device = SimDevice::new(&WORKSHOP, MOMENTS.first.clone());
    let kept: Arc<dyn Keep> = keep.clone();
    device.live(|machine| fetch(machine, session(server), &kept, "a server")).unwrap();
    assert_eq!(keep.read.load(Ordering::Relaxed), len);
    assert!(claim(&keep.keep).have.contain(&keep.of));
}

#[test]
fn what_there_is_no_room_for_is_not_begun_and_the_reason_says_how_much_there_must_be() {
    let fetch_into = |bytes: u64| {
        let (server, served) = server(|_, _| Answer::Right);
        let keep = SimKept::with_room(bytes);
        (bring(&device(), server, &keep), look(&served).sent, keep)
    };
    let (fetched, sent, keep) = fetch_into(1 << 20);
    assert!(fetched.is_ok());
    let needed = claim(&keep).have.bytes();
    let (refused, less, keep) = fetch_into(needed);
    let why = refused.unwrap_err().to_string();
    let kib = (needed >> 10).to_string();
    assert!(why.contains(&format!("and there are {kib} KiB; delete what nobody needs there")), "{why}");
    assert!(why.contains("stage --stream") && less < sent / 2, "{why}: {less} of {sent}");
    // The tables have come.
    assert!(!claim(&keep).have.is_empty());
}

#[test]
fn a_cut_at_any_moment_leaves_a_fetch_that_can_be_gone_on_with() {
    let swept = fetches::cut_everywhere(&WORKSHOP, MOMENTS.fetches(), 20);
    assert_eq!(swept.failures, Vec::<String>::new());
    assert!(
        swept.runs > 80 && swept.states.len() > swept.runs * 3 / 2,
        "{} {}",
        swept.runs,
        swept.states.len()
    );
    assert!(
        swept.shorter > swept.runs / 4,
        "only {} of {} went on where they were",
        swept.shorter,
        swept.runs
    );
    println!("{} states, {} fetches", swept.states.len(), swept.runs);
}

#[test]
fn a_flush_that_does_nothing_is_noticed() {
    let bundle = WORKSHOP.version("3").bundle.clone();
    let keep = SimKept::new(Some(Flush::BundleFetched));
    bring(&device(), server(|_, _| Answer::Right).0, &keep).unwrap();
    let why = keep.cuts().iter().find_map(|cut| lie(cut, &bundle));
    println!("{}", why.expect("nothing notices that the flush does nothing"));
}

#[test]
fn a_connection_that_breaks_again_and_again_brings_all_of_it_in_the_end() {
    let (server, served) = server(|number, _| Answer::Breaks(5000 + number));
    let keep = SimKept::new(None);
    let fetched = bring(&device(), server, &keep).unwrap();
    assert_eq!(fetched.there, claim(&keep).have.bytes());
    assert!(look(&served).asked.len() > 10);
    installs(device(), &keep);
}

#[test]
fn a_server_that_never_answers_is_given_up_with_what_came_kept() {
    let (server, _) = server(|number, _| match number {
        0..3 => Answer::Right,
        3 => Answer::Breaks(30_000),
        _ => Answer::Not(Trouble::Status { status: 503, after: None }),
    });
    let keep = SimKept::new(None);
    let error = bring(&device(), server, &keep).unwrap_err().to_string();
    assert!(
        error.contains("mirror 0") && error.contains("503") && error.contains("goes on where it was"),
        "{error}"
    );
    assert!(claim(&keep).have.bytes() > 30_000);
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let (server, served) = server(|number, _| if number < 2 { Answer::Right } else { Answer::Whole });
    let keep = SimKept::new(None);
    bring(&device(), server, &keep).unwrap();
    // Several ranges at once bring nothing; one at a time does.
    assert!(look(&served).asked.iter().skip(3).all(|asked| asked.count() == 1));
    assert_eq!(lie(&keep, &WORKSHOP.version("3").bundle), None);
    installs(device(), &keep);
}

#[test]
fn a_file_that_is_exchanged_is_noticed_and_one_that_is_only_touched_is_not() {
    // The same file, put there anew.
    let (touched, _) = server(|number, served| {
        served.etag = format!("\"{}\"", number / 2);
        Answer::Right
    });
    let keep = SimKept::new(None);
    bring(&device(), touched, &keep).unwrap();
    // Another release, under the same name.
    let exchange = |number: usize, served: &mut Served| {
        if number == 1 {
            served.file = WORKSHOP.version("4").bundle.clone();
            served.etag = "\"2\"".into();
        }
        Answer::Right
    };
    let keep = SimKept::new(None);
    let error = bring(&device(), server(exchange).0, &keep).unwrap_err().to_string();
    assert!(error.contains("another one than before") && error.contains("stage it again"), "{error}");
    // The next fetch takes the new one, and leaves nothing of the old one.
    let (new, served) = server(|_, _| Answer::Right);
    look(&served).file = WORKSHOP.version("4").bundle.clone();
    let fetched = bring(&device(), new, &keep).unwrap();
    assert_eq!(fetched.version, "4");
    assert_eq!(lie(&keep, &WORKSHOP.version("4").bundle), None);
}

#[test]
fn bytes_that_were_not_signed_are_fetched_again_and_then_refused() {
    // Once tables, and once frames.
    for damaged in [2, 3] {
        let once = server(move |number, _| if number == damaged { Answer::Damaged } else { Answer::Right });
        let keep = SimKept::new(None);
        bring(&device(), once.0, &keep).unwrap();
        assert_eq!(lie(&keep, &WORKSHOP.version("3").bundle), None);
    }
    let always = server(|number, _| if number < 2 { Answer::Right } else { Answer::Damaged });
    let keep = SimKept::new(None);
    let error = bring(&device(), always.0, &keep).unwrap_err();
    assert!(error.is_of_contents(), "{error}");
    assert!(claim(&keep).have.is_empty());
}

#[test]
fn another_mirror_is_asked_and_only_if_it_has_the_same_release() {
    let dead = || {
        server(|number, _| match number {
            0 => Answer::Right,
            _ => Answer::Not(Trouble::Status { status: 404, after: None }),
        })
    };
    let (second, served) = server(|_, _| Answer::Right);
    look(&served).etag = "\"of another server\"".into();
    bring(&device(), dead().0.and(second), &SimKept::new(None)).unwrap();
    assert!(look(&served).asked.len() > 1);
    let (other, served) = server(|_, _| Answer::Right);
    look(&served).file = WORKSHOP.version("4").bundle.clone();
    let error = bring(&device(), dead().0.and(other), &SimKept::new(None)).unwrap_err().to_string();
    assert!(error.contains("another one than before"), "{error}");
}

#[test]
fn what_is_not_a_signed_bundle_is_refused_before_anything_is_kept() {
    let page = || {
        let mut head = Head::new(200);
        head.note("Content-Type", "text/html");
        head.note("Content-Length", "5");
        Answer::With(head, b"<html".to_vec())
    };
    let keep = SimKept::new(None);
    let error = bring(&device(), server(move |_, _| page()).0, &keep).unwrap_err().to_string();
    assert!(error.contains("captive portal"), "{error}");
    let (noise, served) = server(|_, _| Answer::Right);
    look(&served).file = Arc::new(vec![b'x'; 200_000]);
    let error = bring(&device(), noise, &keep).unwrap_err().to_string();
    assert!(error.contains("not a bundle"), "{error}");
    let mut parts = common::parts();
    parts.get("manifest.sig").fill(b'\n');
    let (unsigned, served) = server(|_, _| Answer::Right);
    look(&served).file = Arc::new(parts.bytes());
    assert!(bring(&device(), unsigned, &keep).unwrap_err().to_string().contains("signatures"));
    assert!(keep.claim().unwrap().is_none() && keep.bytes().is_none());
}

#[test]
fn a_hole_that_turns_out_to_be_needed_is_a_recorded_reason() {
    let keep = SimKept::new(None);
    bring(&device(), server(|_, _| Answer::Right).0, &keep).unwrap();
    let mut device = device();
    device.bundles.insert(PATH.into(), Arc::new(holes(&keep)));
    device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
    // What was in place is damaged between staging and the boot.
    let at = (WORKSHOP.setup.root_blocks as u64 - 1) * 4096;
    let contents = common::damage(&device.disk.view(), "root-a", at, &[0x55; 4096]);
    let device = device.again(contents, None);
    // The set that would be overwritten is good, so all is proven before it is given up.
    fails(&device, "a hole", &["were not fetched", "stage the bundle again"], Spares::Both);
}

#[test]
fn a_stream_reads_what_it_is_asked_for_in_few_requests() {
    let (server, served) =
        server(|number, _| if number % 3 == 2 { Answer::Breaks(9000) } else { Answer::Right });
    let stream = Stream::open(session(server)).unwrap();
    let bundle = WORKSHOP.version("3").bundle.clone();
    let length = bundle.as_slice().len();
    let mut all = vec![0; length];
    for (at, piece) in (0..).step_by(20_000).zip(all.chunks_mut(20_000)) {
        stream.read_at(at, piece).unwrap();
    }
    assert_eq!(all, *bundle);
    let asked: Ranges =
        look(&served).asked.iter().flat_map(|asked| asked.iter().collect::<Vec<_>>()).collect();
    assert_eq!(asked.bytes(), length as u64);
    assert!(look(&served).asked.len() < 40, "{}", look(&served).asked.len());
    assert!(stream.read_at(length as u64 - 1, &mut [0; 2]).is_err());
    assert_eq!(MOMENTS.second.size(), device().disk.view().size());
}
