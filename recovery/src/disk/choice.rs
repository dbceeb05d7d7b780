//! Which of the disks is ours: a decision over plain facts.

use drydock_config as config;
use drydock_gpt::{Partition, Table, Which};
use std::fmt;

/// What there is to know about a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name, as in `vda`.
    pub name: String,
    /// The disk's real paths below `/sys/devices`: one for each way to it, and one below a virtual parent, if it has one.
    pub bus_paths: Vec<String>,
    /// Whether the kernel calls it removable.
    pub removable: bool,
    /// Its partition table, or why there is none.
    pub table: Result<Table, String>,
}

impl Disk {
    /// The partitions, none if the table could not be read.
    pub fn partitions(&self) -> &[Partition] {
        self.table.as_ref().map_or(&[], |table| &table.partitions)
    }

    /// Whether only the backup of its partition table could be used.
    pub fn has_damaged_table(&self) -> bool {
        self.table.as_ref().is_ok_and(|table| table.which == Which::Backup)
    }

    /// Why this disk is not the one that is looked for, if so.
    fn objection(&self, wanted: &config::Disk, labels: &[&str]) -> Option<String> {
        if wanted.bus.as_ref().is_some_and(|bus| !self.is_on(bus)) {
            return Some("is on another bus".into());
        }
        if self.removable && !wanted.removable {
            return Some("is removable".into());
        }
        let table = match &self.table {
            Ok(table) => table,
            Err(problem) => return Some(problem.clone()),
        };
        if wanted.guid.as_ref().is_some_and(|guid| !guid.eq_ignore_ascii_case(&table.disk_guid)) {
            return Some(format!("has the GUID {}", table.disk_guid));
        }
        let missing = labels.iter().find(|&&label| table.partitions.iter().all(|p| p.label != label));
        missing.map(|label| format!("has no partition `{label}`"))
    }

    /// Whether the configured part of the path stands there as whole components, so that `…:04.0` is not
    /// found in `…:04.01`.
    fn is_on(&self, bus: &str) -> bool {
        let part = format!("/{}/", bus.trim_matches('/'));
        self.bus_paths.iter().any(|path| format!("/{}/", path.trim_matches('/')).contains(&part))
    }

    /// Where it is, for whoever looks for it.
    pub fn place(&self) -> String {
        self.bus_paths.join(", ")
    }
}

/// Why no disk was chosen, with everything that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// None fits.
    None {
        /// Each disk with what speaks against it.
        seen: Vec<(Disk, String)>,
    },
    /// Several fit, and nothing tells which is ours.
    Several {
        /// Those that fit.
        fitting: Vec<Disk>,
    },
}

impl Refusal {
    /// Returns how many disks fit: none, or more than one.
    pub fn fitting(&self) -> usize {
        match self {
            Self::None { .. } => 0,
            Self::Several { fitting } => fitting.len(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { seen } if seen.is_empty() => f.write_str(
                "no disk was found; check its cable and power, and that the initramfs has its driver",
            ),
            Self::None { seen } => {
                f.write_str("none of the disks is the one in the configuration:")?;
                for (disk, objection) in seen {
                    write!(f, " {} ({}) {objection};", disk.name, disk.place())?;
                }
                f.write_str(" attach the right disk, or correct `[disk]` in the configuration")
            }
            Self::Several { fitting } => {
                f.write_str("several disks look like ours, so none is touched:")?;
                for disk in fitting {
                    write!(f, " {} ({});", disk.name, disk.place())?;
                }
                f.write_str(" remove the foreign disk, or name the right one by `bus` in the configuration")
            }
        }
    }
}

/// Chooses the one disk on which every configured condition holds and that has all of `labels`. A damaged
/// table, a missing label and a wrong bus are all the same here: not ours.
pub fn choose(disks: &[Disk], wanted: &config::Disk, labels: &[&str]) -> Result<usize, Refusal> {
    let objections: Vec<_> = disks.iter().map(|disk| disk.objection(wanted, labels)).collect();
    let fitting: Vec<_> = (0..disks.len()).filter(|&n| objections[n].is_none()).collect();
    match fitting[..] {
        [one] => Ok(one),
        [] => {
            let seen = disks.iter().cloned().zip(objections.into_iter().flatten()).collect();
            Err(Refusal::None { seen })
        }
        _ => Err(Refusal::Several { fitting: fitting.iter().map(|&n| disks[n].clone()).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, slot: &str) -> Disk {
        let label = |(n, label): (usize, &&str)| Partition {
            index: n as u32 + 1,
            label: (*label).into(),
            start: (n as u64 + 1) << 20,
            len: 1 << 20,
        };
        let partitions = LABELS.iter().enumerate().map(label).collect();
        Disk {
            name: name.into(),
            bus_paths: vec![format!("/sys/devices/pci0000:00/0000:00:{slot}/virtio1/block/{name}")],
            removable: false,
            table: Ok(Table { disk_guid: "aaaa-bb".into(), partitions, which: Which::Primary }),
        }
    }

    const LABELS: &[&str] = &["state", "root-a", "root-b"];

    fn wanted() -> config::Disk {
        config::Disk::default()
    }

    #[test]
    fn a_second_disk_with_the_same_labels_and_guids_is_refused_unless_the_bus_tells_them_apart() {
        let disks = [disk("vda", "04.0"), disk("vdb", "05.0")];
        let refusal = choose(&disks, &wanted(), LABELS).unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains("several disks") && text.contains("vda") && text.contains("vdb"), "{text}");

        let guid = config::Disk { guid: Some("AAAA-BB".into()), ..wanted() };
        assert!(matches!(choose(&disks, &guid, LABELS), Err(Refusal::Several { .. })));

        let bus = config::Disk { bus: Some("0000:00:05.0".into()), ..wanted() };
        assert_eq!(choose(&disks, &bus, LABELS), Ok(1));
        assert_eq!(
            choose(&disks[..1], &bus, LABELS).unwrap_err(),
            Refusal::None { seen: vec![(disks[0].clone(), "is on another bus".into())] }
        );
    }

    #[test]
    fn part_of_a_path_component_is_not_a_bus() {
        let bus = config::Disk { bus: Some("0000:00:04".into()), ..wanted() };
        assert!(choose(&[disk("vda", "04.0")], &bus, LABELS).is_err());
        let bus = config::Disk { bus: Some("pci0000:00/0000:00:04.0/".into()), ..wanted() };
        assert_eq!(choose(&[disk("vda", "04.0")], &bus, LABELS), Ok(0));
    }

    #[test]
    fn a_disk_is_on_the_bus_of_each_of_its_controllers() {
        let mut drive = disk("nvme0n1", "");
        let at = |slot: &str| format!("pci0000:00/0000:00:{slot}/nvme/nvme0/nvme0n1");
        drive.bus_paths = vec![at("04.0"), at("05.0"), "virtual/nvme-subsystem/nvme-subsys0/nvme0n1".into()];
        for (bus, there) in [("0000:00:04.0", true), ("0000:00:05.0/nvme", true), ("0000:00:06.0", false)] {
            let wanted = config::Disk { bus: Some(bus.into()), ..wanted() };
            let choice = choose(std::slice::from_ref(&drive), &wanted, LABELS);
            assert_eq!(choice.is_ok(), there, "{bus}");
            if let Err(refusal) = choice {
                let text = refusal.to_string();
                assert!(text.contains("04.0") && text.contains("nvme-subsys0"), "{text}");
            }
        }
    }

    #[test]
    fn a_stick_with_our_labels_is_not_our_disk() {
        let mut stick = disk("sda", "06.0");
        stick.removable = true;
        assert_eq!(choose(&[stick.clone(), disk("vda", "04.0")], &wanted(), LABELS), Ok(1));
        assert!(
            choose(std::slice::from_ref(&stick), &wanted(), LABELS)
                .unwrap_err()
                .to_string()
                .contains("is removable")
        );
        let allowed = config::Disk { removable: true, ..wanted() };
        assert_eq!(choose(&[stick], &allowed, LABELS), Ok(0));
    }

    #[test]
    fn every_disk_that_was_seen_is_named_with_what_speaks_against_it() {
        let mut broken = disk("vda", "04.0");
        broken.table = Err("there is no GUID partition table".into());
        let guid = config::Disk { guid: Some("cccc".into()), ..wanted() };
        let other = disk("vdb", "05.0");
        let text = choose(&[broken, other], &guid, LABELS).unwrap_err().to_string();
        assert!(text.contains("vda") && text.contains("no GUID partition table"), "{text}");
        assert!(text.contains("vdb") && text.contains("aaaa-bb"), "{text}");
        let text = choose(&[disk("vda", "04.0")], &wanted(), &["data"]).unwrap_err().to_string();
        assert!(text.contains("no partition `data`"), "{text}");
        assert!(choose(&[], &wanted(), LABELS).unwrap_err().to_string().contains("no disk was found"));
    }
}
