//! [`Eraser`]: carries erasures out, step by step, each noted in the journal when it is done.
//!
//! ```text
//! request ─> find the person's keys ─> destroy them ─> index made anew (next start) ─> nothing in the clear ─> receipt
//! ```
//!
//! Whatever stops it, [`Eraser::open`] and [`Eraser::step`] go on where it was: the journal says what is done, the vault what was being
//! destroyed. Everything blocks. Not here: asking hubs, and the index (the node does both and says so).

use crate::{
    error::EraseError,
    find::{customer_with, find},
    notes::Notes,
    vault::{Destroyed, Vault},
};
use aisle_event::{
    CustomerRef, Event, EventType, Name, Timestamp, Unknown,
    plugin::{PluginKept, PluginWrite},
};
use aisle_journal::{Entry as Batch, Journal, ReadError};
use aisle_residency::{
    erasure::{ASKS_MAX, Ask, Duty, Entry, Erasures, NAME_BYTES_MAX, Progress, Proof, Request, Step},
    seal::PersonId,
    signing::SigningKey,
};
use std::{path::PathBuf, sync::Arc};

const NOTES: &str = "erasures";
/// After so many records without an erasure it is noted how far was read.
const NOTE_RECORDS: u64 = 1 << 20;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The erasure's name, unique in the store. Asked for again, nothing changes.
    pub erasure: String,
    /// Who.
    pub person: PersonId,
    /// The hubs that are to be asked, with the tokens that they know the person by.
    pub asks: Vec<Ask>,
    /// Until when the law wants records kept.
    pub retain_until: Option<Timestamp>,
    /// Which law.
    pub retention_basis: Option<String>,
    /// Why it is asked for.
    pub reason: Option<Name>,
}

/// What the node knows when it lets the eraser do a step.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// A time that does not leap.
    pub now: Timestamp,
    /// The index was made anew at this start, when the journal ended with this record. `None` when it was not.
    pub rebuilt_at: Option<u64>,
    /// What proofs are signed with.
    pub key: &'a SigningKey,
    /// This store.
    pub store: &'a str,
}

/// Carries erasures out. There is one for a journal.
#[derive(Debug)]
pub struct Eraser {
    journal: Journal,
    vault: Arc<Vault>,
    erasures: Erasures,
    notes: Notes,
    path: PathBuf,
}

impl Eraser {
    /// Reads what is known of erasures, and destroys keys again that were destroyed before and have come back from a backup. The vault is
    /// open and the journal's veil.
    ///
    /// # Errors
    /// When the journal or the files cannot be read, or keys cannot be destroyed.
    pub fn open(journal: Journal, vault: Arc<Vault>) -> Result<Self, EraseError> {
        let path = vault.dir().join(NOTES);
        let mut notes = Notes::read(vault.io(), &path).map_err(crate::VaultError::from)?;
        // Notes of another journal, or from a later state of this one.
        if notes.through > journal.durable() {
            notes = Notes::default();
        }
        let mut this = Self { journal, vault, erasures: Erasures::new(), notes: Notes::default(), path };
        for (seq, entry) in notes.entries {
            let entry = Entry::decode(&entry).map_err(|source| EraseError::Entry { seq, source })?;
            this.take(seq, &entry);
        }
        this.notes.through = notes.through;
        this.catch_up()?;
        let buried = this.vault.bury(this.erasures.destroyed_keys())?;
        if buried > 0 {
            tracing::warn!(buried, "keys that were destroyed had come back and are destroyed again");
        }
        this.keep()?;
        Ok(this)
    }

    fn take(&mut self, seq: u64, entry: &Entry) {
        self.erasures.apply(seq, entry);
        self.notes.entries.push((seq, entry.encode()));
        self.notes.through = self.notes.through.max(seq);
    }

    fn keep(&self) -> Result<(), EraseError> {
        let written = self.notes.write(self.vault.io(), self.vault.dir(), &self.path);
        written.map_err(|error| crate::VaultError::from(error).into())
    }

    fn catch_up(&mut self) -> Result<(), EraseError> {
        let from = (self.notes.through + 1).max(self.journal.first());
        let mut reader = self.journal.read(from)?;
        let mut read = 0;
        while let Some(next) = reader.next() {
            let record = match next {
                Ok(record) => record,
                Err(ReadError::Gap { .. }) => {
                    reader.continue_after_gap();
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            // What does not decode is no entry: the type's name says more than its bytes.
            let event = matches!(record.kind >> 8, 0x0a)
                .then(|| Event::decode(EventType(record.kind), &record.payload));
            if let Some(Ok(event)) = event {
                let entry =
                    Entry::of(&event).map_err(|source| EraseError::Entry { seq: record.seq, source })?;
                entry.iter().for_each(|entry| self.take(record.seq, entry));
            }
            self.notes.through = record.seq;
            read += 1;
            if read % NOTE_RECORDS == 0 {
                self.keep()?;
            }
        }
        Ok(())
    }

    /// Notes how far the journal was looked at, so that the next start has less to read. All entries of erasures are written here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest(&mut self) -> Result<(), EraseError> {
        self.notes.through = self.notes.through.max(self.journal.durable());
        self.keep()
    }

    fn write(&mut self, entry: &Entry, reason: Option<Name>) -> Result<(), EraseError> {
        let event = entry.event(reason);
        let committed = self.journal.append(vec![Batch { kind: event.kind().0, payload: event.encode() }])?;
        self.take(committed.last, entry);
        self.keep()
    }

    fn advance(&mut self, erasure: &str, step: Step, at: Timestamp) -> Result<(), EraseError> {
        self.write(&Entry::Advanced { erasure: erasure.into(), step, at }, None)
    }

    /// The customer that a token is of, by what `tokens` says of each customer in the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn customer_with_token(
        &self,
        token: &str,
        tokens: impl Fn(&CustomerRef) -> Vec<String>,
    ) -> Result<Option<CustomerRef>, EraseError> {
        customer_with(&self.journal, &self.vault, |customer| tokens(customer).iter().any(|it| it == token))
    }

    /// The code of a customer, or of somebody of whom there is only a token that nobody in the journal has.
    #[must_use]
    pub fn person(&self, known: Result<&CustomerRef, &str>) -> PersonId {
        let person = match known {
            Ok(customer) => self.vault.person(customer),
            Err(token) => self.vault.unknown_person(token),
        };
        person.unwrap_or(PersonId([0; 16]))
    }

    /// Notes that a person is to be erased. Durable when this returns; [`Self::step`] does it.
    ///
    /// # Errors
    /// When a text is too long, or the journal takes nothing.
    pub fn request(&mut self, wanted: Wanted, at: Timestamp) -> Result<(), EraseError> {
        let Wanted { erasure, person, asks, retain_until, retention_basis, reason } = wanted;
        if self.erasures.progress(&erasure).is_some() {
            return Ok(());
        }
        let refused = |field, reason: String| Err(EraseError::Refused { field, reason });
        if let Err(error) = Name::new(&erasure) {
            return refused("name", error.to_string());
        }
        if retention_basis.as_ref().is_some_and(|basis| basis.len() > NAME_BYTES_MAX) {
            return refused("basis", format!("it has more than {NAME_BYTES_MAX} bytes"));
        }
        if asks.len() > ASKS_MAX || asks.iter().any(|ask| ask.tokens.len() > ASKS_MAX) {
            return refused("hubs", format!("there are more than {ASKS_MAX} hubs or tokens"));
        }
        let request = Request { erasure, person, asks, retain_until, retention_basis, at };
        self.write(&Entry::Requested(request), reason)
    }

    /// Does what can be done now, and gives what is still to be done: a new index, records to be trimmed, hubs to be asked.
    ///
    /// # Errors
    /// When something fails. Called again, it goes on.
    pub fn step(&mut self, around: &Around<'_>) -> Result<Vec<Duty>, EraseError> {
        // Each erasure has at most four steps of its own; a hub's answers come from elsewhere.
        loop {
            let due = self.erasures.due(around.now);
            let mut done = false;
            for duty in &due {
                done |= self.do_duty(duty, around)?;
            }
            if !done {
                self.settle_rebuild(&due)?;
                return Ok(due);
            }
        }
    }

    fn settle_rebuild(&self, due: &[Duty]) -> Result<(), EraseError> {
        let is_open =
            due.iter().any(|duty| matches!(duty, Duty::RewriteDerived { .. } | Duty::DestroyKeys { .. }));
        if !is_open && self.vault.wants_rebuild()? {
            self.vault.rebuilt()?;
        }
        Ok(())
    }

    /// True when it is done now.
    fn do_duty(&mut self, duty: &Duty, around: &Around<'_>) -> Result<bool, EraseError> {
        match duty {
            Duty::DestroyKeys { erasure, person } => {
                let Destroyed { keys, clear_through } = self.destroy(erasure, *person, around.now)?;
                self.advance(erasure, Step::KeyDestroyed { keys, clear_through }, around.now)?;
                self.vault.settle(erasure)?;
                Ok(true)
            }
            Duty::RewriteDerived { erasure, at_least_through } => {
                let Some(through) = around.rebuilt_at.filter(|at| at >= at_least_through) else {
                    return Ok(false);
                };
                self.advance(erasure, Step::DerivedRewritten { through }, around.now)?;
                Ok(true)
            }
            Duty::AwaitTrim { erasure, through } => {
                if *through >= self.journal.first() && *through > 0 {
                    return Ok(false);
                }
                self.advance(erasure, Step::RetentionEnded { through: *through }, around.now)?;
                Ok(true)
            }
            Duty::AskHub { .. } => Ok(false),
            Duty::Complete { erasure } => {
                let unknown = || EraseError::Unknown { erasure: erasure.clone() };
                let progress = self.erasures.progress(erasure).ok_or_else(unknown)?;
                let proof = Proof::of(progress, around.store, around.now)?.sign(around.key);
                self.advance(erasure, Step::Completed { proof }, around.now)?;
                Ok(true)
            }
        }
    }

    fn destroy(&mut self, erasure: &str, person: PersonId, now: Timestamp) -> Result<Destroyed, EraseError> {
        if let Some(before) = self.vault.unsettled(erasure) {
            return Ok(before);
        }
        // One that another erasure left behind is noted already: the journal is read before anything is done.
        let settled: Vec<String> = self
            .erasures
            .iter()
            .filter(|it| it.destroyed.is_some())
            .map(|it| it.request.erasure.clone())
            .collect();
        for done in settled {
            self.vault.settle(&done)?;
        }
        let found = find(&self.journal, &self.vault, person, self.journal.durable())?;
        self.forget(person, &found.kept, now)?;
        Ok(self.vault.destroy(erasure, person, &found.keys, found.clear_through)?)
    }

    /// Has plugins forget what they keep of a person. What names them in it is sealed under the key that goes.
    fn forget(
        &self,
        person: PersonId,
        kept: &[(Name, aisle_event::Text)],
        at: Timestamp,
    ) -> Result<(), EraseError> {
        for (plugin, key) in kept {
            let writes = vec![PluginWrite { key: key.clone(), value: None, unknown: Unknown::default() }];
            let event = PluginKept { plugin: plugin.clone(), writes, at, unknown: Unknown::default() };
            let event = Event::from(event);
            let plain = Batch { kind: event.kind().0, payload: event.encode() };
            let refused = |reason| aisle_journal::SubmitError::Uncovered { reason };
            let entry = self
                .vault
                .seal_for(person, &plain)
                .map_err(|reason| aisle_journal::AppendError::from(refused(reason)))?;
            self.journal.append(vec![entry])?;
        }
        Ok(())
    }

    /// Notes that a hub was asked.
    ///
    /// # Errors
    /// When the journal takes nothing.
    pub fn hub_asked(&mut self, erasure: &str, region: &str, at: Timestamp) -> Result<(), EraseError> {
        self.advance(erasure, Step::HubAsked { region: region.into() }, at)
    }

    /// Keeps a hub's receipt, once; the caller has checked it.
    ///
    /// # Errors
    /// When there is no such erasure, or the journal takes nothing.
    pub fn hub_erased(
        &mut self,
        erasure: &str,
        region: &str,
        proof: Vec<u8>,
        at: Timestamp,
    ) -> Result<(), EraseError> {
        let Some(progress) = self.erasures.progress(erasure) else {
            return Err(EraseError::Unknown { erasure: erasure.into() });
        };
        if progress.hubs.contains_key(region) || progress.proof.is_some() {
            return Ok(());
        }
        self.advance(erasure, Step::HubErased { region: region.into(), proof }, at)
    }

    /// How far an erasure is.
    #[must_use]
    pub fn progress(&self, erasure: &str) -> Option<&Progress> {
        self.erasures.progress(erasure)
    }

    /// All erasures, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Progress> {
        self.erasures.iter()
    }
}
