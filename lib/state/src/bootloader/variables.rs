//! The variables that scripts of bootloaders read and count in, whatever stores them.

use super::{Mode, Observed, Starts, Wanted};
use crate::generation::Generation;
use crate::name::{CopyName, SetName};
use drydock_block::Error;

const WHAT: &str = "boot environment";
/// Each counter is one digit, so that a script can count without calculating.
pub(super) const MOST_STARTS: u8 = 9;
/// Every variable's name begins so, and no other variable's does.
pub(super) const PREFIX: &str = "dd_";

/// Returns the variables, each as `name=value`, in the order in which they are stored. `dd_gen` at the beginning and
/// `dd_end` at the end carry the same generation, so that one that is torn can be told.
pub(super) fn lines(wanted: &Wanted) -> [String; 8] {
    let order = match wanted.first {
        SetName::A => "ab",
        SetName::B => "ba",
    };
    let mode = match wanted.mode {
        Mode::Normal => 'n',
        Mode::Recovery => 'r',
    };
    let generation = wanted.generation.told().0;
    let Starts { a, b, recovery } = wanted.attempts.at_most(MOST_STARTS);
    [
        format!("dd_gen={generation:08}"),
        format!("dd_order={order}"),
        format!("dd_mode={mode}"),
        format!("dd_a={a}"),
        format!("dd_b={b}"),
        format!("dd_r={recovery}"),
        format!("dd_copy={}", wanted.copy),
        format!("dd_end={generation:08}"),
    ]
}

/// Reads the variables the way the scripts do: anything missing, out of range or with two generations is an error. Only
/// `dd_copy` may be missing: that means copy a.
pub(super) fn observed<'v>(value: &dyn Fn(&str) -> Option<&'v str>) -> Result<Observed, Error> {
    let get = |name: &str| value(name).ok_or_else(|| damaged(&format!("{name} is missing")));
    let digits = |name: &str, count: usize| {
        let value = get(name)?;
        let plain = value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
        value.parse::<u32>().ok().filter(|_| plain).ok_or_else(|| damaged(&format!("{name} is `{value}`")))
    };
    let generation = digits("dd_gen", 8)?;
    if digits("dd_end", 8)? != generation {
        return Err(damaged("its beginning and its end are of two generations"));
    }
    let left = |name: &str| digits(name, 1).map(|n| n as u8);
    Ok(Observed {
        generation: Generation(generation),
        first: match get("dd_order")? {
            "ab" => SetName::A,
            "ba" => SetName::B,
            other => return Err(damaged(&format!("dd_order is `{other}`"))),
        },
        mode: match get("dd_mode")? {
            "n" => Mode::Normal,
            "r" => Mode::Recovery,
            other => return Err(damaged(&format!("dd_mode is `{other}`"))),
        },
        left: Starts { a: left("dd_a")?, b: left("dd_b")?, recovery: left("dd_r")? },
        copy: match get("dd_copy").unwrap_or_default() {
            "" | "a" => CopyName::A,
            "b" => CopyName::B,
            other => return Err(damaged(&format!("dd_copy is `{other}`"))),
        },
    })
}

pub(super) fn damaged(why: &str) -> Error {
    Error::Damaged { what: WHAT, why: why.to_owned() }
}
