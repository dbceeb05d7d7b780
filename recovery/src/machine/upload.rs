//! Bundles over the serial line, on this machine.

use super::Hardware;
use super::kept::KeptFile;
use crate::console::Console;
use drydock_engine::Error;
use drydock_engine::event::Events;
use drydock_engine::fetch::{Keep, UPLOADED};
use drydock_engine::machine::Place;
use drydock_engine::service::landing::{Landing, landings};
use drydock_engine::service::upload::{Received, Upload, Way};
use drydock_engine::volume::data;
use drydock_modem::{Ended, Give, Receiver, Sender, Stop, Times};
use std::sync::Arc;
use std::time::Duration;

/// How long a transfer may take in all: 16 MiB at 9,600 baud.
const LONGEST: Duration = Duration::from_secs(5 * 3600);
/// A transfer may stand still for so long: it ends by itself before.
const QUIET: Duration = Duration::from_secs(150);

impl Hardware<'_> {
    /// Returns the places that an upload can go to now, the best one first; `data` is mounted for it if it can be.
    pub fn landings(&self) -> Vec<Landing> {
        landings(self, self.uploaded(), Some(self.memory.clone()))
    }

    /// The file on `data` that uploads go to, where that can be had.
    pub(super) fn uploaded(&self) -> Option<Arc<dyn Keep>> {
        // That there is none, or that it is locked, is no reason to refuse: there are other places.
        let on_data = data::for_reading(self).and_then(|()| {
            let path = self.target(Place::Data).join(UPLOADED);
            KeptFile::at(&path).map_err(Error::doing(format_args!("open {}", path.display())))
        });
        let on_data = on_data.map_err(|error| self.warn(format_args!("uploads do not go to data: {error}")));
        on_data.ok().map(|keep| Arc::new(keep) as Arc<dyn Keep>)
    }

    /// Receives a bundle over a console's line. The console is as before on return, and what has come is on stable storage. An
    /// error says what is wrong with the bundle or with the line; what came is gone on with the next time.
    pub fn upload(&self, console: &Console, number: usize) -> Result<Received, Error> {
        let mut upload = Upload::new(self, self.landings(), Way::Line)?;
        let ended = {
            let mut receiver = Receiver::new(&mut upload, Times::default());
            console.transfer(number, &mut receiver, LONGEST)
        };
        upload.finish(ended)
    }

    /// Sends a file over a console's line to a receiver of ZMODEM there.
    pub fn download(&self, console: &Console, number: usize, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.events.allow(QUIET);
        let mut file = File { name, bytes, events: self.events };
        let mut sender = Sender::new(&mut file, Times::default());
        match console.transfer(number, &mut sender, LONGEST)? {
            Ended::Done { files: 1 } => Ok(()),
            Ended::Done { .. } => Err(Error::Refused("the other end did not want the file".into())),
            Ended::Failed(why) => Err(Error::Refused(format!("sending {name}: {why}"))),
        }
    }
}

/// A file in memory that is sent.
struct File<'f> {
    name: &'f str,
    bytes: &'f [u8],
    /// Sees that there is progress.
    events: &'f dyn Events,
}

impl Give for File<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Stop> {
        self.events.allow(QUIET);
        let start = usize::try_from(at).map_err(|_| Stop)?;
        let part = start.checked_add(buffer.len()).and_then(|end| self.bytes.get(start..end));
        buffer.copy_from_slice(part.ok_or(Stop)?);
        Ok(())
    }
}
