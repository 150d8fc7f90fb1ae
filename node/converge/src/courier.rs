//! What a stick brings: metadata, perhaps an order, and contents.
//!
//! A stick may take many minutes. What is signed is shared with everybody who asks how the node stands, so it is held for the metadata and for each look-up alone.
//!
//! Not here: the form of a bundle (`aisle-artefact`), what becomes of an order ([`crate::orders`]).

use crate::{
    fleet::{Fleet, TakeError, lock, wants, words},
    orders::Mine,
    signed::{Signed, SignedError},
    worker::{self, Event},
};
use aisle_artefact::{
    Artefact, ArtefactId, Client, Digest, NotOffered, UpdateError,
    bundle::{
        self,
        down::{self, Applied, Believes, Wants},
    },
    content::ContentFolder,
    source::Memory,
};
use aisle_event::Timestamp;
use aisle_fleet::ContentHash;
use std::{
    io::Read,
    sync::{Mutex, MutexGuard},
};

impl Fleet {
    /// Takes what a stick brings: metadata, the order where there is one, and the contents that this node is to have by it. What came of the order stands beside.
    ///
    /// # Errors
    /// When the bundle must be refused, no root is trusted, or the disk fails. It can be applied again.
    pub fn courier(&self, bundle: impl Read) -> Result<(Applied, Option<Result<u64, String>>), TakeError> {
        let now = self.0.around.trusted();
        let around = self.0.around.clone();
        let mut sink = ContentFolder::open(self.0.contents.root())
            .map_err(TakeError::Keep)?
            .with_reserve(self.0.disk_reserve_bytes, Box::new(move || around.disk_free_bytes()));
        let mut stick = Stick { fleet: self, mine: lock(&self.0.orders).mine(), ordered: None };
        if !lock(&self.0.signed).as_ref().ok_or(TakeError::Unusable)?.is_trusting() {
            return Err(SignedError::NoRoot.into());
        }
        // From here on there is a root: none is ever forgotten.
        let mut shared = Shared(&self.0.signed);
        let limits = bundle::Limits::default();
        let applied = down::apply_for(bundle, &mut shared, &mut sink, &mut stick, &limits, now)
            .map_err(|error| TakeError::from(SignedError::from(error)));
        let ordered = stick.ordered;
        // What it brought before it was refused is here, and the metadata that the order named may be newer or older.
        let manifest = lock(&self.0.orders).manifest().cloned();
        let named = manifest.and_then(|manifest| worker::metadata_of(&manifest));
        if applied.is_ok() && named.is_some() {
            lock(&self.0.view).tried = named;
        }
        self.0.wake(Event::Metadata);
        Ok((applied?, ordered))
    }
}

/// What is signed, held for one thing at a time.
struct Shared<'a>(&'a Mutex<Option<Signed>>);

impl Shared<'_> {
    fn with<R>(&self, ask: impl FnOnce(&mut Client) -> R) -> Option<R> {
        let mut signed: MutexGuard<'_, Option<Signed>> = lock(self.0);
        signed.as_mut().and_then(Signed::client).map(ask)
    }
}

impl Believes for Shared<'_> {
    fn update(&mut self, files: Memory, now: Timestamp) -> Result<bool, UpdateError> {
        // Without a client nothing is listed below, and all is refused.
        self.with(|client| Believes::update(client, files, now)).unwrap_or(Ok(false))
    }

    fn listed(&self, content: &Digest) -> Vec<Artefact> {
        self.with(|client| client.listed(content)).unwrap_or_default()
    }

    fn offered(&self, id: &ArtefactId, now: Timestamp) -> Result<Artefact, NotOffered> {
        self.with(|client| client.offered(id, now)).unwrap_or(Err(NotOffered::NothingKnown))
    }
}

/// What this node wants of a stick.
struct Stick<'a> {
    fleet: &'a Fleet,
    mine: Option<Mine>,
    ordered: Option<Result<u64, String>>,
}

impl Wants for Stick<'_> {
    fn order(&mut self, order: &[u8]) {
        let taken = self.fleet.order(order, None);
        self.mine = lock(&self.fleet.0.orders).mine();
        self.ordered = Some(taken.map(|manifest| manifest.generation()).map_err(|error| words(&error)));
    }

    fn is_wanted(&mut self, artefact: &Artefact) -> bool {
        let Digest(hash) = artefact.blake3;
        let hash = ContentHash(hash);
        self.fleet.0.misses(&hash) || self.mine.as_ref().is_some_and(|mine| wants(mine, &hash))
    }
}
