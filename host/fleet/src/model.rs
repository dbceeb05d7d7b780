//! What hawkBit's Management API answers, as far as it is used here. Fields that are not known are passed over.

use serde::Deserialize;
use std::collections::BTreeMap;

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) content: Vec<T>,
    pub(crate) total: u64,
}

/// Who is asking.
#[derive(Debug, Deserialize)]
pub(crate) struct UserInfo {
    pub(crate) tenant: Option<String>,
}

/// A software module.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Module {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// A file of a software module.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Artifact {
    #[serde(rename = "providedFilename")]
    pub(crate) file_name: String,
    pub(crate) size: u64,
    pub(crate) hashes: Hashes,
}

/// The digests of a file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hashes {
    pub(crate) sha256: Option<String>,
}

/// One entry of metadata.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    #[serde(default, rename = "targetVisible")]
    pub(crate) visible: bool,
}

/// A distribution set.
#[derive(Clone, Debug, Deserialize)]
pub struct Set {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    #[serde(default)]
    pub(crate) modules: Vec<Module>,
}

/// A device.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) controller_id: String,
    pub(crate) update_status: String,
    pub(crate) last_controller_request_at: Option<i64>,
    pub(crate) poll_status: Option<PollStatus>,
}

/// When a device asked.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PollStatus {
    #[serde(default)]
    pub(crate) overdue: bool,
}

/// An order to one device.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    pub(crate) id: u64,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) active: bool,
    pub(crate) force_type: Option<String>,
    pub(crate) last_status_code: Option<i64>,
    pub(crate) rollout_name: Option<String>,
    #[serde(default, rename = "_links")]
    pub(crate) links: BTreeMap<String, Link>,
}

/// A link, of which the name says more than the address.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) name: Option<String>,
}

/// Returns the device whose action these are the links of.
fn device(links: &BTreeMap<String, Link>) -> Option<String> {
    let (_, rest) = links.get("self")?.href.split_once("/targets/")?;
    Some(crate::query::decode(rest.split(['/', '?']).next()?))
}

impl Action {
    /// Returns the device that it is for.
    pub(crate) fn device(&self) -> Option<String> {
        device(&self.links)
    }

    /// Returns `name:version` of its set.
    pub(crate) fn set(&self) -> Option<&str> {
        self.links.get("distributionset")?.name.as_deref()
    }
}

/// One row of what happened to an action.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    pub(crate) messages: Vec<String>,
}

/// What an assignment made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assignment {
    #[serde(default)]
    pub(crate) assigned_actions: Vec<Assigned>,
}

/// An action that was made.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Assigned {
    pub(crate) id: u64,
    #[serde(default, rename = "_links")]
    pub(crate) links: BTreeMap<String, Link>,
}

impl Assigned {
    /// Returns the device that it is for.
    pub(crate) fn device(&self) -> Option<String> {
        device(&self.links)
    }
}

/// An order to many devices, group after group.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rollout {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) target_filter_query: Option<String>,
    #[serde(default)]
    pub(crate) total_targets: u64,
    #[serde(default)]
    pub(crate) total_targets_per_status: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default, rename = "_links")]
    pub(crate) links: BTreeMap<String, Link>,
}

/// One group of a rollout.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) total_targets: u64,
    #[serde(default)]
    pub(crate) total_targets_per_status: BTreeMap<String, u64>,
}
