use super::keys::{private, public};
use super::show;
use drydock_bundle::tool::Reply;
use drydock_channel::{Channel, Condition, Document};
use drydock_fleet::Error;
use drydock_fleet::channel::{
    Change, Edit, Placement, TypedWave, When, begin, check_signed, condition, read, sign, write,
};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct New {
    /// The file, such as stable.channel. One that is there is not replaced.
    file: PathBuf,
    /// The channel's name [default: that of the file, without .channel].
    #[arg(long)]
    name: Option<String>,
    /// The last sequence number that devices may have seen of a channel of this name.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    sequence: u64,
    /// The bundle of its release.
    #[arg(long, value_name = "BUNDLE")]
    add: Option<PathBuf>,
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("change").args(["add", "place", "remove"])))]
pub(crate) struct Set {
    /// The file.
    file: PathBuf,
    /// Put the release of this bundle before all others.
    #[arg(long, value_name = "BUNDLE")]
    add: Option<PathBuf>,
    /// Change where a release lies, for whom it is, or its waves. A release is named by its version, or by its place in
    /// what `show` lists (#1).
    #[arg(long, value_name = "RELEASE")]
    place: Option<String>,
    /// Take a release out. Devices that have it are led to the first one that is left and is for them.
    #[arg(long, value_name = "RELEASE")]
    remove: Option<String>,
    /// From now on nobody starts anything.
    #[arg(long, conflicts_with = "resume")]
    halt: bool,
    /// It is no longer halted.
    #[arg(long)]
    resume: bool,
    /// A public key that has signed the old document; may be given several times. Those of --key count, too.
    #[arg(long, value_name = "PEM")]
    pubkey: Vec<PathBuf>,
    /// Do not check who has signed the old document.
    #[arg(long)]
    unchecked: bool,
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
struct What {
    /// Where the bundle lies: an address, or a path from the channel's own [default: the bundle's name, beside the channel].
    #[arg(long)]
    url: Option<String>,
    /// Only for devices of which this holds: region=eu, region=eu,us, region!=eu, region or !region; may be given several
    /// times, and then all must hold. The attribute id is the device's id.
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition)]
    conditions: Vec<Condition>,
    /// For all devices of its kind.
    #[arg(long, conflicts_with = "conditions")]
    anywhere: bool,
    /// Not at once for all: so many of the devices from then on, 5% or 5%@2026-12-01T08:00 (UTC) or 100%@+3d; may be given
    /// several times. Shares count from the first wave on [default: all of them at once].
    #[arg(long = "wave", value_name = "SHARE@TIME")]
    waves: Vec<TypedWave>,
    /// When the document expires, from now on or as a date in UTC.
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: When,
    /// Sign with this private key; may be given several times.
    #[arg(long = "key", value_name = "PEM")]
    keys: Vec<PathBuf>,
}

impl What {
    fn placement(&self) -> Placement {
        let conditions = !self.conditions.is_empty() || self.anywhere;
        Placement {
            url: self.url.clone(),
            conditions: conditions.then(|| self.conditions.clone()),
            waves: (!self.waves.is_empty()).then(|| self.waves.clone()),
        }
    }

    /// An option that is about a release does nothing without one.
    fn check(&self, change: &Change) -> Result<(), Error> {
        let Placement { url, conditions, waves } = self.placement();
        match change {
            Change::None | Change::Remove(_) if url.is_some() || conditions.is_some() || waves.is_some() => {
                let problem = "they are about a release: say which one with --add, or with --place in a channel that has it";
                Err(Error::Input {
                    what: "--url, --where, --anywhere and --wave".into(),
                    problem: problem.into(),
                })
            }
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path, document: &Document) -> Result<Reply, Error> {
        let keys = private(&self.keys)?;
        let file = sign(&document.to_bytes(), &keys)?;
        let channel = Channel::open_unverified(&file)?;
        let signers = keys.iter().map(|key| Ok(key.public()?.id())).collect::<Result<Vec<_>, Error>>()?;
        write(path, &file)?;
        Ok(show::reply(&channel, &signers, &[], When::now()))
    }
}

pub(crate) fn new(args: &New) -> Result<Reply, Error> {
    let wrong = |problem: &str| Error::Input {
        what: format!("making {}", args.file.display()),
        problem: problem.into(),
    };
    if args.file.exists() {
        return Err(wrong("it is there already; change it with `drydock-fleet channel set`"));
    }
    let stem = args.file.file_stem().and_then(|stem| stem.to_str());
    let name = args.name.as_deref().or(stem).ok_or_else(|| wrong("it has no name; say --name"))?;
    let change = match &args.add {
        Some(bundle) => Change::Add(bundle.clone(), args.what.placement()),
        None => Change::None,
    };
    args.what.check(&change)?;
    let edit = Edit { change, halt: None, expires: args.what.expires };
    let document = edit.apply(&begin(name, args.sequence), When::now())?;
    args.what.write(&args.file, &document)
}

pub(crate) fn set(args: &Set) -> Result<Reply, Error> {
    let old = read(&args.file)?;
    if !args.unchecked {
        let mut keys = public(&args.pubkey)?;
        for key in private(&args.what.keys)? {
            keys.push(key.public()?);
        }
        if keys.is_empty() {
            let problem = "who has signed it can't be checked: say --key or --pubkey, or --unchecked if nobody else can have changed it";
            let what = format!("changing {}", args.file.display());
            return Err(Error::Input { what, problem: problem.into() });
        }
        check_signed(&old, keys)?;
    }
    let placement = args.what.placement();
    let change = match (&args.add, &args.place, &args.remove) {
        (Some(bundle), ..) => Change::Add(bundle.clone(), placement),
        (_, Some(which), _) => Change::Place(which.clone(), placement),
        (.., Some(which)) => Change::Remove(which.clone()),
        _ => Change::None,
    };
    args.what.check(&change)?;
    let halt = (args.halt || args.resume).then_some(args.halt);
    let edit = Edit { change, halt, expires: args.what.expires };
    let document = edit.apply(Channel::open_unverified(&old)?.document(), When::now())?;
    args.what.write(&args.file, &document)
}
