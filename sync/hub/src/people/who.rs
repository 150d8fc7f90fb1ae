//! [`Who`]: somebody who asks for something, by which way they came, and what they may.
//!
//! Made by the check of who they are ([`super::check`]), once for each request; what it may is what the person may *now*, so a role that was
//! taken away and a person who was disabled take effect with the next request. Not here: what a route wants.

use super::{
    audit::By,
    role::{Grant, Permission, Scope, Traits},
};
use std::collections::BTreeSet;

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address, without a port.
    pub address: String,
    /// What the program calls itself.
    pub agent: String,
}

/// How somebody showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the token file of the machine, or at its command line: whoever runs the hub.
    Machine,
    /// By a cookie.
    Session {
        /// The session's name, for people.
        id: String,
        /// What a request that changes something has to carry besides the cookie.
        csrf: String,
    },
    /// By a token.
    Token {
        /// The token's name, for people.
        id: String,
    },
    /// It is the identity provider that says so, of somebody who signs in there.
    Provider,
}

impl Way {
    /// In one word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Session { .. } => "session",
            Self::Token { .. } => "token",
            Self::Provider => "oidc",
        }
    }
}

/// Somebody who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The person; `machine` for whoever runs the hub.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// What a token is for; everything that the person may, where there is none.
    pub only: Option<BTreeSet<Permission>>,
    /// How they came.
    pub way: Way,
    /// Where from.
    pub address: String,
}

/// The id of whoever runs the hub.
pub const MACHINE: &str = "machine";

impl Who {
    /// Whoever runs the hub: may everything.
    #[must_use]
    pub fn machine(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            id: MACHINE.into(),
            name: name.into(),
            grants: vec![Grant::everywhere(super::role::Role::Admin)],
            only: None,
            way: Way::Machine,
            address: address.into(),
        }
    }

    /// Where they may do something.
    #[must_use]
    pub fn reach(&self, permission: Permission) -> Reach {
        if self.only.as_ref().is_some_and(|only| !only.contains(&permission)) {
            return Reach(Vec::new());
        }
        let scopes: BTreeSet<Scope> = self
            .grants
            .iter()
            .filter(|grant| grant.role.may(permission))
            .map(|grant| grant.scope.clone())
            .collect();
        Reach(scopes.into_iter().collect())
    }

    /// Whether they may do it everywhere.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.reach(permission).is_everything()
    }

    /// What they may do anywhere, in the order of the table.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(|permission| !self.reach(*permission).is_nothing())
    }

    /// What a request of theirs that changes something has to carry, where they came by a cookie.
    #[must_use]
    pub fn csrf(&self) -> Option<&str> {
        match &self.way {
            Way::Session { csrf, .. } => Some(csrf),
            Way::Machine | Way::Token { .. } | Way::Provider => None,
        }
    }

    /// For the audit log.
    #[must_use]
    pub fn by(&self) -> By {
        By {
            id: self.id.clone(),
            name: self.name.clone(),
            way: self.way.as_str(),
            address: self.address.clone(),
        }
    }

    /// True for a person; false for the machine's own token.
    #[must_use]
    pub const fn is_person(&self) -> bool {
        matches!(self.way, Way::Session { .. } | Way::Token { .. })
    }
}

/// Where somebody may do something: in all these scopes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach(Vec<Scope>);

impl Reach {
    /// Everywhere.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.contains(&Scope::Everything)
    }

    /// Nowhere.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes; none where it is nowhere.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.0
    }

    /// Whether a store lies in it.
    #[must_use]
    pub fn covers(&self, store: &Traits) -> bool {
        self.0.iter().any(|scope| scope.covers(store))
    }
}
