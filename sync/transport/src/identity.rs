//! Who an end of a connection is: the SPIFFE name in its certificate.
//!
//! A node is `spiffe://<chain>/store/<store>/node/<serial>`. Its certificate has exactly one such name, as a URI of its alternative
//! names (SPIFFE X.509-SVID, section 2). A hub is known by the DNS name or address that nodes call, like any server; where it calls another
//! hub on behalf of its stores, it is `spiffe://<chain>/relay/<name>`.
//!
//! Not here: whether the certificate holds ([`crate::tls`]). Guards: a name is read whole or not at all, and two ways to write one name
//! do not exist.

use aisle_event::StoreId;
use std::{fmt, str::FromStr};

/// The most bytes of a name, as SPIFFE has it (section 2.3 of SPIFFE-ID).
const NAME_BYTES_MAX: usize = 2048;
/// The most bytes of a chain's name, as SPIFFE has it.
const CHAIN_BYTES_MAX: usize = 255;
/// The most bytes of a step of the path.
const STEP_BYTES_MAX: usize = 128;

/// A node, as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The trust domain: whose stores these are, e.g. `shops.example`.
    pub chain: String,
    /// The store.
    pub store: StoreId,
    /// The node within the store.
    pub node: String,
}

/// A hub that speaks for stores, as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relay {
    /// The trust domain.
    pub chain: String,
    /// The relay within it. Hubs on one database are one relay.
    pub name: String,
}

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A node of a store.
    Node(Identity),
    /// A hub that says in HELLO which store it speaks for.
    Relay(Relay),
}

/// Why a text names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is neither `spiffe://<chain>/store/<store>/node/<serial>` nor `spiffe://<chain>/relay/<name>`: {reason}"
)]
pub struct InvalidIdentity {
    /// The text, cut where it is long.
    pub found: String,
    /// What is wrong.
    pub reason: &'static str,
}

fn invalid(found: &str, reason: &'static str) -> InvalidIdentity {
    InvalidIdentity { found: found.chars().take(96).collect(), reason }
}

/// Splits a name into its chain and the steps of its path.
fn split(text: &str) -> Result<(&str, Vec<&str>), InvalidIdentity> {
    if text.len() > NAME_BYTES_MAX {
        return Err(invalid(text, "it is too long"));
    }
    let rest = text.strip_prefix("spiffe://").ok_or_else(|| invalid(text, "the scheme is another"))?;
    let (chain, path) = rest.split_once('/').ok_or_else(|| invalid(text, "there is no path"))?;
    let is_chain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if chain.is_empty() || chain.len() > CHAIN_BYTES_MAX || !chain.bytes().all(is_chain) {
        return Err(invalid(text, "the chain is not written in a-z, 0-9, `.`, `-`, `_`"));
    }
    let is_step = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let steps: Vec<&str> = path.split('/').collect();
    for step in &steps {
        if step.is_empty() || *step == "." || *step == ".." || step.len() > STEP_BYTES_MAX {
            return Err(invalid(text, "a step of the path is empty, `.`, `..` or too long"));
        }
        if !step.bytes().all(is_step) {
            return Err(invalid(text, "a step of the path is not written in letters, digits, `.`, `-`, `_`"));
        }
    }
    Ok((chain, steps))
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let (chain, steps) = split(text)?;
        let ["store", store, "node", node] = steps.as_slice() else {
            return Err(invalid(text, "the path is another"));
        };
        let store = StoreId::new(*store).map_err(|_| invalid(text, "no store is named like this"))?;
        Ok(Self { chain: chain.to_owned(), store, node: (*node).to_owned() })
    }
}

impl Relay {
    /// Who speaks for a store at this relay's connection. No node has such a serial: a step of a name has no `/`.
    #[must_use]
    pub fn node(&self) -> String {
        format!("relay/{}", self.name)
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/relay/{}", self.chain, self.name)
    }
}

impl FromStr for Relay {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let (chain, steps) = split(text)?;
        let ["relay", name] = steps.as_slice() else { return Err(invalid(text, "the path is another")) };
        Ok(Self { chain: chain.to_owned(), name: (*name).to_owned() })
    }
}

impl FromStr for Named {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        match text.parse() {
            Ok(relay) => Ok(Self::Relay(relay)),
            Err(_) => text.parse().map(Self::Node),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/store/{}/node/{}", self.chain, self.store, self.node)
    }
}
