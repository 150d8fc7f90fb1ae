//! Where a person is in the journal, and under which keys: what has to be destroyed for an erasure.
//!
//! Two walks: the first meets every event that names a customer and learns the person's number and visits; the second meets what was typed,
//! scanned or kept by plugins in between. Not here: destroying anything.

use crate::{
    error::EraseError,
    holder::{self, KEPT},
    vault::Vault,
};
use aisle_event::{CustomerRef, Event, EventType, Name, SessionId, Text};
use aisle_journal::{Journal, ReadError, Record};
use aisle_residency::seal::{KeyId, PersonId, keys_in};
use std::collections::{BTreeMap, BTreeSet};

/// The most customers that are told apart in one search for a token; further ones are looked at again whenever they come.
const SEEN_MAX: usize = 1 << 20;

/// What the journal holds of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The keys that their values are sealed with.
    pub(crate) keys: BTreeSet<KeyId>,
    /// The last record with something of them in the clear, or under a key that must stay; zero when there is none.
    pub(crate) clear_through: u64,
    /// What plugins keep now that names them.
    pub(crate) kept: Vec<(Name, Text)>,
    name: Option<CustomerRef>,
    sessions: BTreeSet<SessionId>,
}

/// Walks the journal as it lies on the disk, over gaps. `visit` gets each record that may hold something sealed, with its event as it is
/// when it is opened; false ends the walk.
fn walk(
    journal: &Journal,
    vault: &Vault,
    through: u64,
    wanted: impl Fn(u16) -> bool,
    mut visit: impl FnMut(&Record, &Event) -> Result<bool, EraseError>,
) -> Result<(), EraseError> {
    use aisle_journal::Veil as _;
    let mut reader = journal.read_covered(journal.first())?;
    while let Some(next) = reader.next() {
        let record = match next {
            Ok(record) if record.seq > through => return Ok(()),
            Ok(record) => record,
            Err(ReadError::Gap { .. }) => {
                reader.continue_after_gap();
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if !wanted(record.kind) {
            continue;
        }
        let opened = vault.uncover(record.kind, &record.payload);
        let payload = opened.as_ref().unwrap_or(&record.payload);
        // What is no event names nobody.
        let Ok(event) = Event::decode(EventType(record.kind), payload) else { continue };
        if !visit(&record, &event)? {
            return Ok(());
        }
    }
    Ok(())
}

impl Found {
    fn add(&mut self, record: &Record, keep: impl Fn(KeyId) -> bool) -> Result<(), EraseError> {
        let (keys, plain) = keys_in(EventType(record.kind), &record.payload)
            .map_err(|source| EraseError::Sealed { seq: record.seq, source })?;
        let stays = keys.iter().any(|key| keep(*key));
        if plain > 0 || stays {
            self.clear_through = record.seq;
        }
        self.keys.extend(keys.into_iter().filter(|key| !keep(*key)));
        Ok(())
    }
}

/// Finds a person by their code, in all records through one.
pub(crate) fn find(
    journal: &Journal,
    vault: &Vault,
    person: PersonId,
    through: u64,
) -> Result<Found, EraseError> {
    let mut found = Found::default();
    walk(journal, vault, through, holder::is_naming, |record, event| {
        let Some(customer) = holder::customer(event) else { return Ok(true) };
        if found.name.as_ref() != Some(customer) && vault.person(customer) != Some(person) {
            return Ok(true);
        }
        found.name.get_or_insert_with(|| customer.clone());
        match event {
            Event::CustomerNamed(named) => found.sessions.extend([named.session.clone()]),
            Event::SaleRecorded(sale) => found.sessions.extend(sale.session.clone()),
            _ => {}
        }
        found.add(record, |_| false).map(|()| true)
    })?;
    let Some(name) = found.name.clone() else { return Ok(found) };
    let mut kept: BTreeMap<(Name, Text), bool> = BTreeMap::new();
    let others = |kind| holder::may_be_sealed(kind) && !holder::is_naming(kind);
    walk(journal, vault, through, others, |record, event| {
        let about = match event {
            Event::Searched(searched) => found.sessions.contains(&searched.session),
            Event::CodeScanned(scanned) => scanned.code.contains(name.as_str()),
            Event::PluginKept(event) => {
                let mut about = false;
                for write in &event.writes {
                    let value = write.value.as_ref();
                    let is_here = write.key.contains(name.as_str())
                        || value.is_some_and(|value| holder::holds(&value.0, name.as_str()));
                    about |= is_here;
                    let place = (event.plugin.clone(), write.key.clone());
                    // A later value without the person replaces one with them.
                    if is_here || kept.contains_key(&place) {
                        kept.insert(place, is_here && value.is_some());
                    }
                }
                about
            }
            _ => false,
        };
        if !about {
            return Ok(true);
        }
        let plugin = match event {
            Event::PluginKept(event) => vault.plugin(&event.plugin),
            _ => None,
        };
        // A plugin's own key stays, or it would lose what it keeps of everybody.
        let keep = |key: KeyId| record.kind == KEPT && plugin.is_some() && vault.owner(key) == plugin;
        found.add(record, keep).map(|()| true)
    })?;
    found.kept = kept.into_iter().filter(|(_, there)| *there).map(|(place, _)| place).collect();
    Ok(found)
}

/// The first customer in the journal of whom something holds, such as that a token is theirs.
pub(crate) fn customer_with(
    journal: &Journal,
    vault: &Vault,
    mut is_wanted: impl FnMut(&CustomerRef) -> bool,
) -> Result<Option<CustomerRef>, EraseError> {
    let (mut seen, mut wanted) = (BTreeSet::new(), None);
    walk(journal, vault, journal.durable(), holder::is_naming, |_, event| {
        let Some(customer) = holder::customer(event) else { return Ok(true) };
        if seen.contains(customer) {
            return Ok(true);
        }
        if is_wanted(customer) {
            wanted = Some(customer.clone());
            return Ok(false);
        }
        if seen.len() < SEEN_MAX {
            seen.insert(customer.clone());
        }
        Ok(true)
    })?;
    Ok(wanted)
}
