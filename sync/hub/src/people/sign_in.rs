//! Signing in by name and password, setting oneself up by a code, changing one's password: each ends in a new session.
//!
//! What is wrong is one answer, whoever is not known, disabled or without a password, and takes as long. Every sign-in makes a new secret: one that
//! somebody has put into a browser before is worth nothing (session fixation). Not here: cookies ([`crate::http`]), identity providers ([`super::oidc`]).

use super::{
    People,
    audit::{By, Outcome},
    lockout::Subject,
    password::{HashError, Password, PasswordError},
    person::{Person, SessionRow, folded},
    secret::{self, NoRandomness, Purpose, Secret},
    who::{Origin, Way, Who},
};
use crate::database::DatabaseError;

/// The longest name of a program that is kept, in characters.
const AGENT_CHARS_MAX: usize = 200;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name or the password is not right, or the person may not come; which, is not told.
    #[error("the name or the password is not right")]
    Wrong,
    /// Too many were wrong.
    #[error("too many passwords were wrong")]
    Blocked {
        /// How long to wait, in milliseconds.
        wait_ms: i64,
    },
    /// The code is none, was used, or is too old.
    #[error(
        "the code is not right, was used already, or is too old\nhint: have another one made by an admin"
    )]
    Code,
    /// The new password is none.
    #[error("the password {0}")]
    Password(#[from] PasswordError),
    /// It cannot be checked now.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No secret can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A session that has begun.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Belongs into the cookie, and nowhere else.
    pub secret: Secret,
    /// The session.
    pub session: SessionRow,
    /// The person.
    pub person: Person,
}

impl SignedIn {
    /// What requests that change something carry besides the cookie.
    #[must_use]
    pub fn csrf(&self) -> String {
        self.secret.derived(Purpose::Csrf)
    }
}

impl People {
    /// Signs in by name and password.
    ///
    /// # Errors
    /// When it is not right, too often tried, or cannot be checked now.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Password,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        let subjects = [Subject::account(name), Subject::address(&from.address)];
        let person = self.database().person_named(name).await?;
        let person =
            self.try_password(person, name, password, &subjects, "session.begin", from, now_ms).await?;
        self.telemetry().sign_in("done");
        self.begin_session(person, "password", from, now_ms).await
    }

    /// Lets whoever runs the hub in at a page, by whether what they gave is the hub's token. What is wrong is counted against the address.
    ///
    /// # Errors
    /// When it is not, or too often tried.
    pub async fn sign_in_machine(
        &self,
        is_right: bool,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Who, SignInError> {
        let subjects = [Subject::address(&from.address)];
        self.let_try(&subjects, now_ms).await?;
        if !is_right {
            self.telemetry().sign_in("wrong");
            let line = self.line(claimed(None, "", from), "session.begin", super::who::MACHINE, now_ms);
            let line = self.damped(line.not(Outcome::Refused, "that is not the hub's token")).await?;
            self.database().note_failure(&subjects, now_ms, |_| line).await?;
            return Err(SignInError::Wrong);
        }
        self.telemetry().sign_in("done");
        let who = Who::machine("token file", from.address.as_str());
        self.database().audit(&self.line(who.by(), "session.begin", &who.id, now_ms)).await?;
        Ok(who)
    }

    /// Checks the password of somebody. What is wrong is counted and written down.
    #[expect(clippy::too_many_arguments, reason = "what is checked, of whom, where from and when")]
    async fn try_password(
        &self,
        person: Option<Person>,
        name: &str,
        password: &Password,
        subjects: &[Subject],
        action: &'static str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Person, SignInError> {
        self.let_try(subjects, now_ms).await?;
        let turn = self.passwords().turn().await?;
        // What was wrong while this one waited counts.
        self.let_try(subjects, now_ms).await?;
        let active = person.as_ref().filter(|person| !person.is_disabled);
        let id = active.map_or("", |person| person.id.as_str());
        let hash = self.database().password_of(id).await?;
        let is_right = self.passwords().matches(&turn, password.clone(), hash.clone()).await?;
        match (person, hash) {
            (Some(person), Some(hash)) if is_right => {
                if let Some(account) = subjects.first() {
                    self.database().forgive(account).await?;
                }
                if self.passwords().is_outdated(&hash) {
                    let renewed = self.passwords().hash(&turn, password.clone()).await?;
                    self.database().renew_password(&person.id, &hash, &renewed).await?;
                }
                Ok(person)
            }
            (person, _) => {
                self.telemetry().sign_in("wrong");
                let by = claimed(person.as_ref(), name, from);
                let line = self.line(by, action, "", now_ms);
                let line = line.not(Outcome::Refused, "the name or the password is not right");
                let line = self.damped(line).await?;
                let told = |counted: &[super::lockout::Attempts]| {
                    let wait_ms = counted.iter().map(|attempts| attempts.left_ms(now_ms)).max().unwrap_or(0);
                    let mut line = line?;
                    if wait_ms > 0 {
                        line.reason.push_str(&format!("; the next try in {} s", wait_ms / 1_000));
                    }
                    Some(line)
                };
                self.database().note_failure(subjects, now_ms, told).await?;
                Err(SignInError::Wrong)
            }
        }
    }

    /// Refuses who has to wait. It is counted and not written down: the row of the failure that began the wait says until when.
    pub(super) async fn let_try(&self, subjects: &[Subject], now_ms: i64) -> Result<(), SignInError> {
        let mut wait_ms = 0;
        for subject in subjects {
            wait_ms = wait_ms.max(self.database().attempts(subject).await?.left_ms(now_ms));
        }
        if wait_ms > 0 {
            self.telemetry().sign_in("blocked");
            return Err(SignInError::Blocked { wait_ms });
        }
        Ok(())
    }

    /// Begins a session of somebody who has shown who they are.
    ///
    /// # Errors
    /// When the system gives no randomness or the database could not.
    pub async fn begin_session(
        &self,
        person: Person,
        way: &'static str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        let secret = Secret::draw(self.random())?;
        let settings = self.settings();
        let session = SessionRow {
            session: secret::name("s", self.random())?,
            person: person.id.clone(),
            way: way.to_owned(),
            address: from.address.chars().take(64).collect(),
            agent: from.agent.chars().filter(|sign| !sign.is_control()).take(AGENT_CHARS_MAX).collect(),
            begun_at_ms: now_ms,
            seen_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(settings.session_ms_max),
        };
        let line = self.line(known(&person, way, from), "session.begin", &session.session, now_ms);
        let idle_before_ms = now_ms.saturating_sub(settings.session_idle_ms);
        let hash = secret.hash(Purpose::Session);
        self.database().begin_session(&hash, &session, idle_before_ms, &line).await?;
        Ok(SignedIn { secret, session, person })
    }

    /// Sets the password of whoever has the code, which is used up by it, and signs in.
    ///
    /// # Errors
    /// When the code is not right any more, the password is none, or somebody tries codes.
    pub async fn set_up(
        &self,
        code: &Secret,
        password: &str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        let subjects = [Subject::address(&from.address)];
        self.let_try(&subjects, now_ms).await?;
        let hash = code.hash(Purpose::Setup);
        let Some(person) = self.database().person_with_code(&hash, now_ms).await? else {
            self.telemetry().sign_in("wrong");
            let line = self.line(claimed(None, "", from), "person.set_up", "", now_ms);
            let line = self.damped(line.not(Outcome::Refused, "no such code")).await?;
            self.database().note_failure(&subjects, now_ms, |_| line).await?;
            return Err(SignInError::Code);
        };
        let password = Password::chosen(password, &person.name)?;
        let kept = self.passwords().hash(&self.passwords().turn().await?, password).await?;
        let line = self.line(known(&person, "setup", from), "person.set_up", &person.id, now_ms);
        if !self.database().set_password(&person.id, &kept, Some(&hash), &line).await? {
            return Err(SignInError::Code);
        }
        self.telemetry().sign_in("done");
        self.begin_session(person, "setup", from, now_ms).await
    }

    /// Changes one's own password. All sessions end, and another one begins.
    ///
    /// # Errors
    /// When the old one is not right, the new one is none, or it cannot be checked now.
    pub async fn change_password(
        &self,
        who: &Who,
        old: &Password,
        new: &str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        let person = self.database().person(&who.id).await?;
        let name = person.as_ref().map_or_else(String::new, |person| person.name.clone());
        let subjects = [Subject::account(&name), Subject::address(&from.address)];
        let person =
            self.try_password(person, &name, old, &subjects, "person.password", from, now_ms).await?;
        let new = Password::chosen(new, &person.name)?;
        let kept = self.passwords().hash(&self.passwords().turn().await?, new).await?;
        let line = self.line(who.by(), "person.password", &person.id, now_ms);
        if !self.database().set_password(&person.id, &kept, None, &line).await? {
            return Err(SignInError::Wrong);
        }
        self.begin_session(person, "password", from, now_ms).await
    }

    /// Ends the session that somebody came with, or another one of theirs. False when there is none.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn end_session(&self, who: &Who, session: &str, now_ms: i64) -> Result<bool, DatabaseError> {
        let line = self.line(who.by(), "session.end", session, now_ms);
        self.database().end_session(session, Some(&who.id), &line).await
    }

    /// Ends a session of anybody. False when there is none.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn end_session_of(
        &self,
        who: &Who,
        person: &str,
        session: &str,
        now_ms: i64,
    ) -> Result<bool, DatabaseError> {
        let line = self.line(who.by(), "session.end", session, now_ms);
        self.database().end_session(session, Some(person), &line).await
    }
}

/// Somebody who has shown who they are.
pub(super) fn known(person: &Person, way: &'static str, from: &Origin) -> By {
    By { id: person.id.clone(), name: person.name.clone(), way, address: from.address.clone() }
}

/// Somebody who has not. What was typed for a name may be a password by a slip: of a name that nobody has the log gets a mark only.
fn claimed(person: Option<&Person>, name: &str, from: &Origin) -> By {
    let (id, name) = match person {
        Some(person) => (person.id.clone(), person.name.clone()),
        None if name.is_empty() => (String::new(), String::new()),
        None => {
            let mark = blake3::hash(folded(name).as_bytes()).to_hex();
            (String::new(), format!("nobody ({})", mark.get(..8).unwrap_or_default()))
        }
    };
    By { id, name, way: "password", address: from.address.clone() }
}

impl From<&SignedIn> for Who {
    fn from(signed_in: &SignedIn) -> Self {
        Self {
            id: signed_in.person.id.clone(),
            name: signed_in.person.name.clone(),
            grants: signed_in.person.grants.clone(),
            only: None,
            way: Way::Session { id: signed_in.session.session.clone(), csrf: signed_in.csrf() },
            address: signed_in.session.address.clone(),
        }
    }
}
