//! Requests for certificates.

use super::{device, node};
use aisle_provisioning::{
    PrivateKey,
    request::{KeyRules, REQUEST_BYTES_MAX, Request, make},
};

/// The input may be a request.
///
/// # Panics
/// When one is read that is too large, or that is for two.
pub fn certificate_request(input: &[u8]) {
    for rules in [KeyRules::OWN, KeyRules::DEVICE] {
        match Request::read(input, rules) {
            Ok(request) => {
                assert!(input.len() <= REQUEST_BYTES_MAX);
                assert!(
                    request.identity.is_none()
                        || request.is_for(&node()).is_err()
                        || request.is_for(&device()).is_err()
                );
                let _ = request.serial();
            }
            Err(error) => assert!(error.to_string().len() < 3_000, "{error}"),
        }
    }
}

/// A first request, one for a name, one of a device.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let key = PrivateKey::generate().expect("randomness");
    let asks = [("4711", None), ("4711", Some(node())), ("fridge-7", Some(device()))];
    asks.iter().map(|(name, identity)| make(&key, name, identity.as_ref()).expect("a request")).collect()
}
