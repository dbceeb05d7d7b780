//! What is compared: the lines of tables and the bars of pictures.

/// Whose a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Fetched from a real server, and installed.
    Ours,
    Theirs,
    /// Nobody's: a bound that a kind of tools can't beat.
    Bound,
}

/// A way to get from one image to the other: a line of tables and a bar of pictures.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The one that the others' sizes are divided by.
pub(crate) const HDIFFPATCH: &str = "HDiffPatch, LZMA2";
/// What drydock installs where there is no delta.
pub(crate) const WHOLE: &str = "drydock, whole image";
/// By delta, with what lies packed in images taken as it is.
pub(crate) const AS_IS: &str = "drydock, packed files as they are";
/// By delta, with what lies packed in images unpacked and packed again: as bundles have it.
pub(crate) const UNPACKED: &str = "drydock, packed files unpacked";
pub(crate) const ZCHUNK: &str = "zchunk";
pub(crate) const CASYNC: &str = "casync";
pub(crate) const XDELTA: &str = "xdelta3";
pub(crate) const FLOOR: &str = "bsdiff of each changed file";

/// All rows, in the order of tables and pictures.
pub(crate) const ROWS: &[Row] = &[
    Row { name: WHOLE, kind: Kind::Ours },
    Row { name: ZCHUNK, kind: Kind::Theirs },
    Row { name: CASYNC, kind: Kind::Theirs },
    Row { name: XDELTA, kind: Kind::Theirs },
    Row { name: FLOOR, kind: Kind::Bound },
    Row { name: HDIFFPATCH, kind: Kind::Theirs },
    Row { name: AS_IS, kind: Kind::Ours },
    Row { name: UNPACKED, kind: Kind::Ours },
];
