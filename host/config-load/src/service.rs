//! What must hold for `[service]`. No I/O.

use crate::problems::{Problems, is_word};
use crate::servers::check_file;
use drydock_access::{Date, Verb, parse_key_line};
use drydock_config::{Access, Config, ServiceKey};

/// So many keys there may be: of each the device compares a few bytes with an answer.
const MOST_KEYS: usize = 32;
/// The largest file with a public key, in bytes.
pub(crate) const MAX_KEY_FILE: u64 = 16 << 10;

/// Adds everything that is wrong with it.
pub(crate) fn check_service(config: &Config, problems: &mut Problems) {
    let Some(service) = &config.service else { return };
    problems.unless(
        service.access == Access::Open || !service.keys.is_empty(),
        "service",
        "there is no [[service.key]], so nobody could do anything; name the technicians' keys, or say `access = \"open\"`: whoever is at a console may then do everything",
    );
    problems.unless(
        service.access == Access::Keys || service.keys.is_empty(),
        "service.access",
        "with \"open\" nobody is asked for a key, and the keys would mean nothing; leave out one of the two",
    );
    problems.unless(service.keys.len() <= MOST_KEYS, "service.key", format!("at most {MOST_KEYS} keys"));
    problems.unless_within(service.idle_seconds.0, 5, 86_400, "service.idle_seconds");
    if let Some(file) = &service.name_file {
        check_file(file, "service.name_file".into(), problems);
        problems.unless(
            config.data.is_some(),
            "service.name_file",
            "the file is on the data volume, and there is no [data]",
        );
    }
    for (key, folder) in
        [("service.data_folder", &service.data_folder), ("service.stick.folder", &service.stick.folder)]
    {
        if !folder.is_empty() {
            check_file(folder, key.into(), problems);
        }
    }
    problems.unless(
        service.data_folder.is_empty() || config.data.is_some(),
        "service.data_folder",
        "there is no [data]",
    );
    for (index, key) in service.keys.iter().enumerate() {
        let first = service.keys.iter().position(|other| other.name == key.name);
        problems.unless(
            first == Some(index),
            format!("service.key.{index}.name"),
            "another key has this name, and the history could not tell them apart",
        );
        check_key(key, &format!("service.key.{index}"), problems);
    }
}

fn check_key(key: &ServiceKey, at: &str, problems: &mut Problems) {
    problems.unless(
        is_word(&key.name, 64, "._@-", true),
        format!("{at}.name"),
        "must be 1 to 64 characters of A-Z a-z 0-9 . _ @ -",
    );
    if key.is_line()
        && let Err(why) = parse_key_line(&key.key)
    {
        problems.unless(false, format!("{at}.key"), why.to_string());
    }
    if let Some(verbs) = &key.verbs {
        problems.unless(
            !verbs.is_empty(),
            format!("{at}.verbs"),
            "the key would be for nothing; leave it out, and it is for everything",
        );
        for (index, verb) in verbs.iter().enumerate() {
            if let Err(why) = verb.parse::<Verb>() {
                problems.unless(false, format!("{at}.verbs.{index}"), why.to_string());
            }
        }
    }
    if let Some(Err(why)) = key.until.as_ref().map(|until| until.parse::<Date>()) {
        problems.unless(false, format!("{at}.until"), why);
    }
    if let Some(uses) = key.uses {
        problems.unless_within(uses, 1, 1_000_000, format!("{at}.uses"));
    }
}
