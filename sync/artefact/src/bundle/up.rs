//! The way up: entries of an outbox, opaque here, each tied to the one before.
//!
//! ```text
//! head(n) = BLAKE3( "aisle courier 1" ‖ head(n-1) ‖ bytes of name u32 ‖ name ‖ length u64 ‖ BLAKE3 of the entry )      integers little-endian
//! ```
//!
//! The head before the first entry comes from who exports (the last head that went out by hand, or zeros), so the hub sees that nothing was left
//! out between two sticks. Who imports says up to which head it has everything: entries until there are checked and not given again. So an import that
//! was killed, or a stick that comes twice, does no harm.
//!
//! Not here: what an entry is. The hub holds what it gets this way to the same checks as what comes by the line.

use super::{
    BundleError, Direction, FORM, Head, Limits, WriteError,
    name::Name,
    read::{Entry, json, walk, whole},
    write::Writer,
};
use crate::{digest::Digest, id::shown};
use serde::{Deserialize, Serialize};
use std::{
    error::Error,
    io::{Read, Write},
};

/// The head before the first entry that was ever carried.
pub const START: Digest = Digest([0; 32]);
/// The most bytes of an entry's name.
pub const NAME_BYTES_MAX: usize = 256;
/// The most entries of a bundle: what every reader takes. The next bundle goes on with the head of this one.
pub const ENTRIES_MAX: u64 = 32_000;

/// What stands before an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    name: String,
    bytes: u64,
    blake3: Digest,
    head: Digest,
}

/// An entry that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// What its outbox calls it.
    pub name: String,
    /// What it is, for who knows.
    pub bytes: Vec<u8>,
    /// The head of the chain after it.
    pub head: Digest,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many entries.
    pub entries: u64,
    /// The head after the last: the next export begins with it.
    pub head: Digest,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Who says that they made it.
    pub from: String,
    /// How many entries were given.
    pub given: u64,
    /// How many were there already.
    pub had: u64,
    /// The head before the first entry of the bundle.
    pub before: Digest,
    /// The head after the last.
    pub head: Digest,
}

/// Why an import ends. Entries that were given before are good.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its head says not where its chain begins.
    #[error("the bundle says not where its chain begins")]
    NoStart,
    /// An entry out of its turn.
    #[error("the bundle's entry {found} stands where entry {expected} should")]
    Order {
        /// Which.
        found: u64,
        /// Which should.
        expected: u64,
    },
    /// An entry that is not what its label says.
    #[error("the bundle's entry {number} is not what its label says: its {what} is another one")]
    Label {
        /// Which.
        number: u64,
        /// What of it.
        what: &'static str,
    },
    /// What is had is not in it, so something is missing between.
    #[error(
        "the bundle's chain does not go through {known}, up to which everything is here\nhint: bring the bundle before it first, or the newest one"
    )]
    Gap {
        /// The head up to which everything is here.
        known: Digest,
    },
    /// Whoever takes entries refuses one.
    #[error("the bundle's entry {number} is not taken")]
    Refused {
        /// Which.
        number: u64,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

fn after(before: &Digest, name: &str, bytes: u64, blake3: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"aisle courier 1");
    hasher.update(&before.0);
    hasher.update(&(name.len() as u32).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(&bytes.to_le_bytes());
    hasher.update(&blake3.0);
    Digest(*hasher.finalize().as_bytes())
}

/// Writes entries, in order.
///
/// # Errors
/// When one is too long, there are too many, or the file cannot be written.
pub fn export<W: Write, N: AsRef<str>, B: AsRef<[u8]>>(
    writer: W,
    from: &str,
    before: Digest,
    entries: impl IntoIterator<Item = (N, B)>,
    limits: &Limits,
) -> Result<(W, Exported), WriteError> {
    let head = Head { form: FORM, direction: Direction::Up, from: from.to_owned(), before: Some(before) };
    let mut bundle = Writer::new(writer, &head)?;
    let mut exported = Exported { entries: 0, head: before };
    for (name, content) in entries {
        let (name, content) = (name.as_ref(), content.as_ref());
        let (number, bytes) = (exported.entries.saturating_add(1), content.len() as u64);
        if number > ENTRIES_MAX {
            return Err(WriteError::TooMany { max: ENTRIES_MAX });
        }
        let too_long = |bytes, bytes_max| WriteError::TooLong { name: shown(name), bytes, bytes_max };
        if name.len() > NAME_BYTES_MAX {
            return Err(too_long(name.len() as u64, NAME_BYTES_MAX as u64));
        }
        if bytes > limits.carried_bytes_max {
            return Err(too_long(bytes, limits.carried_bytes_max));
        }
        let blake3 = Digest::blake3(content);
        let head = after(&exported.head, name, bytes, &blake3);
        bundle.add_json(&Name::CarriedHead(number), &Label { name: name.to_owned(), bytes, blake3, head })?;
        bundle.add(&Name::Carried(number), bytes, content)?;
        exported = Exported { entries: number, head };
    }
    Ok((bundle.finish()?, exported))
}

/// Reads entries, checks each, and gives those that are behind `known`, in order. Without `known` all are given.
///
/// # Errors
/// When the bundle must be refused, something is missing before it, or `take` refuses an entry.
pub fn import(
    reader: impl Read,
    known: Option<Digest>,
    limits: &Limits,
    mut take: impl FnMut(Carried) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Imported, ImportError> {
    let mut state: Option<Digest> = None;
    let mut label: Option<Label> = None;
    let (mut number, mut given, mut had) = (1_u64, 0, 0);
    let mut is_behind = known.is_none();
    let head = walk(reader, limits, Some(Direction::Up), |bundle, entry| {
        let Entry { name, bytes, content } = entry;
        let head = match &mut state {
            Some(head) => head,
            None => {
                let before = bundle.before.ok_or(ImportError::NoStart)?;
                is_behind |= known == Some(before);
                state.insert(before)
            }
        };
        let order = |found| Err(ImportError::Order { found, expected: number });
        match name {
            Name::CarriedHead(found) if *found != number || label.is_some() => order(*found),
            Name::CarriedHead(_) => {
                label = Some(json(name, content)?);
                Ok(())
            }
            Name::Carried(found) => {
                let Some(Label { name, bytes: said, blake3, head: says }) =
                    label.take().filter(|_| *found == number)
                else {
                    return order(*found);
                };
                let wrong = |what| Err(ImportError::Label { number, what });
                if said != bytes {
                    return wrong("length");
                }
                if name.len() > NAME_BYTES_MAX {
                    return wrong("name");
                }
                let bytes = whole(content)?;
                if Digest::blake3(&bytes) != blake3 {
                    return wrong("BLAKE3");
                }
                *head = after(head, &name, said, &blake3);
                if *head != says {
                    return wrong("head");
                }
                if is_behind {
                    take(Carried { name, bytes, head: says })
                        .map_err(|source| ImportError::Refused { number, source })?;
                    given += 1;
                } else {
                    had += 1;
                    is_behind = known == Some(says);
                }
                number = number.saturating_add(1);
                Ok(())
            }
            name => Err(BundleError::Name { name: name.to_string() }.into()),
        }
    })?;
    let before = head.before.ok_or(ImportError::NoStart)?;
    if let Some(known) = known.filter(|known| !is_behind && *known != before) {
        return Err(ImportError::Gap { known });
    }
    // A label without its entry: the count at the end was made to fit.
    if label.is_some() {
        return Err(ImportError::Order { found: number, expected: number });
    }
    Ok(Imported { from: shown(&head.from), given, had, before, head: state.unwrap_or(before) })
}
