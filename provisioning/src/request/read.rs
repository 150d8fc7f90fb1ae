//! A request, read where certificates are issued. It may be anybody's bytes.
//!
//! Guards: what is not known is refused: each thing that a request can ask for is either the one thing that is given, or an error with a name of its own.

use super::key::{KeyRules, PublicKey};
use crate::{
    code::Code,
    fingerprint::Fingerprint,
    identity::{Identity, InvalidIdentity, InvalidName, Serial, shown},
};
use x509_parser::{
    certification_request::X509CertificationRequest,
    cri_attributes::ParsedCriAttribute,
    extensions::{GeneralName, ParsedExtension, X509Extension},
    prelude::FromDer as _,
    x509::X509Version,
};

/// The largest request that is read, in bytes. One with an RSA key of 4,096 bits has 1,200.
pub const REQUEST_BYTES_MAX: usize = 4 * 1_024;

/// A request whose sender has the key that is in it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The key.
    pub key: PublicKey,
    /// The common name of its subject.
    pub name: Option<String>,
    /// Who it says it is.
    pub identity: Option<Identity>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is too large.
    #[error("a request has at most {REQUEST_BYTES_MAX} bytes; this has {bytes}")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// It is none.
    #[error("this is no request for a certificate: {what} cannot be read")]
    Malformed {
        /// What of it.
        what: &'static str,
    },
    /// Its key is of a kind that gets no certificate.
    #[error("the key is {found}; allowed are {allowed}")]
    Key {
        /// What it is.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The signature is not the key's.
    #[error(
        "the request is not signed by the key in it\nhint: whoever asks for a certificate has to have its key"
    )]
    Unproved,
    /// Its identity is none.
    #[error("the request's identity cannot be read")]
    Identity(#[source] InvalidIdentity),
    /// It is for somebody else's identity.
    #[error("the request is for `{found}`, and whoever asks is `{expected}`")]
    Foreign {
        /// Whose it is for.
        found: String,
        /// Who asks.
        expected: String,
    },
    /// It has names besides its identity.
    #[error("the request asks for the name {found} besides its identity")]
    Name {
        /// The name.
        found: String,
    },
    /// It asks for the rights of an authority.
    #[error("the request asks to issue certificates itself")]
    Authority,
    /// It asks for an extension that is not given.
    #[error("the request asks for the extension {oid}, which is not given")]
    Extension {
        /// Which.
        oid: String,
    },
    /// It has an attribute that does not belong there.
    #[error("the request has the attribute {oid}, which does not belong there or stands there twice")]
    Attribute {
        /// Which.
        oid: String,
    },
    /// It does not say which box it is.
    #[error(
        "the request does not say which box it is of\nhint: the common name of its subject is the serial"
    )]
    Nameless,
    /// It says so in a way that cannot be.
    #[error("the common name of the request is no serial")]
    Serial(#[source] InvalidName),
}

impl RequestError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::RequestTooLarge,
            Self::Malformed { .. } | Self::Identity(_) | Self::Nameless | Self::Serial(_) => {
                Code::RequestMalformed
            }
            Self::Key { .. } => Code::KeyRefused,
            Self::Unproved => Code::KeyUnproved,
            Self::Foreign { .. } => Code::NameForeign,
            Self::Name { .. } | Self::Authority | Self::Extension { .. } | Self::Attribute { .. } => {
                Code::RequestExcessive
            }
        }
    }
}

const fn malformed(what: &'static str) -> RequestError {
    RequestError::Malformed { what }
}

impl Request {
    /// Reads a request in DER and checks all that can be checked without knowing who asks.
    ///
    /// # Errors
    /// When it is none, its key is refused or not proved, or it asks for more than an identity.
    pub fn read(der: &[u8], rules: KeyRules) -> Result<Self, RequestError> {
        if der.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLarge { bytes: der.len() });
        }
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| malformed("it"))?;
        if !rest.is_empty() {
            return Err(malformed("what follows it"));
        }
        let info = &request.certification_request_info;
        if info.version != X509Version::V1 {
            return Err(malformed("its version"));
        }
        let key = PublicKey::read(&info.subject_pki, rules)?;
        if !key.verifies(&request.signature_algorithm, info.raw, &request.signature_value.data) {
            return Err(RequestError::Unproved);
        }
        let mut names = info.subject.iter_common_name();
        let name = names.next().map(|name| name.as_str().map(str::to_owned));
        let name = name.transpose().map_err(|_| malformed("its common name"))?;
        if names.next().is_some() {
            return Err(malformed("its second common name"));
        }
        let identity = asked(info.attributes())?;
        Ok(Self { key, name, identity })
    }

    /// What its key is known by.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// Which box a first request is of.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn serial(&self) -> Result<Serial, RequestError> {
        let name = self.name.as_deref().ok_or(RequestError::Nameless)?;
        Serial::new(name).map_err(RequestError::Serial)
    }

    /// Whether the request is for whoever asks: the identity of a claim, or of the certificate that the connection was made with.
    ///
    /// # Errors
    /// When it is for somebody else.
    pub fn is_for(&self, expected: &Identity) -> Result<(), RequestError> {
        let foreign = |found: String| RequestError::Foreign { found, expected: expected.to_string() };
        if let Some(identity) = self.identity.as_ref().filter(|identity| *identity != expected) {
            return Err(foreign(identity.to_string()));
        }
        match &self.name {
            Some(name) if name != expected.last() => Err(foreign(shown(name))),
            _ => Ok(()),
        }
    }
}

/// The identity that a request asks for. Anything else it asks for is an error.
fn asked(
    attributes: &[x509_parser::cri_attributes::X509CriAttribute<'_>],
) -> Result<Option<Identity>, RequestError> {
    let (mut identity, mut seen) = (None, false);
    for attribute in attributes {
        let refused = || RequestError::Attribute { oid: attribute.oid.to_id_string() };
        let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute() else {
            return Err(refused());
        };
        if std::mem::replace(&mut seen, true) {
            return Err(refused());
        }
        let mut known: Vec<String> = Vec::new();
        for extension in &requested.extensions {
            let oid = extension.oid.to_id_string();
            if known.contains(&oid) {
                return Err(RequestError::Extension { oid });
            }
            known.push(oid);
            if let Some(found) = wanted(extension)? {
                identity = Some(found);
            }
        }
    }
    Ok(identity)
}

fn wanted(extension: &X509Extension<'_>) -> Result<Option<Identity>, RequestError> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => {
            let mut identity = None;
            for name in &names.general_names {
                match name {
                    GeneralName::URI(uri) if identity.is_none() => {
                        identity = Some(uri.parse().map_err(RequestError::Identity)?);
                    }
                    other => return Err(RequestError::Name { found: shown(&other.to_string()) }),
                }
            }
            Ok(identity)
        }
        ParsedExtension::BasicConstraints(constraints) if constraints.ca => Err(RequestError::Authority),
        ParsedExtension::KeyUsage(usage) if usage.key_cert_sign() || usage.crl_sign() => {
            Err(RequestError::Authority)
        }
        ParsedExtension::BasicConstraints(_) | ParsedExtension::KeyUsage(_) => Ok(None),
        // Uses are given by what somebody is; asking for those of both ends changes nothing.
        ParsedExtension::ExtendedKeyUsage(usage)
            if !(usage.any
                || usage.code_signing
                || usage.email_protection
                || usage.time_stamping
                || usage.ocsp_signing)
                && usage.other.is_empty() =>
        {
            Ok(None)
        }
        ParsedExtension::ParseError { .. } => Err(malformed("an extension")),
        _ => Err(RequestError::Extension { oid: extension.oid.to_id_string() }),
    }
}
