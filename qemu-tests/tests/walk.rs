//! The commands of the documents are typed into a shell as they stand, in a fresh folder, by somebody who has read
//! nothing else: from images to a disk that has booted and updated itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::{repository, target_dir};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// For a block of commands; building the tools is one of them.
const COMMANDS: Duration = Duration::from_secs(900);
/// For what the guest says next: two boots, the first one an installation.
const GUEST: Duration = Duration::from_secs(300);
const PROMPT: &str = "/ # ";

/// A fenced block of a document.
struct Block {
    language: String,
    text: String,
}

/// The blocks between two lines of a document; the second one is searched behind the first one.
fn blocks(document: &str, from: &str, to: &str) -> Vec<Block> {
    let text = fs::read_to_string(repository().join(document)).unwrap();
    let text = &text[text.find(from).unwrap()..];
    let text = &text[..text.find(to).unwrap()];
    let mut parts = text.split("\n```");
    parts.next();
    let mut blocks = vec![];
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        blocks.push(Block { language: language.into(), text: text.to_owned() + "\n" });
    }
    assert!(!blocks.is_empty(), "{document}");
    blocks
}

/// A shell, and all that it has said.
struct Shell {
    child: Child,
    keyboard: ChildStdin,
    output: Receiver<Vec<u8>>,
    said: String,
    cursor: usize,
}

impl Shell {
    fn start(folder: &Path) -> Self {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("bash");
        command.current_dir(folder).process_group(0).stdin(Stdio::piped());
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        // As Yocto and many a CI do; no command may mind.
        command.env("SOURCE_DATE_EPOCH", "1700000000").env("DRYDOCK", repository());
        let mut child = command.spawn().unwrap();
        drop(command);
        let keyboard = child.stdin.take().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut buf = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buf) {
                if send.send(buf[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, output, said: String::new(), cursor: 0 }
    }

    fn type_line(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until the shell, or the guest in it, has said `text`.
    fn expect(&mut self, text: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(at) = self.said[self.cursor..].find(text) {
                self.cursor += at + text.len();
                return;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(end) => panic!("{end}, waiting for {text:?} after:\n{}", self.said),
            }
        }
    }

    /// Runs a block of commands; the first one that fails ends the shell. One that starts a guest keeps the keyboard, and
    /// is waited for by [`close_guest`](Self::close_guest).
    fn run(&mut self, block: &Block, folder: &Path) {
        let file = folder.join(".block");
        fs::write(&file, &block.text).unwrap();
        let guest = block.text.contains("qemu-system");
        let input = if guest { "" } else { " < /dev/null" };
        self.type_line(&format!("set -eo pipefail; . ./.block{input}; echo BLOCK-DONE"));
        if !guest {
            self.expect("BLOCK-DONE\n", COMMANDS);
        }
    }

    /// Types into the guest what stands behind the prompt, and waits for the other lines.
    fn talk(&mut self, block: &Block) {
        for line in block.text.lines() {
            match line.strip_prefix(PROMPT) {
                Some(command) => {
                    self.expect(PROMPT, GUEST);
                    self.type_line(command);
                }
                None => self.expect(line, GUEST),
            }
        }
        self.expect("BLOCK-DONE\n", GUEST);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

#[test]
fn the_commands_of_the_documents_lead_to_a_device_that_has_updated_itself() {
    let folder = tempfile::tempdir_in(target_dir()).unwrap();
    let mut shell = Shell::start(folder.path());
    for block in blocks("docs/bringing-up.md", "## The first hour", "## Your own images") {
        match block.language.as_str() {
            "sh" => shell.run(&block, folder.path()),
            "console" => shell.talk(&block),
            other => panic!("{other:?} is no block that can be walked"),
        }
    }
    // What other documents say in passing, in the same folder.
    for block in blocks("README.md", "## On your own device", "## Documents") {
        shell.run(&block, folder.path());
    }
    for block in blocks("docs/initramfs.md", "# The initramfs", "## What is inside") {
        shell.run(&block, folder.path());
    }
}
