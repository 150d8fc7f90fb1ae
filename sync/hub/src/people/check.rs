//! Who somebody is by what they show: the secret of a session, or a token. Looked up for each request, so that what was ended, revoked or taken away counts at once.

use super::{
    People,
    audit::By,
    person::Person,
    secret::{self, Purpose, Secret},
    tokens,
    who::{Origin, Way, Who},
};
use crate::database::DatabaseError;
use std::collections::BTreeSet;

/// How often it is noted that a session is used, in milliseconds.
const TOUCH_MS: i64 = 60_000;

impl People {
    /// Who has a session. `None` when there is none, it is over, or the person may not come.
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
        let Some((session, person)) = self.database().session(&hash).await? else { return Ok(None) };
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

    /// Who has a token. `None` when there is none, its secret is another, it is over or revoked, or the person may not come. One that was good once
    /// and is used again is written down, once a minute.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn by_token(
        &self,
        text: &str,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Option<Who>, DatabaseError> {
        let Some((name, given)) = tokens::parts(text) else { return Ok(None) };
        let Some((hash, token, person)) = self.database().token(name).await? else { return Ok(None) };
        if !secret::same(&hash, &given.hash(Purpose::Token)) {
            return Ok(None);
        }
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

fn who(person: Person, only: Option<BTreeSet<super::role::Permission>>, way: Way, from: &Origin) -> Who {
    Who { id: person.id, name: person.name, grants: person.grants, only, way, address: from.address.clone() }
}
