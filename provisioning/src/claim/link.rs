//! The long form of a claim: a link with the code, the hub's address and the root's fingerprint, for QR codes and for pasting.
//!
//! ```text
//! aisle-claim:7K3QM-0T9XA-…?hub=hub.shops.example:8443&root=<SHA-256 of the root's key, base64url>
//! ```
//!
//! Guards: what is read here was typed, scanned or sent by anybody: each key once, none that is not known.

use super::code::{ClaimCode, CodeError};
use crate::{
    code::Code,
    fingerprint::{Fingerprint, InvalidFingerprint},
    identity::shown,
};
use rustls_pki_types::ServerName;
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// The most bytes of a link.
pub const LINK_BYTES_MAX: usize = 1024;
/// What a link begins with.
pub const SCHEME: &str = "aisle-claim:";

/// Where a hub is called: a name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubAddress {
    host: String,
    port: u16,
}

/// A claim with what is needed to find the hub and to trust it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimLink {
    /// The code.
    pub code: ClaimCode,
    /// Where the hub is called.
    pub hub: HubAddress,
    /// The root that it comes from.
    pub root: Fingerprint,
}

/// What an installer gives a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimInput {
    /// The code alone: the box knows already where its hub is called.
    Code(ClaimCode),
    /// The long form.
    Link(ClaimLink),
}

/// Why a text is no claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The code in it.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// It is too long.
    #[error("a claim link has at most {LINK_BYTES_MAX} bytes; this has {bytes}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// It does not begin like a link.
    #[error("a claim link begins with `{SCHEME}`")]
    Scheme,
    /// A key is missing.
    #[error("the claim link has no `{key}`\nhint: copy it whole, or type the code alone")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// A key that is not known, or stands there twice.
    #[error(
        "the claim link has `{key}`, which does not belong there or stands there twice\nhint: copy it whole, or type the code alone"
    )]
    Key {
        /// Which.
        key: String,
    },
    /// The address of the hub cannot be.
    #[error(
        "`hub` is `{found}`, expected a host and a port\nhint: e.g. `hub.shops.example:8443`, `10.1.2.3:8443` or `[fd00::1]:8443`"
    )]
    Hub {
        /// The text.
        found: String,
    },
    /// The root's fingerprint cannot be.
    #[error("`root` of the claim link is no fingerprint")]
    Root(#[source] InvalidFingerprint),
}

impl HubAddress {
    /// The name or the address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// As what its certificate is checked.
    ///
    /// # Errors
    /// Never: it was checked when it was read.
    pub fn server_name(&self) -> Result<ServerName<'static>, LinkError> {
        ServerName::try_from(self.host.clone()).map_err(|_| LinkError::Hub { found: shown(&self.host) })
    }
}

impl fmt::Display for HubAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for HubAddress {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let invalid = || LinkError::Hub { found: shown(text) };
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let is_v6 = host.contains(':');
        let port: u16 = port.parse().map_err(|_| invalid())?;
        let is_name = ServerName::try_from(host).is_ok();
        if port == 0 || !is_name || is_v6 != bracketed.is_some() {
            return Err(invalid());
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl ClaimLink {
    /// As it is printed. A secret.
    #[must_use]
    pub fn to_uri(&self) -> Zeroizing<String> {
        let (code, root) = (self.code.to_groups(), self.root.to_base64url());
        Zeroizing::new(format!("{SCHEME}{}?hub={}&root={root}", *code, self.hub))
    }
}

impl FromStr for ClaimLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        if text.len() > LINK_BYTES_MAX {
            return Err(LinkError::TooLong { bytes: text.len() });
        }
        let rest = strip_scheme(text.trim()).ok_or(LinkError::Scheme)?;
        let (code, query) = rest.split_once('?').ok_or(LinkError::Missing { key: "hub" })?;
        let (mut hub, mut root) = (None, None);
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match key {
                "hub" => &mut hub,
                "root" => &mut root,
                _ => return Err(LinkError::Key { key: shown(key) }),
            };
            if place.replace(value).is_some() {
                return Err(LinkError::Key { key: shown(key) });
            }
        }
        Ok(Self {
            code: code.parse()?,
            hub: hub.ok_or(LinkError::Missing { key: "hub" })?.parse()?,
            root: root.ok_or(LinkError::Missing { key: "root" })?.parse().map_err(LinkError::Root)?,
        })
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(rest)
}

impl ClaimInput {
    /// The code.
    #[must_use]
    pub const fn code(&self) -> &ClaimCode {
        match self {
            Self::Code(code) => code,
            Self::Link(link) => &link.code,
        }
    }

    /// As it is kept until the claim has gone through. A secret.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        match self {
            Self::Code(code) => code.to_groups(),
            Self::Link(link) => link.to_uri(),
        }
    }
}

impl FromStr for ClaimInput {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if strip_scheme(text).is_some() {
            return text.parse().map(Self::Link);
        }
        Ok(Self::Code(text.parse::<ClaimCode>()?))
    }
}

impl CodeError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Length { .. } => Code::CodeIncomplete,
            Self::Character { .. } | Self::Check { .. } => Code::CodeMistyped,
        }
    }
}

impl LinkError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Code(error) => error.code(),
            _ => Code::LinkUnreadable,
        }
    }
}
