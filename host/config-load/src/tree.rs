//! What must hold for the trees of files. No I/O.

use crate::problems::{Problems, is_absolute};
use drydock_config::{Config, Role};

/// Folders of the root that process 1 itself mounts something at.
const TAKEN: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/"];

/// Adds everything that is wrong with them.
pub(crate) fn check_trees(config: &Config, problems: &mut Problems) {
    for (index, _) in config.slots.iter().enumerate().filter(|(_, slot)| slot.role == Role::Files) {
        problems.unless(
            config.data.is_some(),
            format!("slot.{index}.role"),
            "the tree of such a class is on the data volume, and there is no [data]",
        );
    }
    for (index, tree) in config.trees.iter().enumerate() {
        let at = |key: &str| format!("tree.{index}.{key}");
        let known = config.slots.iter().any(|slot| slot.class == tree.class && slot.role == Role::Files);
        problems.unless(
            known,
            at("class"),
            format!("no [[slot]] with the role `files` has the class `{}`", tree.class),
        );
        let first = config.trees.iter().position(|other| other.class == tree.class);
        problems.unless(first == Some(index), at("class"), "there is a [[tree]] for this class already");
        let Some(shown) = &tree.at else { continue };
        let mount = config.data.as_ref().map_or("", |data| data.mount.as_str());
        let is_below = |above: &str| shown == above || shown.starts_with(&format!("{above}/"));
        problems.unless(
            is_absolute(shown) && !TAKEN.iter().any(|taken| is_below(taken)) && !is_below(mount),
            at("at"),
            "must be an absolute path of a folder in the root image, without `..`, and not below /dev, /proc, /run, /sys or the data volume",
        );
    }
}
