//! Signed artefacts at the hub: ceremonies, publications that are refused, several hubs, sticks, the HTTP interface. Each course runs over both databases, with two
//! hubs on one.

mod ceremony;
mod commands;
mod fleet;
mod interface;
mod publishing;
mod sticks;
mod sweeping;
pub mod world;

courses! {
    publishing::what_was_published_is_what_a_node_believes
    publishing::a_publication_that_nodes_could_not_follow_is_refused_and_changes_nothing
    publishing::too_few_signatures_a_foreign_key_and_an_old_version_are_refused
    publishing::of_two_hubs_one_renews_the_timestamp_each_day
    publishing::a_publication_that_a_renewal_overtook_is_made_again
    publishing::two_beginnings_at_once_are_one
    publishing::a_version_that_is_signed_never_becomes_another_content
    fleet::a_release_is_what_was_signed_of_it
    fleet::the_metadata_is_one_content_at_every_hub_and_another_after_each_publication
    sweeping::old_metadata_that_no_order_names_goes_and_nothing_else
    interface::whoever_brings_a_plugin_gets_a_draft_and_publishes_what_comes_back_signed
    interface::a_root_wants_two_persons_and_the_log_has_all_of_it
    interface::what_cannot_be_is_told_by_its_field
    interface::artefacts_are_paged_and_told_with_their_end
    sticks::a_stick_brings_a_node_what_the_line_would_have
    sticks::an_order_on_a_stick_is_believed_by_its_signature_alone
    sticks::what_nobody_has_signed_is_not_on_a_stick
    sticks::batches_on_a_stick_are_taken_once_and_the_line_goes_on_behind_them
    sticks::a_stick_of_a_store_that_may_not_come_or_with_other_batches_is_refused
}
