//! What consoles show, as functions of what there is to know. No I/O.

use super::confirm::{confirm, title};
use super::facts::{Facts, set_line};
use super::offers::Offer;
use super::page::{COLUMNS, PER_PAGE, Page, harmless, pages};
use super::screen::Screen;
use crate::history::Line;
use drydock_state::{Entry, Record, SetName};

/// The column of a list in which its entries begin.
const NUMBERED: usize = 3;

/// Returns what a console shows: printable ASCII but for line ends, fewer than [`SCREEN`](super::page::SCREEN) bytes on the
/// wire, no line longer than [`COLUMNS`].
pub fn render(screen: &Screen, facts: &Facts) -> String {
    match screen {
        Screen::Main => main(facts),
        Screen::Status => status(facts),
        Screen::History { page } => history(*page, &facts.record),
        Screen::Entry(entry) => {
            let history = &facts.record.history;
            let entry = history.len().checked_sub(entry + 1).and_then(|at| history.get(at));
            let text = entry.map(|entry| Line(entry).to_string()).unwrap_or_default();
            told(&text)
        }
        Screen::Log { page } => log(*page, &facts.log),
        Screen::Shelves => {
            let data = if facts.has_data { " 2 from the data volume" } else { "" };
            let upload = " 3 sent over this line (ZMODEM, YMODEM)";
            choose("Install a bundle", &[" 1 from a stick or another medium", data, upload])
        }
        Screen::Offers { offers, page } => found(*page, offers),
        Screen::Sets => sets(&facts.record),
        Screen::Wipes => wipes(&facts.wipes),
        Screen::Network => network(facts.by_hand.as_deref()),
        Screen::Links { links, page } => {
            let lines = links.iter().map(|link| {
                let carrier = if link.carrier { "connected" } else { "nothing connected" };
                format!("{:<15} {} {carrier}", link.name, link.mac)
            });
            list("Interfaces; number and Enter sets one up", *page, links.len(), lines)
        }
        Screen::Addressing(link) => choose(
            &format!("Network over {link}, until this recovery ends"),
            &[" 1 the network lends addresses (DHCP)", " 2 type address, gateway and DNS server"],
        ),
        Screen::Blank { by_hand, blank } => {
            let mut page = Page::new();
            page.line(format_args!("Network over {}, until this recovery ends", by_hand.link));
            page.prompt(blank.hint(), ">")
        }
        Screen::Server => Page::new().prompt("Its name or address (0: back)", "Server>"),
        Screen::Checks => choose(
            "Checks; nothing is written",
            &[" 1 read the whole disk", " 2 try free memory", " 3 what the disk says of its health"],
        ),
        Screen::Confirm { action, .. } => confirm(action, facts),
        Screen::Support => choose(
            "A file for support, with all that the device knows of itself",
            &[" 1 written to a stick or another medium", " 2 sent over this line (ZMODEM)"],
        ),
        Screen::Challenge { action, line, wrong, .. } => {
            let mut page = Page::new();
            page.paragraph(wrong, 3);
            page.line(title(action));
            page.line("Have this line signed, and type or paste the answer:");
            page.paragraph(line, 4);
            page.prompt("(0: back)", "Answer>")
        }
        Screen::Told(text) => told(text),
    }
}

fn main(facts: &Facts) -> String {
    let mut page = Page::new();
    page.line(format_args!(
        "drydock {}: {}, in recovery",
        env!("CARGO_PKG_VERSION"),
        harmless(&facts.compatible, 40)
    ));
    for set in SetName::BOTH {
        page.line(set_line(&facts.record, set));
    }
    if let Some(why) = facts.untrusted.as_ref().or(facts.why.as_ref()) {
        page.paragraph(why, 2);
    }
    page.line(" 1 status         2 history        3 log");
    page.line(" 4 install        5 roll back      6 mark bad");
    page.line(" 7 factory reset  8 wipe           9 network");
    page.line("10 checks        11 support file  12 power off");
    page.line("13 restart        0 go on");
    page.prompt(
        &format!("Number and Enter; Enter: this again. Goes on by itself in {} s.", facts.seconds),
        ">",
    )
}

fn status(facts: &Facts) -> String {
    let record = &facts.record;
    let mut page = Page::new();
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        page.line(set_line(record, set));
        let manifest: String = info.manifest.to_string().chars().take(16).collect();
        page.line(format_args!("       security version {}, manifest {manifest}", info.security_version));
    }
    let last_good = record.last_good.map_or("none".into(), |set| set.to_string());
    page.line(format_args!(
        "last good {last_good}, floors: install {}, boot {}",
        record.floors.install, record.floors.boot
    ));
    match &record.intent {
        Some(intent) => page.paragraph(&format!("waiting: intent {}, {}", intent.id, intent.job), 2),
        None => {
            page.line("nothing waits for recovery");
        }
    }
    if let Some(why) = &facts.untrusted {
        page.paragraph(&format!("the state can't be trusted: {why}"), 2);
    }
    if let Some(last) = record.history.last() {
        page.paragraph(&format!("last: {}", Line(last)), 2);
    }
    page.prompt("", "0: back>")
}

fn history(page: usize, record: &Record) -> String {
    let newest = record.history.iter().rev().map(|entry: &Entry| Line(entry).to_string());
    list("History, the newest first", page, record.history.len(), newest)
}

fn found(page: usize, offers: &[Offer]) -> String {
    if offers.is_empty() {
        return told("There is no bundle: no file there ends in .drydock.");
    }
    let lines = offers.iter().map(|offer| match &offer.release {
        Ok(release) => {
            let newer = if release.is_newer { ", newer" } else { "" };
            let (version, place) = (harmless(&release.version, 24), harmless(&offer.place, 32));
            format!("{version}{newer} ({} MiB) {place}", offer.size.div_ceil(1 << 20))
        }
        Err(why) => format!("- {}: {why}", harmless(&offer.place, 32)),
    });
    list("Bundles; number and Enter installs one", page, offers.len(), lines)
}

/// One part of a list. Its entries are numbered from 1.
fn list(title: &str, page: usize, entries: usize, lines: impl Iterator<Item = String>) -> String {
    let mut shown = Page::new();
    shown.line(format_args!("{title} ({} of {})", page + 1, pages(entries)));
    for (number, line) in (1..).zip(lines.skip(page * PER_PAGE).take(PER_PAGE)) {
        shown.line(format_args!("{number:>2} {}", harmless(&line, COLUMNS - NUMBERED)));
    }
    let more = if pages(entries) > 1 { "9: more  " } else { "" };
    shown.prompt("", &format!("{more}0: back>"))
}

/// The newest part of the log is the first one, and within each the newest line the last.
fn log(page: usize, lines: &[String]) -> String {
    let end = lines.len().saturating_sub(page * PER_PAGE);
    let part = lines.get(end.saturating_sub(PER_PAGE)..end).unwrap_or_default();
    let mut shown = Page::new();
    shown.line(format_args!("What this recovery has told ({} of {})", page + 1, pages(lines.len())));
    for line in part {
        shown.line(line);
    }
    shown.prompt("", "9: older  0: back>")
}

fn sets(record: &Record) -> String {
    let [a, b] = SetName::BOTH.map(|set| set_line(record, set));
    choose("Give a set up for good", &[&format!(" 1 {a}"), &format!(" 2 {b}")])
}

fn wipes(labels: &[String]) -> String {
    if labels.is_empty() {
        return told("The configuration names no partition that may be wiped.");
    }
    list("Wipe a partition", 0, labels.len().min(PER_PAGE), labels.iter().cloned())
}

fn network(by_hand: Option<&str>) -> String {
    let title =
        by_hand.map_or("Network, as the configuration says".into(), |how| format!("Network by hand: {how}"));
    let back = if by_hand.is_some() { " 4 have it as the configuration says again" } else { "" };
    let test = [" 1 bring it up, show links and addresses", " 2 the same, and reach a server by its name"];
    choose(&title, &[test[0], test[1], " 3 set it up by hand, until this recovery ends", back])
}

fn choose(title: &str, lines: &[&str]) -> String {
    let mut page = Page::new();
    page.line(title);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        page.line(line);
    }
    page.prompt("", "0: back>")
}

fn told(text: &str) -> String {
    let mut page = Page::new();
    page.paragraph(text, 9);
    page.prompt("", "0: back>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{ByHand, Link};
    use crate::service::blanks::Blank;
    use crate::service::offers::Installable;
    use crate::service::page::{SCREEN, on_the_wire};
    use crate::service::screen::Action;
    use drydock_format::sha256;
    use drydock_state::{Outcome, SetStatus, Source, UnixTime, transition};
    use std::sync::Arc;

    /// Longer than anything that a device takes, and of the worst kind.
    fn long() -> String {
        "\u{1b}[2J\u{202e}\u{9b}very long \r\n".repeat(60)
    }

    fn facts() -> Facts {
        let mut record = Record::default();
        for set in SetName::BOTH {
            let info = record.sets.get_mut(set);
            (info.version, info.security_version, info.status) =
                (long(), u32::MAX, SetStatus::Unknown(long()));
        }
        for _ in 0..64 {
            transition::crashed(&mut record, &long(), UnixTime(u64::MAX / 2));
        }
        record.history.push(Entry { outcome: Outcome::Unknown(long()), ..record.history[0].clone() });
        record.floors.install = u32::MAX;
        Facts {
            compatible: long(),
            record,
            untrusted: Some(long()),
            why: Some(long()),
            seconds: u64::MAX,
            log: vec![long(); 50],
            wipes: vec![long(); 50],
            has_data: true,
            by_hand: Some(long()),
        }
    }

    fn by_hand() -> ByHand {
        let ip = "2001:db8:1111:2222:3333:4444:5555:6666";
        let ip = ip.parse().ok();
        ByHand { link: long(), address: ip.map(|ip| (ip, 128)), gateway: ip, dns: ip }
    }

    fn installable(is_newer: bool) -> Installable {
        let (source, digest) = (Source::Data { path: long() }, sha256(b""));
        Installable { source, digest, version: long(), security_version: u32::MAX, is_newer }
    }

    fn all() -> Vec<Screen> {
        let offers = (0..64).map(|n| Offer {
            place: long(),
            size: u64::MAX,
            release: if n % 3 == 0 { Err(long()) } else { Ok(installable(n % 2 == 0)) },
        });
        let offers = Arc::new(offers.collect());
        let links = (0..40).map(|n| Link { name: long(), mac: long(), carrier: n % 2 == 0 });
        let links = Arc::new(links.collect());
        let actions = [
            Action::Install(installable(false)),
            Action::Install(installable(true)),
            Action::Upload,
            Action::RollBack,
            Action::MarkBad(SetName::B),
            Action::FactoryReset,
            Action::Wipe(long()),
            Action::TestNetwork(Some(long())),
            Action::FindLinks,
            Action::SetNetworkUp(Some(by_hand())),
            Action::SetNetworkUp(None),
            Action::CheckDisk,
            Action::AskHealth,
            Action::CheckMemory,
            Action::TakeLogs,
            Action::SendLogs,
            Action::PowerOff,
            Action::Restart,
            Action::Look(Box::new(Screen::Status)),
        ];
        let mut screens = vec![
            Screen::Main,
            Screen::Status,
            Screen::History { page: 7 },
            Screen::History { page: usize::MAX >> 8 },
            Screen::Entry(0),
            Screen::Entry(usize::MAX - 1),
            Screen::Log { page: 0 },
            Screen::Log { page: usize::MAX >> 8 },
            Screen::Shelves,
            Screen::Offers { offers, page: 7 },
            Screen::Offers { offers: Arc::default(), page: 0 },
            Screen::Sets,
            Screen::Wipes,
            Screen::Network,
            Screen::Links { links, page: 2 },
            Screen::Addressing(long()),
            Screen::Blank { by_hand: by_hand(), blank: Blank::Address },
            Screen::Blank { by_hand: by_hand(), blank: Blank::Gateway },
            Screen::Blank { by_hand: by_hand(), blank: Blank::Dns },
            Screen::Server,
            Screen::Checks,
            Screen::Support,
            Screen::Told(long()),
        ];
        for action in actions {
            screens.push(Screen::Challenge { action: action.clone(), epoch: 0, line: long(), wrong: long() });
            screens.push(Screen::Confirm { action, epoch: 0 });
        }
        screens
    }

    #[test]
    fn every_screen_is_short_narrow_and_harmless_whatever_is_on_it() {
        for facts in [facts(), Facts::default()] {
            for screen in all() {
                let text = render(&screen, &facts);
                assert!(on_the_wire(&text) < SCREEN, "{} bytes: {text}", on_the_wire(&text));
                assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
                assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
                assert!(text.ends_with(' '), "a prompt comes last: {text}");
            }
        }
    }
}
