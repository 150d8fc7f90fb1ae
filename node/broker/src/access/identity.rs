//! Who a client is, once that is settled.
//!
//! Guards the rule that no device gets at another's session: a client id belongs to the device whose id it is, or whose id it
//! begins with.

use super::{rights::check_level, table::Entry};
use crate::access::Rights;
use aisle_event::DeviceId;
use std::sync::Arc;

/// What follows a device's id in the client ids that it may use besides it.
const SEPARATORS: [char; 2] = [':', '-'];

/// A client that was let in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The device; of an anonymous client, its client id.
    pub device: String,
    /// What it may do.
    pub rights: Rights,
    /// How it showed who it is.
    pub proof: Proof,
    /// What the file said of it then; nothing about anonymous clients.
    pub(crate) entry: Option<Arc<Entry>>,
    /// Other devices whose ids look like client ids of this one.
    pub(crate) nested: Box<[String]>,
}

/// How a client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By its device's password.
    Password,
    /// By a certificate of the store's authority.
    Certificate,
    /// Not at all.
    Nothing,
}

impl Identity {
    /// A client in this process, with the rights that it is given.
    pub(crate) fn local(client_id: &str, rights: Rights) -> Self {
        Self {
            device: client_id.to_owned(),
            rights,
            proof: Proof::Nothing,
            entry: None,
            nested: Box::default(),
        }
    }

    /// Whether the client may use this client id: its device's id, or that followed by `:…` or `-…`, unless it belongs to
    /// another device in the same way.
    pub fn may_use_client_id(&self, client_id: &str) -> bool {
        match self.proof {
            Proof::Nothing => client_id == self.device,
            Proof::Password | Proof::Certificate => {
                belongs(client_id, &self.device) && !self.nested.iter().any(|other| belongs(client_id, other))
            }
        }
    }
}

/// Whether a client id is the device's id or begins with it as a whole.
pub(crate) fn belongs(client_id: &str, device: &str) -> bool {
    client_id.strip_prefix(device).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATORS))
}

/// The device ids that a client id could belong to, the longest first.
pub(crate) fn owners(client_id: &str) -> impl Iterator<Item = &str> {
    let parts = client_id.rmatch_indices(SEPARATORS).filter_map(|(at, _)| client_id.get(..at));
    std::iter::once(client_id).chain(parts).filter(|owner| !owner.is_empty())
}

/// Whether the text can name a device: an id of the journal that is one level of a topic.
pub fn check_device_id(id: &str) -> Result<(), String> {
    DeviceId::new(id).map_err(|error| format!("it {error}"))?;
    Ok(check_level(id)?)
}
