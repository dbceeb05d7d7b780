//! The reports in a file of SQLite: appended, and never changed.

use crate::Error;
use drydock_channel::Report;
use drydock_state::UnixTime;
use rusqlite::{Connection, OpenFlags, Row, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `PRAGMA user_version` says of the tables below.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE report (
        number INTEGER PRIMARY KEY,
        device TEXT NOT NULL,
        id TEXT NOT NULL,
        received INTEGER NOT NULL,
        time INTEGER NOT NULL,
        channel TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        version TEXT NOT NULL,
        manifest TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        attributes TEXT NOT NULL,
        UNIQUE (device, id)
    ) STRICT;
    PRAGMA user_version = 1;";

const APPEND: &str = "
    INSERT INTO report (device, id, received, time, channel, sequence, version, manifest, outcome, reason, attributes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (device, id) DO NOTHING";

const NEWEST: &str = "
    SELECT device, received, channel, version, manifest, outcome, reason FROM report
    WHERE number IN (SELECT max(number) FROM report GROUP BY device) ORDER BY device";

const COUNTS: &str = "
    SELECT version, manifest, outcome, count(*) FROM report
    WHERE number IN (SELECT max(number) FROM report GROUP BY device, manifest)
    GROUP BY version, manifest, outcome ORDER BY min(number), outcome";

/// The file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

/// The newest report of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// The device's id.
    pub device: String,
    /// When the report came, by the receiver's clock.
    pub received: UnixTime,
    /// The channel that the device follows.
    pub channel: String,
    /// The release's version.
    pub version: String,
    /// The digest of its manifest.
    pub manifest: String,
    /// What has become of it.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

/// How many devices last reported what of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The release's version.
    pub version: String,
    /// The digest of its manifest.
    pub manifest: String,
    /// How many devices had which outcome.
    pub outcomes: BTreeMap<String, u64>,
}

impl Store {
    /// Opens the file to append to; makes it if it is not there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let prepared =
            store.connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        prepared.map_err(|error| store.failed("opening", &error))?;
        match store.version()? {
            0 => {
                let tables = format!("BEGIN IMMEDIATE; {TABLES} COMMIT;");
                let made = store.connection.execute_batch(&tables);
                made.map_err(|error| store.failed("making the tables of", &error))?;
                Ok(store)
            }
            _ => store.known(),
        }
    }

    /// Opens a file that is there, to read from it. Somebody may append to it meanwhile.
    pub fn look(path: &Path) -> Result<Self, Error> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?.known()
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = opened.map_err(|error| failed("opening", path, &error))?;
        let store = Self { connection, path: path.into() };
        let waits = store.connection.busy_timeout(Duration::from_secs(10));
        waits.map_err(|error| store.failed("opening", &error))?;
        Ok(store)
    }

    fn version(&self) -> Result<i64, Error> {
        let version = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0));
        version.map_err(|error| self.failed("reading", &error))
    }

    fn known(self) -> Result<Self, Error> {
        match self.version()? {
            VERSION => Ok(self),
            _ => Err(Error::Input {
                what: self.path.display().to_string(),
                problem: "it holds no reports, or those of another version of drydock-fleet".into(),
            }),
        }
    }

    /// Appends reports in one transaction. One that its device has sent before, by its id, changes nothing. On return they are
    /// on stable storage.
    pub fn append(&mut self, reports: &[Report], received: UnixTime) -> Result<(), Error> {
        let written = append(&mut self.connection, reports, received);
        written.map_err(|error| self.failed("writing", &error))
    }

    /// Returns the newest report of each device, by the order in which they came.
    pub fn newest(&self) -> Result<Vec<Newest>, Error> {
        self.rows(NEWEST, |row| {
            let received: i64 = row.get(1)?;
            Ok(Newest {
                device: row.get(0)?,
                received: UnixTime(received.max(0) as u64),
                channel: row.get(2)?,
                version: row.get(3)?,
                manifest: row.get(4)?,
                outcome: row.get(5)?,
                reason: row.get(6)?,
            })
        })
    }

    /// Returns, for each release, how many devices last reported what of it.
    pub fn counts(&self) -> Result<Vec<Count>, Error> {
        let rows = self.rows(COUNTS, |row| {
            let count: i64 = row.get(3)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, count.max(0) as u64))
        })?;
        let mut counts: Vec<Count> = Vec::new();
        for (version, manifest, outcome, count) in rows {
            let there = counts.iter_mut().find(|one| one.version == version && one.manifest == manifest);
            let outcomes = match there {
                Some(there) => &mut there.outcomes,
                None => {
                    counts.push(Count { version, manifest, outcomes: BTreeMap::new() });
                    match counts.last_mut() {
                        Some(new) => &mut new.outcomes,
                        None => continue,
                    }
                }
            };
            outcomes.insert(outcome, count);
        }
        Ok(counts)
    }

    fn rows<T>(&self, query: &str, row: impl FnMut(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>, Error> {
        let mut prepared = self.connection.prepare(query).map_err(|error| self.failed("reading", &error))?;
        let rows = prepared.query_map([], row).and_then(Iterator::collect);
        rows.map_err(|error| self.failed("reading", &error))
    }

    fn failed(&self, doing: &str, error: &rusqlite::Error) -> Error {
        failed(doing, &self.path, error)
    }
}

fn append(connection: &mut Connection, reports: &[Report], received: UnixTime) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut append = transaction.prepare(APPEND)?;
    for report in reports {
        append.execute(params![
            report.device,
            report.id,
            received.0 as i64,
            report.time.0 as i64,
            report.channel,
            report.sequence as i64,
            report.version,
            report.manifest.to_string(),
            report.outcome.to_string(),
            report.reason,
            serde_json::to_string(&report.attributes).unwrap_or_default(),
        ])?;
    }
    drop(append);
    transaction.commit()
}

fn failed(doing: &str, path: &Path, error: &rusqlite::Error) -> Error {
    Error::Input { what: format!("{doing} {}", path.display()), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_channel::Outcome;
    use drydock_format::sha256;

    fn report(device: &str, id: &str, version: &str, outcome: Outcome) -> Report {
        Report {
            id: id.into(),
            device: device.into(),
            channel: "stable".into(),
            sequence: 7,
            version: version.into(),
            manifest: sha256(version.as_bytes()),
            outcome,
            reason: String::new(),
            time: UnixTime(5),
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_report_that_comes_twice_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reports");
        let first = report("pump-1", "1", "2.0", Outcome::Good);
        let again = Report { outcome: Outcome::Failed, ..first.clone() };
        let other = report("pump-2", "1", "2.0", Outcome::Good);
        let mut store = Store::open(&path).unwrap();
        store.append(&[first, other], UnixTime(1000)).unwrap();
        drop(store);
        Store::open(&path).unwrap().append(&[again], UnixTime(2000)).unwrap();
        let newest = Store::look(&path).unwrap().newest().unwrap();
        let found: Vec<_> = newest.iter().map(|one| (&*one.device, &*one.outcome, one.received)).collect();
        assert_eq!(found, [("pump-1", "good", UnixTime(1000)), ("pump-2", "good", UnixTime(1000))]);
    }

    #[test]
    fn a_device_counts_once_for_a_release_by_what_it_said_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("reports")).unwrap();
        let reports = [
            report("pump-1", "1", "1.0", Outcome::Good),
            report("pump-1", "2", "2.0", Outcome::Other("started".into())),
            report("pump-1", "3", "2.0", Outcome::RolledBack),
            report("pump-2", "1", "2.0", Outcome::Other("started".into())),
            report("pump-2", "2", "2.0", Outcome::Good),
        ];
        store.append(&reports, UnixTime(1000)).unwrap();
        let counts: Vec<_> = store.counts().unwrap();
        let found: Vec<_> = counts.iter().map(|one| (&*one.version, one.outcomes.clone())).collect();
        let outcomes = |of: &[(&str, u64)]| of.iter().map(|(word, count)| ((*word).into(), *count)).collect();
        let expected =
            [("1.0", outcomes(&[("good", 1)])), ("2.0", outcomes(&[("good", 1), ("rolled-back", 1)]))];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other");
        assert!(Store::look(&path).is_err() && !path.exists());
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
        assert!(Store::open(&path).is_err() && Store::look(&path).is_err());
        std::fs::write(&path, "no database").unwrap();
        assert!(Store::open(&path).is_err());
    }
}
