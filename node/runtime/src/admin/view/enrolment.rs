//! How the node stands with its chain, as administrators see it.
//!
//! What is said of the enrolment is what it says of itself (`aisle_enrolment::Status`).

use crate::horizon::Horizon;
use aisle_enrolment::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the node stands with its chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct EnrolmentView {
    /// How it stands; nothing where its own keys cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<Status>,
    /// What keeps the identity from being used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
    /// What would hurt the store first without a line.
    pub horizon: Horizon,
}

/// A claim.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimBody {
    /// The code on the slip, or the text of its QR code. A secret.
    #[schema(min_length = 1, max_length = 1024)]
    pub claim: String,
    /// Where the hub gives certificates, for a code alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 253, example = "hub.shops.example:8444")]
    pub hub: Option<String>,
    /// The root's fingerprint, for a code alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub root: Option<String>,
    /// Whether a box that is a node already is claimed anew.
    #[serde(default)]
    pub anew: bool,
}

/// A device's request for a certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialBody {
    /// PKCS#10 in DER, in base64.
    #[schema(min_length = 1, max_length = 8192)]
    pub csr: String,
}

/// What a device is given.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct CredentialView {
    /// Its certificate, the issuer's behind it, in PEM.
    pub chain_pem: String,
    /// Whom it is to believe, in PEM.
    pub roots_pem: String,
}
