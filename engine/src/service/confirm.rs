//! What is asked before something is done, as functions of what there is to know. No I/O.

use super::facts::{Facts, set_line};
use super::page::{Page, harmless};
use super::screen::Action;

/// What an action does, in words.
pub(super) fn title(action: &Action) -> String {
    match action {
        Action::Install(offer) => format!("Install version {}", harmless(&offer.version, 40)),
        Action::Upload => "Install what is sent over this line".into(),
        Action::RollBack => "Roll back to the other set".into(),
        Action::MarkBad(set) => format!("Mark set {set} bad"),
        Action::FactoryReset => "Factory reset".into(),
        Action::Wipe(label) => format!("Wipe the partition {}", harmless(label, 40)),
        Action::TestNetwork(_) => "Test the network".into(),
        Action::FindLinks => "See the interfaces".into(),
        Action::SetNetworkUp(_) => "Set the network up".into(),
        Action::CheckDisk => "Read the whole disk".into(),
        Action::AskHealth => "Ask the disk for its health".into(),
        Action::CheckMemory => "Try free memory".into(),
        Action::TakeLogs => "Write a support file to a medium".into(),
        Action::SendLogs => "Send a support file over this line".into(),
        Action::PowerOff => "Switch the device off".into(),
        Action::Restart => "Restart the device".into(),
        Action::Look(_) => "See what the device has to tell".into(),
    }
}

/// Asks whether it is meant.
pub(super) fn confirm(action: &Action, facts: &Facts) -> String {
    let mut page = Page::new();
    page.line(format_args!("{}?", title(action)));
    let record = &facts.record;
    match action {
        Action::Install(offer) => {
            page.line(format_args!(
                "Into set {}; {}",
                record.target_set(),
                match offer.is_newer {
                    true => "it is newer than what runs.",
                    false => "IT IS NOT NEWER than what runs, or was tried here before.",
                }
            ));
        }
        Action::Upload => {
            page.line(format_args!(
                "Into set {}, whatever version it is that may be installed.",
                record.target_set()
            ));
        }
        Action::RollBack => {
            let next = record.first_set().other();
            page.line(format_args!("Then {} is first.", set_line(record, next)));
        }
        Action::MarkBad(set) => {
            page.line(format_args!("It is not started any more. Now: {}", set_line(record, *set)));
        }
        Action::FactoryReset => {
            page.line("ALL DATA ON THIS DEVICE WILL BE LOST, but for what the configuration keeps.");
        }
        Action::Wipe(_) => {
            page.line("ALL THAT IS ON IT WILL BE LOST.");
        }
        _ => {}
    }
    let word = action.word().unwrap_or("yes");
    page.prompt(&format!("Type the word {word} and Enter to do it; 0: back"), &format!("{word}?"))
}
