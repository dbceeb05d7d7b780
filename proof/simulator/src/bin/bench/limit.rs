//! The least that an install with a read-back can take on this machine: what drydock has to do, each part by itself.

use crate::Fallible;
use crate::measure::watch;
use drydock_simulator::native;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What drydock may take, by its limit.
const GOAL: f64 = 1.15;

/// Seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Unpacking the image and hashing it, on all cores.
    pub(crate) unpack: f64,
    /// Writing as much, past the page cache.
    pub(crate) write: f64,
    /// Reading it back and hashing it.
    pub(crate) read_back: f64,
}

impl Limit {
    /// Unpacking and writing can go on at once; what is read back must have been written.
    pub(crate) fn seconds(&self) -> f64 {
        self.unpack.max(self.write) + self.read_back
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unpack, write, read_back } = self;
        let all = self.seconds();
        write!(f, "{all:8.2} (unpacking {unpack:.2}, writing {write:.2}, reading back {read_back:.2})")
    }
}

/// Measures it with drydock's own code, in a folder whose slot drydock has filled; the slot holds noise afterwards.
pub(crate) fn measure(folder: &Path) -> Fallible<Limit> {
    let threads = native::workers().to_string();
    let part = |name: &str| -> Fallible<f64> {
        let begun = Instant::now();
        let mut command = Command::new(std::env::current_exe()?);
        watch(vec![command.arg(name).arg(folder).arg(&threads).spawn()?])?;
        Ok(begun.elapsed().as_secs_f64())
    };
    Ok(Limit { unpack: part("unpack")?, read_back: part("read-back")?, write: part("write")? })
}

/// One part of it, as a program of its own.
pub(crate) fn part(name: &str, folder: &str, threads: &str) -> Fallible<()> {
    let (folder, threads) = (Path::new(folder), threads.parse()?);
    match name {
        "unpack" => native::unpack(folder, threads)?,
        "read-back" => native::read_back(folder, threads)?,
        _ => native::write(folder, threads)?,
    }
    Ok(())
}

/// The medians of all rounds, and that of drydock's ratio to the limit of the same round.
pub(crate) fn summary(limits: &[Limit], ours: impl Iterator<Item = f64>) -> String {
    let middle = |of: fn(&Limit) -> f64| native::median(limits.iter().map(of));
    let ratio = native::median(ours.zip(limits).map(|(wall, limit)| wall / limit.seconds()));
    let parts = Limit {
        unpack: middle(|limit| limit.unpack),
        write: middle(|limit| limit.write),
        read_back: middle(|limit| limit.read_back),
    };
    let verdict = if ratio <= GOAL { "met" } else { "missed" };
    format!("limit        {parts}\ndrydock takes {ratio:.2} of its limit; {GOAL} is the goal: {verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_unpacking_and_writing_counts_and_reading_back_comes_on_top() {
        let [first, second] =
            [(2.0, 1.0), (1.0, 4.0)].map(|(unpack, write)| Limit { unpack, write, read_back: 0.5 });
        assert_eq!((first.seconds(), second.seconds()), (2.5, 4.5));
        let said = summary(&[first, second, first], [2.75, 9.0, 2.5].into_iter());
        assert!(said.ends_with("drydock takes 1.10 of its limit; 1.15 is the goal: met"), "{said}");
        let said = summary(&[first], [3.0].into_iter());
        assert!(said.ends_with("takes 1.20 of its limit; 1.15 is the goal: missed"), "{said}");
    }
}
