//! GRUB's menu on the serial console.

use crate::{Guest, QemuError};
use std::thread::sleep;
use std::time::Duration;

const ESC: &str = "\x1b";
const DOWN: &str = "\x0e";
/// How long a key may take to show on the screen. One that comes right after an ESC may be taken for a part of a sequence,
/// and is lost.
const REACTION: Duration = Duration::from_secs(3);

impl Guest {
    /// Opens the hidden menu while its time runs, goes down to the entry with this title, and starts that. Titles must
    /// differ from the first letter on.
    pub fn choose(&mut self, title: &str) -> Result<(), QemuError> {
        repeat(120, || {
            self.send(ESC)?;
            self.expect("Press enter to boot", Duration::from_millis(500))
        })?;
        let selected = format!("*{title}");
        // The menu is drawn from the top, the first entry selected.
        if self.expect(&selected, REACTION).is_err() {
            repeat(10, || {
                self.send(DOWN)?;
                self.expect(&selected, REACTION)
            })?;
        }
        sleep(Duration::from_millis(500));
        self.send("\r")
    }
}

/// Tries a few times; returns what succeeded, or the last error.
fn repeat<T>(times: u32, mut work: impl FnMut() -> Result<T, QemuError>) -> Result<T, QemuError> {
    let mut last = work();
    for _ in 1..times {
        if last.is_ok() {
            break;
        }
        last = work();
    }
    last
}
