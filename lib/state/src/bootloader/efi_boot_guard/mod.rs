//! EFI Boot Guard: two environments, each in a file `BGENV.DAT` on a partition of its own, of which the one with the higher
//! revision is started, once, and then the other one.
//!
//! What the loader does with them is in its `env/fatvars.c`; `drydock_models::efi_boot_guard` does the same.

mod env;
mod file;
mod order;
mod variables;

pub use env::{ENV_SIZE, Environment, Ustate};
pub use order::{Image, Names, order};

use super::{Bootloader, Observed, Starts, Wanted};
use crate::error::Error as StateError;
use drydock_block::{BlockDevice, Error};
use env::damaged;
use file::File;

/// The labels of the two partitions, in the disk's order.
pub const PARTITIONS: [&str; 2] = ["bootenv", "bootenv-2"];

/// The revision of what comes first, and of what comes after it. 0 is the loader's for what has failed.
const REVISIONS: [u32; 2] = [2, 1];

/// EFI Boot Guard's two environments. Neither filesystem is ever mounted, and only sectors of the files are written.
///
/// The one for what comes first is in the second file, and has drydock's variable. So the loader, which starts
/// what is in the first file where it believes in neither, then starts what comes second: what is known to be good,
/// if there is anything.
#[derive(Debug)]
pub struct EfiBootGuard<D> {
    /// For what comes first, and for what comes after it.
    files: [Result<File<D>, String>; 2],
    names: Names,
    watchdog: u16,
}

impl<D: BlockDevice> EfiBootGuard<D> {
    /// Finds the files on the two partitions, in the disk's order, of which one may be missing for a reason. `watchdog` is in seconds.
    ///
    /// # Errors
    /// A file has another size than this drydock knows (a later EFI Boot Guard, or one that was built with other sizes), or
    /// none was found at all. Then nothing may be written.
    pub fn open(partitions: [Result<D, String>; 2], names: Names, watchdog: u16) -> Result<Self, StateError> {
        let find = |device| File::find(device).map_err(|error| error.to_string());
        let [second, first] = partitions.map(|device| device.and_then(find));
        let files = [first, second];
        for file in files.iter().flatten() {
            file.check_size()?;
        }
        match files {
            [Err(why), Err(_)] => Err(damaged(&why).into()),
            files => Ok(Self { files, names, watchdog }),
        }
    }

    /// What the two files have to be for this. `now` is what they are.
    fn files_for(&self, wanted: &Wanted, now: [&[u8]; 2]) -> Result<[Vec<u8>; 2], Error> {
        let images = order(wanted);
        let old = now.map(env::variables_in);
        let file = |n: usize, text: &str| self.file(n, images[n], old[n], text);
        // What comes second mostly stays as it is, and then its file is not touched. Where it is written, the other one tells
        // by the number whether it was written for it.
        let mut pair = variables::pair(old[1]).unwrap_or(0);
        let mut second = file(1, &variables::pair_text(pair))?;
        if second != now[1] {
            pair = pair.wrapping_add(1);
            second = file(1, &variables::pair_text(pair))?;
        }
        Ok([file(0, &variables::text(wanted, pair))?, second])
    }

    /// One file, fresh. `old` are its user variables now.
    fn file(&self, n: usize, image: Image, old: &[u8], text: &str) -> Result<Vec<u8>, Error> {
        let environment = Environment {
            kernel: self.names.of(image),
            in_progress: false,
            ustate: Ustate::Installed,
            watchdog: self.watchdog,
            revision: REVISIONS[n],
            variables: variables::join(old, text)?,
        };
        Ok(environment.encode())
    }

    /// One of the two is not there, so the loader can't count: recovery is all that it may start, and nobody must believe
    /// that it was told anything.
    fn want_recovery_only(&self, wanted: &Wanted) -> Result<(), StateError> {
        let wanted = Wanted { attempts: Starts { a: 0, b: 0, recovery: 1 }, ..*wanted };
        let mut missing = "";
        for (n, file) in self.files.iter().enumerate() {
            match file {
                Err(why) => missing = why,
                Ok(file) => {
                    let now = file.read()?;
                    let text = variables::text(&wanted, 0);
                    let new = self.file(n, order(&wanted)[0], env::variables_in(&now), &text)?;
                    file.write(&now, &new)?;
                }
            }
        }
        Err(StateError::Refused(format!(
            "one of the two files BGENV.DAT can't be found, and without it EFI Boot Guard can't count; it starts \
             recovery from now on. Put a file of {ENV_SIZE} bytes of that name there. {missing}"
        )))
    }
}

impl<D: BlockDevice> Bootloader for EfiBootGuard<D> {
    fn most_starts(&self) -> u8 {
        1
    }

    fn observe(&self) -> Result<Observed, StateError> {
        let read = |file: &Result<File<D>, String>| match file {
            Ok(file) => file.read(),
            Err(why) => Err(damaged(why)),
        };
        Ok(observed([read(&self.files[0])?, read(&self.files[1])?], &self.names)?)
    }

    fn want(&self, wanted: &Wanted) -> Result<(), StateError> {
        let wanted = Wanted { attempts: wanted.attempts.at_most(self.most_starts()), ..*wanted };
        let [Ok(first), Ok(second)] = &self.files else { return self.want_recovery_only(&wanted) };
        let now = [first.read()?, second.read()?];
        let new = self.files_for(&wanted, [&now[0], &now[1]])?;
        // If power fails, one file is torn, and the other one is all that the loader has. So the one that it relies on less is
        // written first.
        let relied = |n: usize| reliance(&now[n]);
        let order = if relied(1) <= relied(0) { [1, 0] } else { [0, 1] };
        for n in order {
            let file = if n == 0 { first } else { second };
            file.write(&now[n], &new[n])?;
        }
        Ok(())
    }
}

/// What the two files say: the one for what comes first, and the one for what comes after it.
///
/// # Errors
/// One of them is damaged, they do not belong together, or somebody else has changed them.
pub fn observed(files: [Vec<u8>; 2], names: &Names) -> Result<Observed, Error> {
    let [first, second] = files;
    let (first, second) = (Environment::decode(&first)?, Environment::decode(&second)?);
    let told = variables::own(&first.variables).and_then(variables::parse);
    let mut now = told.ok_or_else(|| damaged("drydock's variable is missing or makes no sense"))?;
    let images = order(&now.into());
    if variables::pair(&first.variables) != variables::pair(&second.variables) {
        return Err(damaged("its two files are of two generations"));
    }
    for (n, file) in [first, second].into_iter().enumerate() {
        if file.kernel != names.of(images[n]) {
            return Err(damaged("its two files are of two generations"));
        }
        match (file.ustate, file.revision) {
            (Ustate::Installed, revision) if revision == REVISIONS[n] && !file.in_progress => {}
            (Ustate::Testing | Ustate::Failed, _) => spend(&mut now.left, images[n]),
            _ => return Err(damaged("somebody else has changed it")),
        }
    }
    Ok(now)
}

/// How much the loader relies on a file at its next start.
fn reliance(file: &[u8]) -> u8 {
    match Environment::decode(file) {
        Err(_) => 0,
        Ok(file) if file.revision == 0 || file.in_progress => 1,
        Ok(Environment { ustate: Ustate::Testing | Ustate::Failed, .. }) => 2,
        Ok(_) => 3,
    }
}

fn spend(left: &mut Starts, image: Image) {
    match image {
        Image::Set(set) => *left.of_mut(set) = 0,
        Image::Recovery(_) => left.recovery = 0,
    }
}
