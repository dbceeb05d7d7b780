//! Trees of files on `data`.

use crate::types::{Data, DataFailure, KDF_ITERATIONS, KDF_MEMORY};
use crate::words::words;
use drydock_tree::{Choice, Pattern};
use serde::{Deserialize, Serialize};

/// How a tree is made that a class of the role `files` is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The slot class.
    pub class: String,
    /// Of what the image is about, only what one of these stands for. Default: all of it.
    #[serde(default)]
    pub only: Vec<Pattern>,
    /// Of what the image is about, nothing that one of these stands for.
    #[serde(default)]
    pub except: Vec<Pattern>,
    /// What becomes of files that an update leaves as they are.
    #[serde(default)]
    pub share: Share,
    /// Whether a set can't start without its tree. Default: yes.
    #[serde(default = "yes")]
    pub required: bool,
    /// The label of a partition that the trees of the class have to themselves, in place of `data`.
    #[serde(default)]
    pub partition: Option<String>,
    /// Where the live system finds that partition's filesystem.
    #[serde(default)]
    pub mount: Option<String>,
    /// A folder of the root where process 1 shows the tree of the set that it starts, for reading only.
    #[serde(default)]
    pub at: Option<String>,
}

/// What becomes of files that an update leaves as they are, where the filesystem can't let two files share blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Both trees have the same file: it takes no room, and who writes into it in place writes into both.
    #[default]
    Link,
    /// Each tree has a file of its own.
    Copy,
}
words!(Share: Link = "link", Copy = "copy");

impl Tree {
    /// How the tree of a class is made of which the configuration says nothing more.
    pub fn of(class: &str) -> Self {
        Self {
            class: class.into(),
            only: Vec::new(),
            except: Vec::new(),
            share: Share::default(),
            required: yes(),
            partition: None,
            mount: None,
            at: None,
        }
    }

    /// The volume that the trees of the class are on, if they have one of their own. A blank one is made.
    pub fn volume(&self) -> Option<Data> {
        Some(Data {
            label: self.partition.clone()?,
            encrypted: false,
            provision: true,
            mount: self.mount.clone().unwrap_or_default(),
            on_failure: DataFailure::Recovery,
            kdf_memory_kib: KDF_MEMORY,
            kdf_iterations: KDF_ITERATIONS,
        })
    }

    /// What the device's configuration leaves of an image.
    pub fn choice(&self) -> Choice {
        Choice { only: self.only.clone(), except: self.except.clone() }
    }
}

fn yes() -> bool {
    true
}
