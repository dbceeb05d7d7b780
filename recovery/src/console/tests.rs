use super::*;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A terminal: the side that a person sits at, and the one that we write to.
pub(crate) fn terminal() -> (File, File) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    // No conversion of line ends, so that texts compare.
    let mut raw = tcgetattr(&slave).unwrap();
    raw.output_flags = nix::sys::termios::OutputFlags::empty();
    tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
    fcntl(&slave, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    (master.into(), slave.into())
}

fn read_some(mut file: &File) -> String {
    let mut buffer = [0; 4096];
    let len = file.read(&mut buffer).unwrap();
    String::from_utf8(buffer[..len].to_vec()).unwrap()
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_slow_console_and_a_dead_one_hold_nobody_up() {
    let (person, good) = terminal();
    let (_nobody_reads, full) = terminal();
    let (gone, dead) = terminal();
    drop(gone);
    let console = Console::on(vec![full, dead, good]).unwrap();

    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        while !text.contains("the last line") {
            text += &read_some(&person);
        }
        text
    });
    let started = Instant::now();
    for n in 0..2000 {
        console.line(&format!("line {n} {}", "x".repeat(80)));
        // Slow enough for the console that is read.
        std::thread::sleep(Duration::from_micros(100));
    }
    console.line("the last line");
    assert!(started.elapsed() < LONG);
    let text = reader.join().unwrap();
    assert!(text.starts_with("line 0 x"));
    assert!(!console.drain(Duration::from_millis(50)), "the full console cannot be done");
}

#[test]
fn a_console_that_comes_back_is_told_how_much_it_missed() {
    let (person, console) = terminal();
    let console = Console::on(vec![console]).unwrap();
    for n in 0..4000 {
        console.line(&format!("line {n} {}", "x".repeat(80)));
    }
    let mut text = String::new();
    while !text.contains("line 3999 ") {
        text += &read_some(&person);
    }
    assert!(text.contains(" lines lost]\n"), "{}", &text[..500]);
    assert!(console.drain(LONG));
}

#[test]
fn without_any_console_everything_is_swallowed() {
    let console = Console::on(vec![]).unwrap();
    console.line("nobody hears");
    assert!(console.drain(LONG));
    assert!(console.passphrase("? ", LONG).is_none());
}

#[test]
fn a_passphrase_is_taken_from_any_console_and_shown_on_none() {
    let (one, first) = terminal();
    let (mut other, second) = terminal();
    let probe = second.try_clone().unwrap();
    let console = Console::on(vec![first, second]).unwrap();
    let typist = std::thread::spawn(move || {
        let mut seen = read_some(&other);
        other.write_all(b"wrong\x15open sesame\r").unwrap();
        while !seen.ends_with('\n') {
            seen += &read_some(&other);
        }
        (seen, other)
    });
    let before = tcgetattr(&probe).unwrap();
    let answer = console.passphrase("passphrase: ", LONG).unwrap();
    assert_eq!(answer.as_slice(), b"open sesame");
    let (seen, _other) = typist.join().unwrap();
    assert_eq!(seen, "passphrase: \n");
    assert_eq!(tcgetattr(&probe).unwrap().local_flags, before.local_flags);
    drop(one);
}

#[test]
fn a_question_has_a_time_limit_and_insists_on_yes_or_no() {
    let (mut person, console) = terminal();
    let console = Console::on(vec![console]).unwrap();
    assert_eq!(console.confirm("erase?", Duration::from_millis(50)), None);
    let typist = std::thread::spawn(move || {
        let mut seen = String::new();
        for answer in ["perhaps\n", "Yes\n"] {
            while !seen.ends_with("again? [y/n] ") {
                seen += &read_some(&person);
            }
            seen.clear();
            person.write_all(answer.as_bytes()).unwrap();
        }
        person
    });
    assert_eq!(console.confirm("again?", LONG), Some(true));
    drop(typist.join().unwrap());
}

/// Waits until the person has been asked this many questions.
fn wait_for_prompts(person: &File, seen: &mut String, count: usize) {
    while seen.matches("? ").count() < count {
        *seen += &read_some(person);
    }
}

#[test]
fn what_terminals_send_for_erase_and_enter_and_arrows_is_understood() {
    let (mut person, console) = terminal();
    let console = Console::on(vec![console]).unwrap();
    let typist = std::thread::spawn(move || {
        let mut seen = String::new();
        // The LF of the first line comes when the second question has been asked.
        for (n, sent) in ["se\x08\x7fö\x7fs\x1b[Desame\r", "\nthe same\r\n", "last\n"].iter().enumerate() {
            wait_for_prompts(&person, &mut seen, n + 1);
            person.write_all(sent.as_bytes()).unwrap();
        }
        person
    });
    for expected in ["sesame", "the same", "last"] {
        assert_eq!(*console.passphrase("? ", LONG).unwrap(), expected.as_bytes());
    }
    drop(typist.join().unwrap());
}

#[test]
fn two_consoles_at_which_somebody_types_do_not_mix() {
    let (mut one, first) = terminal();
    let (mut other, second) = terminal();
    let console = Console::on(vec![first, second]).unwrap();
    let typists = std::thread::spawn(move || {
        let (mut seen, mut seen_too) = (String::new(), String::new());
        wait_for_prompts(&one, &mut seen, 1);
        wait_for_prompts(&other, &mut seen_too, 1);
        one.write_all(b"open ").unwrap();
        other.write_all(b"half a li").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        one.write_all(b"sesame\r").unwrap();
        wait_for_prompts(&other, &mut seen_too, 2);
        other.write_all(b"yes\r").unwrap();
        (one, other)
    });
    assert_eq!(*console.passphrase("? ", LONG).unwrap(), b"open sesame");
    assert_eq!(*console.passphrase("? ", LONG).unwrap(), b"yes");
    drop(typists.join().unwrap());
}

#[test]
fn an_answer_is_shown_where_it_is_typed_as_it_is_edited() {
    let (mut person, console) = terminal();
    let console = Console::on(vec![console]).unwrap();
    let typist = std::thread::spawn(move || {
        let mut seen = read_some(&person);
        person.write_all(b"m\x7fy\r").unwrap();
        while !seen.ends_with('\n') {
            seen += &read_some(&person);
        }
        (seen, person)
    });
    assert_eq!(console.confirm("sure?", LONG), Some(true));
    assert_eq!(typist.join().unwrap().0, "sure? [y/n] m\x08 \x08y\n");
}

#[test]
fn noise_on_the_line_does_not_lengthen_a_question() {
    let (mut person, console) = terminal();
    fcntl(&person, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let console = Console::on(vec![console]).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let noise = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::Relaxed) {
                let _ = person.write(&[b'x'; 64]);
            }
        }
    });
    let started = Instant::now();
    assert!(console.passphrase("? ", Duration::from_millis(200)).is_none());
    over.store(true, Ordering::Relaxed);
    assert!(started.elapsed() < LONG);
    noise.join().unwrap();
}
