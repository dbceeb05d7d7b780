//! What the machine knows of itself and its surroundings.

use super::Hardware;
use drydock_engine::machine::Sensors;

#[cfg(not(feature = "hooks"))]
impl Sensors for Hardware<'_> {}

#[cfg(feature = "hooks")]
impl Sensors for Hardware<'_> {
    fn attribute(&self, path: &str) -> Result<String, drydock_engine::Error> {
        crate::sensors::Tree::of_system().attribute(path)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, drydock_engine::Error> {
        crate::sensors::Tree::of_system().names(folder)
    }

    fn is_high(&self, chip: &str, line: u32) -> Result<bool, drydock_engine::Error> {
        crate::sensors::Tree::of_system().is_high(chip, line)
    }

    fn free_on_data(&self) -> Result<u64, drydock_engine::Error> {
        crate::sensors::free_on(&self.target(drydock_engine::machine::Place::Data))
    }
}
