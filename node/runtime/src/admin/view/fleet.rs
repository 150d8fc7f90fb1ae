//! What headquarters orders, as the routes show it.

use aisle_converge::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the node stands in its fleet.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct FleetView {
    /// What was ordered, what runs, how far each place is, and why not further; nothing where it cannot be used.
    #[schema(value_type = Option<Object>, nullable = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What became of the bundle that was given last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub courier: Option<CourierView>,
}

/// What became of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CourierView {
    /// It is still read.
    pub running: bool,
    /// How long it is, in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// How much of it was read, in bytes.
    #[serde(default)]
    pub read_bytes: u64,
    /// Why it was not taken, or not to its end. What was taken before stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failed: Option<String>,
    /// The generation of the order in it, where it is followed now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub generation: Option<u64>,
    /// Why the order in it is not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_refused: Option<String>,
    /// Artefacts that were taken.
    #[serde(default)]
    pub taken: Vec<String>,
    /// Artefacts that were here already.
    #[serde(default)]
    pub had: Vec<String>,
    /// Artefacts that this node is not to have.
    #[serde(default)]
    pub unwanted: Vec<String>,
    /// The node knew newer metadata.
    #[serde(default)]
    pub older: bool,
}
