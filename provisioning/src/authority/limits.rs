//! Which DNS names and addresses an issuing authority may put into certificates, written into its own (RFC 5280, section 4.2.1.10).
//!
//! Somebody may one day put the chain's root among those that a browser believes. With these limits that root still vouches for no site but the
//! chain's. Identities (URIs) are not limited in this way, though the standard has it: `rustls-webpki` refuses every certificate below a limit on URIs or on
//! subjects, because it does not work them out. That the chain is the right one is checked wherever an identity is read.

use crate::{certificate::CertificateError, identity::Chain};
use rcgen::{CidrSubnet, GeneralSubtree};
use rustls_pki_types::{CertificateDer, DnsName, ServerName};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

/// The most entries of limits.
pub const LIMITS_MAX: usize = 64;

/// Addresses with the same beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLimit {
    address: IpAddr,
    bits: u8,
}

/// What certificates may name. An empty list allows everything of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameLimits {
    domains: Vec<String>,
    networks: Vec<NetworkLimit>,
}

/// Why limits cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// No domain.
    #[error("`{found}` is no domain\nhint: e.g. `shops.example`; what is below it is allowed too")]
    Domain {
        /// The text.
        found: String,
    },
    /// No network.
    #[error("`{found}` is no network\nhint: an address and how many bits of it count, e.g. `10.0.0.0/8`")]
    Network {
        /// The text.
        found: String,
    },
    /// Too many.
    #[error("there are more than {LIMITS_MAX} limits")]
    TooMany,
}

impl NameLimits {
    /// Nothing is limited.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The chain's own domain, names of local networks, and addresses that are not on the internet.
    #[must_use]
    pub fn private(chain: &Chain) -> Self {
        let mut limits = Self::none();
        for domain in [chain.as_str(), "local", "internal", "localhost", "home.arpa"] {
            // A chain's name may have `_`, which no domain has.
            let _ = limits.allow_domain(domain);
        }
        limits.networks.extend(PRIVATE.iter().copied());
        limits
    }

    /// Allows a domain and what is below it.
    ///
    /// # Errors
    /// When it is none, or there are too many.
    pub fn allow_domain(&mut self, domain: &str) -> Result<(), InvalidLimits> {
        if DnsName::try_from(domain).is_err() || domain.contains('_') {
            return Err(InvalidLimits::Domain { found: crate::identity::shown(domain) });
        }
        self.has_room()?;
        self.domains.push(domain.to_ascii_lowercase());
        Ok(())
    }

    /// Allows the addresses of a network.
    ///
    /// # Errors
    /// When there are too many.
    pub fn allow_network(&mut self, network: NetworkLimit) -> Result<(), InvalidLimits> {
        self.has_room()?;
        self.networks.push(network);
        Ok(())
    }

    const fn has_room(&self) -> Result<(), InvalidLimits> {
        if self.domains.len() + self.networks.len() < LIMITS_MAX {
            Ok(())
        } else {
            Err(InvalidLimits::TooMany)
        }
    }

    /// Whether a certificate may have this name.
    #[must_use]
    pub fn allow(&self, name: &ServerName<'_>) -> bool {
        match name {
            ServerName::DnsName(name) => {
                let name = name.as_ref().to_ascii_lowercase();
                self.domains.is_empty() || self.domains.iter().any(|domain| is_below(&name, domain))
            }
            ServerName::IpAddress(address) => {
                let address = IpAddr::from(*address);
                self.networks.is_empty() || self.networks.iter().any(|network| network.holds(address))
            }
            _ => false,
        }
    }

    /// The limits in an authority's certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let malformed = || CertificateError::Malformed { what: "a limit of names" };
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| malformed())?;
        let mut limits = Self::none();
        let found = certificate.name_constraints().map_err(|_| malformed())?;
        for subtree in found.iter().flat_map(|found| found.value.permitted_subtrees.iter().flatten()) {
            let allowed = match &subtree.base {
                GeneralName::DNSName(domain) => limits.allow_domain(domain),
                GeneralName::IPAddress(bytes) => {
                    limits.allow_network(NetworkLimit::from_bytes(bytes).ok_or_else(malformed)?)
                }
                _ => Ok(()),
            };
            allowed.map_err(|_| malformed())?;
        }
        Ok(limits)
    }

    pub(super) fn to_subtrees(&self) -> Vec<GeneralSubtree> {
        let domains = self.domains.iter().cloned().map(GeneralSubtree::DnsName);
        let networks = self.networks.iter().map(|network| {
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.address, network.bits))
        });
        domains.chain(networks).collect()
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291, and the machine itself.
const PRIVATE: &[NetworkLimit] = &[
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), bits: 8 },
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), bits: 12 },
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), bits: 16 },
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), bits: 10 },
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), bits: 16 },
    NetworkLimit { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), bits: 8 },
    NetworkLimit { address: IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), bits: 7 },
    NetworkLimit { address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), bits: 10 },
    NetworkLimit { address: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 },
];

impl NetworkLimit {
    /// From an address and a mask of the same length, as certificates have it.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
        let bits = mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
        let address = match address.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
            16 => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
            _ => return None,
        };
        (mask.len() == address_len(address)).then_some(Self { address, bits: u8::try_from(bits).ok()? })
    }

    fn holds(&self, other: IpAddr) -> bool {
        // The bits that count, as the highest of 128.
        let high = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
            IpAddr::V6(address) => u128::from(address),
        };
        let ignored = 128_u32.saturating_sub(u32::from(self.bits));
        let mask = u128::MAX.checked_shl(ignored).unwrap_or(0);
        self.address.is_ipv4() == other.is_ipv4() && (high(self.address) ^ high(other)) & mask == 0
    }
}

const fn address_len(address: IpAddr) -> usize {
    if address.is_ipv4() { 4 } else { 16 }
}

impl FromStr for NetworkLimit {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let invalid = || InvalidLimits::Network { found: crate::identity::shown(text) };
        let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits: u8 = bits.parse().map_err(|_| invalid())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let network = Self { address, bits };
        (bits <= bits_max).then_some(network).ok_or_else(invalid)
    }
}

impl fmt::Display for NetworkLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}
