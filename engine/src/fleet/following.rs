//! A turn with a channel: what its document means for this device, what is done about it, and who is told what came of it.

use super::host::{Credentials, Method};
use super::install::{self, Brought, Goal};
use super::keeping::{self, GivenUp};
use super::standing::{Standing, standing};
use super::turn::{Step, Stop, Turn};
use crate::error::Error;
use crate::machine::Machine;
use crate::release::trusted;
use drydock_channel::{Channel, Decision, Device, MAX_FILE, Outcome, Release, Report, Seen, Time};
use drydock_ddi::Status;
use drydock_state::fleet::{Followed, Order, Unsent};
use drydock_state::{Record, UnixTime};
use drydock_transfer::Address;
use std::collections::BTreeMap;
use std::time::Duration;

/// How the name of a channel's file ends.
const SUFFIX: &str = ".channel";

/// What is remembered of a channel from one turn to the next. All of it can be lost.
pub(super) struct Following {
    address: Address,
    name: String,
    id: String,
    /// The document that was opened last, and what it is known by.
    opened: Option<(Channel, Option<String>)>,
    /// When the agent began, by both clocks.
    began: Option<(Time, Duration)>,
    /// How often in a row a server did not have the bundle.
    refusals: u32,
}

impl Following {
    /// A channel that was not looked at yet. Its name is that of its file.
    pub(super) fn new(channel: &str, id: &str) -> Result<Self, Error> {
        let bad = |why: String| {
            Error::Unusable(format!(
                "fleet.channel: {channel}: {why}; correct it, and build the initramfs anew"
            ))
        };
        let address = Address::parse(channel).map_err(|why| bad(why.to_string()))?;
        let path = channel.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().and_then(|file| file.strip_suffix(SUFFIX));
        let name = name.ok_or_else(|| bad(format!("it does not end in NAME{SUFFIX}")))?.to_owned();
        Ok(Self { address, name, id: id.into(), opened: None, began: None, refusals: 0 })
    }

    /// What everything that is kept is about.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// One turn. `facts` are the attributes of the device, by which a channel chooses.
    pub(super) fn turn<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        facts: &[(String, String)],
    ) -> Result<Step, Stop> {
        self.finish(turn)?;
        let step = self.follow(turn, facts);
        self.finish(turn)?;
        // That nobody takes reports holds no update up, and an update that fails no report.
        let told = self.send_reports(turn, facts);
        let step = step?;
        told.map(|()| step)
    }

    /// Reads the document, and does what it means.
    fn follow<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        facts: &[(String, String)],
    ) -> Result<Step, Stop> {
        self.read(turn)?;
        let record = turn.look()?;
        let now = self.now(turn, record.fleet.channel.as_ref());
        let Some((channel, _)) = &self.opened else { return Ok(idle("there is no document".into())) };
        let channel = channel.clone();
        let seen = record.fleet.channel.as_ref().and_then(seen);
        let accepted = channel.accept(&self.name, seen.as_ref(), now).map_err(Stop::unusable)?;
        if !turn.can_remember()? {
            return Ok(idle("nothing: the state can't be changed".into()));
        }
        if accepted.is_news(seen.as_ref(), turn.machine.now()) {
            self.remember(turn, accepted.seen())?;
        }
        let attributes: BTreeMap<String, String> = facts.iter().cloned().collect();
        let failed: Vec<_> =
            record.fleet.channel.iter().filter_map(|followed| followed.given_up.known()).collect();
        let device = Device {
            id: &self.id,
            compatible: &turn.machine.config().compatible,
            attributes: &attributes,
            running: record.sets.get(turn.running.set).manifest.known(),
            install_floor: record.floors.install,
            failed: &failed,
        };
        let decision = accepted.meant(&device);
        if let Some(step) = self.at_work(turn, &record, &decision)? {
            return Ok(step);
        }
        match decision {
            Decision::Release(release) => self.begin(turn, channel.document().sequence, release),
            Decision::NotYet { release, from } => {
                let wait = Duration::from_secs(from.0.saturating_sub(now.0).max(1));
                Ok(Step { next: Some(wait), doing: format!("{} is meant from {from} on", release.version) })
            }
            Decision::Nothing(why) => Ok(idle(why.to_string())),
        }
    }

    /// Reads the document, if it is another one than before.
    fn read<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let etag = self.opened.as_ref().and_then(|(_, etag)| etag.clone());
        let (status, answer) = turn.ask(Method::Get, self.address.clone(), None, etag.clone())?;
        match status {
            Status::Same if etag.is_some() => Ok(()),
            Status::Done if answer.body.len() > MAX_FILE => Err(Stop::unusable(format!(
                "the channel has more than {MAX_FILE} bytes; see what answers there"
            ))),
            Status::Done => {
                let trusted = trusted(turn.machine.config())?;
                let channel = Channel::open(&answer.body, &trusted).map_err(Stop::unusable)?;
                self.opened = Some((channel, answer.etag));
                Ok(())
            }
            status => Err(turn.refused("reading the channel", status, &answer)),
        }
    }

    fn now<M: Machine>(&mut self, turn: &Turn<'_, M>, followed: Option<&Followed>) -> UnixTime {
        let (clock, since) = (turn.machine.now(), turn.host.since());
        let begin = || (Time::begin(clock, followed.and_then(seen).as_ref()), since);
        let (time, began) = *self.began.get_or_insert_with(begin);
        time.now(clock, since.saturating_sub(began))
    }

    /// What was seen is on stable storage before anything is started.
    fn remember<M: Machine>(&self, turn: &Turn<'_, M>, seen: &Seen) -> Result<(), Stop> {
        let Seen { channel, sequence, digest, time } = seen.clone();
        Ok(keeping::change(turn.machine, |fleet| {
            let followed = fleet.channel.get_or_insert_default();
            (followed.name, followed.sequence) = (channel, sequence);
            (followed.digest, followed.time) = (digest.into(), time);
        })?)
    }

    /// Goes on with the order that is on its way. `None`: there is none, or it has yet to be begun.
    fn at_work<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        record: &Record,
        decision: &Decision<'_>,
    ) -> Result<Option<Step>, Stop> {
        let Some(order) = &record.fleet.order else { return Ok(None) };
        let meant = match decision {
            Decision::Release(release) => order.manifest == release.manifest.into(),
            // What is begun is not undone because a document has ended, or a wave is put off.
            Decision::NotYet { .. } | Decision::Nothing(drydock_channel::Why::Expired(_)) => true,
            Decision::Nothing(_) => false,
        };
        let stands = standing(record, order);
        let undone = matches!(stands, Standing::Open | Standing::Waiting(0));
        if undone
            && !meant
            && keeping::give_up(turn.machine, order.action, "the channel does not mean it any more")?
                == GivenUp::Yes
        {
            keeping::change(turn.machine, keeping::close)?;
            return Ok(None);
        }
        match stands {
            Standing::Waiting(_) => install::restart(turn, order, |_| {}).map(Some),
            Standing::Trial(set) => Ok(Some(install::on_trial(set, order))),
            Standing::Open | Standing::Over(_) => Ok(None),
        }
    }

    /// Fetches a release and stages it.
    fn begin<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        sequence: u64,
        release: &Release,
    ) -> Result<Step, Stop> {
        if turn.running.degraded {
            return Ok(idle("this boot is degraded: nothing can be fetched to data".into()));
        }
        let version = release.version.clone();
        let boot = turn.boot.clone();
        keeping::change(turn.machine, |fleet| {
            let manifest = release.manifest.into();
            if fleet.order.as_ref().is_none_or(|order| order.manifest != manifest) {
                let version = version.clone();
                fleet.order = Some(Order { action: sequence, version, manifest, boot, ..Order::default() });
            }
        })?;
        let from = release.address(&self.address).map_err(Stop::unusable)?;
        let own = from.place() == self.address.place();
        let credentials = if own { Credentials::Shown } else { Credentials::Hidden };
        let goal = Goal { from, credentials, pin: Some(release.manifest) };
        let Brought::There(source, _) = install::fetch(turn, &goal, &mut self.refusals)? else {
            return Ok(idle(format!("{version} can't be installed")));
        };
        let record = turn.look()?;
        let Some(order) = &record.fleet.order else { return Ok(idle(format!("{version} is given up"))) };
        if let Some(doing) = install::in_the_way(&record) {
            return Ok(idle(format!("{version} {doing}")));
        }
        install::stage(turn, order.action, source)?;
        match turn.look()?.fleet.order {
            Some(order) if order.end.is_none() => install::restart(turn, &order, |_| {}),
            _ => Ok(idle(format!("{version} can't be installed"))),
        }
    }

    /// An order that is over makes way; what has become of it is kept until somebody has taken it.
    fn finish<M: Machine>(&self, turn: &Turn<'_, M>) -> Result<(), Stop> {
        let record = turn.look()?;
        let Some(order) = record.fleet.order.filter(|order| order.end.is_some()) else { return Ok(()) };
        let (time, reports) = (turn.machine.now(), turn.config.report_to.is_some());
        Ok(keeping::change(turn.machine, |fleet| {
            let Order { action, version, manifest, intent, end: Some(end), .. } = order else { return };
            if !end.how.is_success()
                && let Some(followed) = &mut fleet.channel
            {
                followed.given_up = manifest.clone();
            }
            if reports {
                fleet.keep(Unsent { action, version, manifest, intent, end, time });
            }
            keeping::close(fleet);
        })?)
    }

    /// Sends what has become of releases. A report that is taken, or that can't be, is not kept.
    fn send_reports<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        facts: &[(String, String)],
    ) -> Result<(), Stop> {
        let Some(to) = turn.config.report_to.clone() else { return Ok(()) };
        let to = Address::parse(&to).map_err(Stop::unusable)?;
        while let Some(unsent) = turn.look()?.fleet.unsent.first().cloned() {
            if let Some(report) = self.report(&unsent, facts) {
                let (status, answer) = turn.ask(Method::Post, to.clone(), Some(report.to_json()), None)?;
                if matches!(status, Status::Later | Status::Stranger | Status::Same | Status::Gone) {
                    return Err(turn.refused("sending a report", status, &answer));
                }
            }
            keeping::change(turn.machine, |fleet| fleet.unsent.retain(|other| *other != unsent))?;
        }
        Ok(())
    }

    fn report(&self, unsent: &Unsent, facts: &[(String, String)]) -> Option<Report> {
        let manifest = unsent.manifest.known()?;
        let short: String = manifest.to_string().chars().take(16).collect();
        Some(Report {
            id: format!("{}-{short}-{}", unsent.action, unsent.intent),
            device: self.id.clone(),
            channel: self.name.clone(),
            sequence: unsent.action,
            version: unsent.version.clone(),
            manifest,
            outcome: Outcome::named(unsent.end.how.name())?,
            reason: unsent.end.reason.clone(),
            time: unsent.time,
            attributes: facts.iter().cloned().collect(),
        })
    }
}

/// What was seen of a channel, as the channel's rules have it.
fn seen(followed: &Followed) -> Option<Seen> {
    let digest = followed.digest.known()?;
    Some(Seen { channel: followed.name.clone(), sequence: followed.sequence, digest, time: followed.time })
}

fn idle(doing: String) -> Step {
    Step { next: None, doing }
}
