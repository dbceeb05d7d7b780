//! `drydock-fleet collect`: takes in what devices report, and shows it.

use drydock_bundle::tool::Reply;
use drydock_fleet::Error;
use drydock_fleet::collect::{Server, Settings, Store};
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The longest token in bytes.
const MAX_TOKEN: u64 = 512;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["listen", "show"])))]
pub(crate) struct Args {
    /// The file with the reports, which is made if it is not there.
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
    /// Take in reports here, such as 127.0.0.1:8480, until somebody ends it. There is no TLS: put a web server in front.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Devices must send the token that is the first line of this file. Nobody but its owner may be able to read it.
    #[arg(long, value_name = "FILE", requires = "listen")]
    token_file: Option<PathBuf>,
    /// How many reports a second are taken from all devices; others are to come again.
    #[arg(long, value_name = "NUMBER", default_value_t = 200, requires = "listen")]
    rate: u32,
    /// Show the newest report of each device, and how each release has fared.
    #[arg(long)]
    show: bool,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let Some(listen) = args.listen else { return show(&args.database) };
    let token = args.token_file.as_deref().map(token).transpose()?;
    let server = Server::open(&Settings { listen, token, rate: args.rate }, &args.database)?;
    if let Some(address) = server.address() {
        let _ = writeln!(io::stdout(), "listening on {address}");
        let _ = io::stdout().flush();
    }
    server.run();
    Ok(Reply::raw(Vec::new()))
}

fn token(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::File { doing: "reading the token in", path: path.into(), source };
    let wrong =
        |problem: &str| Err(Error::Input { what: path.display().to_string(), problem: problem.into() });
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return wrong("others can read this token; take that from them (chmod 600)");
    }
    let mut text = String::new();
    file.take(MAX_TOKEN + 1).read_to_string(&mut text).map_err(failed)?;
    let token = text.lines().next().unwrap_or_default();
    let good = |byte: u8| byte.is_ascii_graphic();
    match !token.is_empty() && text.len() as u64 <= MAX_TOKEN && token.bytes().all(good) {
        true => Ok(token.into()),
        false => wrong("its first line is no token of up to 512 letters, digits and signs without blanks"),
    }
}

fn show(database: &Path) -> Result<Reply, Error> {
    let store = Store::look(database)?;
    let (newest, counts) = (store.newest()?, store.counts()?);
    let mut text = String::new();
    for count in &counts {
        let short: String = count.manifest.chars().take(12).collect();
        let outcomes: Vec<_> =
            count.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let _ = writeln!(text, "{:<16} {short}  {}", count.version, outcomes.join(", "));
    }
    if !newest.is_empty() {
        let width = newest.iter().map(|one| one.device.chars().count()).max().unwrap_or_default().max(6);
        let _ = writeln!(
            text,
            "\n{:<width$}  {:<16} {:<12} when (UTC)           why",
            "device", "version", "outcome"
        );
        for one in &newest {
            let line = format!(
                "{:<width$}  {:<16} {:<12} {}  {}",
                one.device, one.version, one.outcome, one.received, one.reason
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if newest.is_empty() {
        text += "no reports yet\n";
    }
    let releases: Vec<_> = counts
        .iter()
        .map(|one| json!({"version": one.version, "manifest": one.manifest, "outcomes": one.outcomes}))
        .collect();
    let devices: Vec<_> = newest
        .iter()
        .map(|one| {
            json!({
                "device": one.device, "received": one.received, "channel": one.channel, "version": one.version,
                "manifest": one.manifest, "outcome": one.outcome, "reason": one.reason,
            })
        })
        .collect();
    Ok(Reply::new(text, json!({"ok": true, "releases": releases, "devices": devices})))
}
