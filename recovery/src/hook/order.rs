//! What is to be run, and where.

/// What the two children are called: by their first argument they know what they are.
pub(super) const NAME: &str = "drydock-hook";
/// Where the hook's root is mounted, in a namespace where nobody else sees it.
pub(super) const ROOT: &str = "/run/drydock-hook";

/// What is to be run, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The hook's `/`.
    pub root: Root,
    /// The program's path there.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it finds on its standard input.
    pub facts: String,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// How much memory it may have, in MiB.
    pub memory_mib: u64,
    /// Whether it may use the network.
    pub network: bool,
}

/// What becomes a hook's `/`. It can't be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// What is on a device.
    Device {
        /// Its node.
        node: String,
        /// The filesystem there.
        filesystem: String,
    },
    /// The root of the live system, with these of its folders, which can't be written to either.
    Live {
        /// Folders that are mounted there from elsewhere.
        with: Vec<String>,
    },
    /// Nothing but a static program, whose path there is `/hook`.
    Bare {
        /// Where it is now.
        program: String,
    },
}

/// The path of the program in a root that has nothing else.
pub const BARE_PROGRAM: &str = "/hook";

/// What the second child gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) order: Order,
    /// The control group that it joins, if there is one.
    pub(super) group: Option<String>,
    /// Whether it sees no processes but its own.
    pub(super) alone: bool,
}
