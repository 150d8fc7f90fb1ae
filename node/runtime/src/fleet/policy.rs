//! Residency policies that are ordered: 64 bytes of signature, then the document, as the line brings them.
//!
//! The signature of the artefact says that headquarters means it, and opens nothing: what comes into force goes through the same door as a policy that the hub sends
//! ([`Line::take_policy`]). A policy is never put back and never taken away: its versions only go up. The artefact of version 4 of a policy is of version `4.0.0`.
//!
//! Not here: the door (`crate::sync`), what a policy says (`aisle-residency`). Guards invariant 3.

use crate::sync::{Line, TakeError, words};
use aisle_artefact::Kind as Listed;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_fleet::{ContentHash, Kind, Release, Slot, converge::Trouble};
use aisle_protocol::PolicyId;
use std::sync::{Mutex, PoisonError};

/// Why there is no way back.
const ONLY_FORWARD: &str = "versions of a policy only go up\nhint: sign the rules of before under a higher version, and release that";

pub(super) struct OfPolicy {
    /// Absent in a store that stands alone, from which nothing leaves.
    line: Option<Line>,
    /// What was put in place last by an order, and the version of the policy in it: there are no two of one version.
    ordered: Mutex<Option<(ContentHash, u32)>>,
}

impl OfPolicy {
    pub(super) const fn new(line: Option<Line>) -> Self {
        Self { line, ordered: Mutex::new(None) }
    }

    fn line(&self) -> Result<&Line, Trouble> {
        self.line.as_ref().ok_or_else(|| {
            never("nothing leaves this store, so it follows no policy\nhint: it has no section `[sync]`")
        })
    }

    fn remember(&self, release: &Release, version: u32) {
        *self.ordered.lock().unwrap_or_else(PoisonError::into_inner) = Some((release.hash, version));
    }
}

fn told(error: &TakeError) -> Trouble {
    let text = words(error);
    if error.is_final() { never(text) } else { not_now(text) }
}

/// Who names one policy by another number would get past a minimum.
fn is_of_version(release: &Release, id: PolicyId) -> Outcome {
    let expected = format!("{}.0.0", id.version);
    if release.version.as_str() == expected {
        return Ok(());
    }
    Err(never(format!("the policy is of version {}, so its artefact is of version {expected}", id.version)))
}

impl Applier for OfPolicy {
    fn kind(&self) -> Kind {
        Kind::Policy
    }

    fn bytes_max(&self) -> u64 {
        Listed::Policy.bytes_max()
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        let id = self.line()?.would_take_policy(&piece.bytes).map_err(|error| told(&error))?;
        is_of_version(&piece.release, id)
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.smoke_test(piece)?;
        let id = self.line()?.take_policy(&piece.bytes, None).map_err(|error| told(&error))?;
        self.remember(&piece.release, id.version);
        Ok(())
    }

    /// What is in force stays there. Where it never came into force there is nothing to put back.
    fn revert(&self, _: &Slot, from: Option<&Piece>, _: Option<&Piece>) -> Outcome {
        let (Some(line), Some(from)) = (&self.line, from) else { return Ok(()) };
        match line.would_take_policy(&from.bytes) {
            Ok(id) if line.policy_in_force() == Some(id) => {
                Err(never(format!("it is in force, and {ONLY_FORWARD}")))
            }
            _ => Ok(()),
        }
    }

    fn remove(&self, _: &Slot, _: Option<&Piece>) -> Outcome {
        Err(never(ONLY_FORWARD))
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&self, piece: &Piece) -> Outcome {
        let number = piece.release.version.as_str().strip_suffix(".0.0").and_then(|text| text.parse().ok());
        if let Some(version) = number {
            self.remember(&piece.release, version);
        }
        Ok(())
    }

    fn broken(&self, _: &Slot, hash: &ContentHash) -> Option<String> {
        let ordered = *self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, ordered) = ordered.filter(|(of, _)| of == hash)?;
        let version = self.line.as_ref()?.policy_in_force()?.version;
        (version != ordered)
            .then(|| format!("version {version} of the policy is in force, which no order has brought"))
    }
}
