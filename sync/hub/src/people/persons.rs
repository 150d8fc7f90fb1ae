//! Adding, changing and resetting people. Who may, was looked at before; what is done is written down with it.
//!
//! A new person has no password but a code, good once and for some days, to choose one themselves: nobody else ever knows it.

use super::{
    People,
    person::{Change, GRANTS_MAX, Person, check},
    role::Grant,
    secret::{self, NoRandomness, Purpose, Secret},
    who::Who,
};
use crate::database::{DatabaseError, NewPerson, PersonError};

/// Why a person was not added, changed or reset.
#[derive(Debug, thiserror::Error)]
pub enum PersonsError {
    /// The name is none.
    #[error("`name` {0}")]
    Name(#[from] super::person::NameError),
    /// Too many roles.
    #[error("`roles` has {0}, expected at most {GRANTS_MAX}")]
    Roles(usize),
    /// The person could not be added or changed.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// No code can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<DatabaseError> for PersonsError {
    fn from(error: DatabaseError) -> Self {
        Self::Person(PersonError::Database(error))
    }
}

impl People {
    /// Adds a person, who sets themselves up with the code.
    ///
    /// # Errors
    /// When the name is none or taken, or there is too much of anything.
    pub async fn add(
        &self,
        who: &Who,
        name: &str,
        grants: Vec<Grant>,
        now_ms: i64,
    ) -> Result<(Person, Secret), PersonsError> {
        let code = Secret::draw(self.random())?;
        let until_ms = now_ms.saturating_add(self.settings().setup_ms);
        let setup = Some((code.hash(Purpose::Setup), until_ms));
        let person = self.add_as(who, name, None, grants, setup, now_ms).await?;
        Ok((person, code))
    }

    /// Adds a person, also one who comes from an identity provider and has no code.
    pub(super) async fn add_as(
        &self,
        who: &Who,
        name: &str,
        subject: Option<String>,
        grants: Vec<Grant>,
        setup: Option<([u8; 32], i64)>,
        now_ms: i64,
    ) -> Result<Person, PersonsError> {
        check(name)?;
        bounded(&grants)?;
        let new = NewPerson {
            id: secret::name("p", self.random())?,
            name: name.to_owned(),
            subject,
            grants,
            setup,
        };
        let line = self.line(who.by(), "person.add", &new.id, now_ms);
        Ok(self.database().add_person(&new, line).await?)
    }

    /// Changes a person of a version; of any, where none is given.
    ///
    /// # Errors
    /// When there is none, it is another version, or what it is changed to is none.
    pub async fn change(
        &self,
        who: &Who,
        id: &str,
        version: Option<i64>,
        change: &Change,
        now_ms: i64,
    ) -> Result<Person, PersonsError> {
        if let Some(name) = &change.name {
            check(name)?;
        }
        if let Some(grants) = &change.grants {
            bounded(grants)?;
        }
        let line = self.line(who.by(), "person.change", id, now_ms);
        Ok(self.database().change_person(id, version, change, line).await?)
    }

    /// Takes a person's password, sessions and tokens away, and makes a code.
    ///
    /// # Errors
    /// When there is none.
    pub async fn reset(&self, who: &Who, id: &str, now_ms: i64) -> Result<Secret, PersonsError> {
        let code = Secret::draw(self.random())?;
        let until_ms = now_ms.saturating_add(self.settings().setup_ms);
        let line = self.line(who.by(), "person.reset", id, now_ms);
        if self.database().reset_person(id, &code.hash(Purpose::Setup), until_ms, &line).await? {
            Ok(code)
        } else {
            Err(PersonError::Unknown.into())
        }
    }
}

fn bounded(grants: &[Grant]) -> Result<(), PersonsError> {
    if grants.len() > GRANTS_MAX { Err(PersonsError::Roles(grants.len())) } else { Ok(()) }
}
