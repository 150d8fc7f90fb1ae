//! A request, made at the box.

use crate::{identity::Identity, key::PrivateKey};
use rcgen::{CertificateParams, DistinguishedName, DnType, SanType, string::Ia5String};

/// A request cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the request for a certificate could not be made")]
pub struct MakeError(#[source] rcgen::Error);

/// A request for this key in DER. `name` is the serial or the device, which the hub looks for in a first request; the identity is
/// added once it is known.
///
/// # Errors
/// When the library cannot sign it.
pub fn make(key: &PrivateKey, name: &str, identity: Option<&Identity>) -> Result<Vec<u8>, MakeError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(identity) = identity {
        let uri = Ia5String::try_from(identity.to_string()).map_err(MakeError)?;
        params.subject_alt_names.push(SanType::URI(uri));
    }
    let request = params.serialize_request(key.pair()).map_err(MakeError)?;
    Ok(request.der().to_vec())
}
