//! The search for one target, as the specification has it (5.6.7): the role itself first, then whom it delegates the path to, in their order,
//! each of them to its end before the next; a terminating delegation ends it.
//!
//! Not here: all artefacts at once ([`super::known`]), which is what a node does. This is for other repositories than ours, and for who judges clients.

use super::{Client, UpdateError};
use crate::{
    artefact::{Artefact, ArtefactError},
    digest::Digest,
    id::shown,
    metadata::{Held, paths::covers},
    role::Role,
    source::Source,
};
use aisle_event::Timestamp;
use std::{collections::BTreeSet, rc::Rc};
use tough::{
    TargetName,
    schema::{Target, Targets},
};

/// A target that somebody who may has signed.
#[derive(Debug, Clone)]
pub struct Found {
    path: String,
    target: Target,
    sha256: Digest,
}

impl Found {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How long it is, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.target.length
    }

    /// SHA-256 of it.
    #[must_use]
    pub const fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The name of the file on a server that has several versions of it at once.
    #[must_use]
    pub fn file(&self) -> String {
        match self.path.rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{}.{file}", self.sha256),
            None => format!("{}.{}", self.sha256, self.path),
        }
    }

    /// What it is to us.
    ///
    /// # Errors
    /// When it is no artefact.
    pub fn artefact(&self) -> Result<Artefact, ArtefactError> {
        Artefact::of_target(&self.path, &self.target)
    }
}

impl Client {
    /// Whether files of targets have their hash in their names.
    #[must_use]
    pub const fn is_consistent(&self) -> bool {
        self.root.body.consistent_snapshot
    }

    /// Searches for a target after a [`Client::refresh`].
    ///
    /// # Errors
    /// When nobody names it who may, or a role on the way there must be refused.
    pub fn find(
        &mut self,
        path: &str,
        source: &mut dyn Source,
        now: Timestamp,
    ) -> Result<Found, UpdateError> {
        let not_found = || UpdateError::NotFound { path: shown(path) };
        let name = TargetName::new(path).map_err(|_| not_found())?;
        let held = self.targets.clone().ok_or(UpdateError::UnknownRole { role: Role::Targets })?;
        super::refresh::fresh(&held.document, now)?;
        let mut visited = BTreeSet::new();
        // Who is still to be asked, the next one last: whose delegation, and to whom.
        let mut open: Vec<(Rc<Targets>, Role)> = Vec::new();
        let mut next: Option<Held<Targets>> = Some(held);
        loop {
            let held = match next.take() {
                Some(held) => held,
                None => {
                    let Some((from, role)) = open.pop() else { return Err(not_found()) };
                    if !visited.insert(role.clone()) {
                        continue;
                    }
                    if visited.len() > self.limits.roles_max {
                        let what = "the count of delegated roles in one search";
                        return Err(UpdateError::TooMany { what, max: self.limits.roles_max as u64 });
                    }
                    let unknown = || UpdateError::UnknownRole { role: role.clone() };
                    let delegations = from.delegations.as_ref().ok_or_else(unknown)?;
                    let held = self.delegated(delegations, &role, source)?;
                    super::refresh::fresh(&held.document, now)?;
                    held
                }
            };
            let body = Rc::new(held.body);
            if let Some(target) = body.targets.get(&name) {
                let sha256 = Digest::from_slice(&target.hashes.sha256);
                return Ok(Found { path: path.to_owned(), target: target.clone(), sha256 });
            }
            let roles = body.delegations.iter().flat_map(|delegations| &delegations.roles);
            let mut asked = Vec::new();
            for delegated in roles.filter(|role| covers(&role.paths, path)) {
                asked.push(Role::delegated(&delegated.name)?);
                if delegated.terminating {
                    open.clear();
                    break;
                }
            }
            open.extend(asked.into_iter().rev().map(|role| (Rc::clone(&body), role)));
        }
    }
}
