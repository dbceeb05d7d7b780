/// A partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The disk's GUID, in lower case with hyphens.
    pub disk_guid: String,
    /// The partitions, by index.
    pub partitions: Vec<Partition>,
    /// Which of the two tables on the disk it was read from.
    pub which: Which,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, counted from 1.
    pub index: u32,
    /// Its name in the table.
    pub label: String,
    /// Where it begins, in bytes.
    pub start: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// One of a disk's two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one at the disk's start.
    Primary,
    /// The one at the disk's end. The primary is damaged.
    Backup,
}
