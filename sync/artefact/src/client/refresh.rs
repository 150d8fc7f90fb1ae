//! The steps of an update (TUF 1.0.31, section 5): root, timestamp, snapshot, targets, and whoever they delegate to.
//!
//! Guards: what is kept was signed, is of the version and the bytes that the step before says, is no older than what was known, and, of the four at the top, had not
//! run out. A list of one kind that has run out is kept with its end: it stops what it names and nothing else.

use super::{Client, UpdateError, bytes_max, keep, read};
use crate::{
    digest::Digest,
    metadata::{Document, Held, verify::Signers},
    role::{FileName, Role},
    source::{Source, SourceError},
};
use aisle_event::Timestamp;
use std::io::Read as _;
use tough::schema::{Delegations, Metafile, Root, Snapshot, Targets, Timestamp as TimestampBody};

impl Client {
    /// Brings the four roles at the top up to date. Of the lists of kinds nothing is fetched yet.
    ///
    /// # Errors
    /// When the source fails or offers what must be refused, when what is the newest has run out, or when the disk fails. What was kept
    /// before that step stays kept.
    pub fn refresh(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<(), UpdateError> {
        self.refresh_root(source, now)?;
        self.refresh_timestamp(source, now)?;
        self.refresh_snapshot(source, now)?;
        self.refresh_targets(source, now)
    }

    fn refresh_root(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<(), UpdateError> {
        let role = Role::Root;
        let mut roots = 0;
        loop {
            let expected = self.root.document.version.saturating_add(1);
            let name = FileName::versioned(role.clone(), expected).to_string();
            let bytes = match fetch(source, &name, self.limits.root_bytes_max) {
                Err(UpdateError::Source { source: SourceError::NotFound, .. }) => break,
                fetched => fetched?,
            };
            roots += 1;
            if roots > self.limits.roots_max {
                let what = "the count of new roots in one update";
                return Err(UpdateError::TooMany { what, max: self.limits.roots_max });
            }
            let next: Held<Root> = Held::read(&role, bytes)?;
            Signers::top(&self.root.body, &role)?.check(&next.document)?;
            Signers::top(&next.body, &role)?.check(&next.document)?;
            let found = next.document.version;
            if found != expected {
                return Err(UpdateError::Version { role, found, expected });
            }
            keep(&mut *self.files, &role, &next.bytes)?;
            self.root = next;
            self.forget_unsigned();
        }
        fresh(&self.root.document, now)
    }

    fn refresh_timestamp(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<(), UpdateError> {
        let role = Role::Timestamp;
        let name = FileName::newest(role.clone()).to_string();
        let bytes = fetch(source, &name, self.limits.timestamp_bytes_max)?;
        let next: Held<TimestampBody> = Held::read(&role, bytes)?;
        Signers::top(&self.root.body, &role)?.check(&next.document)?;
        let snapshot = snapshot_meta(&next.body)?.version.get();
        if let Some(trusted) = &self.timestamp {
            not_older(&next.document, &trusted.document)?;
            if next.document.version == trusted.document.version {
                // Whatever it says: that number is taken.
                return fresh(&trusted.document, now);
            }
            let trusted = snapshot_meta(&trusted.body)?.version.get();
            if snapshot < trusted {
                return Err(UpdateError::Rollback { role: Role::Snapshot, found: snapshot, trusted });
            }
        }
        fresh(&next.document, now)?;
        keep(&mut *self.files, &role, &next.bytes)?;
        self.timestamp = Some(next);
        Ok(())
    }

    fn refresh_snapshot(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<(), UpdateError> {
        let role = Role::Snapshot;
        let unknown = || UpdateError::UnknownRole { role: role.clone() };
        let meta = snapshot_meta(&self.timestamp.as_ref().ok_or_else(unknown)?.body)?.clone();
        if let Some(held) = self.snapshot.as_ref().filter(|held| is_announced(held, &meta)) {
            return fresh(&held.document, now);
        }
        let bytes = self.fetch_announced(source, &role, &meta)?;
        let next: Held<Snapshot> = Held::read(&role, bytes)?;
        Signers::top(&self.root.body, &role)?.check(&next.document)?;
        announced(&next.document, &meta)?;
        if let Some(trusted) = &self.snapshot {
            for (file, before) in &trusted.body.meta {
                let version = next.document.version;
                let forgotten = || UpdateError::Forgotten { version, file: crate::id::shown(file) };
                let after = next.body.meta.get(file).ok_or_else(forgotten)?;
                let (found, trusted) = (after.version.get(), before.version.get());
                if found < trusted {
                    let role = file.strip_suffix(".json").unwrap_or(file).parse()?;
                    return Err(UpdateError::Rollback { role, found, trusted });
                }
            }
        }
        fresh(&next.document, now)?;
        keep(&mut *self.files, &role, &next.bytes)?;
        self.snapshot = Some(next);
        Ok(())
    }

    fn refresh_targets(&mut self, source: &mut dyn Source, now: Timestamp) -> Result<(), UpdateError> {
        let role = Role::Targets;
        let meta = self.meta(&role)?;
        if let Some(held) = self.targets.as_ref().filter(|held| is_announced(held, &meta)) {
            return fresh(&held.document, now);
        }
        let bytes = self.fetch_announced(source, &role, &meta)?;
        let next: Held<Targets> = Held::read(&role, bytes)?;
        Signers::top(&self.root.body, &role)?.check(&next.document)?;
        announced(&next.document, &meta)?;
        fresh(&next.document, now)?;
        keep(&mut *self.files, &role, &next.bytes)?;
        self.targets = Some(next);
        Ok(())
    }

    /// The targets of a delegated role, held against who delegates to it here and now: a role may be delegated to by two, and what one of
    /// them lets it sign the other need not. It may have run out: what it names is not offered then, and no other list suffers from it.
    pub(super) fn delegated(
        &mut self,
        delegations: &Delegations,
        role: &Role,
        source: &mut dyn Source,
    ) -> Result<Held<Targets>, UpdateError> {
        let meta = self.meta(role)?;
        let local = read(&*self.files, role, &self.limits)?.and_then(|bytes| Held::read(role, bytes).ok());
        let is_good = |held: &Held<Targets>| {
            let signers = Signers::delegated(&self.root.body, delegations, role);
            is_announced(held, &meta) && signers.is_ok_and(|signers| signers.check(&held.document).is_ok())
        };
        if let Some(held) = local.filter(is_good) {
            return Ok(held);
        }
        let bytes = self.fetch_announced(source, role, &meta)?;
        let next: Held<Targets> = Held::read(role, bytes)?;
        Signers::delegated(&self.root.body, delegations, role)?.check(&next.document)?;
        announced(&next.document, &meta)?;
        keep(&mut *self.files, role, &next.bytes)?;
        Ok(next)
    }

    /// What the snapshot says of a role.
    fn meta(&self, role: &Role) -> Result<Metafile, UpdateError> {
        let listed = self.snapshot.as_ref().and_then(|held| held.body.meta.get(&role.meta_path()));
        listed.cloned().ok_or_else(|| UpdateError::UnknownRole { role: role.clone() })
    }

    fn fetch_announced(
        &self,
        source: &mut dyn Source,
        role: &Role,
        meta: &Metafile,
    ) -> Result<Vec<u8>, UpdateError> {
        let version = meta.version.get();
        let name = if self.root.body.consistent_snapshot {
            FileName::versioned(role.clone(), version)
        } else {
            FileName::newest(role.clone())
        };
        let max = bytes_max(role, &self.limits);
        let bytes = fetch(source, &name.to_string(), meta.length.map_or(max, |length| length.min(max)))?;
        match differs(&bytes, meta) {
            Some(what) => Err(UpdateError::Mismatch { role: role.clone(), version, what }),
            None => Ok(bytes),
        }
    }
}

fn snapshot_meta(timestamp: &TimestampBody) -> Result<&Metafile, UpdateError> {
    let meta = timestamp.meta.get(&Role::Snapshot.meta_path());
    meta.ok_or(UpdateError::UnknownRole { role: Role::Snapshot })
}

fn differs(bytes: &[u8], meta: &Metafile) -> Option<&'static str> {
    if meta.length.is_some_and(|length| length != bytes.len() as u64) {
        return Some("length");
    }
    let hashes = meta.hashes.as_ref()?;
    (hashes.sha256.to_vec() != Digest::sha256(bytes).0).then_some("hash")
}

fn is_announced<T>(held: &Held<T>, meta: &Metafile) -> bool {
    held.document.version == meta.version.get() && differs(&held.bytes, meta).is_none()
}

fn announced(document: &Document, meta: &Metafile) -> Result<(), UpdateError> {
    let (found, expected) = (document.version, meta.version.get());
    if found == expected {
        return Ok(());
    }
    Err(UpdateError::Version { role: document.role.clone(), found, expected })
}

fn not_older(next: &Document, trusted: &Document) -> Result<(), UpdateError> {
    let (found, trusted) = (next.version, trusted.version);
    if found < trusted {
        return Err(UpdateError::Rollback { role: next.role.clone(), found, trusted });
    }
    Ok(())
}

pub(super) fn fresh(document: &Document, now: Timestamp) -> Result<(), UpdateError> {
    let Document { role, version, expires, .. } = document;
    if now < *expires {
        return Ok(());
    }
    Err(UpdateError::Expired { role: role.clone(), version: *version, since: *expires, now })
}

/// Reads at most so many bytes, whatever the source gives.
fn fetch(source: &mut dyn Source, name: &str, bytes_max: u64) -> Result<Vec<u8>, UpdateError> {
    let failed = |source| UpdateError::Source { name: name.to_owned(), source };
    let reader = source.fetch(name, bytes_max).map_err(failed)?;
    let mut bytes = Vec::new();
    let failed = |error| UpdateError::Source { name: name.to_owned(), source: SourceError::Io(error) };
    reader.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(UpdateError::TooLong { name: name.to_owned(), bytes_max });
    }
    Ok(bytes)
}
