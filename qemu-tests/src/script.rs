//! What the small system's init is told to do.

use crate::QemuError;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where the payload begins on a script disk; `test-init` has the same number.
const PAYLOAD_AT: u64 = 4096;

/// A disk with what the small system's init shall do, in place of marking itself good and switching off.
#[derive(Clone, Debug, Default)]
pub struct Script {
    text: String,
    payload: Option<PathBuf>,
}

impl Script {
    /// Adds a command: `drydock …`, `write PATH WORD`, `overwrite DISK OFFSET WORD`, `mount SOURCE FILESYSTEM PATH`,
    /// `show PATH`, `remove PATH`, `hang`, `reboot` or `poweroff`. At the end of the script the system switches off.
    pub fn then(mut self, command: &str) -> Self {
        self.text += command;
        self.text.push('\n');
        self
    }

    /// Has a file of the host copied to this path of the guest's. One file a script.
    pub fn save(mut self, file: &Path, path: &str) -> Result<Self, QemuError> {
        let length = fs::metadata(file).map_err(QemuError::io(format!("look at {}", file.display())))?.len();
        self.payload = Some(file.into());
        Ok(self.then(&format!("save {length} {path}")))
    }

    /// Has the running set marked good, a bundle saved to `data` and staged, and the system restarted.
    pub fn stage(bundle: &Path) -> Result<Self, QemuError> {
        const PATH: &str = "/var/lib/drydock/update.drydock";
        let saved = Self::default().then("drydock mark-good").save(bundle, PATH)?;
        Ok(saved.then(&format!("drydock stage {PATH}")).then("reboot"))
    }

    /// Writes the disk image.
    pub fn write(&self, disk: &Path) -> Result<(), QemuError> {
        let write = || {
            let mut out = File::create(disk)?;
            write!(out, "DRYDOCK-TEST-SCRIPT\n{}", self.text)?;
            out.seek(SeekFrom::Start(PAYLOAD_AT))?;
            if let Some(payload) = &self.payload {
                std::io::copy(&mut File::open(payload)?, &mut out)?;
            }
            let end = out.stream_position()?;
            out.set_len(end.next_multiple_of(PAYLOAD_AT).max(1 << 20))
        };
        write().map_err(QemuError::io("write a script disk"))
    }
}
