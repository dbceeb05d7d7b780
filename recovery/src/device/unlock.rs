//! Ways to the key of a LUKS volume, tried in the configured order.

use super::discover::{Hotplug, Media, OurDisk};
use super::mounts::{MountedMedium, open_inside};
use super::{Access, Answer, DiskDevice, Error, Result};
use crate::console::Console;
use drydock_block::{AlignedBuffer, BlockDevice, is_erased};
use drydock_config::{MAX_KEY, Unlock};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// Where a filesystem with a key file is mounted while it is read.
const KEY_MOUNT: &str = "/run/drydock/key";

/// A key or passphrase. It is cleared when it is no longer needed.
pub type Secret = Zeroizing<Vec<u8>>;

/// What the ways to a key make use of.
pub struct Surroundings<'a> {
    /// Our disk.
    pub disk: &'a OurDisk,
    /// For media that are plugged in.
    pub hotplug: &'a mut Hotplug,
    /// Where somebody may be asked.
    pub console: &'a Console,
    /// Where warnings go.
    pub warn: &'a mut dyn FnMut(String),
}

/// Finds keys, and remembers the ones that fitted, so that nobody is asked twice.
pub struct Unlocker<'c> {
    methods: &'c [Unlock],
    known: Vec<Secret>,
}

/// What a key opens, or why it could not be tried everywhere: it may be that of a key slot that was left out.
pub type Fit<T> = std::result::Result<T, Vec<String>>;

/// What is done with a key. An error ends the search: no key can serve.
type Accept<'f, T> = &'f mut dyn FnMut(&[u8]) -> Result<Fit<T>>;

impl<'c> Unlocker<'c> {
    /// Finds keys by the given methods.
    pub fn new(methods: &'c [Unlock]) -> Self {
        Self { methods, known: vec![] }
    }

    /// Offers one key after the other until `accept` takes one or fails. `volume` is named to whoever is asked.
    /// Every method has a time limit. If none serves, the error has a reason for each of them, and says once what could
    /// not be tried.
    pub fn unlock<T>(
        &mut self,
        around: &mut Surroundings<'_>,
        volume: &str,
        accept: Accept<'_, T>,
    ) -> Result<T> {
        for key in &self.known {
            if let Ok(found) = accept(key)? {
                return Ok(found);
            }
        }
        let (mut reasons, mut untried) = (vec![], vec![]);
        for method in self.methods {
            let mut fitting = None;
            let mut offer = |key: &[u8]| {
                let found = accept(key)?;
                match &found {
                    Ok(_) => fitting = Some(Zeroizing::new(key.to_vec())),
                    Err(left_out) => untried.clone_from(left_out),
                }
                Ok(found)
            };
            match offer_by(method, around, volume, false, &mut offer)? {
                Ok(found) => {
                    self.known.extend(fitting);
                    return Ok(found);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        reasons.append(&mut untried);
        Err(Error::Locked { volume: volume.into(), reasons })
    }

    /// The key for a new volume: from the first method that has any. A passphrase is asked for twice.
    pub fn key_for_new(&mut self, around: &mut Surroundings<'_>, volume: &str) -> Result<Secret> {
        if let Some(key) = self.known.first() {
            return Ok(key.clone());
        }
        let mut reasons = vec![];
        for method in self.methods {
            match offer_by(method, around, volume, true, &mut |key| Ok(Ok(Zeroizing::new(key.to_vec()))))? {
                Ok(key) => {
                    self.known.push(key.clone());
                    return Ok(key);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(Error::Locked { volume: volume.into(), reasons })
    }
}

/// Offers the keys of one method. The inner error says why none of them served.
fn offer_by<T>(
    method: &Unlock,
    around: &mut Surroundings<'_>,
    volume: &str,
    new: bool,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    match method {
        Unlock::Initramfs { file } => {
            (around.warn)(
                "a LUKS key comes from the initramfs: whoever reads the boot partition has it; this is for demos".into(),
            );
            let key = File::open(file).and_then(read_key);
            offer_one(
                "the key file in the initramfs",
                key.map_err(Error::doing(format_args!("read {file}"))),
                accept,
            )
        }
        Unlock::Partition { label, file, length } => {
            let key = around.disk.partition(label).and_then(|part| match file {
                Some(file) => key_in_filesystem(&part.node, file),
                None => raw_key(&part.node, length.unwrap_or_default()),
            });
            offer_one(&format!("the key on partition `{label}`"), key, accept)
        }
        Unlock::Medium { file, wait_seconds } => {
            let wait = Duration::from_secs(u64::from(*wait_seconds));
            let mut media = Media::new(around.disk, wait);
            let mut reasons = vec![];
            while let Some(node) = media.next(around.hotplug, around.warn)? {
                let key = key_in_filesystem(&node, file);
                if key.as_ref().is_err_and(Error::is_absence) {
                    continue;
                }
                match offer_one(&format!("{file} on {}", node.display()), key, accept)? {
                    Ok(found) => return Ok(Ok(found)),
                    // It keeps no other medium from being used.
                    Err(why) => {
                        (around.warn)(why.clone());
                        reasons.push(why);
                    }
                }
            }
            Ok(Err(match reasons.is_empty() {
                true => format!("no medium with {file} was found"),
                false => reasons.join("; "),
            }))
        }
        Unlock::Passphrase { tries, wait_seconds } => {
            let wait = Duration::from_secs(u64::from(*wait_seconds));
            ask(around.console, *tries, wait, volume, new, accept)
        }
    }
}

fn offer_one<T>(
    from: &str,
    key: Result<Secret>,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    match key {
        Ok(key) => Ok(accept(&key)?.map_err(|_| format!("{from} does not fit"))),
        Err(error) => Ok(Err(format!("{from}: {error}"))),
    }
}

fn ask<T>(
    console: &Console,
    tries: u32,
    wait: Duration,
    volume: &str,
    new: bool,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    for _ in 0..tries {
        let prompt = if new { "New passphrase" } else { "Passphrase" };
        let Some(passphrase) = console.passphrase(&format!("{prompt} for `{volume}`: "), wait) else {
            let seconds = wait.as_secs();
            return Ok(Err(format!(
                "nobody typed a passphrase within {seconds} s, or there is no console to ask at"
            )));
        };
        if new && console.passphrase("The same again: ", wait).as_ref() != Some(&passphrase) {
            console.line("The two differ.");
            continue;
        }
        match accept(&passphrase)? {
            Ok(found) => return Ok(Ok(found)),
            Err(left_out) => {
                console.line("This passphrase does not fit.");
                left_out.iter().for_each(|why| console.line(&format!("Not tried: {why}.")));
            }
        }
    }
    Ok(Err(format!("no passphrase fitted in {tries} tries")))
}

fn key_in_filesystem(device: &Path, file: &str) -> Result<Secret> {
    let medium = MountedMedium::mount(device, Path::new(KEY_MOUNT))?;
    let inside = Path::new(file.trim_start_matches('/'));
    let opened = open_inside(medium.path(), inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    read_key(opened).map_err(Error::doing(format_args!("read {file} on {}", device.display())))
}

/// Reads a key file as it is, a line end at its end included: what `cryptsetup --key-file` takes.
fn read_key(mut file: File) -> io::Result<Secret> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    match metadata.len() {
        0 => Err(io::Error::new(io::ErrorKind::InvalidData, "the key file is empty")),
        len if len <= u64::from(MAX_KEY) => {
            // No buffer that grows, for what it leaves behind would not be cleared.
            let mut key = Zeroizing::new(vec![0; len as usize]);
            file.read_exact(&mut key)?;
            Ok(key)
        }
        len => {
            let why = format!("the key file has {len} bytes, more than the {MAX_KEY} of the longest key");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

fn raw_key(device: &Path, length: u32) -> Result<Secret> {
    if !(1..=MAX_KEY).contains(&length) {
        return Err(Error::Unusable(format!(
            "a raw key of {length} bytes is configured; 1 to {MAX_KEY} are possible"
        )));
    }
    let partition = DiskDevice::open(device, Access::ReadOnly)?;
    let key = first_bytes(&partition, length as usize);
    let key = key.map_err(Error::doing(format_args!("read a key from {}", device.display())))?;
    // Nobody meant an erased eMMC to be the key of a volume.
    if is_erased(&key) {
        return Err(Error::Unusable(format!("{} is blank", device.display())));
    }
    Ok(key)
}

/// Reads in place: the memory through which other reads may go is not cleared.
fn first_bytes(device: &dyn BlockDevice, length: usize) -> io::Result<Secret> {
    let mut sectors = AlignedBuffer::new(length.next_multiple_of(device.sector_size() as usize));
    let read = device.read_at(0, &mut sectors);
    let key = Zeroizing::new(sectors[..length].to_vec());
    sectors.zeroize();
    read.map(|()| key)
}

#[cfg(test)]
mod tests {
    use super::super::choice::Disk;
    use super::super::modules::Aliases;
    use super::super::uevent::Uevents;
    use super::super::{data, random};
    use super::*;
    use drydock_block::MemoryDevice;
    use drydock_luks::{Cost, FormatOptions, Limits, Volume};

    const LONGEST: usize = MAX_KEY as usize;

    #[test]
    fn a_key_file_is_taken_as_it_is_and_not_if_empty_or_huge() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, taken) in [
            (b"k\n".to_vec(), true),
            (vec![1; 100_000], true),
            (vec![1; LONGEST], true),
            (vec![], false),
            (vec![1; LONGEST + 1], false),
        ] {
            std::fs::write(file.path(), &content).unwrap();
            let key = read_key(File::open(file.path()).unwrap());
            assert_eq!(key.is_ok(), taken, "{} bytes", content.len());
            assert!(key.is_err() || *key.unwrap() == content);
        }
        assert!(read_key(File::open("/dev/zero").unwrap()).is_err());
    }

    #[test]
    fn a_raw_key_may_be_as_long_as_the_longest_key_file() {
        let bytes: Vec<u8> = (0..LONGEST + 4096).map(|n| (n % 251) as u8).collect();
        for sector_size in [512, 4096] {
            let device = MemoryDevice::from_bytes(bytes.clone(), sector_size);
            for length in [1, 32, 511, 4096, 100_000, LONGEST] {
                assert!(*first_bytes(&device, length).unwrap() == bytes[..length], "{length} bytes");
            }
            assert!(first_bytes(&device, LONGEST + 4097).is_err());
        }
    }

    #[test]
    fn a_passphrase_is_asked_for_as_often_and_waited_for_as_long_as_the_configuration_says() {
        let (mut person, console) = crate::console::tests::terminal();
        let console = Console::on(vec![console]).unwrap();
        let typist = std::thread::spawn(move || {
            let mut seen = String::new();
            for n in 1..=2 {
                while seen.matches("Passphrase for `data`: ").count() < n {
                    let mut some = [0; 256];
                    let len = person.read(&mut some).unwrap();
                    seen += &String::from_utf8_lossy(&some[..len]);
                }
                io::Write::write_all(&mut person, b"wrong\r").unwrap();
            }
            person
        });
        let mut tried = 0;
        let accept = &mut |_: &[u8]| -> Result<Fit<()>> {
            tried += 1;
            Ok(Err(vec![]))
        };
        let why = ask(&console, 2, Duration::from_secs(20), "data", false, accept).unwrap();
        assert_eq!((why.unwrap_err().as_str(), tried), ("no passphrase fitted in 2 tries", 2));
        drop(typist.join().unwrap());

        let (_nobody, console) = crate::console::tests::terminal();
        let console = Console::on(vec![console]).unwrap();
        let started = std::time::Instant::now();
        let accept = &mut |_: &[u8]| -> Result<Fit<()>> { panic!("nobody has typed anything") };
        let why = ask(&console, 2, Duration::from_secs(1), "data", false, accept).unwrap().unwrap_err();
        assert!(why.contains("within 1 s"), "{why}");
        assert!((1..20).contains(&started.elapsed().as_secs()));
    }

    #[test]
    fn a_key_slot_that_cannot_be_tried_keeps_no_other_way_from_being_tried_and_is_named_once() {
        let device = MemoryDevice::new(4 << 20, 512);
        let cheap = Cost::Pbkdf2 { iterations: 1000 };
        let options = FormatOptions { data_offset: 2 << 20, ..FormatOptions::new(cheap) };
        let unlocked = drydock_luks::format(&device, b"key", &options, &mut random::for_keys).unwrap();
        let costly = Cost::Argon2id { memory_kib: 2048, iterations: 1 };
        let mut volume = Volume::open(&device, &Limits::new(4096)).unwrap();
        volume.add_key(&unlocked, b"stranger", costly, &mut random::for_keys).unwrap();
        let volume = Volume::open(&device, &Limits::new(1024)).unwrap();

        let keys = [b"key".as_slice(), b"stranger", b"wrong"].map(|key| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), key).unwrap();
            file
        });
        let disk = OurDisk {
            node: "/nowhere".into(),
            facts: Disk {
                name: "nowhere".into(),
                bus_paths: vec![],
                removable: false,
                table: Err("none".into()),
            },
            partitions: vec![],
        };
        let by = |order: &[usize]| {
            let way = |n: &usize| Unlock::Initramfs { file: keys[*n].path().display().to_string() };
            let ways: Vec<Unlock> = order.iter().map(way).collect();
            let warn = &mut |_| {};
            let aliases = Aliases::read(Path::new("/nowhere"), "", warn);
            let mut around = Surroundings {
                disk: &disk,
                hotplug: &mut Hotplug { events: Uevents::open().unwrap(), aliases },
                console: &Console::on(vec![]).unwrap(),
                warn,
            };
            data::unlock(&mut around, &mut Unlocker::new(&ways), "data", &volume)
        };
        assert_eq!(by(&[1, 2, 0]).unwrap().slot(), 0);
        let message = by(&[1, 2]).unwrap_err().to_string();
        assert_eq!(message.matches("does not fit").count(), 2, "{message}");
        assert_eq!(message.matches("key slot 1 needs 2048 KiB").count(), 1, "{message}");
    }
}
