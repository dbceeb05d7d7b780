use super::keys::public;
use drydock_bundle::tool::Reply;
use drydock_channel::{Channel, Decision, Device, PLACES, Release, Test};
use drydock_fleet::Error;
use drydock_fleet::channel::{When, device, pick, read};
use drydock_format::{KeyId, Trusted};
use drydock_state::UnixTime;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file.
    file: PathBuf,
    /// A trusted public key; may be given several times. Without any, signatures are not checked.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
    /// How many distinct keys must have signed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threshold: u32,
    /// Tell what is meant for a device with this id and these attributes; may be given several times. Of these names
    /// compatible, running (a version, or #1) and floor are the device's own [default: the first release's kind, nothing, 0].
    #[arg(long = "device", value_name = "id=ID,NAME=VALUE,...", value_parser = device)]
    devices: Vec<BTreeMap<String, String>>,
    /// At this time, and not now.
    #[arg(long, value_name = "TIME", default_value = "now")]
    at: When,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let bytes = read(&args.file)?;
    let channel = match args.keys.is_empty() {
        true => Channel::open_unverified(&bytes)?,
        false => Channel::open(&bytes, &Trusted { keys: public(&args.keys)?, threshold: args.threshold })?,
    };
    let now = args.at.at(When::now());
    let told = args.devices.iter().map(|device| tell(&channel, device, now));
    let told = told.collect::<Result<Vec<_>, _>>()?;
    let mut reply = reply(&channel, channel.signers(), &told, now);
    if args.keys.is_empty() {
        reply.text.extend(b"NOT VERIFIED: nobody has checked who signed this; see --key\n");
    }
    Ok(reply)
}

/// What a channel means for a device.
pub(crate) struct Told {
    text: String,
    json: Value,
}

fn tell(channel: &Channel, of: &BTreeMap<String, String>, now: UnixTime) -> Result<Told, Error> {
    let document = channel.document();
    let mut attributes = of.clone();
    let mut own = |name| attributes.remove(name);
    let id = own("id").unwrap_or_default();
    let first = || document.releases.first().map(|release| release.compatible.clone());
    let compatible = own("compatible").or_else(first).unwrap_or_default();
    // What the channel does not name makes no difference.
    let named =
        |which: &String| which.starts_with('#') || document.releases.iter().any(|one| one.version == *which);
    let running = own("running").filter(named).map(|which| pick(document, &which)).transpose()?;
    let floor = own("floor").map(|floor| floor.parse()).transpose();
    let install_floor = floor.map_err(|error: std::num::ParseIntError| Error::Input {
        what: format!("device {id}"),
        problem: format!("its floor is no number: {error}"),
    })?;
    let device = Device {
        id: &id,
        compatible: &compatible,
        attributes: &attributes,
        running: running.and_then(|at| document.releases.get(at)).map(|release| release.manifest),
        install_floor: install_floor.unwrap_or_default(),
        failed: &[],
    };
    let accepted = channel.accept(&document.channel, None, now)?;
    let (word, release, from, text) = match accepted.meant(&device) {
        Decision::Release(release) => {
            ("release", Some(release), None, format!("installs {}", release.version))
        }
        Decision::NotYet { release, from } => {
            ("not-yet", Some(release), Some(from), format!("waits for {} until {from}", release.version))
        }
        Decision::Nothing(why) => ("nothing", None, None, why.to_string()),
    };
    let json = json!({
        "id": id, "decision": word, "version": release.map(|release| &release.version),
        "manifest": release.map(|release| release.manifest), "from": from, "text": text,
    });
    Ok(Told { text: format!("device      {id}: {text}\n"), json })
}

/// What a channel says, for people and for machines.
pub(crate) fn reply(channel: &Channel, signers: &[KeyId], devices: &[Told], now: UnixTime) -> Reply {
    let document = channel.document();
    let mut text = format!(
        "channel     {}\nsequence    {}\nmade        {} UTC\nexpires     {} UTC{}\n",
        document.channel,
        document.sequence,
        document.made,
        document.expires,
        if now >= document.expires { ": EXPIRED, nobody starts anything" } else { "" }
    );
    if document.halt {
        text += "HALTED      nobody starts anything\n";
    }
    for (number, release) in (1..).zip(&document.releases) {
        text += &of_release(number, release, now);
    }
    for key in signers {
        let _ = writeln!(text, "signed by   {key}");
    }
    text.extend(devices.iter().map(|told| told.text.as_str()));
    let devices: Vec<&Value> = devices.iter().map(|told| &told.json).collect();
    let json = json!({
        "ok": true, "digest": channel.digest(), "signed_by": signers, "document": document, "devices": devices,
    });
    Reply::new(text, json)
}

fn of_release(number: usize, release: &Release, now: UnixTime) -> String {
    let mut text = format!(
        "#{number:<10} {} for {}, security version {}\n            {}\n            manifest {}\n",
        release.version, release.compatible, release.security_version, release.url, release.manifest
    );
    for condition in &release.conditions {
        let what = match &condition.test {
            Test::Equals(value) => format!("is {value}"),
            Test::OneOf(values) => format!("is one of {}", values.join(", ")),
            Test::NoneOf(values) => format!("is none of {}", values.join(", ")),
            Test::Exists(true) => "is there".into(),
            Test::Exists(false) => "is not there".into(),
        };
        let _ = writeln!(text, "            where {} {what}", condition.attribute);
    }
    for wave in &release.waves {
        let share = f64::from(wave.share) * 100.0 / f64::from(PLACES);
        let come = if wave.from <= now { " (has come)" } else { "" };
        let _ = writeln!(text, "            {share}% from {} UTC on{come}", wave.from);
    }
    text
}
