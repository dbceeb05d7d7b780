//! The `data` volume: opened, made where it is missing, and mounted.

use super::luks;
use super::provision::{self, Content};
use super::torn::{journal, superblock};
use crate::error::Error;
use crate::keys;
use crate::limits::MOUNT_TIME;
use crate::machine::{Device, Home, Machine, Mode, NotMounted, NotMountedFor, Place};
use drydock_config::{DATA_MAPPING, Data};

/// Whether a blank partition may be made into a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfBlank {
    /// It may, where the configuration says so.
    Provision,
    /// It may not: what is looked for must be there.
    Refuse,
}

/// The `data` volume, ready to be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataVolume {
    /// What its filesystem lies on.
    pub home: Home,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Opens the `data` volume of our disk. A blank partition is made into one first, where that may be; so is one that was
/// being made when the power went. On return a new volume is on stable storage.
pub fn open(machine: &impl Machine, config: &Data, if_blank: IfBlank) -> Result<DataVolume, Error> {
    let label = &config.label;
    let partition = machine.alone(&Home::Partition(label.clone()))?;
    let is_new = provision::content(&partition)? != Content::Used;
    if is_new && !(config.provision && if_blank == IfBlank::Provision) {
        return Err(Error::Unusable(format!(
            "`{label}` is blank; a set that is started makes a volume there where the configuration has `data.provision = true`, else write one to it"
        )));
    }
    if is_new {
        return make(machine, config, partition);
    }
    drop(partition);
    if config.encrypted {
        luks::open(machine, label, DATA_MAPPING)?;
    }
    Ok(DataVolume { home: home(config), is_new })
}

fn make(machine: &impl Machine, config: &Data, partition: Device) -> Result<DataVolume, Error> {
    let label = &config.label;
    let key = match config.encrypted {
        true => Some(keys::for_new(machine, label)?),
        false => None,
    };
    provision::begin(&partition)?;
    match key {
        None => machine.make_filesystem(&partition)?,
        Some(key) => {
            let (headers, unlocked) = luks::new(machine, label, &partition, &key)?;
            luks::write(label, &provision::before_mark(partition)?, &headers)?;
            luks::map(machine, label, DATA_MAPPING, &unlocked)?;
            let inside = machine.alone(&home(config));
            if let Err(error) = inside.and_then(|inside| machine.make_filesystem(&inside)) {
                let _ = machine.unmap(DATA_MAPPING);
                return Err(error);
            }
        }
    }
    provision::finish(&machine.partition(label)?)?;
    Ok(DataVolume { home: home(config), is_new: true })
}

fn home(config: &Data) -> Home {
    if config.encrypted { Home::Mapping(DATA_MAPPING.into()) } else { Home::Partition(config.label.clone()) }
}

/// Mounts a filesystem and grows it to the size of what it lies on, if it is smaller. That it can't grow is only a
/// warning. Returns how it is mounted; on a disk that takes no writes it can be read all the same.
pub fn mount(machine: &impl Machine, home: &Home, place: Place) -> Result<Mode, Error> {
    let events = machine.events();
    events.allow(MOUNT_TIME);
    let mend = |what: &str, mend: fn(&Device) -> Result<bool, Error>| {
        match machine.alone(home).and_then(|device| mend(&device)) {
            Ok(true) => {
                events.warning(format_args!("a power cut had torn {what} of the filesystem; it is mended"))
            }
            Ok(false) => {}
            // Whether that stands in the way shows when it is mounted.
            Err(error) => events.warning(error),
        }
    };
    mend("the superblock", superblock::mend);
    let mut mounted = machine.mount(home, place, Mode::Writable);
    if matches!(mounted, Err(NotMounted { kind: NotMountedFor::Damage, .. })) {
        mend("a block in the journal", journal::mend);
        mounted = machine.mount(home, place, Mode::Writable);
    }
    match mounted {
        Ok(()) => {}
        Err(NotMounted { kind: NotMountedFor::NoWrites, error }) => {
            machine.mount(home, place, Mode::ReadOnly).map_err(|why| why.error)?;
            events.warning(format_args!("{error}; it is mounted read-only"));
            return Ok(Mode::ReadOnly);
        }
        Err(NotMounted { error, .. }) => return Err(error),
    }
    if let Err(error) = machine.grow(home, place) {
        events.warning(error);
    }
    Ok(Mode::Writable)
}

/// Takes the mapping away that a filesystem lies on, after it was unmounted.
pub fn close(machine: &impl Machine, home: &Home) -> Result<(), Error> {
    match home {
        Home::Partition(_) => Ok(()),
        Home::Mapping(name) => machine.unmap(name),
    }
}

/// Sees to it that `data` is mounted for recovery's own use.
pub fn for_reading(machine: &impl Machine) -> Result<(), Error> {
    if machine.is_mounted(Place::Data) {
        return Ok(());
    }
    let config = machine.config().data.as_ref().ok_or_else(|| Error::Missing {
        what: "a data volume in the configuration".into(),
        advice: "the intent names a file on it; stage the bundle from a medium instead".into(),
    })?;
    let volume = open(machine, config, IfBlank::Refuse)?;
    mount(machine, &volume.home, Place::Data).map(drop)
}

/// Unmounts and closes the `data` volume, so that a set can have it.
pub fn release(machine: &impl Machine) -> Result<(), Error> {
    let Some(config) = machine.config().data.as_ref().filter(|_| machine.is_mounted(Place::Data)) else {
        return Ok(());
    };
    machine.unmount(Place::Data)?;
    close(machine, &home(config))
}
