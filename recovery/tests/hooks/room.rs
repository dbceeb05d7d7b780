//! A folder with scripts, and hooks that are run from it.

use drydock_engine::hook::Lines;
use drydock_engine::machine::Ended;
use drydock_recovery::hook::call::call;
use drydock_recovery::hook::{BARE_PROGRAM, Order, Root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The device binary, which becomes the hook's supervisor.
pub(crate) const DRYDOCK: &str = env!("CARGO_BIN_EXE_drydock");

/// A folder that hooks see, and can't write to.
pub(crate) struct Room(TempDir);

/// What came of a hook.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) said: Vec<String>,
}

impl Room {
    pub(crate) fn new() -> Self {
        // Not in /tmp, which hooks have one of their own of.
        Self(tempfile::tempdir_in("/var/tmp").unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// An order for a script, with the ordinary limits.
    pub(crate) fn order(&self, script: &str) -> Order {
        let file = self.path().join("script");
        fs::write(&file, script).unwrap();
        Order {
            root: Root::Live { with: vec![self.path().to_str().unwrap().into()] },
            program: "/bin/sh".into(),
            arguments: vec![file.to_str().unwrap().into()],
            facts: "{\"drydock\":\"hook/1\"}\n".into(),
            seconds: 30,
            memory_mib: 64,
            network: false,
        }
    }

    pub(crate) fn run(&self, script: &str) -> Outcome {
        run(&self.order(script))
    }

    /// Makes a static program of a source in C.
    pub(crate) fn compile(&self, source: &Path) -> PathBuf {
        let program = self.path().join("program");
        let made =
            Command::new("cc").args(["-static", "-Os", "-o"]).args([&program, source]).status().unwrap();
        assert!(made.success());
        program
    }
}

/// An order for a static program, alone.
pub(crate) fn bare(program: &Path, arguments: &[&str]) -> Order {
    Order {
        root: Root::Bare { program: program.to_str().unwrap().into() },
        program: BARE_PROGRAM.into(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        facts: "{\"drydock\":\"hook/1\"}\n".into(),
        seconds: 30,
        memory_mib: 64,
        network: false,
    }
}

/// Runs a hook, and takes what it says as the engine does.
pub(crate) fn run(order: &Order) -> Outcome {
    let (mut lines, mut said) = (Lines::default(), Vec::new());
    let ended = call(Path::new(DRYDOCK), order, &mut |piece| {
        lines.take(piece, &mut |line| said.push(line.to_owned()));
    });
    lines.finish(&mut |line| said.push(line.to_owned()));
    Outcome { ended: ended.unwrap(), said }
}

/// The processes that have this word among their arguments.
pub(crate) fn running(word: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let has = |path: PathBuf| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes())
    };
    processes.filter(|entry| has(entry.path())).count()
}
