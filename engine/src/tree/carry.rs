//! Files of the old root that the new one has as well. A root can't be written, so they lie in a layer on `data`, one for each set,
//! that process 1 lays over the set's root. An update makes the target set's layer of what the old root shows, its own layer
//! included; the old set's stays as it is. The layer has its name only once it is whole, and is then the image's that it names.

use super::home;
use super::layer::{Layer, Part};
use super::place::Places;
use crate::error::Error;
use crate::machine::{Machine, Place, Trees};
use crate::release::trusted_release;
use drydock_config::SlotClass;
use drydock_format::{Digest, Image};
use drydock_state::SetName;
use std::path::Path;

/// Makes a set's layer of what the root of the other set shows. Returns how many files and folders it has. On return it is on
/// stable storage, and was read back.
///
/// Where the other set is not `good` there may be nothing to be read: then its layer alone will do.
pub fn make(
    machine: &impl Machine,
    class: &SlotClass,
    set: SetName,
    image: &Image,
    good: bool,
) -> Result<usize, Error> {
    let home = home::open(machine, Place::Data, &class.class)?;
    let (trees, places) = (&*home.trees, home.places(&class.class));
    let base = set.other();
    let old = trusted_release(machine, class, base).ok().map(|release| release.image);
    let layer = match &old {
        Some(old) if places.holds(base, &old.root_hash)? => Some(places.files(base)),
        _ => None,
    };
    let under = machine.image_files(class, set.into(), Some(image))?;
    let with = |root: Option<&dyn Trees>| {
        let layer = layer.as_deref().map(|root| Part { trees, root });
        let root = root.map(|trees| Part { trees, root: Path::new("") });
        let parts: Vec<_> = layer.into_iter().chain(root).collect();
        replace(machine, &places, class, (set, &image.root_hash), &*under, &parts)
    };
    let whole = machine.image_files(class, base.into(), old.as_ref()).and_then(|root| with(Some(&*root)));
    match whole {
        Err(error) if !good => {
            machine.events().warning(format_args!("nothing is carried from the root of set {base}: {error}"));
            with(None)
        }
        other => other,
    }
}

/// Lays a set's layer over its root. What is in it that is not to be carried is taken out first, whoever has put it there; a set
/// that has none gets an empty one, for the live system to fill.
pub fn lay_over(machine: &impl Machine, class: &SlotClass, set: SetName, image: &Image) -> Result<(), Error> {
    if class.carry.is_empty() {
        return Ok(());
    }
    let home = home::open(machine, Place::InNewRoot, &class.class)?;
    let (trees, places) = (&*home.trees, home.places(&class.class));
    let files = places.files(set);
    let under = machine.image_files(class, set.into(), Some(image))?;
    let has = places.has(set)?;
    let parts: Vec<_> = has.then_some(Part { trees, root: &files }).into_iter().collect();
    let is_exact = has && layer(machine, class, &*under).pieces(&parts)?.1;
    let holds = places.holds(set, &image.root_hash)?;
    if holds && !is_exact {
        machine.events().warning("what is carried is not as `carry` allows it; it is put right");
    }
    if !holds || !is_exact {
        replace(machine, &places, class, (set, &image.root_hash), &*under, &parts)?;
    }
    machine.lay_over(&files)?;
    places.lead_to(set)
}

fn layer<'l>(machine: &'l impl Machine, class: &'l SlotClass, under: &'l dyn Trees) -> Layer<'l> {
    Layer { class: &class.class, patterns: &class.carry, under, events: machine.events() }
}

/// Makes a layer of these parts beside the one that a set has, and lets it take that one's place.
fn replace(
    machine: &impl Machine,
    places: &Places<'_>,
    class: &SlotClass,
    (set, root_hash): (SetName, &Digest),
    under: &dyn Trees,
    parts: &[Part<'_>],
) -> Result<usize, Error> {
    places.make_folders()?;
    let new = places.on_its_way(set);
    places.remove(&new)?;
    let made = layer(machine, class, under).make(places.trees, &new, parts, root_hash);
    match made {
        Ok(count) => places.put_in_place(set).map(|()| count),
        Err(error) => {
            // It takes room that whatever comes next may need.
            if let Err(error) = places.remove(&new) {
                machine.events().warning(error);
            }
            Err(error)
        }
    }
}
