use crate::common::Common;
use crate::how::How;
use crate::rollouts::shown;
use drydock_bundle::tool::Reply;
use drydock_fleet::rollout::{Act, Percent, Plan, act, create};
use drydock_fleet::{Error, Name, sets};
use std::time::Duration;

/// How often it is looked whether the groups are filled.
const LOOK: Duration = Duration::from_secs(1);

/// Give a release to many devices, group after group.
///
/// The next group begins when enough of one have succeeded. When too many have failed, the rollout pauses; devices that were
/// told before go on.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the rollout is called.
    rollout: String,
    /// The version of the release.
    version: String,
    /// Which devices, in hawkBit's query language: attribute.board==bbb and attribute.site=in=(s1,s3)
    #[arg(long, value_name = "QUERY")]
    filter: String,
    /// How many groups.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    groups: u16,
    /// How much of a group must have succeeded before the next one begins.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    success: u8,
    /// How much of a group may have failed before the rollout pauses.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    error: u8,
    /// Start it, once the server has filled the groups.
    #[arg(long)]
    start: bool,
    /// The name of the release, where several have this version.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    how: How,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let version = Name::new("the version", &args.version)?;
    let rollout = Name::new("the name of the rollout", &args.rollout)?;
    let name = args.name.as_deref().map(|name| Name::new("the name", name)).transpose()?;
    let order = args.how.order(None)?;
    let client = common.client()?;
    let set = sets::find(&client, &version, name.as_ref())?;
    let percent = |value| {
        let none =
            || Error::Input { what: format!("{value} percent"), problem: "more than all of them".into() };
        Percent::new(value).ok_or_else(none)
    };
    let (success, error) = (percent(args.success)?, percent(args.error)?);
    let (filter, groups) = (args.filter.as_str(), args.groups);
    let plan = Plan { name: &rollout, set: &set, filter, groups, success, error, order: &order };
    let mut made = create(&client, &plan)?;
    if args.start {
        made = act(&client, &rollout, Act::Start, LOOK)?;
    }
    Ok(shown(&[made]))
}

/// Start, pause or go on with a rollout.
#[derive(clap::Args)]
pub(crate) struct ActArgs {
    /// The rollout.
    rollout: String,
}

pub(crate) fn run_act(args: &ActArgs, what: Act, common: &Common) -> Result<Reply, Error> {
    let rollout = Name::new("the name of the rollout", &args.rollout)?;
    Ok(shown(&[act(&common.client()?, &rollout, what, LOOK)?]))
}
