//! Held against lrzsz: its `sz`, `sb`, `rz` at the other end of a terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use drydock_modem::{
    Answer, Ended, Failed, Give, Offer, Receiver, Sender, Session, Stop, Take, Times, there_is,
};
use program::{GOOD, Line, Program};
use std::fs;
use std::time::Duration;

/// As fast as tests want to be.
const TIMES: Times = Times {
    begin: Duration::from_secs(60),
    progress: Duration::from_secs(60),
    again: Duration::from_millis(1500),
};

/// A disk that takes files, and knows what it had.
#[derive(Default)]
struct Disk {
    offers: Vec<Offer>,
    begins: Vec<u64>,
    there: Vec<u8>,
    whole: Vec<Vec<u8>>,
    /// Takes only so many bytes.
    full_at: Option<usize>,
    unwanted: Option<&'static str>,
}

impl Take for Disk {
    fn offered(&mut self, offer: &Offer) -> Answer {
        self.offers.push(offer.clone());
        if self.unwanted.is_some_and(|name| offer.name.contains(name)) {
            return Answer::Skip;
        }
        if self.there.is_empty() { Answer::Take } else { there_is(&self.there) }
    }

    fn resumed(&mut self, at: u64) -> Result<(), Stop> {
        self.begins.push(at);
        self.there.truncate(at as usize);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.there.extend_from_slice(bytes);
        if self.full_at.is_some_and(|limit| self.there.len() > limit) { Err(Stop) } else { Ok(()) }
    }

    fn whole(&mut self) -> Result<(), Stop> {
        self.whole.push(std::mem::take(&mut self.there));
        Ok(())
    }
}

struct Memory(Vec<u8>);

impl Give for Memory {
    fn name(&self) -> &str {
        "drydock-logs.tar"
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Stop> {
        buffer.copy_from_slice(&self.0[at as usize..][..buffer.len()]);
        Ok(())
    }
}

/// Bytes of which none is more likely than another, and all that are escaped in a row.
fn file(len: usize) -> Vec<u8> {
    let mut random = 7_u64;
    let mut bytes: Vec<u8> = (0..=255).cycle().take(1024.min(len)).collect();
    bytes.resize_with(len, || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 40) as u8
    });
    bytes
}

/// Lets a program send files of these lengths.
fn receive(disk: &mut Disk, program: &str, arguments: &[&str], files: &[&[u8]], line: Line) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..files.len()).map(|number| format!("{number}.drydock")).collect();
    for (name, bytes) in names.iter().zip(files) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut all = arguments.to_vec();
    all.extend(names.iter().map(String::as_str));
    let mut program = Program::start(program, &all, folder.path());
    let mut receiver = Receiver::new(disk, TIMES);
    program.talk(&mut receiver, line);
    let ended = receiver.ended().unwrap();
    program.wait();
    ended
}

#[test]
fn a_file_and_a_batch_arrive_bit_for_bit_from_sz_in_each_of_its_ways() {
    let (large, small) = (file(300_000), file(7));
    for arguments in [&[][..], &["-8"], &["-e"], &["-o"], &["-w", "4096"], &["-l", "1024"], &["-L", "64"]] {
        let mut disk = Disk::default();
        let ended = receive(&mut disk, "sz", arguments, &[&large, &small, &[]], GOOD);
        assert_eq!(ended, Ended::Done { files: 3 }, "{arguments:?}");
        assert!(disk.whole == [large.clone(), small.clone(), vec![]], "{arguments:?}");
        assert_eq!(disk.offers[0], Offer { name: "0.drydock".into(), size: Some(300_000) });
    }
}

#[test]
fn a_file_and_a_batch_arrive_bit_for_bit_from_sb() {
    let (large, small) = (file(100_000), file(7));
    for arguments in [&[][..], &["-k"]] {
        let mut disk = Disk::default();
        let ended = receive(&mut disk, "sb", arguments, &[&large, &small], GOOD);
        assert_eq!(ended, Ended::Done { files: 2 }, "{arguments:?}");
        assert!(disk.whole == [large.clone(), small.clone()], "{arguments:?}");
    }
}

#[test]
fn over_a_slow_and_noisy_line_every_byte_arrives_from_sz_and_from_sb() {
    let bytes = file(60_000);
    for (program, rate, noise, len) in
        [("sz", 11_520, 5_000, 60_000), ("sz", 960, 2_000, 3_000), ("sb", 11_520, 5_000, 20_000)]
    {
        let mut disk = Disk::default();
        let line = Line { rate: Some(rate), noise: Some(noise), breaks: None };
        let ended = receive(&mut disk, program, &[], &[&bytes[..len]], line);
        assert_eq!(ended, Ended::Done { files: 1 }, "{program} at {rate}");
        assert!(disk.whole == [&bytes[..len]], "{program} at {rate}");
    }
}

#[test]
fn after_a_broken_line_sz_goes_on_where_it_was_and_another_file_begins_anew() {
    let bytes = file(200_000);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), &bytes).unwrap();
    let mut disk = Disk::default();
    let mut program = Program::start("sz", &["x"], folder.path());
    program.talk(&mut Receiver::new(&mut disk, TIMES), Line { breaks: Some(100_000), ..GOOD });
    program.kill();
    let there = disk.there.len() as u64;
    assert!((80_000..100_000).contains(&there), "{there}");
    let kept = disk.there.clone();

    assert_eq!(receive(&mut disk, "sz", &[], &[&bytes], GOOD), Ended::Done { files: 1 });
    assert_eq!(disk.begins, [there]);
    assert!(disk.whole == [bytes.clone()]);

    let mut other = Disk { there: kept, ..Disk::default() };
    other.there[70_000] ^= 1;
    assert_eq!(receive(&mut other, "sz", &[], &[&bytes], GOOD), Ended::Done { files: 1 });
    assert_eq!(other.begins, [0]);
    assert!(other.whole == [bytes.clone()]);

    // All of it is there; only the end was not heard.
    let mut full = Disk { there: bytes.clone(), ..Disk::default() };
    assert_eq!(receive(&mut full, "sz", &[], &[&bytes], GOOD), Ended::Done { files: 1 });
    assert!(full.begins == [200_000] && full.whole == [bytes]);
}

#[test]
fn what_is_not_wanted_is_passed_over_and_a_stop_ends_the_transfer_at_both_ends() {
    let (one, other) = (file(50_000), file(60_000));
    let mut disk = Disk { unwanted: Some("0."), ..Disk::default() };
    assert_eq!(receive(&mut disk, "sz", &[], &[&one, &other], GOOD), Ended::Done { files: 1 });
    assert!(disk.whole == [other.clone()]);
    for program in ["sz", "sb"] {
        let mut disk = Disk { full_at: Some(20_000), ..Disk::default() };
        let ended = receive(&mut disk, program, &[], &[&one], GOOD);
        assert_eq!(ended, Ended::Failed(Failed::Stopped), "{program}");
        assert!(disk.whole.is_empty());
    }
}

/// Sends a file to `rz`. Returns what arrived there.
fn send(bytes: &[u8], arguments: &[&str]) -> (Ended, Option<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start("rz", arguments, folder.path());
    let mut memory = Memory(bytes.to_vec());
    let mut sender = Sender::new(&mut memory, TIMES);
    program.talk(&mut sender, GOOD);
    let ended = sender.ended().unwrap();
    assert!(program.wait().success());
    (ended, fs::read(folder.path().join("drydock-logs.tar")).ok())
}

#[test]
fn a_file_goes_to_rz_bit_for_bit_in_each_of_its_ways() {
    for len in [0, 1, 1024, 200_001] {
        let bytes = file(len);
        for arguments in [&[][..], &["-e"], &["-B", "4096"]] {
            let (ended, there) = send(&bytes, arguments);
            assert_eq!(ended, Ended::Done { files: 1 }, "{arguments:?} {len}");
            assert!(there == Some(bytes.clone()), "{arguments:?} {len}");
        }
    }
}

#[test]
fn rz_goes_on_with_a_file_of_which_it_has_a_part() {
    let bytes = file(100_000);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("drydock-logs.tar"), &bytes[..40_000]).unwrap();
    let mut program = Program::start("rz", &["-r"], folder.path());
    let mut memory = Memory(bytes.clone());
    let mut sender = Sender::new(&mut memory, TIMES);
    program.talk(&mut sender, GOOD);
    assert_eq!(sender.ended(), Some(Ended::Done { files: 1 }));
    program.wait();
    assert!(fs::read(folder.path().join("drydock-logs.tar")).unwrap() == bytes);
}
