//! Trees of files: for each set one on `data`, made of the image in its slot and of what the device keeps in it.
//!
//! A slot of the role `files` is a slot as any other one: written, proven and signed in the same way. What is special is that
//! nobody mounts it. An update makes the target set's tree of it, beside the one of the set that runs, which is not touched;
//! whoever starts a set lets `current` lead to its tree. A tree that is missing, after a factory reset above all, is made again
//! when its set is started: everything that is needed for that is in the slot.
//!
//! What a root carries is a tree as well, a [`Layer`] of what has been in the roots before it.

mod build;
mod carry;
mod check;
mod home;
mod layer;
mod place;
mod selection;
mod source;

pub use carry::{lay_over, make as carry};
pub use home::volumes;
pub use layer::{Layer, Part};
pub use place::FOLDER;

use crate::error::Error;
use crate::event::{Events, Step};
use crate::machine::{Machine, Place, Trees};
use crate::release::trusted_release;
use build::Builder;
use drydock_block::BlockDevice;
use drydock_config::{Config, Role, SlotClass, Tree};
use drydock_format::{Digest, Image};
use drydock_state::SetName;
use home::Home;
use place::Places;
use selection::Selection;
use source::Source;
use std::fmt::Write;
use std::path::Path;

/// The classes that trees are made for.
pub fn classes(config: &Config) -> impl Iterator<Item = &SlotClass> {
    config.set_classes().filter(|class| class.role == Role::Files)
}

/// Makes a set's tree of the image in its slot, whatever the set's tree is now. What is not the vendor's in it comes from the
/// other set's tree. On return the tree is on stable storage, and was read back; the other set's is as it was.
pub fn make(
    machine: &impl Machine,
    place: Place,
    set: SetName,
    slot: &dyn BlockDevice,
    image: &Image,
) -> Result<(), Error> {
    let home = home::open(machine, place, &image.class)?;
    let settings = machine.config().tree(&image.class);
    let of_class = ClassTrees::at(&home, &settings, machine.events());
    of_class.make(set, set.other(), slot, image)
}

/// Sees to it that the tree of a set is there for each class, and that `current` leads to it. A tree that is not required may
/// fail, which is a warning.
pub fn settle(machine: &impl Machine, place: Place, set: SetName) -> Result<(), Error> {
    if place == Place::InNewRoot {
        home::release(machine)?;
    }
    for class in classes(machine.config()) {
        let settings = machine.config().tree(&class.class);
        let required = settings.required;
        match settle_one(machine, place, set, class, settings) {
            Err(error) if !required => machine.events().warning(error),
            other => other?,
        }
    }
    Ok(())
}

fn settle_one(
    machine: &impl Machine,
    place: Place,
    set: SetName,
    class: &SlotClass,
    settings: Tree,
) -> Result<(), Error> {
    let home = home::open(machine, place, &class.class)?;
    let of_class = ClassTrees::at(&home, &settings, machine.events());
    let release = trusted_release(machine, class, set)?;
    let places = of_class.places();
    if !places.holds(set, &release.image.root_hash)? {
        let events = machine.events();
        events.started(
            Step::Write,
            format_args!("the tree of `{}`, which set {set} does not have", class.class),
        );
        // What the device keeps in a tree of this set is newer than what it keeps in the other one.
        let base = if places.has(set)? { set } else { set.other() };
        let slot = machine.slot(class, set.into())?;
        of_class.make(set, base, &slot, &release.image)?;
        events.finished(Step::Write, format_args!("the tree of `{}` for set {set}", class.class));
    }
    of_class.lead_to(set)
}

/// Shows the trees of a set in the root that is started, where the configuration says so; for reading only.
pub fn show(machine: &impl Machine, set: SetName) -> Result<(), Error> {
    for class in classes(machine.config()) {
        let settings = machine.config().tree(&class.class);
        let Some(at) = &settings.at else { continue };
        let shown = home::open(machine, Place::InNewRoot, &class.class)
            .and_then(|home| machine.show(home.place, &home.places(&class.class).files(set), at));
        match shown {
            Err(error) if !settings.required => machine.events().warning(error),
            other => other?,
        }
    }
    Ok(())
}

/// Whether the tree of each class is whole and of a slot's image, as far as its name says.
pub fn is_there(machine: &impl Machine, set: SetName, class: &str, root_hash: &Digest) -> bool {
    let Ok(home) = home::open(machine, Place::Data, class) else { return false };
    home.places(class).holds(set, root_hash).unwrap_or(false)
}

/// Reads the vendor's files in the trees of both sets, and compares them with their signed lists. Returns what was found, for
/// a person; a tree that is not what was signed is an error. Writes nothing.
pub fn verify(machine: &impl Machine) -> Result<String, Error> {
    let mut told = String::new();
    for class in classes(machine.config()) {
        for set in SetName::BOTH {
            let name = format!("tree of `{}` for set {set}", class.class);
            let line = match verify_one(machine, class, set)? {
                Some(count) => format!("{name}: {count} files and folders are what was signed"),
                None => format!("{name}: there is none"),
            };
            let _ = writeln!(told, "{line}");
        }
    }
    Ok(told)
}

fn verify_one(machine: &impl Machine, class: &SlotClass, set: SetName) -> Result<Option<usize>, Error> {
    let home = home::open(machine, Place::Data, &class.class)?;
    let settings = machine.config().tree(&class.class);
    let Ok(release) = trusted_release(machine, class, set) else { return Ok(None) };
    let slot = machine.slot(class, set.into())?;
    ClassTrees::at(&home, &settings, machine.events()).verify(set, &slot, &release.image)
}

/// The trees of one class, on whatever filesystem.
pub struct ClassTrees<'t> {
    /// The filesystem.
    pub trees: &'t dyn Trees,
    /// The folder in it that is the class's.
    pub folder: &'t Path,
    /// How they are made, and for which class.
    pub settings: &'t Tree,
    /// Who is told.
    pub events: &'t dyn Events,
}

impl<'t> ClassTrees<'t> {
    fn at(home: &'t Home<'_>, settings: &'t Tree, events: &'t dyn Events) -> Self {
        Self { trees: &*home.trees, folder: &home.folder, settings, events }
    }

    fn places(&self) -> Places<'_> {
        Places { trees: self.trees, class: &self.settings.class, folder: self.folder }
    }

    /// Makes the tree of a set; what is not the vendor's comes from the tree of the set `base`. On return it is on stable storage
    /// under its name, and was read back.
    pub fn make(
        &self,
        set: SetName,
        base: SetName,
        slot: &dyn BlockDevice,
        image: &Image,
    ) -> Result<(), Error> {
        let (places, class) = (self.places(), &self.settings.class);
        let label = set.label(class);
        let source = Source { slot, image, label: &label };
        let list = source.list()?;
        let selection = Selection { list: &list, device: self.settings.choice() };
        places.make_folders()?;
        let new = places.on_its_way(set);
        places.remove(&new)?;
        let base = if places.has(base)? { Some(places.files(base)) } else { None };
        let builder = Builder {
            trees: self.trees,
            source: &source,
            selection: &selection,
            base: base.as_deref(),
            share: self.settings.share,
            events: self.events,
        };
        let made = builder
            .build(&new)
            .and_then(|()| check::check(self.trees, class, &new.join("files"), &selection, self.events));
        if let Err(error) = made {
            // It takes room that whatever comes next may need.
            if let Err(error) = places.remove(&new) {
                self.events.warning(error);
            }
            return Err(error);
        }
        places.put_in_place(set)
    }

    /// Compares the vendor's files in the tree of a set with the signed list in its slot. Returns how many there are; nothing
    /// where the set has no tree of this image. Writes nothing.
    pub fn verify(
        &self,
        set: SetName,
        slot: &dyn BlockDevice,
        image: &Image,
    ) -> Result<Option<usize>, Error> {
        let (places, class) = (self.places(), &self.settings.class);
        if !places.holds(set, &image.root_hash)? {
            return Ok(None);
        }
        let label = set.label(class);
        let list = Source { slot, image, label: &label }.list()?;
        let selection = Selection { list: &list, device: self.settings.choice() };
        check::check(self.trees, class, &places.files(set), &selection, self.events)?;
        Ok(Some(selection.amount().0))
    }

    /// Lets `current` lead to the tree of a set.
    pub fn lead_to(&self, set: SetName) -> Result<(), Error> {
        self.places().lead_to(set)
    }
}
