//! The tools that are compared.

mod chunks;
pub(crate) mod drydock;
mod floor;
pub(crate) mod full;
mod hdiffpatch;
mod tool;
mod xdelta;

pub(crate) use tool::{Job, Kind, Tool};

/// The one that the others' sizes are divided by.
pub(crate) const HDIFFPATCH: &str = "HDiffPatch, LZMA2";

/// All tools, in the order of tables and pictures.
pub(crate) const TOOLS: &[Tool] = &[
    Tool { name: "full image, zstd -19", kind: Kind::Theirs, missing: |_| None, run: full::run },
    Tool { name: "zchunk", kind: Kind::Theirs, missing: chunks::no_zchunk, run: chunks::zchunk },
    Tool { name: "casync", kind: Kind::Theirs, missing: chunks::no_casync, run: chunks::casync },
    Tool { name: "xdelta3", kind: Kind::Theirs, missing: xdelta::missing, run: xdelta::run },
    Tool { name: "bsdiff of each changed file", kind: Kind::Bound, missing: floor::missing, run: floor::run },
    Tool { name: HDIFFPATCH, kind: Kind::Theirs, missing: hdiffpatch::missing, run: hdiffpatch::run },
    Tool { name: "drydock, streams", kind: Kind::Ours, missing: |_| None, run: drydock::streams },
    Tool { name: "drydock, model", kind: Kind::Ours, missing: |_| None, run: drydock::model },
    Tool { name: "drydock, unpacked", kind: Kind::Ours, missing: |_| None, run: drydock::unpacked },
];
