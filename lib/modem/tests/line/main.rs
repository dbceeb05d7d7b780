//! Transfers over lines of any kind, in simulated time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod model;

use drydock_modem::{Ended, Failed, Receiver, Sender, Session, Times};
use model::{Disk, Line, Memory, Ran, run};
use proptest::prelude::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const FAST: Line = Line { rate: 11_520, late: 2, noise: 0, seed: 1 };

/// What a compressed file looks like.
fn compressed(len: usize) -> Vec<u8> {
    let mut random = 5_u64;
    let mut text = vec![];
    while text.len() < 3 * len {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.extend_from_slice(format!("{:x} ", random >> 20).as_bytes());
    }
    let mut out = vec![0; zstd_safe::compress_bound(text.len())];
    let made = zstd_safe::compress(&mut out[..], &text, 9).unwrap();
    assert!(made >= len, "{made}");
    out.truncate(len);
    out
}

fn transfer(disk: &mut Disk, file: &[u8], line: Line) -> (Ended, Ended, Ran) {
    let mut memory = Memory(file.to_vec());
    let times = Times::default();
    let (mut sender, mut receiver) = (Sender::new(&mut memory, times), Receiver::new(disk, times));
    let ran = run(&mut sender, &mut receiver, line, HOUR);
    (sender.ended().unwrap(), receiver.ended().unwrap(), ran)
}

const DONE: Ended = Ended::Done { files: 1 };

#[test]
fn a_compressed_file_uses_95_percent_of_a_line_that_is_slow_or_late() {
    let file = compressed(300_000);
    for line in [FAST, Line { late: 400, ..FAST }, Line { rate: 960, ..FAST }] {
        let mut disk = Disk::default();
        let (sent, received, ran) = transfer(&mut disk, &file, line);
        assert_eq!((sent, received), (DONE, DONE));
        assert!(disk.whole == [file.clone()]);
        // What it takes to agree on the file does not grow with it.
        let talk = Duration::from_millis(6 * u64::from(line.late) + 1500);
        let rate = file.len() as f64 / (ran.took - talk.min(ran.took)).as_secs_f64();
        assert!(rate > 0.95 * f64::from(line.rate), "{rate} of {line:?}");
        assert!(file.len() as f64 > 0.95 * ran.carried as f64, "{ran:?}");
    }
}

#[test]
fn a_line_that_damages_one_byte_in_ten_thousand_still_carries_two_thirds_of_its_rate() {
    let file = compressed(300_000);
    let mut disk = Disk::default();
    let (_, received, ran) = transfer(&mut disk, &file, Line { noise: 100, ..FAST });
    assert_eq!(received, DONE);
    assert!(disk.whole == [file.clone()]);
    let rate = file.len() as f64 / ran.took.as_secs_f64();
    assert!(rate > 0.66 * 11_520.0, "{rate}");
}

#[test]
fn nobody_at_the_other_end_ends_a_transfer_and_so_does_one_who_falls_silent() {
    let times = Times::default();
    let mut disk = Disk::default();
    let mut receiver = Receiver::new(&mut disk, times);
    let mut said = 0;
    for second in 0..=120 {
        receiver.feed(b"login: noise **\x18B01", Duration::from_secs(second));
        said += receiver.outgoing().len();
        receiver.sent(usize::MAX);
    }
    assert_eq!(receiver.ended(), Some(Ended::Failed(Failed::NobodyBegan)));
    assert!((100..3000).contains(&said), "{said}");

    let (mut memory, mut disk) = (Memory(vec![7; 100_000]), Disk::default());
    let mut sender = Sender::new(&mut memory, times);
    let mut receiver = Receiver::new(&mut disk, times);
    run(&mut sender, &mut receiver, FAST, Duration::from_secs(3));
    assert_eq!(receiver.ended(), None);
    for second in 3..64 {
        // The line hums.
        receiver.feed(b"UUUUUUUU", Duration::from_secs(second));
        receiver.sent(usize::MAX);
        sender.feed(b"", Duration::from_secs(second));
        sender.outgoing();
        sender.sent(usize::MAX);
    }
    assert_eq!(receiver.ended(), Some(Ended::Failed(Failed::StoodStill)));
    sender.feed(b"", Duration::from_secs(300));
    assert_eq!(sender.ended(), Some(Ended::Failed(Failed::StoodStill)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_line_loses_what_arrives_is_the_file(
        seed in any::<u64>(), len in 0_usize..60_000, noise in 0_u32..1500, late in 0_u32..300,
        rate in prop::sample::select(vec![960_u32, 11_520]),
    ) {
        let file: Vec<u8> = compressed(60_000)[..len].to_vec();
        let mut disk = Disk::default();
        let mut memory = Memory(file.clone());
        let times = Times::default();
        let (mut sender, mut receiver) = (Sender::new(&mut memory, times), Receiver::new(&mut disk, times));
        run(&mut sender, &mut receiver, Line { rate, late, noise, seed }, HOUR);
        let ended = receiver.ended();
        prop_assert!(ended.is_some() && sender.ended().is_some());
        // Its end may be lost again and again; nothing else ever takes its place.
        for whole in &disk.whole {
            prop_assert!(*whole == file);
        }
        if noise < 200 {
            prop_assert_eq!((ended, disk.whole.len()), (Some(DONE), 1));
        }
    }

    #[test]
    fn after_any_number_of_broken_lines_the_file_is_whole_and_nothing_comes_twice(
        seed in any::<u64>(), seconds in prop::collection::vec(1_u64..6, 0..4),
    ) {
        let file = compressed(60_000);
        let mut disk = Disk::default();
        let mut memory = Memory(file.clone());
        let line = Line { noise: 20, seed, ..FAST };
        for seconds in seconds {
            let before = disk.there.len();
            let mut sender = Sender::new(&mut memory, Times::default());
            let mut receiver = Receiver::new(&mut disk, Times::default());
            run(&mut sender, &mut receiver, line, Duration::from_secs(seconds));
            prop_assert!(disk.there.len() >= before || disk.whole.len() == 1);
            if !disk.whole.is_empty() {
                break;
            }
        }
        let before = disk.there.len() as u64;
        if disk.whole.is_empty() {
            let (_, received, _) = transfer(&mut disk, &file, line);
            prop_assert_eq!(received, DONE);
            prop_assert_eq!(disk.begins.last().copied().unwrap_or(0), before);
        }
        prop_assert!(disk.whole == [file]);
    }

    #[test]
    fn whatever_comes_nothing_breaks_and_nothing_is_taken_that_was_not_offered(
        bytes in prop::collection::vec(prop::sample::select(
            b"*\x18BCA0123456789abcdefhijk\x01\x02\x04\x00\xff\r\n\x11OO".to_vec()), 0..600),
    ) {
        let mut disk = Disk::default();
        let mut receiver = Receiver::new(&mut disk, Times::default());
        for (number, part) in bytes.chunks(7).enumerate() {
            receiver.feed(part, Duration::from_millis(300 * number as u64));
            receiver.sent(usize::MAX);
        }
        prop_assert!(disk.whole.is_empty() && disk.there.is_empty());
        let mut memory = Memory(vec![1; 3000]);
        let mut sender = Sender::new(&mut memory, Times::default());
        for (number, part) in bytes.chunks(7).enumerate() {
            sender.feed(part, Duration::from_millis(300 * number as u64));
            sender.outgoing();
            sender.sent(usize::MAX);
        }
    }
}
