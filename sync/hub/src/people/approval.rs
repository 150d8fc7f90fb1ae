//! What one person alone may not do: another one looks at exactly the same request and agrees.
//!
//! ```text
//! ask ─> waits ─ another person ─> approved ─ the same request again ─> executed, once
//!                └─> refused      └─ time over: nothing            withdrawn <─ who asked
//! ```
//!
//! The request is kept as text for who decides, and bound by its hash: what is done later has to have the same. Who asks and who agrees are two
//! persons, and the machine's own token is none. Whoever has something to guard calls [`Approvals::pass`] with the request as JSON: it says whether to wait
//! or to go. Whoever manages people can make themselves a
//! second one: `people.manage` is for few, and the audit log shows it. Not here: SQL ([`crate::database`]), what the request means. Guards: nothing is done that another
//! person has not seen, and nothing twice.

use super::{
    People,
    audit::{Line, Outcome},
    role::Permission,
    secret::{self, NoRandomness},
    who::Who,
};
use crate::database::{DatabaseError, WAITING_MAX};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

/// How long a request waits and, approved, may still be executed, in milliseconds.
pub const LIFE_MS: i64 = 7 * 24 * 3_600_000;
/// The longest request, in bytes of JSON.
pub const REQUEST_BYTES_MAX: usize = 256 << 10;
/// The longest summary and reason, in characters.
pub const TEXT_CHARS_MAX: usize = 500;

/// What wants two persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A policy comes into force.
    PolicyPublish,
    /// A rollout that reaches the whole fleet.
    RolloutStart,
    /// Another root or other targets of signed artefacts.
    ArtefactPublish,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PolicyPublish, Self::RolloutStart, Self::ArtefactPublish];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PolicyPublish => "policy.publish",
            Self::RolloutStart => "rollout.start",
            Self::ArtefactPublish => "artefact.publish",
        }
    }

    /// What who asks, and who executes, needs.
    #[must_use]
    pub const fn asking(self) -> Permission {
        match self {
            Self::PolicyPublish => Permission::PolicyPublish,
            Self::RolloutStart => Permission::RolloutStart,
            Self::ArtefactPublish => Permission::ArtefactPublish,
        }
    }

    /// What who agrees needs.
    #[must_use]
    pub const fn deciding(self) -> Permission {
        match self {
            Self::PolicyPublish => Permission::PolicyApprove,
            Self::RolloutStart => Permission::RolloutApprove,
            Self::ArtefactPublish => Permission::ArtefactApprove,
        }
    }

    /// What a request is bound by.
    #[must_use]
    pub fn hash(self, request: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 request that two persons agree to");
        hasher.update(self.as_str().as_bytes()).update(&[0]).update(request.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody has decided.
    Waits,
    /// Another person has agreed.
    Approved,
    /// Another person has not.
    Refused,
    /// Who asked has taken it back.
    Withdrawn,
    /// It was done.
    Executed,
}

impl State {
    const ALL: [Self; 5] = [Self::Waits, Self::Approved, Self::Refused, Self::Withdrawn, Self::Executed];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Executed => "executed",
        }
    }
}

/// A text that is no kind or state.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is none that there is")]
pub struct UnknownWord;

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownWord)
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that wants another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id: `a-…`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The same in words.
    pub summary: String,
    /// What it is bound by.
    pub hash: [u8; 32],
    /// The request, as JSON.
    pub request: String,
    /// How far it is.
    pub state: State,
    /// Who asked.
    pub asked_by: String,
    /// Their name then.
    pub asked_name: String,
    /// When, in milliseconds since 1970.
    pub asked_at_ms: i64,
    /// When it is over.
    pub ends_at_ms: i64,
    /// Who decided; empty while nobody has.
    pub decided_by: String,
    /// Their name then.
    pub decided_name: String,
    /// When; 0 while nobody has.
    pub decided_at_ms: i64,
    /// What they said.
    pub reason: String,
    /// When it was done; 0 while it was not.
    pub executed_at_ms: i64,
}

impl Approval {
    /// True when its time is over before it was done.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        matches!(self.state, State::Waits | State::Approved) && self.ends_at_ms <= now_ms
    }
}

/// What somebody wants to do that wants another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What it is.
    pub kind: Kind,
    /// The same in words, for who decides.
    pub summary: String,
    /// The whole request. Made from the values that will be used, so that nothing else is done than was looked at.
    pub request: Value,
}

/// Whether to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// Another person has to agree first.
    Waits(Box<Approval>),
    /// Another person has agreed; the approval is used up. It is to be done now, and what comes of it to be told ([`Approvals::told`]).
    Go(Box<Approval>),
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// They may not.
    #[error("this wants the permission `{0}` everywhere")]
    Forbidden(Permission),
    /// The machine's own token, which is no person.
    #[error("the machine's token is no person\nhint: sign in, or use a token of a person")]
    NoPerson,
    /// Who asked decides.
    #[error("who has asked cannot agree: another person has to")]
    SamePerson,
    /// There is none.
    #[error("there is no such request")]
    Unknown,
    /// Another state than is needed.
    #[error("the request is {0}")]
    Is(State),
    /// Its time is over.
    #[error("the time of the request is over\nhint: ask again")]
    Over,
    /// What is to be done now is not what was agreed to.
    #[error("this is not the request that was agreed to\nhint: send exactly the same, or ask again")]
    Different,
    /// Too much waits.
    #[error("{WAITING_MAX} requests of this person wait already\nhint: take some back")]
    TooMany,
    /// It is too long.
    #[error("the request has more than {REQUEST_BYTES_MAX} bytes")]
    TooLong,
    /// No id can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl ApprovalError {
    /// True when somebody did what they may not, which stands in the audit log.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::NoPerson | Self::SamePerson | Self::Different)
    }
}

/// Asks, decides, lets go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Approvals(People);

impl Approvals {
    pub(super) const fn new(people: People) -> Self {
        Self(people)
    }

    /// Whether a request may be done: without an approval it is asked for one, with one it is taken, once. Refusals are written to the audit log.
    ///
    /// # Errors
    /// When who asks may not, the approval is for something else, not given, over or used up, or the database could not.
    pub async fn pass(
        &self,
        who: &Who,
        ask: &Ask,
        given: Option<&str>,
        now_ms: i64,
    ) -> Result<Passed, ApprovalError> {
        let passed = match given {
            None => self.ask(who, ask, now_ms).await,
            Some(id) => self.take(who, ask, id, now_ms).await,
        };
        self.noted(who, ask.kind.as_str(), given.unwrap_or_default(), passed, now_ms).await
    }

    async fn ask(&self, who: &Who, ask: &Ask, now_ms: i64) -> Result<Passed, ApprovalError> {
        may(who, ask.kind.asking())?;
        let request = ask.request.to_string();
        if request.len() > REQUEST_BYTES_MAX {
            return Err(ApprovalError::TooLong);
        }
        let new = Approval {
            id: secret::name("a", self.0.random())?,
            kind: ask.kind,
            summary: cut(&ask.summary),
            hash: ask.kind.hash(&request),
            request,
            state: State::Waits,
            asked_by: who.id.clone(),
            asked_name: who.name.clone(),
            asked_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(LIFE_MS),
            decided_by: String::new(),
            decided_name: String::new(),
            decided_at_ms: 0,
            reason: String::new(),
            executed_at_ms: 0,
        };
        let line = self.line(who, "approval.ask", &new.id, now_ms).became(json!({
            "kind": new.kind.as_str(), "summary": new.summary, "hash": hexadecimal(&new.hash),
        }));
        let asked = self.0.database().ask_approval(&new, &line).await?.ok_or(ApprovalError::TooMany)?;
        Ok(Passed::Waits(Box::new(asked)))
    }

    async fn take(&self, who: &Who, ask: &Ask, id: &str, now_ms: i64) -> Result<Passed, ApprovalError> {
        may(who, ask.kind.asking())?;
        let known = self.get(id).await?;
        let hash = ask.kind.hash(&ask.request.to_string());
        if known.kind != ask.kind || !secret::same(&known.hash, &hash) {
            return Err(ApprovalError::Different);
        }
        let line = self.line(who, "approval.execute", id, now_ms);
        if self.0.database().take_approval(id, ask.kind, &hash, &line).await? {
            return Ok(Passed::Go(Box::new(Approval {
                state: State::Executed,
                executed_at_ms: now_ms,
                ..known
            })));
        }
        let now = self.get(id).await?;
        Err(if now.is_over(now_ms) { ApprovalError::Over } else { ApprovalError::Is(now.state) })
    }

    /// What came of what was let go: how it was before and how it is after, or why it failed.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn told(
        &self,
        who: &Who,
        approval: &Approval,
        outcome: Result<(Value, Value), String>,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        let line = self.line(who, approval.kind.as_str(), &approval.id, now_ms);
        let line = match outcome {
            Ok((was, became)) => line.was(was).became(became),
            Err(reason) => line.not(Outcome::Failed, reason),
        };
        self.0.database().audit(&line).await.map(drop)
    }

    /// Agrees, or does not.
    ///
    /// # Errors
    /// When who decides may not, is no person or who asked, or it is decided already or over.
    pub async fn decide(
        &self,
        who: &Who,
        id: &str,
        agrees: bool,
        reason: &str,
        now_ms: i64,
    ) -> Result<Approval, ApprovalError> {
        let to = if agrees { State::Approved } else { State::Refused };
        let decided = self.decided(who, id, to, reason, now_ms).await;
        self.noted(who, "approval.decide", id, decided, now_ms).await
    }

    /// Takes back what one has asked for.
    ///
    /// # Errors
    /// When somebody else asked, or it is done, refused or over.
    pub async fn withdraw(&self, who: &Who, id: &str, now_ms: i64) -> Result<Approval, ApprovalError> {
        let known = self.get(id).await?;
        let line = self.line(who, "approval.withdraw", id, now_ms);
        if known.asked_by != who.id {
            return self
                .noted(
                    who,
                    "approval.withdraw",
                    id,
                    Err(ApprovalError::Forbidden(known.kind.asking())),
                    now_ms,
                )
                .await;
        }
        let by = (who.id.as_str(), who.name.as_str());
        if self.0.database().decide_approval(id, by, State::Withdrawn, "", &line).await? {
            return self.get(id).await;
        }
        let now = self.get(id).await?;
        Err(if now.is_over(now_ms) { ApprovalError::Over } else { ApprovalError::Is(now.state) })
    }

    async fn decided(
        &self,
        who: &Who,
        id: &str,
        to: State,
        reason: &str,
        now_ms: i64,
    ) -> Result<Approval, ApprovalError> {
        if !who.is_person() {
            return Err(ApprovalError::NoPerson);
        }
        let known = self.get(id).await?;
        may(who, known.kind.deciding())?;
        if known.asked_by == who.id {
            return Err(ApprovalError::SamePerson);
        }
        let reason = cut(reason);
        let line = self.line(who, "approval.decide", id, now_ms);
        let line = line.was(json!({ "state": known.state.as_str() })).became(json!({
            "state": to.as_str(), "kind": known.kind.as_str(), "hash": hexadecimal(&known.hash), "reason": reason,
        }));
        let by = (who.id.as_str(), who.name.as_str());
        if self.0.database().decide_approval(id, by, to, &reason, &line).await? {
            return self.get(id).await;
        }
        let now = self.get(id).await?;
        Err(if now.is_over(now_ms) { ApprovalError::Over } else { ApprovalError::Is(now.state) })
    }

    /// A request.
    ///
    /// # Errors
    /// When there is none, or the database cannot say.
    pub async fn get(&self, id: &str) -> Result<Approval, ApprovalError> {
        // PostgreSQL has no such text.
        let known = if id.contains('\0') { None } else { self.0.database().approval(id).await? };
        known.ok_or(ApprovalError::Unknown)
    }

    fn line(&self, who: &Who, action: &'static str, object: &str, now_ms: i64) -> Line {
        self.0.line(who.by(), action, object, now_ms)
    }

    /// What somebody may not do stands in the log as well.
    async fn noted<T>(
        &self,
        who: &Who,
        action: &'static str,
        object: &str,
        result: Result<T, ApprovalError>,
        now_ms: i64,
    ) -> Result<T, ApprovalError> {
        if let Err(error) = &result
            && error.is_refusal()
        {
            self.0.refused(self.line(who, action, object, now_ms), error.to_string()).await?;
        }
        result
    }
}

fn may(who: &Who, permission: Permission) -> Result<(), ApprovalError> {
    if who.may(permission) { Ok(()) } else { Err(ApprovalError::Forbidden(permission)) }
}

fn hexadecimal(hash: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(hash)
}

fn cut(text: &str) -> String {
    text.chars().filter(|sign| *sign != '\0').take(TEXT_CHARS_MAX).collect()
}
