//! What there is to know of a device, for what its consoles show and what there is to choose from.

use super::facts::Facts;
use super::menu::Choices;
use super::screen::Screen;
use crate::journal;
use crate::machine::Machine;
use crate::state::{State, Trust};
use drydock_config::Service;

/// Returns what a screen shows; `scene` has what is the same for as long as somebody is listened to.
pub(super) fn facts(machine: &impl Machine, state: &State<'_>, screen: &Screen, scene: &Facts) -> Facts {
    Facts {
        compatible: machine.config().compatible.clone(),
        record: state.record.clone(),
        untrusted: match state.trust() {
            Trust::Whole => None,
            Trust::ReadOnly(why) => Some(why.clone()),
        },
        log: match screen {
            Screen::Log { .. } => log(machine),
            _ => Vec::new(),
        },
        wipes: wipes(machine),
        has_data: machine.config().data.is_some(),
        by_hand: machine.network_by_hand().map(|by_hand| by_hand.to_string()),
        ..scene.clone()
    }
}

/// Returns what there is to choose from; `epoch` says how often the device was changed from the menu.
pub(super) fn choices(machine: &impl Machine, state: &State<'_>, service: &Service, epoch: u64) -> Choices {
    Choices {
        wipes: wipes(machine),
        history: state.record.history.len(),
        log: log(machine).len(),
        data: machine.config().data.as_ref().map(|_| service.data_folder.clone()),
        stick: service.stick.folder.clone(),
        by_hand: machine.network_by_hand().is_some(),
        epoch,
    }
}

fn wipes(machine: &impl Machine) -> Vec<String> {
    machine.config().wipes.iter().map(|wipe| wipe.label.clone()).collect()
}

fn log(machine: &impl Machine) -> Vec<String> {
    let told = machine.events().journal();
    String::from_utf8_lossy(&told).lines().map(journal::as_text).collect()
}
