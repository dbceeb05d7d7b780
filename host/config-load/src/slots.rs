//! What must hold for the slot classes, on each revision of the hardware. No I/O.

use crate::names::mapped_otherwise;
use crate::problems::{Problems, is_word};
use drydock_config::{Bootloader, Config, HardwareKind, Role, SlotClass};

pub(crate) fn check_slots(config: &Config, problems: &mut Problems) {
    for (index, slot) in config.slots.iter().enumerate() {
        let at = format!("slot.{index}.class");
        problems.unless(is_class(&slot.class), &at, "must be 1 to 32 characters of a-z 0-9 -");
        let is_twice = config.slots[..index].iter().any(|other| other.class == slot.class);
        problems.unless(
            !is_twice,
            &at,
            format!("there is a slot class `{}` already: the partitions' labels would clash", slot.class),
        );
        let clash = config.slots[..index].iter().find(|other| {
            other.class != slot.class && other.partition() == slot.partition() && share_hardware(slot, other)
        });
        problems.unless(
            clash.is_none(),
            &at,
            format!(
                "the class `{}` has the partitions {partition}-a and {partition}-b already, on the same hardware",
                clash.map_or("", |other| &other.class),
                partition = slot.partition()
            ),
        );
        if let Some(partition) = &slot.partition {
            problems.unless(
                is_class(partition) && (partition == "recovery") == (slot.role == Role::Recovery),
                format!("slot.{index}.partition"),
                "must be 1 to 32 characters of a-z 0-9 -, and `recovery` for the recovery alone",
            );
        }
        problems.unless(
            (slot.class == "recovery") == (slot.role == Role::Recovery),
            &at,
            "the class `recovery` and the role `recovery` belong together: its partitions are recovery-a and recovery-b",
        );
        let clash = (slot.role == Role::Other).then(|| mapped_otherwise(config, &slot.class)).flatten();
        problems.unless(
            clash.is_none(),
            &at,
            format!(
                "the image would be mapped as `{}`, which is the name of {}: choose another class",
                slot.class,
                clash.as_deref().unwrap_or_default()
            ),
        );
        let by_bootloader = matches!(slot.role, Role::Boot | Role::Recovery);
        problems.unless(
            !(slot.encrypted && by_bootloader),
            format!("slot.{index}.encrypted"),
            "the bootloader reads this slot and can't unlock it",
        );
    }
    check_revisions(config, problems);
    let known = config.known_revisions();
    let each = known.iter().map(|revision| Some(*revision));
    for revision in each.chain(known.is_empty().then_some(None)) {
        let config = on(config, revision);
        let on = revision.map(|revision| format!(", on hardware `{revision}`")).unwrap_or_default();
        let count = |role| config.slots.iter().filter(|slot| slot.role == role && config.has(slot)).count();
        let (root, boot) = (count(Role::Root), count(Role::Boot));
        problems.unless(root == 1, "slot", format!("exactly one slot class must have the role `root`{on}"));
        problems.unless(boot <= 1, "slot", format!("at most one slot class may have the role `boot`{on}"));
        problems.unless(
            boot > 0 || config.layout.bootloader == Bootloader::None,
            "slot",
            format!(
                "one slot class must have the role `boot`, for the bootloader to find the kernel in (or set \
                 `layout.bootloader` to \"none\"){on}"
            ),
        );
    }
}

/// Whether there is hardware that has both.
fn share_hardware(one: &SlotClass, other: &SlotClass) -> bool {
    let shared = one.only_if.iter().any(|revision| other.only_if.contains(revision));
    one.only_if.is_empty() || other.only_if.is_empty() || shared
}

/// The configuration as hardware of this revision has it.
fn on(config: &Config, revision: Option<&str>) -> Config {
    let mut config = config.clone();
    config.revision.found = revision.map(str::to_owned).into_iter().collect();
    config
}

fn check_revisions(config: &Config, problems: &mut Problems) {
    for (index, slot) in config.slots.iter().enumerate() {
        let at = format!("slot.{index}.only_if");
        problems.unless(
            slot.only_if.is_empty() || config.hardware.is_some(),
            &at,
            "no [hardware] says where the revision of the hardware is read",
        );
        let good = |word: &String| {
            (1..=128).contains(&word.len())
                && word.trim() == word
                && word.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        problems.unless(
            slot.only_if.iter().all(good),
            &at,
            "a revision has 1 to 128 printable ASCII characters, and no space at its ends",
        );
        problems.unless(
            slot.only_if.is_empty() || slot.role != Role::Recovery,
            &at,
            "the recovery is the same on all hardware: it finds out where it runs",
        );
    }
    let name = |word: &str, path: bool| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_graphic())
            && (path || !word.contains('/'))
            && !word.split('/').any(|part| part == "..")
    };
    let Some(hardware) = &config.hardware else { return };
    problems.unless(name(&hardware.property, false), "hardware.property", "must be a property's name");
    problems.unless(
        name(&hardware.field, false),
        "hardware.field",
        "must be a file's name below /sys/class/dmi/id",
    );
    let path = hardware.path.as_deref().unwrap_or_default();
    problems.unless(
        hardware.path.is_some() == (hardware.kind == HardwareKind::File),
        "hardware.path",
        "a path is for the kind \"file\", and needed there",
    );
    problems.unless(
        path.is_empty() || path.starts_with('/') && name(path, true),
        "hardware.path",
        "must be an absolute path, without spaces and `..`",
    );
}

fn is_class(name: &str) -> bool {
    is_word(name, 32, "-", false)
}
