//! No bootloader: the firmware starts one image, and process 1 decides. What it is to decide is GRUB's decision, where every
//! kernel is whole, since there is but one.

use super::environment::{Choice, Environment, Find};
use super::grub::Grub;
use drydock_config::{Bootloader as Named, Config};
use drydock_models::Kernel;
use drydock_state::Bootloader;

pub(super) struct None;

impl Environment for None {
    fn configure(&self, config: &mut Config) {
        config.layout.bootloader = Named::None;
    }

    fn partitions(&self) -> &'static [(&'static str, u64)] {
        Grub.partitions()
    }

    fn lay_out(&self, find: &Find<'_>) {
        Grub.lay_out(find);
    }

    fn open(&self, find: &Find<'_>) -> Box<dyn Bootloader> {
        Grub.open(find)
    }

    fn choose(&self, find: &Find<'_>, _: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        let Choice { start, .. } = Grub.choose(find, &|_| true)?;
        Ok(Choice { start, writes: Vec::new() })
    }
}
