//! People: who they are, what they may, and what they did.
//!
//! ```text
//! cookie, token, token file ─> check ─> Who ─ permission of the route, scope ─> handler ─> one transaction: what is done, its row of the audit log
//! password │ identity provider ─> sign_in ─> session                            └─ fleet-wide ─> approval ─ another person
//! ```
//!
//! Lives here: roles and the table of what they may ([`role`]), persons ([`person`]), passwords ([`password`]) and how often they may be tried
//! ([`lockout`]), sessions and tokens ([`sign_in`], [`check`], [`tokens`]), sign-in elsewhere ([`oidc`]), two-person approval ([`approval`]), the audit log ([`audit`]).
//!
//! Not here: SQL ([`crate::database`]), HTTP ([`crate::http`]). Whoever runs the hub's process is its owner: its command line and its token file are
//! not bounded by roles, but what they do is written down as well. Time and randomness are passed in or held here once. Guards invariant 6.

pub mod approval;
pub mod audit;
pub mod check;
mod damper;
pub mod lockout;
pub mod oidc;
pub mod password;
pub mod person;
pub mod persons;
pub mod role;
pub mod secret;
pub mod sign_in;
pub mod telemetry;
pub mod tokens;
pub mod who;

use crate::database::{Database, DatabaseError};
use approval::Approvals;
use audit::{By, Line, Outcome};
use damper::{Damper, STRANGERS_A_DAY_MAX};
use password::{Cost, Passwords};
use ring::rand::{SecureRandom, SystemRandom};
use std::{fmt, sync::Arc};
use telemetry::Telemetry;

/// How long things last, and what a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A session that is not used ends after so long, in milliseconds.
    pub session_idle_ms: i64,
    /// A session ends after so long at the latest, in milliseconds.
    pub session_ms_max: i64,
    /// A code to set oneself up is good for so long, in milliseconds.
    pub setup_ms: i64,
    /// What the check of a password costs.
    pub cost: Cost,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_idle_ms: 3_600_000,
            session_ms_max: 12 * 3_600_000,
            setup_ms: 72 * 3_600_000,
            cost: Cost::default(),
        }
    }
}

/// Everything about people, over the hub's database. Cheap to clone.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    database: Database,
    hub: String,
    settings: Settings,
    passwords: Passwords,
    random: Arc<dyn SecureRandom + Send + Sync>,
    telemetry: Telemetry,
    damper: Damper,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People")
            .field("hub", &self.0.hub)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

impl People {
    /// Of a hub.
    #[must_use]
    pub fn new(database: Database, hub: impl Into<String>, settings: Settings, telemetry: Telemetry) -> Self {
        Self(Arc::new(Inner {
            database,
            hub: hub.into(),
            settings,
            passwords: Passwords::new(settings.cost),
            random: Arc::new(SystemRandom::new()),
            telemetry,
            damper: Damper::default(),
        }))
    }

    /// Requests that want two persons.
    #[must_use]
    pub fn approvals(&self) -> Approvals {
        Approvals::new(self.clone())
    }

    /// Makes and checks passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// How long things last.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    pub(crate) fn random(&self) -> &dyn SecureRandom {
        self.0.random.as_ref()
    }

    /// A row of the audit log about something that is done; to be written in its transaction or by [`Database::audit`].
    #[must_use]
    pub fn line(&self, by: By, action: &'static str, object: &str, now_ms: i64) -> Line {
        Line {
            at_ms: now_ms,
            hub: self.0.hub.clone(),
            by,
            action,
            object: object.to_owned(),
            outcome: Outcome::Done,
            reason: String::new(),
            was: None,
            became: None,
        }
    }

    /// Writes down what somebody may not do. Who does the same again and again within a minute is counted only, after the first few; so are strangers
    /// of whom there were enough in a day.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn refused(&self, line: Line, reason: impl Into<String>) -> Result<(), DatabaseError> {
        if let Some(line) = self.counted(line.not(Outcome::Refused, reason)).await? {
            self.0.database.audit(&line).await?;
        }
        Ok(())
    }

    /// Counts a refusal, and gives its row back where it is to be written.
    async fn counted(&self, line: Line) -> Result<Option<Line>, DatabaseError> {
        self.telemetry().refused(line.action);
        self.damped(line).await
    }

    /// Gives a row about what was refused back where it is to be written. How many were left out before it, when a day had enough, is written here.
    async fn damped(&self, line: Line) -> Result<Option<Line>, DatabaseError> {
        let Some(left_out) = self.0.damper.lets(&line.by, line.action, line.at_ms) else { return Ok(None) };
        if left_out > 0 {
            let nobody = By { id: String::new(), name: String::new(), way: "", address: String::new() };
            let reason = format!(
                "{left_out} more of somebody not known were counted and not written: {STRANGERS_A_DAY_MAX} of a day are"
            );
            let told = self.line(nobody, line.action, "", line.at_ms).not(Outcome::Refused, reason);
            self.0.database.audit(&told).await?;
        }
        Ok(Some(line))
    }
}
