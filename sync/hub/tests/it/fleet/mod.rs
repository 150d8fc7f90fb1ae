//! The fleet: rollouts with nodes that converge, orders, documents, and who may say what. Each course runs over both databases, with two hubs on one.

mod business;
mod courses;
mod devices;
mod documents;
mod engines;
mod forgetting;
mod forward;
pub mod node;
mod orders;
mod races;
mod rehearsals;
mod rights;
mod verbs;
pub mod world;

courses! {
    courses::a_good_release_is_done_when_every_store_has_really_run_it
    courses::a_bad_release_stops_in_its_first_wave_and_goes_back_by_itself
    courses::an_offline_store_neither_passes_nor_fails_and_joins_when_it_comes
    courses::a_store_that_enrols_later_joins_and_one_to_compare_with_does_not
    courses::stores_that_have_it_already_are_not_waited_for
    courses::worse_baskets_than_in_stores_like_it_stop_a_wave
    courses::the_one_that_was_started_later_counts
    courses::what_is_done_is_written_again_only_when_something_is_to_be_seen_of_it
    business::a_metric_without_stores_like_these_holds_up_no_other_one
    business::lines_sold_at_nothing_stop_a_wave
    business::what_nobody_can_measure_is_no_gate
    business::hours_before_a_store_ran_it_are_not_counted_nor_stores_that_gave_it_up
    business::a_long_day_is_read_to_its_end_a_piece_at_a_look
    business::hours_that_did_not_get_into_the_rows_are_measured_again
    engines::whoever_has_waited_longest_is_heard_first
    races::of_two_rollouts_of_one_slot_that_start_at_once_one_does
    races::what_is_looked_at_before_a_start_is_the_draft_as_it_is
    engines::a_hub_that_is_killed_before_the_order_goes_on_with_it
    engines::the_rules_work_at_one_hub_and_at_another_when_it_is_gone
    engines::a_hub_that_slept_writes_nothing_more
    engines::what_the_rules_do_is_told_in_metrics
    forgetting::what_is_over_is_forgotten_once_it_decides_nothing
    forgetting::where_there_are_too_many_the_oldest_that_decides_nothing_makes_room
    orders::an_order_is_signed_and_names_each_slot_and_state
    orders::two_versions_in_one_store_have_two_names
    orders::what_is_not_at_the_hub_is_in_no_order_and_stops_a_preflight
    forward::what_stores_grant_and_deny_is_found_before_a_rollout_begins_and_done_by_their_nodes
    forward::what_nodes_say_and_what_is_said_of_them_is_found_before_a_rollout_begins
    forward::a_policy_goes_out_only_where_the_hub_knows_it_and_its_preflight_says_that_it_stays
    orders::a_store_of_which_nobody_says_anything_keeps_what_it_was_given
    rehearsals::what_would_come_out_otherwise_is_known_before_anything_begins
    rehearsals::what_is_no_plugin_or_has_begun_is_not_rehearsed
    rehearsals::a_rehearsal_ends_when_the_rollout_begins_and_when_its_time_is_over
    rehearsals::what_was_answered_outlives_the_hub_that_heard_it
    verbs::what_is_paused_begins_nowhere_and_goes_on_when_it_is_resumed
    verbs::a_person_lets_a_wave_through_that_waits
    verbs::what_is_aborted_runs_where_it_runs_and_goes_nowhere_else
    verbs::nodes_that_failed_try_again_and_a_store_can_be_left_out
    verbs::two_rollouts_of_one_slot_do_not_run_at_once
    documents::documents_are_applied_all_or_none_and_a_dry_run_changes_nothing
    documents::a_saved_filter_that_documents_name_is_kept_as_what_it_says
    documents::what_is_written_over_is_what_was_looked_at
    documents::names_that_would_do_harm_do_none
    devices::a_rollout_of_settings_says_what_became_of_them_at_each_device
    devices::devices_are_listed_page_by_page_and_by_how_they_stand
    devices::a_node_that_is_newer_than_its_hub_is_heard
    rights::who_wrote_it_cannot_approve_it_and_wide_ones_want_somebody
    rights::what_reaches_far_goes_in_waves_and_not_by_a_group
    rights::the_machine_alone_is_told_of
    rights::somebody_behind_a_thousand_others_can_approve
    rights::a_role_that_is_bounded_to_a_label_ends_there
    rights::every_step_of_a_rollout_stands_in_the_audit_log
}
