//! Names in certificates: read whole or not at all, and written in one way.

use super::{device, hub, node};
use aisle_provisioning::{Facts, Identity};

/// The input may be a name, or a certificate.
///
/// # Panics
/// When a name that was read is written otherwise, or a refusal shows more than a line's worth.
pub fn identity(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match text.parse::<Identity>() {
        Ok(identity) => {
            assert_eq!(identity.to_string(), text);
            assert!(identity.last().len() <= 64);
        }
        Err(error) => assert!(error.to_string().len() < 3_000, "{error}"),
    }
    if let Ok(facts) = Facts::read(input) {
        assert!(facts.number.as_bytes().len() <= 20);
    }
}

/// A name of each kind, and certificates.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let names = [node(), device(), hub()].map(|name| name.to_string().into_bytes());
    let certificates = super::world().node.1.chain.iter().map(|certificate| certificate.to_vec());
    names.into_iter().chain(certificates).collect()
}
