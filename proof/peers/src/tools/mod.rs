//! The tools that are compared.

mod chunks;
mod drydock;
mod floor;
mod hdiffpatch;
mod tool;
mod xdelta;

#[cfg(all(test, feature = "network"))]
pub(crate) use drydock::make_bundle;
pub(crate) use tool::{Job, Kind, Row, Tool};

/// The one that the others' sizes are divided by.
pub(crate) const HDIFFPATCH: &str = "HDiffPatch, LZMA2";
/// What drydock installs where there is no delta.
pub(crate) const WHOLE: &str = "drydock, whole image";
/// By delta, with what lies packed in images taken as it is.
pub(crate) const AS_IS: &str = "drydock, packed files as they are";
/// By delta, with what lies packed in images unpacked and packed again: as bundles have it.
pub(crate) const UNPACKED: &str = "drydock, packed files unpacked";
const ZCHUNK: &str = "zchunk";
const CASYNC: &str = "casync";
const XDELTA: &str = "xdelta3";
const FLOOR: &str = "bsdiff of each changed file";

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

/// All tools, in the order in which they are run.
pub(crate) const TOOLS: &[Tool] = &[
    Tool { rows: &[HDIFFPATCH], missing: hdiffpatch::missing, run: |job| Ok(vec![hdiffpatch::run(job)?]) },
    Tool { rows: &[WHOLE, AS_IS, UNPACKED], missing: drydock::missing, run: drydock::run },
    Tool { rows: &[ZCHUNK], missing: chunks::no_zchunk, run: |job| Ok(vec![chunks::zchunk(job)?]) },
    Tool { rows: &[CASYNC], missing: chunks::no_casync, run: |job| Ok(vec![chunks::casync(job)?]) },
    Tool { rows: &[XDELTA], missing: xdelta::missing, run: |job| Ok(vec![xdelta::run(job)?]) },
    Tool { rows: &[FLOOR], missing: floor::missing, run: |job| Ok(vec![floor::run(job)?]) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_measured_by_one_tool() {
        let mut measured: Vec<_> = TOOLS.iter().flat_map(|tool| tool.rows).collect();
        let mut shown: Vec<_> = ROWS.iter().map(|row| &row.name).collect();
        measured.sort();
        shown.sort();
        assert_eq!(measured, shown);
    }
}
