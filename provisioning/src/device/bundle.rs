//! A key and a certificate for a device that cannot make a key: made together, handed over once, kept nowhere.

use crate::{
    authority::Issuing,
    certificate,
    entropy::Entropy,
    identity::{Identity, Kind},
    issue::{IssueError, Issued, Subject},
    key::{KeyError, PrivateKey},
    moment::Lifetimes,
    request::{self, KeyRules, MakeError, Request, RequestError},
};
use aisle_event::Timestamp;
use zeroize::Zeroizing;

/// What is loaded into a device.
#[derive(Debug)]
pub struct Bundle {
    /// The certificate, the issuer's behind it, as PEM.
    pub chain_pem: String,
    /// The key, as PEM in the clear. A secret.
    pub key_pem: Zeroizing<String>,
    /// What was issued.
    pub issued: Issued,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Only devices get one.
    #[error("a {kind} makes its own key")]
    Kind {
        /// Who asked.
        kind: Kind,
    },
    /// The key could not be made.
    #[error("the key could not be made")]
    Key(#[from] KeyError),
    /// The request could not be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// The request could not be read.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The certificate could not be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl Bundle {
    /// Makes a key and its certificate for a device.
    ///
    /// # Errors
    /// When it is no device, or the authority cannot issue.
    pub fn make(
        issuing: &Issuing,
        identity: &Identity,
        lifetimes: &Lifetimes,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, BundleError> {
        if identity.kind() != Kind::Device {
            return Err(BundleError::Kind { kind: identity.kind() });
        }
        let key = PrivateKey::generate()?;
        let request = request::make(&key, identity.last(), Some(identity))?;
        let request = Request::read(&request, KeyRules::OWN)?;
        let subject = Subject { identity, key: &request.key, names: &[] };
        let issued = issuing.issue(subject, lifetimes, now, entropy)?;
        Ok(Self { chain_pem: certificate::to_pem(&issued.chain), key_pem: key.to_pem(), issued })
    }
}
