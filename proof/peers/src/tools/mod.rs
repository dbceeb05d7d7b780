//! The tools that are compared.

mod chunks;
mod drydock;
mod floor;
mod hdiffpatch;
mod tool;
mod xdelta;

use crate::rows::{AS_IS, CASYNC, FLOOR, HDIFFPATCH, UNPACKED, WHOLE, XDELTA, ZCHUNK};
#[cfg(all(test, feature = "network"))]
pub(crate) use drydock::make_bundle;
pub(crate) use tool::{Job, Tool};

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
    use crate::rows::ROWS;

    #[test]
    fn every_row_is_measured_by_one_tool() {
        let mut measured: Vec<_> = TOOLS.iter().flat_map(|tool| tool.rows).collect();
        let mut shown: Vec<_> = ROWS.iter().map(|row| &row.name).collect();
        measured.sort();
        shown.sort();
        assert_eq!(measured, shown);
    }
}
