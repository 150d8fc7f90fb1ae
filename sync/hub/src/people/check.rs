//! Who somebody is by what they show: the secret of a session, or a token. Looked up for each request, so that what was ended, revoked or taken away counts at once.

use super::{
    People,
    audit::{By, Outcome},
    lockout::Subject,
    person::Person,
    secret::{self, Purpose, Secret},
    sign_in::SignInError,
    tokens,
    who::{Origin, Way, Who},
};
use crate::database::DatabaseError;
use std::collections::BTreeSet;

/// How often it is noted that a session is used, in milliseconds.
const TOUCH_MS: i64 = 60_000;

impl People {
    /// Who has a session. `None` when there is none, which is counted; when it is over, or the person may not come.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn by_session(
        &self,
        secret: &Secret,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Option<Who>, DatabaseError> {
        let hash = secret.hash(Purpose::Session);
        let Some((session, person)) = self.database().session(&hash).await? else {
            self.wrong_session(from, now_ms).await?;
            return Ok(None);
        };
        let unused_ms = now_ms.saturating_sub(session.seen_at_ms);
        let is_over = now_ms >= session.ends_at_ms || unused_ms >= self.settings().session_idle_ms;
        if is_over || person.is_disabled {
            return Ok(None);
        }
        if unused_ms >= TOUCH_MS {
            self.database().touch_session(&hash, now_ms).await?;
        }
        let way = Way::Session { id: session.session, csrf: secret.derived(Purpose::Csrf) };
        Ok(Some(who(person, None, way, from)))
    }

    /// Whoever runs the hub, by whether what they show is the hub's token. What is wrong counts against the address; what is right needs no database, and nobody's guesses keep it out.
    ///
    /// # Errors
    /// When it is wrong, and too much was wrong from there, or the database cannot say.
    pub async fn by_machine(
        &self,
        is_right: bool,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Option<Who>, SignInError> {
        if is_right {
            return Ok(Some(Who::machine("token file", from.address.as_str())));
        }
        self.wrong_token("no such token", from, now_ms).await?;
        Ok(None)
    }

    /// Counts a token that nobody has, against the address, and writes it down. As with passwords, who tries on and on waits longer and longer.
    ///
    /// # Errors
    /// When too much was wrong from there, or the database cannot say.
    async fn wrong_token(&self, reason: &str, from: &Origin, now_ms: i64) -> Result<(), SignInError> {
        let subjects = [Subject::guesses(&from.address)];
        self.let_try(&subjects, now_ms).await?;
        let line = self.line(stranger(from), "token.guess", "", now_ms).not(Outcome::Refused, reason);
        let line = self.counted(line).await?;
        self.database().note_failure(&subjects, now_ms, |_| line).await?;
        Ok(())
    }

    /// Counts a cookie of a session that there is not: it has ended and was swept, or somebody made it up. It is no try at anything, so nobody has to wait for it.
    async fn wrong_session(&self, from: &Origin, now_ms: i64) -> Result<(), DatabaseError> {
        self.refused(self.line(stranger(from), "session.use", "", now_ms), "no such session").await
    }

    /// Counts a form or a request by which another page may have wanted to sign somebody in, and writes it down.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn forged_sign_in(
        &self,
        object: &str,
        reason: &str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        self.refused(self.line(stranger(from), "request.forged", object, now_ms), reason).await
    }

    /// Who has a token. `None` when there is none, its secret is another, it is over or revoked, or the person may not come. One that was good once
    /// and is used again is written down, once a minute; one that never was counts against the address.
    ///
    /// # Errors
    /// When it never was, and too much was wrong from there, or the database cannot say.
    pub async fn by_token(&self, text: &str, from: &Origin, now_ms: i64) -> Result<Option<Who>, SignInError> {
        let known = match tokens::parts(text) {
            Some((name, given)) => {
                let found = self.database().token(name).await?;
                found
                    .filter(|(hash, ..)| secret::same(hash, &given.hash(Purpose::Token)))
                    .map(|(_, token, person)| (name, token, person))
            }
            None => None,
        };
        let Some((name, token, person)) = known else {
            self.wrong_token("no such token", from, now_ms).await?;
            return Ok(None);
        };
        let is_news = self.database().touch_token(name, now_ms).await?;
        let reason = if token.revoked_at_ms.is_some() {
            Some("the token is revoked")
        } else if now_ms >= token.ends_at_ms {
            Some("the token is over")
        } else if person.is_disabled {
            Some("the person may not come")
        } else {
            None
        };
        if let Some(reason) = reason {
            if is_news {
                let by = By { id: person.id, name: person.name, way: "token", address: from.address.clone() };
                self.refused(self.line(by, "token.use", name, now_ms), reason).await?;
            }
            return Ok(None);
        }
        // A permission that this build does not know lets it do nothing.
        let only: BTreeSet<_> = token.permissions.iter().filter_map(|name| name.parse().ok()).collect();
        Ok(Some(who(person, Some(only), Way::Token { id: token.token }, from)))
    }
}

/// Somebody who has shown nothing that is good.
fn stranger(from: &Origin) -> By {
    By { id: String::new(), name: String::new(), way: "", address: from.address.clone() }
}

fn who(person: Person, only: Option<BTreeSet<super::role::Permission>>, way: Way, from: &Origin) -> Who {
    Who { id: person.id, name: person.name, grants: person.grants, only, way, address: from.address.clone() }
}
