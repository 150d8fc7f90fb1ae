//! The states of a node, and the table of what leads from one to another.

use crate::code::Code;
use std::{fmt, str::FromStr};

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A box has shown a claim.
    Claimed,
    /// It waits for somebody to approve it.
    Pending,
    /// It may have a certificate, and connect with it.
    Active,
    /// It has two: the one in use and a new one that it has not shown yet.
    Renewing,
    /// It may not connect, until somebody says otherwise.
    Suspended,
    /// It may not connect any more.
    Banned,
}

/// What can be done about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Put it into the queue for approval.
    Queue,
    /// Let it in.
    Approve,
    /// Do not let it in.
    Reject,
    /// Give it a certificate.
    Issue,
    /// It has shown the certificate that it was given last.
    Prove,
    /// Keep it out for a while.
    Suspend,
    /// Let it in again.
    Resume,
    /// Keep it out.
    Ban,
    /// A box has shown a new claim for this serial.
    Reclaim,
}

/// What somebody at headquarters may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Runs the fleet.
    Operator,
    /// Publishes plugins.
    PluginAuthor,
    /// Looks after policies and erasures.
    PrivacyOfficer,
    /// May do everything.
    Admin,
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The node itself.
    Node,
    /// The hub, by a rule.
    Hub,
    /// Somebody at headquarters.
    Person(Role),
}

const OPERATOR: Actor = Actor::Person(Role::Operator);
const ADMIN: Actor = Actor::Person(Role::Admin);
const PEOPLE: &[Actor] = &[OPERATOR, ADMIN];
const HUB: &[Actor] = &[Actor::Hub];
const HUB_OR_PEOPLE: &[Actor] = &[Actor::Hub, OPERATOR, ADMIN];
const NODE: &[Actor] = &[Actor::Node];

/// From where, by what, where to, by whom.
type Rule = (State, Action, State, &'static [Actor]);

/// All that can happen. `Issue` to a node without a certificate, and `Resume` of one that was renewing, are told apart by the record.
const TABLE: &[Rule] = &[
    (State::Claimed, Action::Queue, State::Pending, HUB),
    // By the hub when the claim named the box: then somebody has compared the serial before.
    (State::Claimed, Action::Approve, State::Active, HUB_OR_PEOPLE),
    (State::Claimed, Action::Reject, State::Banned, PEOPLE),
    (State::Claimed, Action::Ban, State::Banned, PEOPLE),
    (State::Claimed, Action::Reclaim, State::Claimed, PEOPLE),
    (State::Pending, Action::Approve, State::Active, PEOPLE),
    (State::Pending, Action::Reject, State::Banned, PEOPLE),
    (State::Pending, Action::Ban, State::Banned, PEOPLE),
    (State::Pending, Action::Reclaim, State::Claimed, PEOPLE),
    (State::Active, Action::Issue, State::Renewing, HUB),
    (State::Active, Action::Prove, State::Active, NODE),
    (State::Active, Action::Suspend, State::Suspended, PEOPLE),
    (State::Active, Action::Ban, State::Banned, PEOPLE),
    (State::Active, Action::Reclaim, State::Claimed, PEOPLE),
    (State::Renewing, Action::Issue, State::Renewing, HUB),
    (State::Renewing, Action::Prove, State::Active, NODE),
    (State::Renewing, Action::Suspend, State::Suspended, PEOPLE),
    (State::Renewing, Action::Ban, State::Banned, PEOPLE),
    (State::Renewing, Action::Reclaim, State::Claimed, PEOPLE),
    (State::Suspended, Action::Resume, State::Active, PEOPLE),
    (State::Suspended, Action::Ban, State::Banned, PEOPLE),
    (State::Suspended, Action::Reclaim, State::Claimed, PEOPLE),
    (State::Banned, Action::Reclaim, State::Claimed, &[ADMIN]),
];

/// Why something cannot be done about a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// Not in this state.
    #[error("a node that is {state} cannot be {}\nhint: {}", .action.participle(), possible(*.state))]
    State {
        /// Where it stands.
        state: State,
        /// What was to be done.
        action: Action,
    },
    /// Not by this actor.
    #[error("{actor} may not {action} a node that is {state}\nhint: {} may", .by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))]
    Actor {
        /// Who tried.
        actor: Actor,
        /// Where it stands.
        state: State,
        /// What was to be done.
        action: Action,
        /// Who may.
        by: &'static [Actor],
    },
}

impl TransitionError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        Code::NotInThisState
    }
}

fn possible(state: State) -> String {
    let actions: Vec<&str> = state.actions().map(Action::participle).collect();
    format!("it can be {}", actions.join(", "))
}

impl State {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Claimed, Self::Pending, Self::Active, Self::Renewing, Self::Suspended, Self::Banned];

    /// Where an action leads.
    ///
    /// # Errors
    /// When it cannot be done in this state, or not by this actor.
    pub fn after(self, action: Action, actor: Actor) -> Result<Self, TransitionError> {
        let rule = TABLE.iter().find(|(from, by, ..)| *from == self && *by == action);
        let (_, _, to, by) = rule.ok_or(TransitionError::State { state: self, action })?;
        if by.contains(&actor) {
            Ok(*to)
        } else {
            Err(TransitionError::Actor { actor, state: self, action, by })
        }
    }

    /// What can be done in this state, by anybody.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        TABLE.iter().filter(move |(from, ..)| *from == self).map(|(_, action, ..)| *action)
    }

    /// Whether a node in this state may connect.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Renewing)
    }

    /// Its word, in APIs and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Renewing => "renewing",
            Self::Suspended => "suspended",
            Self::Banned => "banned",
        }
    }
}

/// A word means nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}\nhint: {} are", .known.join(", "))]
pub struct InvalidWord {
    /// What it should mean.
    pub what: &'static str,
    /// The words that mean something.
    pub known: Vec<&'static str>,
}

/// Finds the one that a word means.
fn of_word<T: Copy>(
    what: &'static str,
    text: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, InvalidWord> {
    let found = all.iter().copied().find(|one| word(*one) == text);
    found.ok_or_else(|| InvalidWord { what, known: all.iter().copied().map(word).collect() })
}

impl FromStr for State {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        of_word("state of a node", text, Self::ALL, Self::as_str)
    }
}

impl FromStr for Action {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        of_word("action on a node", text, Self::ALL, Self::as_str)
    }
}

impl FromStr for Role {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        of_word("role", text, Self::ALL, Self::as_str)
    }
}

impl FromStr for Actor {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        of_word("actor", text, Self::ALL, Self::as_str)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Action {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Queue,
        Self::Approve,
        Self::Reject,
        Self::Issue,
        Self::Prove,
        Self::Suspend,
        Self::Resume,
        Self::Ban,
        Self::Reclaim,
    ];

    /// Its word, in APIs and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Issue => "issue",
            Self::Prove => "prove",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Ban => "ban",
            Self::Reclaim => "reclaim",
        }
    }

    const fn participle(self) -> &'static str {
        match self {
            Self::Queue => "queued",
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Issue => "given a certificate",
            Self::Prove => "proved",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Ban => "banned",
            Self::Reclaim => "claimed anew",
        }
    }

    /// Whether it needs a reason, which is kept and shown.
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Reject | Self::Suspend | Self::Ban)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Role {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Viewer, Self::Operator, Self::PluginAuthor, Self::PrivacyOfficer, Self::Admin];

    /// Its word, in APIs and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::PluginAuthor => "plugin-author",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Admin => "admin",
        }
    }
}

impl Actor {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Node,
        Self::Hub,
        Self::Person(Role::Viewer),
        Self::Person(Role::Operator),
        Self::Person(Role::PluginAuthor),
        Self::Person(Role::PrivacyOfficer),
        Self::Person(Role::Admin),
    ];

    /// Its word, in APIs and tables: `node`, `hub`, or the role. Which person it was, an audit log knows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Hub => "hub",
            Self::Person(role) => role.as_str(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("the node"),
            Self::Hub => f.write_str("the hub"),
            Self::Person(role) => write!(f, "a person with the role `{}`", role.as_str()),
        }
    }
}
