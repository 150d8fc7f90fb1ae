//! The devices that a file lists, ready to be looked up.

use super::{
    file::{self, FileError, Listed},
    identity::{Identity, Proof, belongs, owners},
    password,
};
use crate::access::Rights;
use argon2::PasswordHash;
use std::{collections::BTreeMap, ops::Bound, path::Path, sync::Arc};

/// Every device by its id.
#[derive(Debug, Default)]
pub(crate) struct Table {
    devices: BTreeMap<String, Arc<Entry>>,
}

/// What the file says of a device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) password: Option<Password>,
    pub(crate) certificate: bool,
    pub(crate) enabled: bool,
    pub(crate) rights: Rights,
}

/// A password's hash, as text and read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Password {
    pub(crate) text: String,
    pub(crate) hash: PasswordHash,
}

impl Table {
    /// Reads the text of a file; every mistake is named by its path in it.
    pub(crate) fn parse(path: &Path, text: &str, store: &str) -> Result<Self, FileError> {
        let mut devices = BTreeMap::new();
        for (index, listed) in file::parse(path, text)?.into_iter().enumerate() {
            let entry = Entry::new(listed, store).map_err(|(field, found, expected)| FileError::Field {
                path: path.to_owned(),
                field: format!("device[{index}].{field}"),
                found,
                expected,
            })?;
            if let Some(twice) = devices.insert(entry.id.clone(), Arc::new(entry)) {
                return Err(FileError::Field {
                    path: path.to_owned(),
                    field: format!("device[{index}].id"),
                    found: format!("`{}` again", twice.id),
                    expected: "each device once".into(),
                });
            }
        }
        Ok(Self { devices })
    }

    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Entry>> {
        self.devices.get(id)
    }

    /// Whether a client id belongs to a device that is listed, enabled or not.
    pub(crate) fn owns(&self, client_id: &str) -> bool {
        owners(client_id).any(|owner| self.devices.contains_key(owner))
    }

    /// The identity of a device that has shown who it is.
    pub(crate) fn identity(&self, entry: &Arc<Entry>, proof: Proof) -> Identity {
        let after = (Bound::Excluded(entry.id.as_str()), Bound::Unbounded);
        let nested = self
            .devices
            .range::<str, _>(after)
            .map(|(id, _)| id)
            .take_while(|id| id.starts_with(&entry.id))
            .filter(|id| belongs(id, &entry.id))
            .cloned()
            .collect();
        Identity {
            device: entry.id.clone(),
            rights: entry.rights.clone(),
            proof,
            entry: Some(entry.clone()),
            nested,
        }
    }
}

impl Entry {
    /// The field, what it holds and what it should hold, when the device cannot be as it is written.
    fn new(listed: Listed, store: &str) -> Result<Self, (String, String, String)> {
        let Listed { id, password, certificate, publish, subscribe, enabled } = listed;
        super::check_device_id(&id)
            .map_err(|reason| ("id".into(), format!("`{id}`"), format!("one level of a topic: {reason}")))?;
        let password = match password {
            None => None,
            Some(text) => match password::parse(&text) {
                Ok(hash) => Some(Password { text, hash }),
                // What stands there may be somebody's password: it is not repeated.
                Err(expected) => return Err(("password".into(), "something else".into(), expected.into())),
            },
        };
        let rights = Rights::new(&publish, &subscribe, &id, store).map_err(|error| match error {
            super::RightsError::Pattern { list, index, pattern, reason } => {
                (format!("{list}[{index}]"), format!("`{pattern}`"), format!("a topic filter: {reason}"))
            }
            super::RightsError::Value { .. } => ("id".into(), format!("`{id}`"), error.to_string()),
        })?;
        Ok(Self { id, password, certificate, enabled, rights })
    }

    /// Whether someone who got in by this entry would still get in, in the same way, by that one.
    pub(crate) fn same_credentials(&self, other: &Self, proof: Proof) -> bool {
        other.enabled
            && match proof {
                Proof::Password => self.password == other.password,
                Proof::Certificate => other.certificate,
                Proof::Nothing => true,
            }
    }
}
