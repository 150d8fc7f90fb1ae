//! What a whole update came to: every artefact that may run, and until when who said so is good.
//!
//! It is one file, replaced whole, so a node that was killed in an update knows what it knew before it. What is installed is judged by it, and
//! metadata that ran out makes a remark there and not an error. What is new has to be in it while everybody who says so is good: a list that has run out is in it
//! with its end, and keeps nothing of other kinds back.
//!
//! Guards invariant 5: nothing that runs stops because the hub was not heard.

use super::{Client, StateError, UpdateError};
use crate::{
    artefact::{Artefact, ArtefactError},
    digest::Digest,
    files::{Files, replace},
    id::{ArtefactId, shown},
    metadata::{Document, Held, paths::covers},
    role::Role,
    source::Source,
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, rc::Rc};
use tough::schema::{PathSet, Targets};

/// The file.
const NAME: &str = "known";
/// The most bytes of it: the most targets, described at length.
const BYTES_MAX: u64 = 128 << 20;
/// The form that this build writes and reads.
const FORM: u16 = 1;

/// What is known of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RoleState {
    name: String,
    version: u64,
    expires: Timestamp,
    /// Who delegates to it, by its place in the list; nothing of the four at the top.
    from: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    /// Who names it, by its place in the list of roles.
    by: usize,
    artefact: Artefact,
}

/// What a whole update came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    form: u16,
    /// The first four are those at the top.
    roles: Vec<RoleState>,
    artefacts: Vec<Listed>,
}

/// What an update came to.
#[derive(Debug)]
pub struct Update {
    /// Whether anything is other than before, be it a time alone.
    pub is_new: bool,
    /// How many artefacts there are.
    pub artefacts: usize,
    /// Targets that are no artefacts to this build, and why: a kind that it does not know, or fields that cannot be right.
    pub passed_over: Vec<(String, ArtefactError)>,
}

/// How something that is installed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is what was signed, and everybody who says so is good.
    Good,
    /// It is what was signed; metadata that says so has run out since. It goes on running, and somebody should be told.
    Expired {
        /// Whose metadata ran out first.
        role: Role,
        /// When.
        since: Timestamp,
    },
    /// It is not listed any more. What runs goes on until something else is wanted; it is not installed again.
    Withdrawn,
    /// Another content is listed by that name: this one is not what was signed.
    Other {
        /// BLAKE3 of what was signed.
        signed: Digest,
    },
    /// No whole update was ever had here, so nothing can be said.
    Unknown,
}

/// Why an artefact is not to be installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// No whole update was ever had here.
    #[error(
        "nothing is known of the hub's artefacts yet\nhint: the node has to reach its hub once, or be given a bundle"
    )]
    NothingKnown,
    /// Nobody who may has signed it.
    #[error("`{id}` is not among the artefacts that were signed")]
    Unlisted {
        /// Which.
        id: ArtefactId,
    },
    /// Who signed it is not good any more.
    #[error(
        "`{id}` is not installed: the metadata of `{role}` ran out\nhint: what runs goes on; for something new the node has to reach its hub, or be given a newer bundle"
    )]
    Expired {
        /// Which.
        id: ArtefactId,
        /// Whose metadata ran out first.
        role: Role,
        /// When.
        since: Timestamp,
    },
}

impl Known {
    pub(super) fn read(files: &dyn Files) -> Result<Option<Self>, StateError> {
        let bytes = match files.read(NAME, BYTES_MAX) {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => None,
            read => read.map_err(|source| StateError { name: NAME.to_owned(), source })?,
        };
        let Some((hash, json)) = bytes.as_ref().and_then(|bytes| bytes.split_at_checked(64)) else {
            return Ok(None);
        };
        // A file that a disk has spoilt is none: the next update makes it again.
        if Digest::blake3(json).to_string().as_bytes() != hash {
            return Ok(None);
        }
        let known: Option<Self> = serde_json::from_slice(json).ok();
        Ok(known.filter(|known| known.form == FORM))
    }

    fn keep(&self, files: &mut dyn Files) -> Result<(), StateError> {
        let state = |source| StateError { name: NAME.to_owned(), source };
        let json = serde_json::to_vec(self).map_err(|error| state(error.into()))?;
        let mut bytes = Digest::blake3(&json).to_string().into_bytes();
        bytes.extend(json);
        replace(files, NAME, &bytes).map_err(state)
    }

    fn find(&self, id: &ArtefactId) -> Option<&Listed> {
        self.artefacts.iter().find(|listed| listed.artefact.id == *id)
    }

    /// Who of those that say so ran out first.
    fn expired(&self, listed: &Listed, now: Timestamp) -> Option<(Role, Timestamp)> {
        let mut says: Vec<&RoleState> = self.roles.iter().take(4).collect();
        let mut by = Some(listed.by);
        // No longer than there are roles, whatever the file says.
        for _ in 0..self.roles.len() {
            let Some(state) = by.and_then(|by| self.roles.get(by)) else { break };
            says.push(state);
            by = state.from;
        }
        let out = says.into_iter().filter(|state| state.expires <= now);
        let first = out.min_by_key(|state| state.expires)?;
        Some((first.name.parse().unwrap_or(Role::Targets), first.expires))
    }
}

/// A list that is to be read: by whom it is delegated, and what that leaves to it.
struct Open {
    from: usize,
    delegator: Rc<Targets>,
    role: Role,
    reach: Reach,
}

/// What of all paths is a role's.
#[derive(Default, Clone)]
struct Reach {
    /// What all on the way here were given.
    within: Vec<PathSet>,
    /// What others before them have to the exclusion of all who follow.
    without: Vec<PathSet>,
}

/// An update under way.
struct Gathering {
    known: Known,
    seen: BTreeSet<String>,
    passed_over: Vec<(String, ArtefactError)>,
    targets_max: usize,
}

impl Gathering {
    /// Takes what a list names. The first who names a path has it.
    fn take(&mut self, by: usize, list: &Held<Targets>, reach: &Reach) -> Result<(), UpdateError> {
        for (name, target) in &list.body.targets {
            let path = name.raw();
            if !reach.within.iter().all(|paths| covers(paths, path)) {
                let role = list.document.role.clone();
                return Err(UpdateError::OutsidePaths { role, path: shown(path) });
            }
            let is_taken = reach.without.iter().any(|paths| covers(paths, path));
            if is_taken || !self.seen.insert(path.to_owned()) {
                continue;
            }
            if self.seen.len() > self.targets_max {
                return Err(UpdateError::TooMany {
                    what: "the count of targets",
                    max: self.targets_max as u64,
                });
            }
            match Artefact::of_target(path, target) {
                Ok(artefact) => self.known.artefacts.push(Listed { by, artefact }),
                Err(error) => self.passed_over.push((shown(path), error)),
            }
        }
        Ok(())
    }
}

/// Whom a list delegates to, the first first.
fn delegated(by: usize, list: Targets, reach: &Reach) -> Result<Vec<Open>, UpdateError> {
    let delegator = Rc::new(list);
    let (mut open, mut without) = (Vec::new(), reach.without.clone());
    for of in delegator.delegations.iter().flat_map(|delegations| &delegations.roles) {
        let within = reach.within.iter().cloned().chain([of.paths.clone()]).collect();
        open.push(Open {
            from: by,
            delegator: Rc::clone(&delegator),
            role: Role::delegated(&of.name)?,
            reach: Reach { within, without: without.clone() },
        });
        if of.terminating {
            without.push(of.paths.clone());
        }
    }
    Ok(open)
}

impl Client {
    /// Brings everything up to date: the four roles at the top and the list of every kind. Only this makes new artefacts installable. A list that has run out comes along,
    /// and what it names is not installed ([`NotOffered::Expired`]).
    ///
    /// # Errors
    /// As [`Client::refresh`]; also when a list names what its role was not given. What was known stays known.
    pub fn update(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<Update, UpdateError> {
        self.refresh(source, now)?;
        let top = self.targets.clone().ok_or(UpdateError::UnknownRole { role: Role::Targets })?;
        let mut gathering = Gathering {
            known: Known { form: FORM, roles: self.top()?, artefacts: Vec::new() },
            seen: BTreeSet::new(),
            passed_over: Vec::new(),
            targets_max: self.limits.targets_max,
        };
        // The targets at the top are the last of the first four.
        let (by, everything) = (3, Reach::default());
        gathering.take(by, &top, &everything)?;
        // Who is still to be asked, the next one last.
        let mut open: Vec<Open> = delegated(by, top.body, &everything)?.into_iter().rev().collect();
        let mut visited = BTreeSet::new();
        while let Some(Open { from, delegator, role, reach }) = open.pop() {
            if !visited.insert(role.clone()) {
                continue;
            }
            if visited.len() > self.limits.roles_max {
                let what = "the count of delegated roles";
                return Err(UpdateError::TooMany { what, max: self.limits.roles_max as u64 });
            }
            let unknown = || UpdateError::UnknownRole { role: role.clone() };
            let delegations = delegator.delegations.as_ref().ok_or_else(unknown)?;
            let list = self.delegated(delegations, &role, source)?;
            let by = gathering.known.roles.len();
            gathering.known.roles.push(state(&list.document, Some(from)));
            gathering.take(by, &list, &reach)?;
            open.extend(delegated(by, list.body, &reach)?.into_iter().rev());
        }
        let Gathering { mut known, mut passed_over, .. } = gathering;
        known.artefacts.sort_by(|a, b| a.artefact.id.cmp(&b.artefact.id));
        passed_over.sort_by(|a, b| a.0.cmp(&b.0));
        let (artefacts, is_new) = (known.artefacts.len(), self.known.as_ref() != Some(&known));
        if is_new {
            known.keep(&mut *self.files)?;
            self.known = Some(known);
        }
        Ok(Update { is_new, artefacts, passed_over })
    }

    fn top(&self) -> Result<Vec<RoleState>, UpdateError> {
        let unknown = |role| UpdateError::UnknownRole { role };
        let timestamp = self.timestamp.as_ref().ok_or_else(|| unknown(Role::Timestamp))?;
        let snapshot = self.snapshot.as_ref().ok_or_else(|| unknown(Role::Snapshot))?;
        let targets = self.targets.as_ref().ok_or_else(|| unknown(Role::Targets))?;
        let documents = [&self.root.document, &timestamp.document, &snapshot.document, &targets.document];
        Ok(documents.into_iter().map(|document| state(document, None)).collect())
    }

    /// How something that is installed stands. It never fails, and never says that something has to stop because time went by.
    #[must_use]
    pub fn verify(&self, installed: &Artefact, now: Timestamp) -> Standing {
        let Some(known) = &self.known else { return Standing::Unknown };
        let Some(listed) = known.find(&installed.id) else { return Standing::Withdrawn };
        let signed = &listed.artefact;
        if signed.blake3 != installed.blake3
            || signed.sha256 != installed.sha256
            || signed.bytes != installed.bytes
        {
            return Standing::Other { signed: signed.blake3 };
        }
        match known.expired(listed, now) {
            Some((role, since)) => Standing::Expired { role, since },
            None => Standing::Good,
        }
    }

    /// An artefact that may be installed now.
    ///
    /// # Errors
    /// When nobody has signed it, or who signed it has run out.
    pub fn artefact(&self, id: &ArtefactId, now: Timestamp) -> Result<&Artefact, NotOffered> {
        let known = self.known.as_ref().ok_or(NotOffered::NothingKnown)?;
        let listed = known.find(id).ok_or_else(|| NotOffered::Unlisted { id: id.clone() })?;
        match known.expired(listed, now) {
            Some((role, since)) => Err(NotOffered::Expired { id: id.clone(), role, since }),
            None => Ok(&listed.artefact),
        }
    }

    /// All artefacts of the last whole update, by identifier, whether they may be installed now or not.
    pub fn artefacts(&self) -> impl Iterator<Item = &Artefact> {
        self.known.iter().flat_map(|known| &known.artefacts).map(|listed| &listed.artefact)
    }

    /// What runs out when, the first first: a part of how long a node gets on alone.
    #[must_use]
    pub fn expiries(&self) -> Vec<(Role, u64, Timestamp)> {
        let roles = self.known.iter().flat_map(|known| &known.roles);
        let mut expiries: Vec<_> = roles
            .filter_map(|state| Some((state.name.parse().ok()?, state.version, state.expires)))
            .collect();
        expiries.sort_by_key(|(_, _, expires)| *expires);
        expiries
    }
}

fn state(document: &Document, from: Option<usize>) -> RoleState {
    let Document { role, version, expires, .. } = document;
    RoleState { name: role.to_string(), version: *version, expires: *expires, from }
}
