//! Real processes on the files of one device, two at a time, a thousand times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_simulator::native;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const COMMANDS: [&str; 5] = ["stage", "cancel", "mark-good", "factory-reset", "settle"];
const ROUNDS: usize = 1000;

/// A device in a folder, and its state before each round.
struct Device {
    folder: tempfile::TempDir,
    before: Vec<(PathBuf, Vec<u8>)>,
}

impl Device {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        fs::write(&image, vec![7; 64 << 10]).unwrap();
        native::prepare(folder.path(), &image, 1).unwrap();
        native::on_trial(folder.path()).unwrap();
        let files = ["state", "bootenv"].map(|name| folder.path().join(name));
        let before = files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
        Self { folder, before }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start(&self, command: &str) -> Child {
        let mut process = Command::new(env!("CARGO_BIN_EXE_command"));
        process.arg(self.folder()).arg(command).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Runs two commands from the device's first state. Returns what they told and what they left.
    fn round(&self, run: impl FnOnce() -> [String; 2]) -> ([String; 2], String) {
        for (path, bytes) in &self.before {
            fs::write(path, bytes).unwrap();
        }
        (run(), native::left(self.folder()).unwrap())
    }
}

fn told(process: Child) -> String {
    String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_thousand_times_two_processes_at_once_come_out_as_if_one_had_come_after_the_other() {
    let device = Device::new();
    let pairs: Vec<[&str; 2]> =
        COMMANDS.iter().flat_map(|one| COMMANDS.iter().map(|other| [*one, *other])).collect();
    let mut orders = [0; 2];
    for pair in &pairs {
        let [one, other] = *pair;
        let first = device.round(|| [one, other].map(|command| told(device.start(command))));
        let second = device.round(|| {
            let [b, a] = [other, one].map(|command| told(device.start(command)));
            [a, b]
        });
        for _ in 0..ROUNDS.div_ceil(pairs.len()) {
            let found = device.round(|| pair.map(|command| device.start(command)).map(told));
            assert!(
                found == first || found == second,
                "{pair:?}: {found:?}\nis neither {first:?}\nnor {second:?}"
            );
            if first != second {
                orders[usize::from(found == second)] += 1;
            }
        }
    }
    assert!(orders.iter().all(|count| *count > 0), "they never met: {orders:?}");
}
