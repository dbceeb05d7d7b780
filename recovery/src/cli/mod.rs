//! The command line in the live system.

#[cfg(feature = "fleet")]
mod agent;
mod command;
mod fetch;
mod here;
#[cfg(feature = "network")]
mod network;
#[cfg(feature = "lan")]
mod serve;
#[cfg(feature = "service")]
mod service;
mod settings;
mod sink;

use drydock_engine::Error;
use drydock_engine::event::calm;
use drydock_engine::update::Look;
use drydock_state::SetName;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

#[cfg(feature = "network")]
const NETWORK: &str = "  drydock network test --interface NAME [--watch SECONDS] [HOST…]   bring the recovery's network up on this interface, tell
                                 what it gives and where these hosts are, and take it down again
";
#[cfg(not(feature = "network"))]
const NETWORK: &str = "";

#[cfg(feature = "fleet")]
const FLEET: &str = "  drydock agent [--once]         follow the fleet's server, or a channel, as the configuration says, until it is ended (one round only)
  drydock confirm                say yes to what the agent asks: whether to install, or to restart for it
  drydock deny                   say no to it
";
#[cfg(not(feature = "fleet"))]
const FLEET: &str = "";

#[cfg(feature = "lan")]
const LAN: &str = "  drydock serve                  serve a page on the LAN, as the configuration's `[lan]` says, until it is ended
";
#[cfg(not(feature = "lan"))]
const LAN: &str = "";

#[cfg(feature = "files")]
const FILES: &str = "  drydock verify --trees         compare the vendor's files in the trees on the data volume with their signed lists
";
#[cfg(not(feature = "files"))]
const FILES: &str = "";
#[cfg(feature = "service")]
const SERVICE: &str = "  drydock service bundle-logs [FILE]   gather what helps to find out what is wrong, without secrets, as a tar on a removable medium (or
                                 as this file; - is the standard output)
";
#[cfg(not(feature = "service"))]
const SERVICE: &str = "";

const COMMANDS: &str = "\
drydock: updates this device from its recovery

  drydock status [--json]        what runs, what is installed, what waits, what has happened
  drydock stage FILE             read and prove a bundle on the data volume, and install it at the next boot
  drydock stage --medium PATH    the same for a file on a removable medium
  drydock stage --partition LABEL   the same for a raw partition
  drydock stage https://…        the same from a server: fetch what this device lacks, in the background
  drydock stage --stream https://…  the same, but leave the transfer to the recovery
  drydock stage --quick …        the same without reading the contents: damage to them is found only by recovery
  drydock stage --json …         the same, and tell what happens as lines of JSON
  drydock fetch https://… [--to FILE]  fetch what this device lacks of a bundle, and install nothing (--json as above)
  drydock verify FILE            say what an update would do, without doing it (--medium, --partition, --quick, --json as above)
  drydock cancel                 take the staged bundle back
  drydock factory-reset          make all data new at the next boot, but for what the configuration keeps
  drydock wipe LABEL             wipe a partition at the next boot, as the configuration says
  drydock mark-good              say that the running set is well
  drydock mark-bad [a|b]         give a set up for good (the running one if none is named)
  drydock rollback               start the other set from the next boot on
  drydock settle                 make the boot environment agree with the state again
  drydock log [--json]           the whole history
  drydock log --recovery [--json]   what the last recovery told, event by event
";

const ENDING: &str = "  drydock --version

Exit codes: 0 done, 1 failed or refused, 2 the command line makes no sense.
";

/// Runs one command and prints what it has to say.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = Invocation::parse(arguments).and_then(|invocation| match invocation {
        Invocation::Help => Ok([COMMANDS, FILES, FLEET, LAN, NETWORK, SERVICE, ENDING].concat()),
        Invocation::Version => Ok(concat!("drydock ", env!("CARGO_PKG_VERSION"), "\n").into()),
        Invocation::Command(command) => command.run(),
        #[cfg(feature = "fleet")]
        Invocation::Agent(rounds) => agent::run(rounds),
        #[cfg(feature = "lan")]
        Invocation::Serve => serve::run(),
        #[cfg(feature = "network")]
        Invocation::Network(test) => test.run(),
        #[cfg(feature = "service")]
        Invocation::BundleLogs(file) => service::bundle_logs(file.as_deref()),
    });
    match outcome {
        Ok(text) => {
            // A reader that has gone is no reason to fail.
            let _ = std::io::stdout().write_all(calm(&text).as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let usage = matches!(error, Error::Usage(_));
            // What may not be opened looks like what is not there.
            let hint = if usage || nix::unistd::geteuid().is_root() { "" } else { "; run drydock as root" };
            let _ = writeln!(std::io::stderr(), "drydock: {}{hint}", calm(&error.to_string()));
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Invocation {
    Help,
    Version,
    Command(Command),
    #[cfg(feature = "fleet")]
    Agent(agent::Rounds),
    #[cfg(feature = "lan")]
    Serve,
    #[cfg(feature = "network")]
    Network(network::Test),
    #[cfg(feature = "service")]
    BundleLogs(Option<String>),
}

/// What is done with the device.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Status(Form),
    Log(Form),
    RecoveryLog(Form),
    Stage(Where, Look, Form),
    Fetch(String, Option<String>, Form),
    Verify(Where, Look, Form),
    #[cfg(feature = "files")]
    VerifyTrees,
    Cancel,
    MarkGood,
    FactoryReset,
    Wipe(String),
    MarkBad(Option<SetName>),
    Rollback,
    Settle,
    #[cfg(feature = "fleet")]
    Answer(Say),
}

/// What somebody says to what the agent asks.
#[cfg(feature = "fleet")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Say {
    Yes,
    No,
}

/// For whom something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A person.
    Text,
    /// A program.
    Json,
}

/// A bundle as the command line names it.
#[derive(Debug, PartialEq, Eq)]
enum Where {
    File(String),
    Medium(String),
    Partition(String),
    Address(String, Transfer),
}

/// When a bundle on a server is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    /// Now, as far as the device lacks it.
    Now,
    /// By whoever reads it.
    Later,
}

impl Invocation {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut parser = lexopt::Parser::from_args(arguments);
        Self::parse_all(&mut parser).map_err(|error| Error::Usage(format!("{error}; see drydock --help")))
    }

    fn parse_all(parser: &mut lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let (mut command, mut operand, mut form, mut look) = (None, None, Form::Text, Look::Whole);
        let (mut recovery, mut once, mut to, mut transfer) = (None, None, None, Transfer::Now);
        let mut trees = None;
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("json") => form = Form::Json,
                Long("recovery") => recovery = Some(()),
                Long("once") => once = Some(()),
                Long("trees") => trees = Some(()),
                Long("stream") => transfer = Transfer::Later,
                Long("to") => to = Some(parser.value()?.string()?),
                Long("quick") => look = Look::Quick,
                Long("medium") => operand = Some(Where::Medium(parser.value()?.string()?)),
                Long("partition") => operand = Some(Where::Partition(parser.value()?.string()?)),
                #[cfg(feature = "network")]
                Value(word) if command.is_none() && word == "network" => {
                    return network::Test::parse(parser).map(Self::Network);
                }
                #[cfg(feature = "service")]
                Value(word) if command.is_none() && word == "service" => {
                    return service::parse(parser).map(Self::BundleLogs);
                }
                Value(word) if command.is_none() => command = Some(word.string()?),
                Value(word) if operand.is_none() => operand = Some(Where::File(word.string()?)),
                other => return Err(other.unexpected()),
            }
        }
        let bundle = |operand: Option<Where>| operand.ok_or("which bundle?");
        let operand = operand.map(|operand| match operand {
            Where::File(name) if name.starts_with("https://") || name.starts_with("http://") => {
                Where::Address(name, transfer)
            }
            operand => operand,
        });
        let Some(command) = command.filter(|command| command != "help") else { return Ok(Self::Help) };
        if recovery.is_some() && command != "log" {
            return Err("--recovery belongs to `log`".into());
        }
        if trees.is_some() && (command != "verify" || operand.is_some()) {
            return Err("--trees belongs to `verify`, without a bundle".into());
        }
        if once.is_some() && command != "agent" {
            return Err("--once belongs to `agent`".into());
        }
        if transfer == Transfer::Later && !(command == "stage" && matches!(operand, Some(Where::Address(..))))
        {
            return Err("--stream belongs to `stage` with an address".into());
        }
        if to.is_some() && command != "fetch" {
            return Err("--to belongs to `fetch`".into());
        }
        #[cfg(feature = "fleet")]
        if command == "agent" && operand.is_none() {
            return Ok(Self::Agent(once.map_or(agent::Rounds::All, |()| agent::Rounds::One)));
        }
        #[cfg(feature = "lan")]
        if command == "serve" && operand.is_none() {
            return Ok(Self::Serve);
        }
        Ok(Self::Command(match command.as_str() {
            "status" => Command::Status(form),
            "log" if recovery.is_some() => Command::RecoveryLog(form),
            "log" => Command::Log(form),
            "stage" => Command::Stage(bundle(operand)?, look, form),
            "fetch" => match operand {
                Some(Where::Address(url, _)) => Command::Fetch(url, to, form),
                _ => return Err("from which address?".into()),
            },
            #[cfg(feature = "files")]
            "verify" if trees.is_some() => Command::VerifyTrees,
            #[cfg(not(feature = "files"))]
            "verify" if trees.is_some() => return Err(drydock_config::WITHOUT_FILES.into()),
            "verify" => Command::Verify(bundle(operand)?, look, form),
            "cancel" => Command::Cancel,
            "mark-good" => Command::MarkGood,
            "factory-reset" => Command::FactoryReset,
            "wipe" => match operand {
                Some(Where::File(label)) => Command::Wipe(label),
                _ => return Err("which partition?".into()),
            },
            "mark-bad" => Command::MarkBad(match operand {
                None => None,
                Some(Where::File(set)) => Some(set.parse().map_err(|()| format!("there is no set `{set}`"))?),
                Some(_) => return Err("which set?".into()),
            }),
            "rollback" => Command::Rollback,
            "settle" => Command::Settle,
            #[cfg(feature = "fleet")]
            "confirm" => Command::Answer(Say::Yes),
            #[cfg(feature = "fleet")]
            "deny" => Command::Answer(Say::No),
            #[cfg(feature = "fleet")]
            "agent" => return Err("`agent` takes no operand".into()),
            #[cfg(not(feature = "fleet"))]
            "agent" | "confirm" | "deny" => return Err(drydock_config::WITHOUT_FLEET.into()),
            #[cfg(not(feature = "service"))]
            "service" => return Err(drydock_config::WITHOUT_SERVICE.into()),
            #[cfg(feature = "lan")]
            "serve" => return Err("`serve` takes no operand".into()),
            #[cfg(not(feature = "lan"))]
            "serve" => return Err(drydock_config::WITHOUT_LAN.into()),
            other => return Err(format!("there is no command `{other}`").into()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn parse(line: &str) -> Result<Invocation, Error> {
        Invocation::parse(line.split_whitespace().map(OsString::from))
    }

    /// What systemd is told to run.
    fn started_by(unit: &str) -> String {
        let file = format!("{}/../integration/live-units/{unit}.service", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(file).unwrap();
        text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/drydock ")).unwrap().to_owned()
    }

    #[test]
    fn commands_are_understood_or_refused_with_advice() {
        assert_eq!(parse("status --json").unwrap(), Invocation::Command(Command::Status(Form::Json)));
        assert_eq!(
            parse("stage /var/b").unwrap(),
            Invocation::Command(Command::Stage(Where::File("/var/b".into()), Look::Whole, Form::Text))
        );
        assert_eq!(
            parse("stage --quick b").unwrap(),
            Invocation::Command(Command::Stage(Where::File("b".into()), Look::Quick, Form::Text))
        );
        assert_eq!(
            parse("verify --medium b").unwrap(),
            Invocation::Command(Command::Verify(Where::Medium("b".into()), Look::Whole, Form::Text))
        );
        let address = |transfer| Where::Address("https://a/b".into(), transfer);
        assert_eq!(
            parse("stage https://a/b").unwrap(),
            Invocation::Command(Command::Stage(address(Transfer::Now), Look::Whole, Form::Text))
        );
        assert_eq!(
            parse("stage --stream --json https://a/b").unwrap(),
            Invocation::Command(Command::Stage(address(Transfer::Later), Look::Whole, Form::Json))
        );
        assert_eq!(
            parse("fetch --to x https://a/b").unwrap(),
            Invocation::Command(Command::Fetch("https://a/b".into(), Some("x".into()), Form::Text))
        );
        assert_eq!(parse("log --recovery").unwrap(), Invocation::Command(Command::RecoveryLog(Form::Text)));
        assert_eq!(parse("wipe logs").unwrap(), Invocation::Command(Command::Wipe("logs".into())));
        assert_eq!(parse("").unwrap(), Invocation::Help);
        assert_eq!(parse("mark-bad").unwrap(), Invocation::Command(Command::MarkBad(None)));
        assert_eq!(parse("mark-bad b").unwrap(), Invocation::Command(Command::MarkBad(Some(SetName::B))));
        #[cfg(feature = "files")]
        assert_eq!(parse("verify --trees").unwrap(), Invocation::Command(Command::VerifyTrees));
        #[cfg(feature = "fleet")]
        {
            use agent::Rounds;
            assert_eq!(parse("agent").unwrap(), Invocation::Agent(Rounds::All));
            assert_eq!(parse("agent --once").unwrap(), Invocation::Agent(Rounds::One));
            assert_eq!(parse("confirm").unwrap(), Invocation::Command(Command::Answer(Say::Yes)));
            assert_eq!(parse("deny").unwrap(), Invocation::Command(Command::Answer(Say::No)));
            assert_eq!(parse(&started_by("drydock-agent")).unwrap(), Invocation::Agent(Rounds::All));
        }
        for unit in ["drydock-mark-good", "drydock-settle"] {
            let line = &started_by(unit);
            assert!(matches!(parse(line).unwrap(), Invocation::Command(_)), "{line}");
        }
        for wrong in [
            "stage",
            "wipe",
            "wipe --medium x",
            "frobnicate",
            "mark-bad c",
            "mark-bad --medium a",
            "status extra more",
            "stage --nonsense",
            "status --recovery",
            "status --once",
            "agent x",
            "serve x",
            "fetch",
            "fetch file",
            "stage --to x https://a/b",
            "stage --stream file",
            "verify --stream https://a/b",
            "verify --trees file",
            "status --trees",
        ] {
            assert!(parse(wrong).unwrap_err().to_string().contains("drydock --help"), "{wrong}");
        }
    }
}
