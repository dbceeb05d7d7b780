//! What must hold for the trees of files. No I/O.

use crate::names::{check_label, is_taken};
use crate::problems::{Problems, is_absolute};
use drydock_config::{Config, Role};
use std::path::Path;

/// Folders of the root that process 1 itself mounts something at.
const TAKEN: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/"];

/// Folders and files that are never carried: what is mounted over, and what starts the system.
const NEVER: [&str; 7] = ["dev", "proc", "run", "sys", "init", "sbin/init", "usr/bin/drydock"];

/// Adds everything that is wrong with them.
pub(crate) fn check_trees(config: &Config, problems: &mut Problems) {
    check_carried(config, problems);
    for (index, slot) in config.slots.iter().enumerate().filter(|(_, slot)| slot.role == Role::Files) {
        problems.unless(
            config.data.is_some() || config.tree(&slot.class).partition.is_some(),
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
        check_own_partition(config, index, problems);
        let data = config.data.as_ref().map(|data| data.mount.as_str());
        let own = config.trees.iter().filter_map(|tree| tree.mount.as_deref());
        let mounts: Vec<&str> = data.into_iter().chain(own).collect();
        let Some(shown) = &tree.at else { continue };
        problems.unless(
            is_absolute(shown) && !TAKEN.iter().chain(&mounts).any(|taken| is_below(shown, taken)),
            at("at"),
            "must be an absolute path of a folder in the root image, without `..`, and not below /dev, /proc, /run, /sys or the data volume",
        );
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path == above || path.starts_with(&format!("{above}/"))
}

fn check_own_partition(config: &Config, index: usize, problems: &mut Problems) {
    let at = |key: &str| format!("tree.{index}.{key}");
    let Some(tree) = config.trees.get(index) else { return };
    let Some(label) = &tree.partition else {
        let message = "says where a partition of its own is mounted, and there is no `partition`";
        return problems.unless(tree.mount.is_none(), at("mount"), message);
    };
    check_label(label, &at("partition"), problems);
    let first = config.trees.iter().position(|other| other.partition.as_ref() == Some(label));
    problems.unless(
        !is_taken(config, label)
            && config.data.as_ref().is_none_or(|data| data.label != *label)
            && first == Some(index),
        at("partition"),
        format!("the partition `{label}` has another purpose already"),
    );
    let mount = tree.mount.as_deref().unwrap_or_default();
    let data = config.data.as_ref().map(|data| data.mount.as_str());
    let first = config.trees.iter().position(|other| other.mount == tree.mount);
    problems.unless(
        is_absolute(mount)
            && !TAKEN.iter().copied().chain(data).any(|taken| is_below(mount, taken))
            && first == Some(index),
        at("mount"),
        "must be an absolute path of a folder in the root image, without `..`, that nothing else is mounted at, and not below /dev, /proc, /run, /sys or the data volume",
    );
}

fn check_carried(config: &Config, problems: &mut Problems) {
    let data = config.data.as_ref().map(|data| data.mount.as_str());
    for (index, slot) in config.slots.iter().enumerate().filter(|(_, slot)| !slot.carry.is_empty()) {
        let at = format!("slot.{index}.carry");
        problems.unless(
            slot.role == Role::Root,
            &at,
            "only the class of the role `root` can carry files: the others are not mounted as a part of it",
        );
        problems.unless(data.is_some(), &at, "what is carried is on the data volume, and there is no [data]");
        let others = [data.unwrap_or_default(), config.boot.init.as_str()];
        let never = NEVER.into_iter().chain(others.map(|path| path.trim_start_matches('/')));
        let never: Vec<&str> = never.filter(|path| !path.is_empty()).collect();
        let taken = slot.carry.iter().find(|one| never.iter().any(|path| one.covers(Path::new(path))));
        let taken = taken.map(|pattern| pattern.to_string()).unwrap_or_default();
        problems.unless(
            taken.is_empty(),
            &at,
            format!(
                "`{taken}` stands for a folder that something is mounted over, or for what starts the system, which must be signed"
            ),
        );
    }
}
