//! The fleet: rollouts with nodes that converge, orders, documents, and who may say what. Each course runs over both databases, with two hubs on one.

mod courses;
mod documents;
mod engines;
mod forgetting;
pub mod node;
mod orders;
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
    engines::a_hub_that_is_killed_before_the_order_goes_on_with_it
    engines::the_rules_work_at_one_hub_and_at_another_when_it_is_gone
    engines::a_hub_that_slept_writes_nothing_more
    engines::what_the_rules_do_is_told_in_metrics
    forgetting::what_is_over_is_forgotten_once_it_decides_nothing
    forgetting::where_there_are_too_many_the_oldest_that_decides_nothing_makes_room
    orders::an_order_is_signed_and_names_each_slot_and_state
    orders::two_versions_in_one_store_have_two_names
    orders::what_is_not_at_the_hub_is_in_no_order_and_stops_a_preflight
    orders::a_store_of_which_nobody_says_anything_keeps_what_it_was_given
    verbs::what_is_paused_begins_nowhere_and_goes_on_when_it_is_resumed
    verbs::a_person_lets_a_wave_through_that_waits
    verbs::what_is_aborted_runs_where_it_runs_and_goes_nowhere_else
    verbs::nodes_that_failed_try_again_and_a_store_can_be_left_out
    verbs::two_rollouts_of_one_slot_do_not_run_at_once
    documents::documents_are_applied_all_or_none_and_a_dry_run_changes_nothing
    documents::what_is_written_over_is_what_was_looked_at
    documents::names_that_would_do_harm_do_none
    rights::who_wrote_it_cannot_approve_it_and_wide_ones_want_somebody
    rights::what_reaches_far_goes_in_waves_and_not_by_a_group
    rights::the_machine_alone_is_told_of
    rights::a_role_that_is_bounded_to_a_label_ends_there
    rights::every_step_of_a_rollout_stands_in_the_audit_log
}
