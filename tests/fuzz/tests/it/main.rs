//! Each target over made-up input and over damaged valid input, by seed, for a bounded count. For more, see
//! `cargo-fuzz/`. `AISLE_FUZZ_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

use aisle_fuzz::{
    TARGETS, Target,
    mutate::{Random, mutate},
};
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    time::{Duration, Instant},
};

/// Whichever comes first.
const INPUTS_MAX: u64 = 20_000;
const TIME_MAX: Duration = Duration::from_secs(4);

fn seed() -> u64 {
    std::env::var("AISLE_FUZZ_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| RandomState::new().hash_one(0))
}

fn run(name: &str) {
    let Target { feed, examples, .. } = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seed = seed();
    let mut random = Random(seed);
    println!("{name}: AISLE_FUZZ_SEED={seed}");
    let examples = examples();
    examples.iter().for_each(|example| feed(example));
    let (started, mut inputs) = (Instant::now(), 0);
    while inputs < INPUTS_MAX && started.elapsed() < TIME_MAX {
        let length = random.below(400);
        feed(&random.bytes(length));
        for example in &examples {
            feed(&mutate(example, &mut random));
            inputs += 1;
        }
    }
    println!("{name}: {inputs} damaged inputs in {:?}", started.elapsed());
}

#[test]
fn any_bytes_are_an_event_or_an_error_and_an_event_survives_its_encoding() {
    run("event");
}

#[test]
fn any_bytes_are_a_record_or_an_error() {
    run("record");
}

#[test]
fn any_bytes_are_a_control_record_or_none() {
    run("control");
}

#[test]
fn any_bytes_in_the_last_segment_are_recovered_from() {
    run("recovery");
}

#[test]
fn any_bytes_in_a_sealed_segment_are_reported_and_set_aside() {
    run("segment");
}

#[test]
fn any_bytes_are_mqtt_packets_or_refused_in_pieces_as_at_once() {
    run("mqtt_packet");
}

#[test]
fn any_course_of_events_leaves_mqtt_sessions_as_they_were_promised() {
    run("mqtt_session");
}

#[test]
fn any_topics_and_filters_are_found_in_the_trees_as_in_a_list() {
    run("mqtt_topic");
}

#[test]
fn any_payload_of_a_device_is_a_message_or_a_fault_and_a_message_survives_both_encodings() {
    run("device_payload");
}

#[test]
fn any_payload_of_a_foreign_device_is_heard_whole_or_refused_whole() {
    run("device_profile");
}

#[test]
fn any_text_is_a_profile_that_can_be_used_or_refused_by_a_path() {
    run("profile_toml");
}

#[test]
fn any_bytes_are_a_register_of_devices_that_goes_on_or_are_refused() {
    run("devices_snapshot");
}

#[test]
fn any_bytes_are_telemetry_that_goes_on_or_are_refused() {
    run("telemetry_snapshot");
}

#[test]
fn any_bytes_in_the_archive_of_telemetry_are_minutes_or_are_set_aside_and_told() {
    run("telemetry_archive");
}

#[test]
fn any_bytes_are_positions_that_go_on_or_are_refused() {
    run("positions_snapshot");
}

#[test]
fn any_bytes_are_a_cold_chain_that_goes_on_or_are_refused() {
    run("cold_chain_snapshot");
}

#[test]
fn any_text_is_a_report_that_can_be_shown_and_verified_or_is_refused() {
    run("cold_chain_report");
}

#[test]
fn any_bytes_are_tasks_that_go_on_or_are_refused() {
    run("tasks_snapshot");
}

#[test]
fn any_text_is_a_manifest_that_can_be_written_again_or_is_refused_by_a_field() {
    run("plugin_manifest");
}

/// Whatever is loaded, the process stays as small as this, in KiB.
const LOADING_KIB_MAX: u64 = 512 << 10;

#[test]
fn any_bytes_are_a_component_that_keeps_its_limits_or_are_refused_and_take_little_memory() {
    run("plugin_component");
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let peak_kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    println!("plugin_component: {} MiB at most", peak_kib >> 10);
    assert!(peak_kib <= LOADING_KIB_MAX, "{peak_kib} KiB");
}

#[test]
fn any_bytes_in_the_cache_of_native_code_are_compiled_again() {
    run("plugin_native");
}

#[test]
fn any_answer_of_a_plugin_obeys_the_rules_or_is_refused_by_its_part() {
    run("plugin_answer");
}

#[test]
fn any_answers_of_plugins_make_a_basket_that_adds_up() {
    run("plugin_basket");
}

#[test]
fn any_line_is_a_recording_that_survives_its_writing_or_is_refused() {
    run("plugin_recording");
}

#[test]
fn any_text_is_a_case_that_survives_its_writing_or_is_refused() {
    run("plugin_case");
}

#[test]
fn any_bytes_are_what_a_plugin_keeps_within_its_bounds_or_are_refused() {
    run("plugin_kept");
}

#[test]
fn any_bytes_are_frames_of_a_stream_in_pieces_as_at_once() {
    run("sync_frames");
}

#[test]
fn any_bytes_are_a_batch_that_is_what_its_header_says_or_refused() {
    run("sync_batch");
}

#[test]
fn any_bytes_are_a_message_that_survives_its_encoding_or_refused() {
    run("sync_message");
}

#[test]
fn any_bytes_are_a_manifest_that_survives_its_encoding_or_refused() {
    run("content_manifest");
}

#[test]
fn any_hub_is_heard_without_being_believed_more_than_the_outbox() {
    run("sync_node");
}

#[test]
fn any_node_is_heard_and_told_only_of_what_was_committed() {
    run("sync_hub");
}

#[test]
fn any_text_is_a_policy_that_makes_a_gate_or_is_refused_by_a_line() {
    run("policy_toml");
}

#[test]
fn any_document_of_a_policy_is_taken_with_a_good_signature_alone() {
    run("policy_document");
}

#[test]
fn any_bytes_are_a_receipt_with_one_encoding_or_refused() {
    run("receipt");
}

#[test]
fn any_receipt_with_any_payload_is_true_or_refused() {
    run("receipt_verified");
}

#[test]
fn any_payload_at_a_relay_stays_or_leaves_as_the_next_hub_takes_it() {
    run("gate_relay");
}

#[test]
fn any_payload_with_sealed_fields_opens_once_or_is_refused() {
    run("sealed_payload");
}

#[test]
fn any_bytes_are_a_record_of_an_erasure_or_refused() {
    run("erasure_entry");
}

#[test]
fn any_bytes_are_a_proof_with_a_good_signature_or_refused() {
    run("erasure_proof");
}

#[test]
fn any_bytes_are_a_name_that_is_written_in_one_way_or_refused() {
    run("identity");
}

#[test]
fn any_text_is_a_claim_that_reads_back_or_refused() {
    run("claim_code");
}

#[test]
fn any_bytes_are_a_request_for_one_name_or_refused() {
    run("certificate_request");
}

#[test]
fn any_body_of_est_is_read_or_refused_at_both_ends() {
    run("est_body");
}

#[test]
fn any_bytes_are_a_list_that_a_hub_signed_or_refused() {
    run("revocation_list");
}

#[test]
fn no_bytes_say_another_time_than_a_hub_signed() {
    run("time_statement");
}

#[test]
fn any_bytes_are_metadata_of_artefacts_or_refused() {
    run("artefact_metadata");
}

#[test]
fn any_bytes_are_a_target_that_survives_its_encoding_or_refused() {
    run("artefact_custom");
}

#[test]
fn any_bytes_are_a_bundle_within_its_bounds_or_refused() {
    run("artefact_bundle");
}

#[test]
fn any_text_is_a_selector_that_survives_being_shown_or_is_refused_by_its_place() {
    run("fleet_selector");
}

#[test]
fn any_text_is_a_file_of_documents_that_survive_being_written_or_is_refused() {
    run("fleet_document");
}

#[test]
fn any_bytes_are_the_one_row_of_bytes_of_a_desired_state_or_are_refused() {
    run("fleet_desired");
}

#[test]
fn any_bytes_are_what_a_node_kept_and_goes_on_from_or_are_refused() {
    run("fleet_kept");
}

#[test]
fn any_bytes_are_what_a_node_is_to_rehearse_or_are_refused() {
    run("fleet_rehearse");
}

#[test]
fn any_bytes_are_a_model_or_are_refused() {
    run("model_package");
}

#[test]
fn any_bytes_are_what_a_node_says_of_itself_or_are_refused() {
    run("fleet_says");
}

#[test]
fn every_target_has_a_libfuzzer_entry() {
    let manifest = include_str!("../../cargo-fuzz/Cargo.toml");
    for target in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{}.rs\"", target.name)), "{}", target.name);
    }
}

#[test]
fn any_bytes_are_a_lines_settings_or_an_error_with_a_code() {
    run("line_settings");
}
