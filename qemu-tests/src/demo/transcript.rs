use crate::{QemuError, run, target_dir};
use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What a demo says: on stdout, and in a file, if there is one. Lines of several threads don't mix.
pub struct Transcript {
    start: Instant,
    file: Option<Mutex<File>>,
}

impl Transcript {
    /// One that is not kept.
    pub fn new() -> Self {
        Self { start: Instant::now(), file: None }
    }

    /// One that is kept in this file from now on, with the time of this one.
    pub fn kept(self, path: &Path) -> Result<Self, QemuError> {
        let file = File::create(path).map_err(QemuError::io(format!("create {}", path.display())))?;
        Ok(Self { file: Some(Mutex::new(file)), ..self })
    }

    /// Says lines.
    pub fn say(&self, text: impl Display) {
        let text = format!("{text}\n");
        let mut file = self.file.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner));
        let mut out = std::io::stdout().lock();
        // Nobody is left to be told where this fails.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let _ = file.as_mut().map(|file| file.write_all(text.as_bytes()));
    }

    /// Begins a part.
    pub fn heading(&self, text: impl Display) {
        self.say(format_args!("\n== {text}  [{:.0} s]", self.start.elapsed().as_secs_f32()));
    }

    /// Shows a command as one would type it, runs it, and shows what it prints, which is returned.
    pub fn show(&self, command: &mut Command) -> Result<String, QemuError> {
        let here = format!("{}/", target_dir().display());
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let words = std::iter::once(program).chain(command.get_args());
        let words: Vec<_> =
            words.map(|word| quoted(&word.to_string_lossy().replace(&here, "target/"))).collect();
        self.say(format_args!("   $ {}", words.join(" ")));
        let printed = run(command)?;
        for line in printed.lines() {
            self.say(format_args!("   {}", line.replace(&here, "target/")));
        }
        Ok(printed)
    }
}

impl Default for Transcript {
    fn default() -> Self {
        Self::new()
    }
}

/// A word as a shell must have it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,%@+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{word}'") }
}
