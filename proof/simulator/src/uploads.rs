//! Uploads over a line: a bundle comes piece by piece, and the power is cut at every write and flush of that.

use crate::device::SimDevice;
use crate::machine::Bundles;
use drydock_engine::Error;
use drydock_engine::fetch::{Keep, UPLOADED};
use drydock_engine::live::{self, Staged};
use drydock_engine::machine::Machine;
use drydock_engine::service::landing::{Memory, landings};
use drydock_engine::service::upload::{Received, Upload, Way};
use drydock_engine::update::Look;
use drydock_modem::{Answer, Check, Ended, Failed, Offer, Take};
use std::sync::Arc;

/// What a sender of ZMODEM gives at once, in bytes.
const PIECE: usize = 1024;

/// How a line ends a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It does not.
    Holds,
    /// It breaks after so many bytes.
    Breaks(usize),
}

/// What the places of a device are.
#[derive(Clone, Default)]
pub struct Places {
    /// The file on `data`, if that can be had.
    pub data: Option<Arc<dyn Keep>>,
    /// Memory, if there is enough.
    pub memory: Option<Arc<Memory>>,
}

/// What came of an upload.
#[derive(Debug)]
pub struct Uploaded {
    /// What was received, or why not.
    pub received: Result<Received, Error>,
    /// The offset that the sender began from.
    pub began: u64,
    /// How many bytes the sender has sent.
    pub sent: usize,
}

impl Places {
    /// Lets what is there be read as bundles.
    pub(crate) fn add_to(&self, bundles: &mut Bundles) {
        if let Some(data) = &self.data {
            bundles.insert(UPLOADED.into(), Arc::new(Lying(data.clone())));
        }
        if let Some(memory) = &self.memory {
            bundles.insert("memory".into(), memory.clone());
        }
    }

    /// Lets a device find what lies there.
    pub fn read_by(&self, device: &mut SimDevice<'_>) {
        self.add_to(&mut device.bundles);
    }
}

/// Lets a sender of ZMODEM offer a file to a device, and send it as it is asked to.
pub fn upload(device: &SimDevice<'_>, on: &Places, file: &[u8], line: Line) -> Uploaded {
    device.live(|machine| receive(machine, on, file, line))
}

/// The same, on a machine.
pub(crate) fn receive(machine: &impl Machine, on: &Places, file: &[u8], line: Line) -> Uploaded {
    let places = landings(machine, on.data.clone(), on.memory.clone());
    let mut upload = match Upload::new(machine, places, Way::Line) {
        Ok(upload) => upload,
        Err(error) => return Uploaded { received: Err(error), began: 0, sent: 0 },
    };
    let mut began = 0;
    let mut sent = 0;
    let ended = send(&mut upload, file, line, &mut began, &mut sent);
    Uploaded { received: upload.finish(Ok(ended)), began, sent }
}

fn send(upload: &mut Upload<'_>, file: &[u8], line: Line, began: &mut u64, sent: &mut usize) -> Ended {
    let offer = Offer { name: "x.drydock".into(), size: Some(file.len() as u64) };
    let stopped = Ended::Failed(Failed::Stopped);
    match upload.offered(&offer) {
        Answer::Take => {}
        Answer::Resume { there, check } => {
            let mut same = Check::default();
            same.update(&file[..there as usize]);
            *began = if same.value() == check.value() { there } else { 0 };
            if upload.resumed(*began).is_err() {
                return stopped;
            }
        }
        Answer::Skip | Answer::Stop => return stopped,
    }
    for piece in file[*began as usize..].chunks(PIECE) {
        if line == Line::Holds || matches!(line, Line::Breaks(after) if *sent + piece.len() <= after) {
            *sent += piece.len();
            if upload.data(piece).is_err() {
                return stopped;
            }
        } else {
            return Ended::Failed(Failed::StoodStill);
        }
    }
    match upload.whole() {
        Ok(()) => Ended::Done { files: 1 },
        Err(_) => stopped,
    }
}

/// Stages what was received, all of it read and proven.
pub fn stage_it(device: &mut SimDevice<'_>, on: &Places, received: &Received) -> Result<Staged, Error> {
    on.read_by(device);
    device.live(|machine| live::stage(machine, received.source.clone(), Look::Whole))
}

/// A file, as what a bundle is read from.
struct Lying(Arc<dyn Keep>);

impl drydock_format::ReadAt for Lying {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.0.read_at(offset, buf)
    }
}
