//! Certificates for nodes, devices, hubs and relays.
//!
//! Nothing of a request goes into a certificate but the key: names, uses and times are the hub's. What everybody gets:
//!
//! | kind | URI | other names | uses |
//! | --- | --- | --- | --- |
//! | node | identity | those that the hub gives, for its MQTT listener | client, server |
//! | device | identity | none | client |
//! | hub | identity | those that nodes call it by | server, client |
//! | relay | identity | none | client |
//!
//! The subject is for people: the chain, and the last part of the identity as common name. One with a dot is left out, because OpenSSL takes that for a DNS name and holds it to the
//! authority's limits. Numbers are 127 random bits. A certificate begins some time before it is issued, for clocks that are behind, and never ends after its issuer.
//!
//! Guards: one URI in each certificate, and no certificate of this authority may issue others.

use crate::{
    authority::{Issuing, number, organisation},
    certificate::{CertificateError, Facts},
    code::Code,
    entropy::{Entropy, NoEntropy},
    identity::{Identity, Kind, shown},
    moment::{Lifetimes, Validity, to_rcgen},
    request::PublicKey,
};
use aisle_event::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    string::Ia5String,
};
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::IpAddr;

/// The most names of a certificate besides its identity.
pub const NAMES_MAX: usize = 16;

/// Who gets a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who it is.
    pub identity: &'a Identity,
    /// Whose key it is.
    pub key: &'a PublicKey,
    /// DNS names and addresses that clients call it by.
    pub names: &'a [ServerName<'static>],
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, and the issuing authority's behind it: what its owner shows.
    pub chain: Vec<CertificateDer<'static>>,
    /// What it says.
    pub facts: Facts,
}

/// Why a certificate is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The issuing authority has run out.
    #[error(
        "the issuing authority has run out\nhint: rotate it with `aisle-hub authority rotate`, for which the root's medium is needed"
    )]
    AuthorityOver,
    /// The issuing authority has not begun: the hub's clock is wrong.
    #[error("the issuing authority does not hold yet\nhint: the hub's clock is behind; set it right")]
    AuthorityBefore,
    /// This kind has no other names.
    #[error("a {kind} has no names besides its identity")]
    Names {
        /// Which.
        kind: Kind,
    },
    /// The authority may not vouch for this name.
    #[error(
        "the issuing authority may not vouch for `{name}`\nhint: its limits were set when it was made; rotate it with wider ones"
    )]
    Limits {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("a certificate has at most {NAMES_MAX} names besides its identity; {found} were wanted")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// It could not be made.
    #[error("the certificate could not be made")]
    Library(#[source] rcgen::Error),
    /// It could not be read again.
    #[error("the certificate that was made cannot be read")]
    Certificate(#[from] CertificateError),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

impl IssueError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        Code::CannotIssue
    }
}

impl Issuing {
    /// Issues a certificate; `now` is the hub's time.
    ///
    /// # Errors
    /// When this authority does not hold now, or may not vouch for one of the names.
    pub fn issue(
        &self,
        subject: Subject<'_>,
        lifetimes: &Lifetimes,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Issued, IssueError> {
        let own = self.facts().validity;
        if now > own.not_after {
            return Err(IssueError::AuthorityOver);
        }
        if now < own.not_before {
            return Err(IssueError::AuthorityBefore);
        }
        let kind = subject.identity.kind();
        let validity = Validity::from(now, days(kind, lifetimes), lifetimes.back_hours).within(own);
        let mut params = CertificateParams::default();
        params.distinguished_name = name(subject.identity);
        params.subject_alt_names = self.names(&subject)?;
        params.serial_number = Some(number(entropy)?);
        params.not_before = to_rcgen!(validity.not_before);
        params.not_after = to_rcgen!(validity.not_after);
        // Says that it is none, which adds the key's id too.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = uses(kind).to_vec();
        let issuer = self.issuer().map_err(IssueError::Library)?;
        let made = params.signed_by(subject.key, &issuer).map_err(IssueError::Library)?;
        let facts = Facts::read(made.der())?;
        Ok(Issued { chain: vec![made.der().clone(), self.certificate().clone()], facts })
    }

    fn names(&self, subject: &Subject<'_>) -> Result<Vec<SanType>, IssueError> {
        let kind = subject.identity.kind();
        if matches!(kind, Kind::Device | Kind::Relay) && !subject.names.is_empty() {
            return Err(IssueError::Names { kind });
        }
        if subject.names.len() > NAMES_MAX {
            return Err(IssueError::TooMany { found: subject.names.len() });
        }
        let ia5 = |text: String| Ia5String::try_from(text).map_err(IssueError::Library);
        let mut names = vec![SanType::URI(ia5(subject.identity.to_string())?)];
        for name in subject.names {
            let refused = || IssueError::Limits { name: shown(&name.to_str()) };
            if !self.limits().allow(name) {
                return Err(refused());
            }
            names.push(match name {
                ServerName::DnsName(name) => SanType::DnsName(ia5(name.as_ref().to_owned())?),
                ServerName::IpAddress(address) => SanType::IpAddress(IpAddr::from(*address)),
                _ => return Err(refused()),
            });
        }
        Ok(names)
    }
}

fn name(identity: &Identity) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation(identity.chain()));
    if !identity.last().contains('.') {
        name.push(DnType::CommonName, identity.last());
    }
    name
}

const fn days(kind: Kind, lifetimes: &Lifetimes) -> u32 {
    match kind {
        Kind::Node => lifetimes.node_days,
        Kind::Device => lifetimes.device_days,
        Kind::Hub | Kind::Relay => lifetimes.hub_days,
    }
}

const fn uses(kind: Kind) -> &'static [ExtendedKeyUsagePurpose] {
    match kind {
        Kind::Node | Kind::Hub => &[ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth],
        Kind::Device | Kind::Relay => &[ExtendedKeyUsagePurpose::ClientAuth],
    }
}
