//! TLS to the hub's enrolment listener.
//!
//! Not here: whom the node believes at which time (`aisle_provisioning::verify`). TLS 1.3 only, and no session is resumed: a resumed one would not look at certificates again.

use aisle_provisioning::keyring::Offer;
use rustls::{
    ClientConfig,
    client::{Resumption, danger::ServerCertVerifier},
    crypto::ring,
    version::TLS13,
};
use std::sync::Arc;

/// A connection's settings: whom it believes, and what it shows.
///
/// # Errors
/// When the library takes neither.
pub(crate) fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    shows: Option<&Offer>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(offer) => builder.with_client_auth_cert(offer.chain.clone(), offer.key.to_der())?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
