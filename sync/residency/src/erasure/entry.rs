//! What is written to the journal about an erasure. The person stands there by a code that leads nowhere once the key is gone.

use crate::seal::{KeyId, PersonId};
use aisle_event::{
    Blob, Event, Name, Timestamp, Unknown,
    erasure::{ErasureAdvanced, ErasureRequested, ErasureStep},
};
use minicbor::{Decode, Encode, bytes::ByteVec};

/// The most regions of one request, and tokens of one region.
pub const ASKS_MAX: usize = 256;
/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// What a region knows the person by.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ask {
    /// The region.
    #[n(1)]
    pub region: String,
    /// The person's tokens there ([`crate::token::TokenKeys::tokens_of`]).
    #[n(2)]
    pub tokens: Vec<String>,
}

/// A person is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The erasure's name, unique in the store.
    pub erasure: String,
    /// The person's code.
    pub person: PersonId,
    /// Who else is to be asked, and by which tokens: they cannot be made any more when the key and the number are gone.
    pub asks: Vec<Ask>,
    /// Until when records must be kept by law.
    pub retain_until: Option<Timestamp>,
    /// Which law says so.
    pub retention_basis: Option<String>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// A step that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The person's keys are no more.
    KeyDestroyed {
        /// Which.
        keys: Vec<KeyId>,
        /// The last record in which something of the person lies in the clear: it was written before there were seals. Zero when there
        /// is none.
        clear_through: u64,
    },
    /// What was derived from the events holds nothing of the person.
    DerivedRewritten {
        /// The last record that it was rewritten from.
        through: u64,
    },
    /// Nothing of the person lies in the clear any more, and nothing has to be kept any longer.
    RetentionEnded {
        /// The last record that had to be trimmed for it; zero when there was none.
        through: u64,
    },
    /// A hub was asked.
    HubAsked {
        /// Where it stands.
        region: String,
    },
    /// A hub has erased what it held.
    HubErased {
        /// Where it stands.
        region: String,
        /// Its proof, as it came; the caller has checked it ([`super::Proof::open`]).
        proof: Vec<u8>,
    },
    /// All is done.
    Completed {
        /// Our own proof.
        proof: Vec<u8>,
    },
}

impl Step {
    /// Which step it is.
    #[must_use]
    pub const fn kind(&self) -> ErasureStep {
        match self {
            Self::KeyDestroyed { .. } => ErasureStep::KeyDestroyed,
            Self::DerivedRewritten { .. } => ErasureStep::DerivedRewritten,
            Self::RetentionEnded { .. } => ErasureStep::RetentionEnded,
            Self::HubAsked { .. } => ErasureStep::HubAsked,
            Self::HubErased { .. } => ErasureStep::HubErased,
            Self::Completed { .. } => ErasureStep::Completed,
        }
    }
}

#[expect(clippy::expect_used, reason = "the text is a constant and short enough")]
fn nameless() -> Name {
    Name::new("unnamed").expect("a constant")
}

/// One record of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It begins.
    Requested(Request),
    /// It goes on.
    Advanced {
        /// Which.
        erasure: String,
        /// The step.
        step: Step,
        /// When.
        at: Timestamp,
    },
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a record of an erasure: {0}")]
pub struct EntryError(String);

#[derive(Encode, Decode, Default)]
#[cbor(map)]
struct Wire {
    #[n(0)]
    what: u8,
    #[n(1)]
    erasure: String,
    #[n(2)]
    person: Option<PersonId>,
    #[n(3)]
    asks: Option<Vec<Ask>>,
    #[n(4)]
    retain_until: Option<i64>,
    #[n(5)]
    retention_basis: Option<String>,
    #[n(6)]
    at: i64,
    #[n(7)]
    keys: Option<Vec<KeyId>>,
    #[n(8)]
    through: Option<u64>,
    #[n(9)]
    region: Option<String>,
    #[n(10)]
    proof: Option<ByteVec>,
}

impl Entry {
    /// The erasure that it is of.
    #[must_use]
    pub fn erasure(&self) -> &str {
        match self {
            Self::Requested(request) => &request.erasure,
            Self::Advanced { erasure, .. } => erasure,
        }
    }

    /// The event that says it. `reason` is why a request was made, in the words of who made it.
    #[must_use]
    pub fn event(&self, reason: Option<Name>) -> Event {
        let erasure = Name::new(self.erasure()).unwrap_or_else(|_| nameless());
        let (entry, unknown) = (Blob(self.encode().into()), Unknown::default());
        match self {
            Self::Requested(request) => {
                ErasureRequested { erasure, entry, at: request.at, reason, unknown }.into()
            }
            Self::Advanced { step, at, .. } => {
                ErasureAdvanced { erasure, step: step.kind(), entry, at: *at, unknown }.into()
            }
        }
    }

    /// What an event says of an erasure; `None` when it is about something else.
    ///
    /// # Errors
    /// When it is about an erasure and holds no entry.
    pub fn of(event: &Event) -> Result<Option<Self>, EntryError> {
        match event {
            Event::ErasureRequested(ErasureRequested { entry, .. })
            | Event::ErasureAdvanced(ErasureAdvanced { entry, .. }) => Self::decode(&entry.0).map(Some),
            _ => Ok(None),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = match self.clone() {
            Self::Requested(Request { erasure, person, asks, retain_until, retention_basis, at }) => Wire {
                what: 0,
                erasure,
                person: Some(person),
                asks: Some(asks),
                retain_until: retain_until.map(|until| until.0),
                retention_basis,
                at: at.0,
                ..Wire::default()
            },
            Self::Advanced { erasure, step, at } => {
                let base = Wire { erasure, at: at.0, ..Wire::default() };
                match step {
                    Step::KeyDestroyed { keys, clear_through } => {
                        Wire { what: 1, keys: Some(keys), through: Some(clear_through), ..base }
                    }
                    Step::DerivedRewritten { through } => Wire { what: 2, through: Some(through), ..base },
                    Step::RetentionEnded { through } => Wire { what: 3, through: Some(through), ..base },
                    Step::HubAsked { region } => Wire { what: 4, region: Some(region), ..base },
                    Step::HubErased { region, proof } => {
                        Wire { what: 5, region: Some(region), proof: Some(proof.into()), ..base }
                    }
                    Step::Completed { proof } => Wire { what: 6, proof: Some(proof.into()), ..base },
                }
            }
        };
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(&wire).unwrap_or_default()
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// When they are not an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let wire: Wire = minicbor::decode(bytes).map_err(|error| EntryError(error.to_string()))?;
        let missing = |what: &str| EntryError(format!("`{what}` is missing or malformed"));
        if wire.erasure.is_empty() || wire.erasure.len() > NAME_BYTES_MAX {
            return Err(missing("erasure"));
        }
        let at = Timestamp(wire.at);
        let through = wire.through.ok_or_else(|| missing("through"));
        let region =
            wire.region.filter(|region| region.len() <= NAME_BYTES_MAX).ok_or_else(|| missing("region"));
        let proof = wire.proof.map(Vec::from).ok_or_else(|| missing("proof"));
        let step = match wire.what {
            0 => {
                let asks = wire.asks.unwrap_or_default();
                if asks.len() > ASKS_MAX || asks.iter().any(|ask| ask.tokens.len() > ASKS_MAX) {
                    return Err(missing("asks"));
                }
                return Ok(Self::Requested(Request {
                    erasure: wire.erasure,
                    person: wire.person.ok_or_else(|| missing("person"))?,
                    asks,
                    retain_until: wire.retain_until.map(Timestamp),
                    retention_basis: wire.retention_basis,
                    at,
                }));
            }
            1 => Step::KeyDestroyed { keys: wire.keys.unwrap_or_default(), clear_through: through? },
            2 => Step::DerivedRewritten { through: through? },
            3 => Step::RetentionEnded { through: through? },
            4 => Step::HubAsked { region: region? },
            5 => Step::HubErased { region: region?, proof: proof? },
            6 => Step::Completed { proof: proof? },
            other => return Err(EntryError(format!("{other} is no step"))),
        };
        Ok(Self::Advanced { erasure: wire.erasure, step, at })
    }
}
