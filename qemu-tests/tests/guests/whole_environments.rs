//! The whole environments that every bootloader with a script is asked about.

use drydock_models::Kernel;
use drydock_state::{CopyName, Generation, Mode, SetName, Starts, Wanted};

const A: SetName = SetName::A;
const B: SetName = SetName::B;

pub(crate) fn env(first: SetName, mode: Mode, a: u8, b: u8, recovery: u8) -> Wanted {
    Wanted { generation: Generation(17), first, mode, attempts: Starts { a, b, recovery }, copy: CopyName::A }
}

/// Environments, each with the kernels that are damaged beside it.
pub(crate) fn whole_environments() -> Vec<(Wanted, Vec<Kernel>)> {
    let mut rows = Vec::new();
    let mut row = |env: Wanted, damaged: &[Kernel]| rows.push((env, damaged.to_vec()));
    for left in 1..=9 {
        row(env(A, Mode::Normal, left, 0, 0), &[]);
    }
    for left in [1, 9] {
        row(env(A, Mode::Normal, 0, left, 3), &[]);
        row(env(B, Mode::Normal, left, left, 3), &[]);
        row(env(B, Mode::Recovery, 3, 3, left), &[]);
    }
    row(env(B, Mode::Normal, 3, 0, 3), &[]);
    row(env(A, Mode::Normal, 0, 0, 0), &[]);
    row(env(A, Mode::Recovery, 0, 0, 0), &[]);
    row(env(B, Mode::Recovery, 1, 1, 0), &[]);
    let kernels =
        [Kernel::Set(B), Kernel::Set(A), Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B)];
    for damaged in 1..kernels.len() {
        row(env(B, Mode::Normal, 2, 2, 2), &kernels[..damaged]);
    }
    for copy_b in
        [env(A, Mode::Recovery, 3, 3, 2), env(A, Mode::Normal, 0, 0, 1), env(A, Mode::Recovery, 0, 0, 0)]
    {
        let copy_b = Wanted { copy: CopyName::B, ..copy_b };
        row(copy_b, &[]);
        row(copy_b, &[Kernel::Recovery(CopyName::B)]);
    }
    row(env(A, Mode::Recovery, 2, 2, 2), &[Kernel::Recovery(CopyName::A)]);
    row(env(A, Mode::Recovery, 2, 2, 2), &[Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B)]);
    row(env(A, Mode::Normal, 0, 0, 0), &[Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B)]);
    row(
        env(B, Mode::Normal, 0, 0, 0),
        &[Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B), Kernel::Set(B)],
    );
    rows
}
