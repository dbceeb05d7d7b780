use crate::console::Console;
use crate::console::tests::terminal;
use drydock_modem::{Answer, Ended, Failed, Offer, Receiver, Session, Stop, Take, Times};
use nix::sys::termios::{InputFlags, LocalFlags, tcgetattr};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Memory(Vec<u8>);

impl Take for Memory {
    fn offered(&mut self, _: &Offer) -> Answer {
        Answer::Take
    }

    fn resumed(&mut self, _: u64) -> Result<(), Stop> {
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn whole(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// Whatever the terminal driver might take for something else, and noise.
fn file() -> Vec<u8> {
    let noise = (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    (0..=255).cycle().take(4096).chain(noise).collect()
}

/// Starts a program of lrzsz at the other side of the console's line, which it can't change the modes of.
fn start(program: &str, path: &std::path::Path, person: &File) -> (Child, JoinHandle<Vec<u8>>) {
    let child = Command::new(program)
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}; run tools/setup.sh"));
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut reads, mut writes) = (person.try_clone().unwrap(), person.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from, &mut writes));
    let listener = std::thread::spawn(move || {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while !seen.ends_with(b"over\n") {
            let len = reads.read(&mut buffer).unwrap();
            seen.extend_from_slice(&buffer[..len]);
            let _ = to.write_all(&buffer[..len]);
        }
        seen
    });
    (child, listener)
}

#[test]
fn a_file_comes_over_one_console_while_the_others_go_on_and_the_console_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.drydock");
    fs::write(&path, file()).unwrap();
    for program in ["sz", "sb"] {
        let (mut person, serial) = terminal();
        let (mut other, screen) = terminal();
        let probe = serial.try_clone().unwrap();
        let before = tcgetattr(&probe).unwrap();
        let console = Console::on(vec![serial, screen]).unwrap();
        assert_eq!(console.count(), 2);
        console.line("choose");
        let mut seen = [0; 7];
        person.read_exact(&mut seen).unwrap();
        let (mut sender, listener) = start(program, &path, &person);

        let over = Arc::new(AtomicBool::new(false));
        let talker = std::thread::spawn({
            let (console, over) = (console.clone(), Arc::clone(&over));
            move || {
                let mut lines = 0;
                while !over.load(Ordering::Relaxed) {
                    console.line("an event");
                    lines += 1;
                    std::thread::sleep(Duration::from_millis(2));
                }
                lines
            }
        });
        let mut memory = Memory::default();
        let mut receiver = Receiver::new(&mut memory, Times::default());
        let ended = console.transfer(0, &mut receiver, LONG).unwrap();
        assert_eq!(ended, Ended::Done { files: 1 }, "{program}");
        over.store(true, Ordering::Relaxed);
        let lines = talker.join().unwrap();
        assert!(sender.wait().unwrap().success(), "{program}");
        assert!(memory.0 == file(), "{program}");
        let after = tcgetattr(&probe).unwrap();
        assert_eq!((after.input_flags, after.local_flags), (before.input_flags, before.local_flags));

        console.line("over");
        let text = String::from_utf8_lossy(&listener.join().unwrap()).into_owned();
        assert!(text.contains("lost]\n"), "{text}");
        let mut seen = String::new();
        while seen.matches("an event").count() < lines {
            let mut buffer = [0; 4096];
            let len = other.read(&mut buffer).unwrap();
            seen += &String::from_utf8_lossy(&buffer[..len]);
        }
    }
}

/// A session that says whether the console was raw while it ran.
struct Probe<'p>(&'p File, Arc<Mutex<Vec<bool>>>);

impl Session for Probe<'_> {
    fn feed(&mut self, _: &[u8], _: Duration) {
        let modes = tcgetattr(self.0).unwrap();
        let raw = !modes.local_flags.contains(LocalFlags::ICANON)
            && !modes.input_flags.intersects(InputFlags::IXON | InputFlags::IXOFF | InputFlags::ICRNL);
        self.1.lock().unwrap().push(raw);
    }

    fn outgoing(&mut self) -> &[u8] {
        b""
    }

    fn sent(&mut self, _: usize) {}

    fn ended(&self) -> Option<Ended> {
        None
    }
}

#[test]
fn time_is_limited_and_a_console_that_hangs_up_ends_a_transfer() {
    let (person, serial) = terminal();
    let probe = serial.try_clone().unwrap();
    let before = tcgetattr(&probe).unwrap();
    let console = Console::on(vec![serial]).unwrap();
    let raw = Arc::default();
    let error = console.transfer(0, &mut Probe(&probe, Arc::clone(&raw)), Duration::from_millis(500));
    assert!(error.unwrap_err().to_string().contains("the end of a transfer"));
    let raw = raw.lock().unwrap().clone();
    assert!(!raw.is_empty() && raw.iter().all(|raw| *raw));
    assert_eq!(tcgetattr(&probe).unwrap().local_flags, before.local_flags);

    assert!(console.transfer(1, &mut Probe(&probe, Arc::default()), LONG).is_err(), "there is none");
    drop(person);
    let error = console.transfer(0, &mut Probe(&probe, Arc::default()), LONG).unwrap_err().to_string();
    assert!(error.contains("console 0"), "{error}");
}

#[test]
fn what_is_typed_behind_a_transfer_that_failed_is_taken_again() {
    let (mut person, serial) = terminal();
    let console = Console::on(vec![serial]).unwrap();
    let mut memory = Memory::default();
    let mut receiver = Receiver::new(&mut memory, Times::default());
    person.write_all(&[0x18; 5]).unwrap();
    let ended = console.transfer(0, &mut receiver, LONG).unwrap();
    assert_eq!(ended, Ended::Failed(Failed::Cancelled));
    let typist = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while !seen.ends_with(b"sure? [y/n] ") {
            let mut byte = [0];
            person.read_exact(&mut byte).unwrap();
            seen.extend(byte);
        }
        person.write_all(b"y\r").unwrap();
        person
    });
    assert_eq!(console.confirm("sure?", LONG), Some(true));
    drop(typist.join().unwrap());
}
