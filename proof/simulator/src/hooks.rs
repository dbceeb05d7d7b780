//! Hooks that answer as they are told to, and sensors that read what is put there.
//!
//! A hook leaves a mark on the disk's log when it begins and when it has ended, so that the power is cut while it runs, and
//! after it ran before anybody knows.

use crate::disk::{At, Mark};
use crate::machine::SimMachine;
use drydock_engine::Error;
use drydock_engine::machine::{Call, Ended, Hooks, Sensors};
use serde_json::Value;

fn place(facts: &Value) -> Option<At> {
    Some(match facts["place"].as_str()? {
        "before-write" => At::BeforeWrite,
        "after-write" => At::AfterWrite,
        "first-good" => At::FirstGood,
        "before-reset" => At::BeforeReset,
        "after-reset" => At::AfterReset,
        _ => return None,
    })
}

fn missing(what: &str) -> Error {
    Error::Missing { what: what.into(), advice: "nobody has put it there".into() }
}

impl Hooks for SimMachine<'_> {
    fn call_hook(&self, call: &Call<'_>, told: &mut dyn FnMut(&[u8])) -> Result<Ended, Error> {
        let facts: Value = serde_json::from_str(call.facts).expect("facts are JSON");
        let at = place(&facts).expect("facts have a place");
        let name = facts["hook"].as_str().expect("facts have the hook's name");
        self.disk.mark(Mark::HookRuns(at));
        if let Some(said) = self.script().says.get(name) {
            told(said);
        }
        self.disk.mark(Mark::HookRan(at));
        Ok(self.script().ends.get(name).cloned().unwrap_or(Ended::Exit(0)))
    }
}

impl Sensors for SimMachine<'_> {
    fn attribute(&self, path: &str) -> Result<String, Error> {
        self.script().files.get(path).cloned().ok_or_else(|| missing(path))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        let name = |path: &String| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some(rest.split_once('/').map_or(rest, |(name, _)| name).to_owned())
        };
        let mut names: Vec<String> = self.script().files.keys().filter_map(name).collect();
        names.dedup();
        if names.is_empty() { Err(missing(folder)) } else { Ok(names) }
    }

    fn is_high(&self, chip: &str, line: u32) -> Result<bool, Error> {
        self.script().lines.get(&(chip.into(), line)).copied().ok_or_else(|| missing(chip))
    }

    fn free_on_data(&self) -> Result<u64, Error> {
        Ok(self.script().free)
    }
}
