//! What a node is asked to rehearse, and what it says of it.
//!
//! ```text
//! NodeOrder.rehearse: {1 all: [{1 slot, 2 release, 3 round}]}          NodeSays.rehearsals: [Played]
//! ```
//!
//! A field that this build does not know is passed over, so that hub and node may be of two versions. Not here: what may be played at all (what is signed says
//! that), and the playing.

use super::{Difference, OF_STORE_MAX, StoreRehearsal, TEXT_CHARS_MAX};
use crate::{
    artefact::{Release, Slot},
    hash::ContentHash,
    text::shown,
    version::Version,
};
use aisle_event::StoreId;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The most candidates that a node is asked to rehearse at once.
pub const CANDIDATES_MAX: usize = 8;
/// The most bytes of them in an order.
pub const CANDIDATES_BYTES_MAX: usize = 16 << 10;

/// Something to be rehearsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cbor(map)]
pub struct Candidate {
    /// The place that it is for.
    #[n(1)]
    pub slot: Slot,
    /// What it is.
    #[n(2)]
    pub release: Release,
    /// Grows when people ask anew. What was played in an earlier round is played again.
    #[n(3)]
    pub round: u64,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Form {
    #[n(1)]
    all: Vec<Candidate>,
}

/// Why bytes are no candidates, or none can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CandidatesError {
    /// More than there may be.
    #[error("what is to be rehearsed: {what} is {found}, at most {max} may be")]
    Bound {
        /// What.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
    /// They do not decode.
    #[error("what is to be rehearsed does not decode: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// One cannot be.
    #[error("what is to be rehearsed: `{slot}`: {fault}")]
    Release {
        /// Where it is for.
        slot: Slot,
        /// What is wrong with it.
        fault: String,
    },
}

fn bound(what: &'static str, found: usize, max: usize) -> Result<(), CandidatesError> {
    if found > max { Err(CandidatesError::Bound { what, found, max }) } else { Ok(()) }
}

fn check(all: &[Candidate]) -> Result<(), CandidatesError> {
    bound("the number of candidates", all.len(), CANDIDATES_MAX)?;
    let faulty = all.iter().find_map(|one| Some((one, one.release.fault()?)));
    faulty.map_or(Ok(()), |(one, fault)| Err(CandidatesError::Release { slot: one.slot.clone(), fault }))
}

/// As they go into an order.
///
/// # Errors
/// When there are too many, or one cannot be.
pub fn encode_candidates(all: &[Candidate]) -> Result<Vec<u8>, CandidatesError> {
    check(all)?;
    // Writing to a `Vec` has no way to fail.
    let bytes = minicbor::to_vec(Form { all: all.to_vec() }).unwrap_or_default();
    bound("its length in bytes", bytes.len(), CANDIDATES_BYTES_MAX)?;
    Ok(bytes)
}

/// Reads what may be anybody's.
///
/// # Errors
/// When it is beyond a bound, or does not decode.
pub fn candidates(bytes: &[u8]) -> Result<Vec<Candidate>, CandidatesError> {
    bound("its length in bytes", bytes.len(), CANDIDATES_BYTES_MAX)?;
    let malformed = |error: minicbor::decode::Error| CandidatesError::Malformed {
        reason: shown(&error.to_string(), TEXT_CHARS_MAX),
    };
    let Form { all } = minicbor::decode(bytes).map_err(malformed)?;
    check(&all)?;
    Ok(all)
}

impl Candidate {
    /// Whether something was said of this, in this round or a later one.
    #[must_use]
    pub fn is_played(&self, played: &Played) -> bool {
        played.slot == self.slot && played.hash == self.release.hash && played.round >= self.round
    }

    /// What came of playing it.
    #[must_use]
    pub fn played(&self, found: Findings) -> Played {
        Played {
            slot: self.slot.clone(),
            version: self.release.version.clone(),
            hash: self.release.hash,
            round: self.round,
            found,
            refused: None,
        }
    }

    /// Why it was not played.
    #[must_use]
    pub fn refused(&self, why: &str) -> Played {
        let why: String = shown(why, TEXT_CHARS_MAX);
        Played { refused: Some(why), ..self.played(Findings::default()) }
    }
}

/// What came of playing recorded calls through a candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Findings {
    /// How many calls were played.
    pub calls: u64,
    /// Calls that came out the same.
    pub same: u64,
    /// Calls in which the candidate failed.
    pub failed: u64,
    /// What was another, at most [`OF_STORE_MAX`] kinds.
    pub differences: Vec<Difference>,
}

/// What a node says of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Played {
    /// The place that it is for.
    pub slot: Slot,
    /// Its version.
    pub version: Version,
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
    /// In which round it was asked.
    pub round: u64,
    /// What came of it.
    #[serde(default)]
    pub found: Findings,
    /// Why it was not played, where it was not.
    #[serde(default)]
    pub refused: Option<String>,
}

impl Played {
    /// As what a store says. Which store it is says the line that it came by, and not the node.
    #[must_use]
    pub fn of_store(self, store: StoreId) -> StoreRehearsal {
        let Self { slot, version, found: Findings { calls, same, failed, differences }, refused, .. } = self;
        StoreRehearsal { store, slot, version, calls, same, failed, differences, refused }
    }

    /// What is beyond its bound: which, how much there is, how much there may be.
    pub(crate) fn fault(&self) -> Option<(&'static str, usize, usize)> {
        let differences = &self.found.differences;
        let texts = differences.iter().flat_map(|one| [&one.what, &one.was, &one.would_be]);
        let longest = texts.chain(&self.refused).map(|text| text.chars().count()).max().unwrap_or(0);
        let bounds = [
            ("the number of kinds of differences", differences.len(), OF_STORE_MAX),
            ("the length of a text of a rehearsal", longest, TEXT_CHARS_MAX),
        ];
        bounds.into_iter().find(|(_, found, max)| found > max)
    }
}
