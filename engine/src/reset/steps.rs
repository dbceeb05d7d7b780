//! The steps of a factory reset and of a wipe.

use super::erase::{Discarded, PIECE, discard, zero};
use super::stash::{self, Stash};
use crate::error::Error;
use crate::event::Step as Phase;
use crate::keys;
use crate::machine::{Device, Machine};
use crate::steps::{About, Done, Step, Steps, Work};
use crate::volume::{self, luks};
use drydock_luks::{Headers, Unlocked};
use std::ops::Range;
use zeroize::Zeroizing;

/// A new LUKS volume on its way to a partition.
pub(super) struct NewVolume {
    /// The partition's label.
    pub(super) label: String,
    /// The partition.
    pub(super) partition: Device,
    /// The volume's headers and key slot.
    pub(super) headers: Headers,
    /// Its key.
    pub(super) unlocked: Unlocked,
    /// What is unpacked into it.
    pub(super) packed: Option<Zeroizing<Vec<u8>>>,
}

impl NewVolume {
    /// Makes one in memory, at the cost that the configuration names for `data`. Writes nothing.
    pub(super) fn make(
        machine: &impl Machine,
        label: &str,
        partition: &Device,
        packed: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Self, Error> {
        let key = keys::for_new(machine, label)?;
        let (headers, unlocked) = luks::new(machine, label, partition, &key)?;
        Ok(Self { label: label.into(), partition: partition.clone(), headers, unlocked, packed })
    }
}

/// Returns what destroys all that is on the partition, and puts the new volume there.
pub(super) fn to_replace<M: Machine>(new: &NewVolume) -> Steps<'_, M> {
    vec![
        Box::new(DestroyKeys(new)),
        Box::new(Discard { label: &new.label, partition: &new.partition }),
        Box::new(WriteHeaders(new)),
        Box::new(MakeFilesystem { label: &new.label, new: Some(new) }),
    ]
}

/// Puts what is kept into the stash.
pub(super) struct CommitStash<'p> {
    pub(super) stash: Stash,
    pub(super) partition: &'p Device,
}

impl<M: Machine> Step<M> for CommitStash<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("{} bytes of what is kept go into the stash, sealed", self.stash.sealed.len()),
            why: "what is kept must outlive the old volume",
            needs: "the old volume is whole, and what is kept was read from it",
            durable: "what is kept, sealed under the new volume's key, and the new volume's header",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        self.stash.commit(self.partition)?;
        Ok(Done::Quietly)
    }
}

/// Takes the stash away.
pub(super) struct ClearStash<'p>(pub(super) &'p Device);

impl<M: Machine> Step<M> for ClearStash<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: "clearing the stash".into(),
            why: "the next reset must not find this one's files",
            needs: "what is kept is in the new volume",
            durable: "the stash is empty",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        stash::clear(self.0)?;
        Ok(Done::Quietly)
    }
}

struct DestroyKeys<'p>(&'p NewVolume);

impl<M: Machine> Step<M> for DestroyKeys<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("`{}`: destroying the old key slots", self.0.label),
            why: "without its key slots nothing can read the old volume any more",
            needs: "what is kept is in the stash",
            durable: "no key slot of the old volume is left",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let doing = format!("destroy the key slots of `{}`", self.0.label);
        drydock_luks::erase(&self.0.partition).map_err(|error| luks::luks(&doing, error))?;
        Ok(Done::Quietly)
    }
}

struct WriteHeaders<'p>(&'p NewVolume);

impl<M: Machine> Step<M> for WriteHeaders<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("`{}`: making a new volume", self.0.label),
            why: "the partition gets a volume under a key of its own",
            needs: "no key slot of the old volume is left",
            durable: "the new volume's headers and key slot",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let NewVolume { label, partition, headers, .. } = self.0;
        luks::write(label, partition, headers)?;
        Ok(Done::Quietly)
    }
}

/// Makes an empty filesystem, and unpacks what is kept.
pub(super) struct MakeFilesystem<'p> {
    pub(super) label: &'p str,
    pub(super) new: Option<&'p NewVolume>,
}

impl<M: Machine> Step<M> for MakeFilesystem<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("`{}`: making a filesystem", self.label),
            why: "the live system finds an empty filesystem, with nothing but what is kept",
            needs: "the volume is there, or the partition is empty",
            durable: "the filesystem, and what is kept",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let unlocked = self.new.map(|new| &new.unlocked);
        let packed = self.new.and_then(|new| new.packed.as_ref()).map(|packed| &packed[..]);
        volume::make_filesystem(work.machine, self.label, unlocked, packed)?;
        Ok(Done::Quietly)
    }
}

/// Gives all blocks of a partition back to its device.
struct Discard<'p> {
    label: &'p str,
    partition: &'p Device,
}

impl<M: Machine> Step<M> for Discard<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("`{}`: giving its blocks back", self.label),
            why: "the device may forget what can't be read any more",
            needs: "no key slot of the old volume is left",
            durable: "nothing: it need not be",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        Ok(match discard(work.machine, self.partition, self.label)? {
            Discarded::All => Done::Quietly,
            Discarded::NotPossible => Done::Skipped("its device can't do that".into()),
        })
    }
}

/// How a partition is made unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Zeros on all of it.
    Zeros,
    /// Its blocks are given back, and both ends overwritten. Refused where the device can't do that.
    Discarded,
    /// Its blocks are given back; zeros on all of it where the device can't do that.
    DiscardedOrZeros,
}

/// Makes what is on a partition unreadable.
pub(super) struct Erase<'p> {
    pub(super) label: &'p str,
    pub(super) partition: &'p Device,
    pub(super) how: Unreadable,
}

impl<M: Machine> Step<M> for Erase<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Reset,
            what: format!("`{}`: making what is there unreadable", self.label),
            why: "nobody reads it any more",
            needs: "the configuration names the partition for it",
            durable: "zeros where the device takes no discards; else its ends",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let Self { label, partition, how } = self;
        let machine = work.machine;
        let overwrite = |range: Range<u64>| zero(machine, partition, label, range);
        let discarded = match how {
            Unreadable::Zeros => Discarded::NotPossible,
            Unreadable::Discarded | Unreadable::DiscardedOrZeros => discard(machine, partition, label)?,
        };
        match (how, discarded) {
            (Unreadable::Discarded, Discarded::NotPossible) => {
                return Err(Error::Refused(format!(
                    "the device of `{label}` can't discard; configure `how = \"zero\"` for it"
                )));
            }
            (Unreadable::Discarded, Discarded::All) => {
                let edge = PIECE.min(partition.size());
                overwrite(0..edge)?;
                overwrite(partition.size() - edge..partition.size())?;
            }
            (_, Discarded::All) => {}
            (_, Discarded::NotPossible) => overwrite(0..partition.size())?,
        }
        Ok(Done::Quietly)
    }
}
