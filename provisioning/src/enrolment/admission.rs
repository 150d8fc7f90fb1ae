//! What is answered to a node that shows a certificate: at a connection, and when it asks for a new one.
//!
//! The certificate has been verified before ([`verify`](crate::verify)); whether it holds in time is decided here for renewals: one that has run
//! out is good for nothing but getting a new one, however long ago that was, because whoever shows it has its key and nobody has banned it.
//!
//! A hub that was restored from a backup does not know certificates that were issued after it. One of this chain that is newer than anything in the record, and on no list,
//! is taken on: the alternative is a store that nobody can reach.

use super::{
    record::{Credential, Enrolment},
    state::{Action, State},
};
use crate::{certificate::Facts, code::Code, fingerprint::Fingerprint};
use aisle_event::{Name, Timestamp};

/// A certificate that was shown and verified.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// What it says.
    pub facts: &'a Facts,
    /// Whether it is on the revocation list.
    pub is_revoked: bool,
}

/// Why a node is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {}", .code, reason_words(.reason.as_ref(), *.code))]
pub struct Refusal {
    /// For the installer.
    pub code: Code,
    /// What somebody wrote.
    pub reason: Option<Name>,
}

fn reason_words(reason: Option<&Name>, code: Code) -> String {
    reason.map_or_else(|| code.words().to_owned(), |reason| format!("{} Reason: {reason}", code.words()))
}

/// What a connection gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may come in.
    Welcome,
    /// It may come in, and has shown the new certificate: [`Change::Prove`](super::Change::Prove) is to be applied.
    Proved,
    /// It may come in, and the record takes on this certificate, which it did not know: [`Change::Issue`](super::Change::Issue) and then
    /// [`Change::Prove`](super::Change::Prove) are to be applied.
    Adopt(Credential),
}

/// What is answered to a node that asks for a new certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It gets one.
    Allow,
    /// It gets one, though its own has run out: it was away for long.
    Recover {
        /// How long ago, in milliseconds.
        expired_ms: u64,
    },
    /// It asks again later.
    Wait(Code),
    /// It gets none.
    Refuse(Refusal),
}

impl Enrolment {
    /// Whether a connection with this certificate may come in.
    ///
    /// # Errors
    /// When not, with what the node is told.
    pub fn admit(&self, shown: Presented<'_>, now: Timestamp) -> Result<Admission, Refusal> {
        self.is_let_in()?;
        if shown.facts.validity.not_after < now {
            return Err(self.refuse(Code::CertificateExpired));
        }
        self.known(shown)
    }

    /// What is answered when a node asks for a new certificate with this one. The hub goes by [`admit`](Self::admit) as well, but for the time: what is proved or
    /// adopted there is here too.
    #[must_use]
    pub fn at_renewal(&self, shown: Presented<'_>, now: Timestamp) -> Decision {
        if matches!(self.state, State::Claimed | State::Pending) {
            return Decision::Wait(Code::WaitsForApproval);
        }
        if let Err(refusal) = self.is_let_in().and_then(|()| self.known(shown)) {
            return Decision::Refuse(refusal);
        }
        match now.ms_since(shown.facts.validity.not_after) {
            0 => Decision::Allow,
            expired_ms => Decision::Recover { expired_ms },
        }
    }

    /// What is answered to a box that asks with the key of its claim and has no certificate yet, or none with another key.
    #[must_use]
    pub fn at_first(&self, key: &Fingerprint) -> Decision {
        match self.state {
            State::Claimed | State::Pending => Decision::Wait(Code::WaitsForApproval),
            State::Active | State::Renewing if self.is_first_key(key) => Decision::Allow,
            State::Active | State::Renewing => Decision::Refuse(self.refuse(Code::ClaimUsed)),
            State::Suspended | State::Banned => Decision::Refuse(self.shut()),
        }
    }

    /// Whether the claim still speaks for this key: it was shown with it, and the node has not gone on to another one since. A claim never ends for the box that has used it, and
    /// a key that was left behind may be somebody else's by now.
    #[must_use]
    pub fn is_first_key(&self, key: &Fingerprint) -> bool {
        self.claimed_key == *key && self.current.as_ref().is_none_or(|current| current.key == *key)
    }

    fn is_let_in(&self) -> Result<(), Refusal> {
        match self.state {
            State::Active | State::Renewing => Ok(()),
            State::Claimed | State::Pending => Err(self.refuse(Code::WaitsForApproval)),
            State::Suspended | State::Banned => Err(self.shut()),
        }
    }

    fn shut(&self) -> Refusal {
        self.refuse(match (self.state, self.through) {
            (State::Suspended, _) => Code::Suspended,
            (_, Action::Reject) => Code::Rejected,
            _ => Code::Banned,
        })
    }

    fn known(&self, shown: Presented<'_>) -> Result<Admission, Refusal> {
        let is = |credential: &Option<Credential>| {
            credential.as_ref().is_some_and(|credential| credential.number == shown.facts.number)
        };
        if shown.facts.identity.as_ref() != Some(&self.identity) {
            return Err(self.refuse(Code::NameForeign));
        }
        if shown.is_revoked {
            return Err(self.refuse(Code::CertificateReplaced));
        }
        if is(&self.next) {
            return Ok(Admission::Proved);
        }
        if is(&self.current) {
            return Ok(Admission::Welcome);
        }
        let newest = self.current.iter().chain(&self.next).map(|known| known.validity.not_before).max();
        if newest.is_some_and(|newest| shown.facts.validity.not_before > newest) {
            return Ok(Admission::Adopt(Credential::from(shown.facts)));
        }
        Err(self.refuse(Code::CertificateReplaced))
    }

    fn refuse(&self, code: Code) -> Refusal {
        Refusal { code, reason: self.reason.clone() }
    }
}
