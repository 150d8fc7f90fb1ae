//! One public function for each parser of bytes that others wrote, and for each of bytes that the node left for itself. It feeds the parser and panics when a promise is
//! broken; returning is all that is asked of any input.
//!
//! The tests here run each over made-up and over damaged valid input for a bounded count; `cargo-fuzz/` gives the same
//! functions to libFuzzer for as long as one likes. [`TARGETS`] names them all.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this is test code: it reports a broken promise by panicking, to the test or to libFuzzer"
)]

mod artefact;
mod device_payload;
mod device_profile;
mod event;
mod fleet;
mod folds;
mod journal;
mod line_settings;
mod model;
mod mqtt_packet;
mod mqtt_session;
mod mqtt_topic;
pub mod mutate;
mod plugin;
mod provisioning;
mod sync;

pub use artefact::{artefact_bundle, artefact_custom, artefact_metadata};
pub use device_payload::device_payload;
pub use device_profile::{device_profile, profile_toml};
pub use event::event;
pub use fleet::{fleet_desired, fleet_document, fleet_kept, fleet_rehearse, fleet_says, fleet_selector};
pub use folds::{
    cold_chain_report, cold_chain_snapshot, devices_snapshot, positions_snapshot, tasks_snapshot,
    telemetry_archive, telemetry_snapshot,
};
pub use journal::{control, record, recovery, segment};
pub use line_settings::line_settings;
pub use model::model_package;
pub use mqtt_packet::mqtt_packet;
pub use mqtt_session::mqtt_session;
pub use mqtt_topic::mqtt_topic;
pub use plugin::{
    plugin_answer, plugin_basket, plugin_case, plugin_component, plugin_kept, plugin_manifest, plugin_native,
    plugin_recording,
};
pub use provisioning::{
    certificate_request, claim_code, est_body, identity, revocation_list, time_statement,
};
pub use sync::{
    content_manifest, erasure_entry, erasure_proof, gate_relay, policy_document, policy_toml, receipt,
    receipt_verified, sealed_payload, sync_batch, sync_frames, sync_hub, sync_message, sync_node,
};

/// A parser under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, here and in `cargo-fuzz/`.
    pub name: &'static str,
    /// Feeds it.
    pub feed: fn(&[u8]),
    /// Input that is well formed, to be damaged.
    pub examples: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "event", feed: event, examples: event::examples },
    Target { name: "record", feed: record, examples: journal::record_examples },
    Target { name: "control", feed: control, examples: journal::control_examples },
    Target { name: "recovery", feed: recovery, examples: journal::recovery_examples },
    Target { name: "segment", feed: segment, examples: journal::segment_examples },
    Target { name: "line_settings", feed: line_settings, examples: line_settings::examples },
    Target { name: "mqtt_packet", feed: mqtt_packet, examples: mqtt_packet::examples },
    Target { name: "mqtt_session", feed: mqtt_session, examples: mqtt_session::examples },
    Target { name: "mqtt_topic", feed: mqtt_topic, examples: mqtt_topic::examples },
    Target { name: "device_payload", feed: device_payload, examples: device_payload::examples },
    Target { name: "device_profile", feed: device_profile, examples: device_profile::examples },
    Target { name: "profile_toml", feed: profile_toml, examples: device_profile::toml_examples },
    Target { name: "devices_snapshot", feed: devices_snapshot, examples: folds::devices_examples },
    Target { name: "telemetry_snapshot", feed: telemetry_snapshot, examples: folds::telemetry_examples },
    Target { name: "telemetry_archive", feed: telemetry_archive, examples: folds::archive_examples },
    Target { name: "positions_snapshot", feed: positions_snapshot, examples: folds::positions_examples },
    Target { name: "cold_chain_snapshot", feed: cold_chain_snapshot, examples: folds::cold_chain_examples },
    Target { name: "cold_chain_report", feed: cold_chain_report, examples: folds::report_examples },
    Target { name: "tasks_snapshot", feed: tasks_snapshot, examples: folds::tasks_examples },
    Target { name: "plugin_manifest", feed: plugin_manifest, examples: plugin::manifest_examples },
    Target { name: "plugin_component", feed: plugin_component, examples: plugin::component_examples },
    Target { name: "plugin_native", feed: plugin_native, examples: plugin::native_examples },
    Target { name: "plugin_answer", feed: plugin_answer, examples: plugin::drawn_examples },
    Target { name: "plugin_basket", feed: plugin_basket, examples: plugin::drawn_examples },
    Target { name: "plugin_recording", feed: plugin_recording, examples: plugin::recording_examples },
    Target { name: "plugin_case", feed: plugin_case, examples: plugin::case_examples },
    Target { name: "plugin_kept", feed: plugin_kept, examples: plugin::kept_examples },
    Target { name: "sync_frames", feed: sync_frames, examples: sync::frames_examples },
    Target { name: "sync_batch", feed: sync_batch, examples: sync::batch_examples },
    Target { name: "sync_message", feed: sync_message, examples: sync::message_examples },
    Target { name: "content_manifest", feed: content_manifest, examples: sync::manifest_examples },
    Target { name: "sync_node", feed: sync_node, examples: sync::node_examples },
    Target { name: "sync_hub", feed: sync_hub, examples: sync::hub_examples },
    Target { name: "model_package", feed: model_package, examples: model::examples },
    Target { name: "fleet_selector", feed: fleet_selector, examples: fleet::selector_examples },
    Target { name: "fleet_document", feed: fleet_document, examples: fleet::document_examples },
    Target { name: "fleet_desired", feed: fleet_desired, examples: fleet::desired_examples },
    Target { name: "fleet_kept", feed: fleet_kept, examples: fleet::kept_examples },
    Target { name: "fleet_rehearse", feed: fleet_rehearse, examples: fleet::rehearse_examples },
    Target { name: "fleet_says", feed: fleet_says, examples: fleet::says_examples },
    Target { name: "policy_toml", feed: policy_toml, examples: sync::toml_examples },
    Target { name: "policy_document", feed: policy_document, examples: sync::document_examples },
    Target { name: "receipt", feed: receipt, examples: sync::alone_examples },
    Target { name: "receipt_verified", feed: receipt_verified, examples: sync::verified_examples },
    Target { name: "gate_relay", feed: gate_relay, examples: sync::relay_examples },
    Target { name: "sealed_payload", feed: sealed_payload, examples: sync::sealed_examples },
    Target { name: "erasure_entry", feed: erasure_entry, examples: sync::entry_examples },
    Target { name: "erasure_proof", feed: erasure_proof, examples: sync::proof_examples },
    Target { name: "identity", feed: identity, examples: provisioning::identity_examples },
    Target { name: "claim_code", feed: claim_code, examples: provisioning::claim_examples },
    Target {
        name: "certificate_request",
        feed: certificate_request,
        examples: provisioning::request_examples,
    },
    Target { name: "est_body", feed: est_body, examples: provisioning::est_examples },
    Target { name: "revocation_list", feed: revocation_list, examples: provisioning::list_examples },
    Target { name: "time_statement", feed: time_statement, examples: provisioning::time_examples },
    Target { name: "artefact_metadata", feed: artefact_metadata, examples: artefact::metadata_examples },
    Target { name: "artefact_custom", feed: artefact_custom, examples: artefact::custom_examples },
    Target { name: "artefact_bundle", feed: artefact_bundle, examples: artefact::bundle_examples },
];
