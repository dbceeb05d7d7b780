//! A channel with releases, and devices that follow it.

use crate::server::Web;
use drydock_agents::{Life, Moment};
use drydock_channel::{Document, Format, Release, add, split};
use drydock_config::Fleet;
use drydock_format::sha256;
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::{COMPATIBLE, Workshop};
use drydock_state::{Outcome, UnixTime};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(SETUPS[0]));
static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));

/// What the clocks of simulated devices say.
pub(crate) const NOW: UnixTime = UnixTime(1_700_000_000);

pub(crate) struct Site {
    pub(crate) web: Web,
    devices: AtomicU64,
}

impl Site {
    pub(crate) fn new() -> Self {
        let web = Web::start();
        for release in &WORKSHOP.releases {
            web.shelf().files.insert(format!("/{}.drydock", release.version), release.bundle.clone());
        }
        Self { web, devices: AtomicU64::new(0) }
    }

    pub(crate) fn device(&self, fleet: Fleet, moment: Option<Moment>) -> Life<'static> {
        let id = format!("pump-{}", self.devices.fetch_add(1, Ordering::Relaxed));
        let (channel, report_to) = (self.web.url("/stable.channel"), self.web.url("/reports"));
        let fleet = Fleet { channel: Some(channel), report_to: Some(report_to), ..fleet };
        Life::new(&WORKSHOP, MOMENTS.first.clone(), (&id, ""), fleet, moment)
    }

    /// A document with these releases, the most wanted one first.
    pub(crate) fn document(&self, sequence: u64, versions: &[&str]) -> Document {
        let release = |version: &&str| {
            let release = WORKSHOP.version(version);
            Release {
                version: release.version.clone(),
                security_version: release.info.security_version,
                manifest: sha256(&release.manifest),
                url: format!("{version}.drydock"),
                compatible: COMPATIBLE.into(),
                conditions: vec![],
                waves: vec![],
            }
        };
        Document {
            drydock: Format::V1,
            channel: "stable".into(),
            sequence,
            made: NOW,
            expires: UnixTime(NOW.0 + 86_400),
            halt: false,
            releases: versions.iter().map(release).collect(),
            critical: vec![],
        }
    }

    pub(crate) fn signed(&self, document: &Document) -> Vec<u8> {
        let bytes = document.to_bytes();
        let line = WORKSHOP.keys[0].sign(split(&bytes).unwrap().document).unwrap();
        add(&bytes, &line).unwrap()
    }

    pub(crate) fn put(&self, file: Vec<u8>) {
        self.web.shelf().files.insert("/stable.channel".into(), file.into());
    }

    pub(crate) fn publish(&self, document: Document) {
        self.put(self.signed(&document));
    }

    /// What a device has told, each thing once however often it came: sequence, version, outcome.
    pub(crate) fn told(&self, life: &Life<'_>) -> Vec<String> {
        let shelf = self.web.shelf();
        let mut seen = Vec::new();
        let mut told = Vec::new();
        for report in shelf.reports.iter().filter(|report| report.device == life.id) {
            if !seen.contains(&report.id) {
                seen.push(report.id.clone());
                told.push(format!("{} {} {}", report.sequence, report.version, report.outcome));
            }
        }
        told
    }

    /// What is wrong when nothing is to be done any more.
    pub(crate) fn faults(&self, life: &Life<'_>) -> Vec<String> {
        let mut faults = life.violations();
        let record = life.record();
        if record.fleet.order.is_some() || !record.fleet.unsent.is_empty() {
            faults.push(format!("something is left to do: {:?}", record.fleet));
        }
        let installed = record.history.iter().filter(|entry| entry.outcome == Outcome::Installed);
        let mut installed: Vec<_> = installed.map(|entry| entry.version.clone()).collect();
        let count = installed.len();
        installed.sort();
        installed.dedup();
        if installed.len() != count {
            faults.push(format!("something was installed twice: {:?}", record.history));
        }
        faults
    }
}
