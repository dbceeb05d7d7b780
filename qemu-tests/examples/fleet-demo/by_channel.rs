//! A fleet without a server: a signed file beside the bundle, and a receiver of reports.

use crate::Demo;
use crate::pump::{Pump, gets_on};
use crate::watch::{expect, until};
use drydock_qemu_tests::demo::{Deltas, Kind, UPDATE};
use drydock_qemu_tests::{Behind, Server, run as program};
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) fn run(demo: &Demo<'_>) -> Result<(), Box<dyn Error>> {
    let transcript = demo.transcript;
    transcript.heading("By a channel: a file beside the bundle on nginx, and `drydock-fleet collect` for what devices report");
    let database = demo.dir.join("reports.sqlite");
    let collector = Collector::start(demo, &database)?;
    let certificates = demo.factory.certificates();
    let served = demo.dir.join("channel-served");
    fs::create_dir_all(&served)?;
    let behind = Behind { hawkbit: None, collector: Some(collector.address) };
    let nginx = Server::before(&served, &certificates, behind)?;
    let config = format!(
        "\n[boot]\nattempts = 2\n\n[fleet]\nchannel = \"{}\"\nreport_to = \"{}\"\nid_file = \"lib/drydock/id\"\npoll_seconds = 15\n",
        nginx.url("stable.channel"),
        nginx.url(Server::REPORTS)
    );
    let made = demo.factory.make(&Kind { name: "channel-", config: &config, deltas: Deltas::None })?;
    let [v1, v2] = made.bundles.each_ref().map(|bundle| bundle.to_string_lossy());
    demo.factory.serve(&made.bundles[1], &served)?;
    let (key, channel) = (demo.factory.key(), served.join("stable.channel"));
    let (key, channel) = (key.to_string_lossy(), channel.to_string_lossy());
    let show = |words: &[&str]| demo.show(&mut demo.fleet(words));
    show(&["channel", "new", &channel, "--add", &v1, "--key", &key])?;
    let pumps = demo.pumps.iter().map(|name| Pump::new(demo, &made, "channel-", name));
    let mut pumps = pumps.collect::<Result<Vec<_>, _>>()?;

    transcript.heading("The devices are put into service: v1, which is what the channel has");
    until("all devices have read the channel", &mut pumps, || {
        let log = fs::read_to_string(served.join("access.log"))?;
        let read = |name: &&str| {
            let by = format!("CN={name} ");
            log.lines().any(|line| line.contains(&by) && line.contains("GET /stable.channel"))
        };
        Ok(demo.pumps.iter().all(read))
    })?;

    transcript.heading("The operator adds v2 to the channel, for all devices");
    show(&["channel", "set", &channel, "--add", &v2, "--url", UPDATE, "--wave", "100%", "--key", &key])?;

    transcript.heading("The devices carry it out, and report");
    let place = database.to_string_lossy();
    let words = ["collect", "--show", "--database", &place];
    let reports = || -> Result<Vec<Value>, Box<dyn Error>> {
        let said: Value = serde_json::from_str(&program(demo.fleet(&words).arg("--json"))?)?;
        Ok(said["devices"].as_array().cloned().unwrap_or_default())
    };
    until("all devices have reported", &mut pumps, || Ok(reports()?.len() == demo.pumps.len()))?;

    transcript.heading("What the reports say");
    show(&words)?;
    for report in reports()? {
        let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
        let device = text("device");
        let outcome = if gets_on(&device) { "good" } else { "rolled-back" };
        expect(&format!("what {device} reported"), &text("outcome"), outcome)?;
        expect(&format!("the version that {device} reported"), &text("version"), made.releases[1].version)?;
        if text("reason").is_empty() {
            return Err(format!("{device} has not said why").into());
        }
    }
    transcript.say("   The reports say what should be: who has it, who has not, and why.");
    Ok(())
}

/// `drydock-fleet collect`. It ends with its value.
struct Collector {
    child: Child,
    address: SocketAddr,
}

impl Collector {
    fn start(demo: &Demo<'_>, database: &Path) -> Result<Self, Box<dyn Error>> {
        let words = ["collect", "--listen", "127.0.0.1:0", "--database"];
        demo.transcript.say(format_args!("   $ drydock-fleet {} reports.sqlite &", words.join(" ")));
        // It ends with this process, too, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&demo.fleet).args(words).arg(database);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("it has no output")?).read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| format!("drydock-fleet collect said: {line}"))?;
        Ok(Self { child, address })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
