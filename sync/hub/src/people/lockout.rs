//! Who tries too often waits: after a few wrong passwords of an account, and after more of an address, each wrong one doubles the wait.
//!
//! Counted by account and by address, in the database, so that hubs that share one count together. What counts is bounded
//! ([`SUBJECTS_MAX`]): beyond, the least guilty is forgotten first. A wait never exceeds a quarter of an hour, so nobody can lock somebody out for good, and
//! sessions that there are go on. Not here: checking ([`super::password`]), SQL. Guards invariant 7: a clock that leaps makes no wait longer than the longest.

use crate::network::network;
use std::net::IpAddr;

/// The most accounts and addresses that are counted.
pub const SUBJECTS_MAX: u32 = 10_000;
/// What was wrong is forgotten after so long without another, in milliseconds.
pub const FORGET_MS: i64 = 24 * 3_600_000;
/// The longest wait, in milliseconds.
pub const WAIT_MS_MAX: i64 = 15 * 60_000;
/// The first wait, in milliseconds.
const WAIT_MS_MIN: i64 = 1_000;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A name, whether it is somebody's or not.
    Account(String),
    /// An address; a whole network of IPv6, where anybody has as many as they like.
    Address(String),
    /// The same for guesses at tokens: a program with an old one keeps nobody from signing in.
    Guesses(String),
}

impl Subject {
    /// Of a name. Long ones are told apart by their hash.
    #[must_use]
    pub fn account(name: &str) -> Self {
        Self::Account(blake3::hash(super::person::folded(name).as_bytes()).to_hex().as_str().to_owned())
    }

    /// Of an address.
    #[must_use]
    pub fn address(address: &str) -> Self {
        Self::Address(Self::network(address))
    }

    /// Of guesses at tokens from an address.
    #[must_use]
    pub fn guesses(address: &str) -> Self {
        Self::Guesses(Self::network(address))
    }

    fn network(address: &str) -> String {
        match address.parse::<IpAddr>().map(network) {
            Ok(IpAddr::V6(network)) => format!("{network}/64"),
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => address.chars().take(64).collect(),
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Account(account) => format!("account:{account}"),
            Self::Address(address) => format!("address:{address}"),
            Self::Guesses(address) => format!("guesses:{address}"),
        }
    }

    /// How many wrong passwords cost nothing.
    const fn free(&self) -> i64 {
        match self {
            Self::Account(_) => 5,
            // Behind one address sit many people.
            Self::Address(_) | Self::Guesses(_) => 20,
        }
    }

    /// How long the next try has to wait after so many failures, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, failures: i64) -> i64 {
        let beyond = failures.saturating_sub(self.free());
        if beyond < 0 {
            return 0;
        }
        let doubled = u32::try_from(beyond)
            .ok()
            .filter(|beyond| *beyond < 20)
            .map_or(i64::MAX, |beyond| WAIT_MS_MIN << beyond);
        doubled.min(WAIT_MS_MAX)
    }
}

/// What is counted of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Wrong ones.
    pub failures: i64,
    /// When the last was, in milliseconds since 1970.
    pub last_at_ms: i64,
    /// Until when nothing is checked.
    pub blocked_until_ms: i64,
}

impl Attempts {
    /// How long is still to wait, in milliseconds.
    #[must_use]
    pub fn left_ms(&self, now_ms: i64) -> i64 {
        // A clock that was in another year made a wait that is none.
        let left = self.blocked_until_ms.saturating_sub(now_ms);
        if left > WAIT_MS_MAX { 0 } else { left.max(0) }
    }

    /// After one more.
    #[must_use]
    pub fn failed(&self, subject: &Subject, now_ms: i64) -> Self {
        let is_old = now_ms.saturating_sub(self.last_at_ms) > FORGET_MS;
        let failures = if is_old { 1 } else { self.failures.saturating_add(1) };
        Self {
            failures,
            last_at_ms: now_ms,
            blocked_until_ms: now_ms.saturating_add(subject.wait_ms(failures)),
        }
    }
}
