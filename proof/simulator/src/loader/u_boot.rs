//! U-Boot: its own environment, raw on a partition.

use super::environment::{Choice, Environment, Find, Write};
use drydock_block::read_vec;
use drydock_config::{Bootloader as Named, Config};
use drydock_engine::machine::Device;
use drydock_models::Kernel;
use drydock_models::u_boot::{Board, decide};
use drydock_state::Bootloader;
use drydock_state::u_boot::{Environment as Stored, Place, UBoot as Store};

/// The partition with the environment.
const PARTITION: &str = "bootenv";
/// The size of a copy in bytes: several sectors of either size, so that a copy can tear.
const SIZE: u32 = 16384;
const SECOND: u64 = 65536;
/// What is built into the simulated board's U-Boot.
const BOARD: Board<'_> =
    Board { built_in: &[("bootcmd", "run the script"), ("serial#", "1")], at_start: &[] };

pub(super) struct UBoot {
    pub(super) redundant: bool,
}

impl UBoot {
    fn place(&self) -> Place {
        Place { offset: 0, second: self.redundant.then_some(SECOND), size: SIZE }
    }

    fn offsets(&self) -> &'static [u64] {
        if self.redundant { &[0, SECOND] } else { &[0] }
    }
}

impl Environment for UBoot {
    fn configure(&self, config: &mut Config) {
        config.layout.bootloader = Named::UBoot;
        config.u_boot.partition = PARTITION.into();
        config.u_boot.offset = 0;
        config.u_boot.redundant = self.redundant;
        config.u_boot.second_offset = SECOND;
        config.u_boot.size = SIZE;
    }

    fn partitions(&self) -> &'static [(&'static str, u64)] {
        &[(PARTITION, 1 << 20)]
    }

    fn lay_out(&self, partition: &Find<'_>) {
        let partition = partition(PARTITION).expect("a partition of its own");
        let lines = BOARD.built_in.iter().map(|(name, value)| format!("{name}={value}"));
        let lines: Vec<_> = lines.collect();
        let stored = Stored::from_lines(lines.iter().map(String::as_str)).expect("they are lines");
        Store::open(&partition, self.place()).and_then(|store| store.lay_out(&stored)).expect("it fits");
    }

    fn open(&self, find: &Find<'_>) -> Box<dyn Bootloader> {
        let partition = find(PARTITION).expect("a partition of its own");
        Box::new(Store::open(partition, self.place()).expect("it is laid out"))
    }

    fn choose(&self, partition: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        let read = |partition: &Device, offset: u64| read_vec(partition, offset, SIZE as usize).ok();
        let partition = partition(PARTITION);
        let copies: Vec<_> = self
            .offsets()
            .iter()
            .map(|&offset| partition.as_ref().and_then(|partition| read(partition, offset)))
            .collect();
        let size = if partition.is_some() { SIZE as usize } else { 0 };
        let decision = decide(&copies, size, &BOARD, whole);
        let writes = decision.saves.into_iter().map(|(copy, bytes)| Write {
            partition: PARTITION,
            offset: self.offsets()[copy],
            bytes,
        });
        Ok(Choice { start: decision.start, writes: writes.collect() })
    }
}
