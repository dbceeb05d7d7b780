//! A device with a release that gets another one: what it fetches, and what that and the installation take.

use crate::Fallible;
use crate::figures::Figure;
use crate::measure::{Cost, measure};
use crate::nginx::Nginx;
use crate::pair::digest_of_first;
use drydock_simulator::native;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How often all that is compared is installed, one after the other.
const ROUNDS: usize = 3;
/// What is fetched is called this in a device's folder.
const FETCHED: &str = "fetched.drydock";

/// A device that fetches a bundle.
pub(crate) struct Device {
    folder: PathBuf,
    /// What it takes, but for what is not known yet.
    pub(crate) figure: Figure,
    applied: Vec<Cost>,
}

impl Device {
    /// The device that lives in a folder, which lies in `scratch`.
    pub(crate) fn new(folder: &Path, make: Option<Cost>) -> Self {
        Self { folder: folder.into(), figure: Figure { make, ..Figure::default() }, applied: Vec::new() }
    }

    /// Lets it fetch a bundle from a real server, whose log says how much that was.
    pub(crate) fn fetch(&mut self, bundle: &Path, scratch: &Path) -> Fallible<()> {
        let (files, name) = (bundle.parent().ok_or("it is in no folder")?, bundle.file_name());
        let server = Nginx::start(files, &scratch.join("nginx"))?;
        let url = server.url(&name.unwrap_or_default().to_string_lossy());
        let (program, threads) = (std::env::current_exe()?, native::workers().to_string());
        let words = ["fetch".as_ref(), &*self.folder, url.as_ref(), FETCHED.as_ref(), threads.as_ref()];
        self.figure.fetch = Some(measure(scratch, &program, &words)?);
        let sent = server.sent()?;
        (self.figure.bytes, self.figure.requests) = (sent.bytes, Some(sent.requests));
        Ok(())
    }

    /// Installs what was fetched, into a slot that holds nothing.
    fn install(&mut self, scratch: &Path) -> Fallible<()> {
        native::blank(&self.folder.join(native::SET_A))?;
        let (program, threads) = (std::env::current_exe()?, native::workers().to_string());
        let words = ["install".as_ref(), &*self.folder, FETCHED.as_ref(), threads.as_ref()];
        self.applied.push(measure(scratch, &program, &words)?);
        Ok(())
    }
}

/// Installs what each device has fetched, in alternating rounds. The first one takes the whole image: the others' ratio to it is
/// the median of each round's own. `image` is what each must have then: its SHA-256, and its size.
pub(crate) fn alternate(devices: &mut [Device], image: (&str, u64), scratch: &Path) -> Fallible<()> {
    for round in 0..ROUNDS {
        for nth in 0..devices.len() {
            let nth = (nth + round) % devices.len();
            let device = &mut devices[nth];
            device.install(scratch)?;
            let slot = File::open(device.folder.join(native::SET_A))?;
            if digest_of_first(slot, image.1)? != image.0 {
                return Err(
                    format!("{} does not have the new image afterwards", device.folder.display()).into()
                );
            }
        }
    }
    let Some((whole, others)) = devices.split_first_mut() else { return Ok(()) };
    whole.figure.apply = Some(middle(&whole.applied));
    for device in others {
        device.figure.apply = Some(middle(&device.applied));
        let ratios = device.applied.iter().zip(&whole.applied).map(|(own, whole)| own.wall / whole.wall);
        device.figure.beside_full = Some(native::median(ratios));
    }
    Ok(())
}

fn middle(costs: &[Cost]) -> Cost {
    Cost {
        wall: native::median(costs.iter().map(|cost| cost.wall)),
        cpu: native::median(costs.iter().map(|cost| cost.cpu)),
        // The most that it ever was: that is what must be there.
        peak_kib: costs.iter().map(|cost| cost.peak_kib).max().unwrap_or_default(),
    }
}

/// Installs a bundle in a device's folder, as its recovery does.
pub(crate) fn install(folder: &Path, bundle: &str, threads: &str) -> Fallible<()> {
    Ok(native::install(folder, bundle, threads.parse()?, native::Zeros::Written)?)
}
