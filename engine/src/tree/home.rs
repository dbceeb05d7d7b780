//! The filesystem that the trees of a class are on: `data`, or a partition of their own.

use super::place::{FOLDER, Places};
use crate::error::Error;
use crate::machine::{Machine, Place, Trees};
use crate::volume::data::{self, IfBlank};
use drydock_config::{Config, Data};
use std::path::{Path, PathBuf};

/// Where the trees of a class are.
pub(super) struct Home<'h> {
    /// The filesystem.
    pub(super) trees: Box<dyn Trees + 'h>,
    /// Where that is mounted.
    pub(super) place: Place,
    /// The class's folder in it.
    pub(super) folder: PathBuf,
}

impl Home<'_> {
    pub(super) fn places<'p>(&'p self, class: &'p str) -> Places<'p> {
        Places { trees: &*self.trees, class, folder: &self.folder }
    }
}

/// The volumes that trees have to themselves, each with the place of its `[[tree]]`.
fn own(config: &Config) -> impl Iterator<Item = (usize, &str, Data)> {
    let all = config.trees.iter().enumerate();
    all.filter_map(|(index, tree)| Some((index, tree.class.as_str(), tree.volume()?)))
}

/// The volumes that trees have to themselves.
pub fn volumes(config: &Config) -> impl Iterator<Item = Data> {
    own(config).map(|(_, _, volume)| volume)
}

/// Opens the trees of a class; where they have a partition of their own it is mounted first, unless it is already, and made if it
/// is blank. `place` is that of `data`.
pub(super) fn open<'m, M: Machine>(machine: &'m M, place: Place, class: &str) -> Result<Home<'m>, Error> {
    let found = own(machine.config()).find(|(_, of, _)| *of == class);
    let (place, folder) = match found {
        None => {
            if place == Place::Data {
                data::for_reading(machine)?;
            }
            (place, Path::new(FOLDER).join(class))
        }
        Some((index, _, volume)) => {
            let place = match place {
                Place::InNewRoot => Place::TreesInNewRoot(index),
                _ => Place::Trees(index),
            };
            if !machine.is_mounted(place) {
                let opened = data::open(machine, &volume, IfBlank::Provision)?;
                data::mount(machine, &opened.home, place)?;
            }
            (place, PathBuf::new())
        }
    };
    let trees = machine.trees(place).map_err(Error::system(
        "opening",
        "the trees of files",
        "check the data volume",
    ))?;
    Ok(Home { trees, place, folder })
}

/// Unmounts the volumes that trees have to themselves, so that a set can have them.
pub(super) fn release(machine: &impl Machine) -> Result<(), Error> {
    for (index, _, _) in own(machine.config()) {
        if machine.is_mounted(Place::Trees(index)) {
            machine.unmount(Place::Trees(index))?;
        }
    }
    Ok(())
}
