//! What a hub says and signs: a body, the hub's certificate with what lies between it and the root, a signature.
//!
//! The signature is ECDSA with the hub's certificate's key, over a word for what it is about and the body. The certificate must be a hub's, come from
//! the roots, and hold *at the time that the body itself names*: a node that does not know what time it is can judge it, and it can be judged for ever.
//! A hub can therefore lie about the time only within the life of its own certificate.
//!
//! Not here: what the bodies are (`time::statement`, `device::revocation`).

use crate::{
    certificate::{CERTIFICATES_MAX, Facts},
    identity::{Chain, Identity, Kind},
    key::{KeyError, PrivateKey},
    roots::{ChainError, Roots},
};
use aisle_event::Timestamp;
use minicbor::{Decode, Encode};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls_pki_types::CertificateDer;

const FORM: u16 = 1;

/// Who signs for a hub.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The hub's certificate, the issuer's behind it.
    pub chain: &'a [CertificateDer<'static>],
    /// Its key.
    pub key: &'a PrivateKey,
}

/// Why what is signed cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// It is too large.
    #[error("this has {bytes} bytes; at most {bytes_max} are read")]
    TooLarge {
        /// How many.
        bytes: usize,
        /// How many may be.
        bytes_max: usize,
    },
    /// It is none.
    #[error("this is nothing that a hub signed: {0}")]
    Malformed(String),
    /// A later form.
    #[error("this is of form {0}; this build reads {FORM}\nhint: update this end")]
    Form(u16),
    /// Who signed is not believed.
    #[error("whoever signed this is not believed")]
    Chain(#[from] ChainError),
    /// Who signed is no hub of this chain.
    #[error("this is signed by `{found}`, which is no hub of `{chain}`")]
    NoHub {
        /// Who signed.
        found: String,
        /// Whose hub it should be.
        chain: Chain,
    },
    /// The signature is not over this.
    #[error("the signature is not over this body\nhint: it was changed on its way")]
    Signature,
    /// It could not be signed.
    #[error("this could not be signed")]
    Key(#[from] KeyError),
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Wire<'a> {
    #[n(0)]
    form: u16,
    #[b(1)]
    #[cbor(with = "minicbor::bytes")]
    body: &'a [u8],
    #[b(2)]
    chain: Vec<&'a minicbor::bytes::ByteSlice>,
    #[b(3)]
    #[cbor(with = "minicbor::bytes")]
    signature: &'a [u8],
}

fn message(about: &str, body: &[u8]) -> Vec<u8> {
    [b"aisle signed v1 ", about.as_bytes(), b"\0", body].concat()
}

/// Signs a body.
pub(crate) fn sign(about: &str, body: &[u8], signer: Signer<'_>) -> Result<Vec<u8>, SignedError> {
    let signature = signer.key.sign(&message(about, body))?;
    let chain = signer.chain.iter().map(|certificate| certificate.as_ref().into()).collect();
    let wire = Wire { form: FORM, body, chain, signature: &signature };
    minicbor::to_vec(wire).map_err(|error| SignedError::Malformed(error.to_string()))
}

/// The body, which a hub of the chain signed. `read` reads it, and says at which time the hub's certificate is to be judged.
pub(crate) fn open<T>(
    about: &str,
    bytes: &[u8],
    bytes_max: usize,
    roots: &Roots,
    chain: &Chain,
    read: impl FnOnce(&[u8]) -> Result<(T, Timestamp), minicbor::decode::Error>,
) -> Result<(T, Facts), SignedError> {
    if bytes.len() > bytes_max {
        return Err(SignedError::TooLarge { bytes: bytes.len(), bytes_max });
    }
    let malformed = |error: minicbor::decode::Error| SignedError::Malformed(error.to_string());
    let mut decoder = minicbor::Decoder::new(bytes);
    let wire: Wire<'_> = decoder.decode().map_err(malformed)?;
    if wire.form != FORM {
        return Err(SignedError::Form(wire.form));
    }
    if decoder.position() != bytes.len() || wire.chain.len() > CERTIFICATES_MAX {
        return Err(SignedError::Malformed("there is more than belongs there".to_owned()));
    }
    let shown: Vec<CertificateDer<'_>> =
        wire.chain.iter().map(|certificate| CertificateDer::from(&***certificate)).collect();
    let (body, at) = read(wire.body).map_err(malformed)?;
    let facts = roots.verify(&shown, at)?;
    let identity = facts.named().map_err(ChainError::Certificate)?;
    if identity.kind() != Kind::Hub || identity.chain() != chain {
        let found = Identity::to_string(identity);
        return Err(SignedError::NoHub { found, chain: chain.clone() });
    }
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &facts.key_bytes)
        .verify(&message(about, wire.body), wire.signature)
        .map_err(|_| SignedError::Signature)?;
    Ok((body, facts))
}
