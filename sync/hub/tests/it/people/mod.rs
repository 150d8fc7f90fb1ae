//! People: who gets in, what they may, what is written down. Each course runs over both databases, with two hubs on one.

mod approvals;
mod auditing;
mod commands;
mod forgery;
pub mod hall;
mod jwt;
mod names;
mod passwords;
mod provider;
mod repeating;
mod roles;
mod signing_in;
mod tokens;

courses! {
    signing_in::who_tries_passwords_waits_longer_and_longer
    signing_in::many_names_from_one_address_wait_too
    signing_in::many_tries_at_once_learn_no_more_than_one_after_the_other
    signing_in::an_unknown_name_is_told_and_costs_the_same
    signing_in::a_secret_that_was_put_into_a_browser_is_worth_nothing
    signing_in::a_session_ends_unused_and_at_the_latest
    signing_in::a_code_is_good_once_and_for_its_time
    signing_in::a_changed_password_ends_every_session
    signing_in::who_is_disabled_is_out_at_once
    signing_in::sessions_are_listed_and_ended
    forgery::a_request_by_a_cookie_carries_what_only_our_page_knows
    roles::every_route_lets_in_whom_the_table_lets
    roles::a_bounded_role_ends_at_its_region_and_every_refusal_is_written_down
    tokens::a_token_may_what_it_is_for_while_its_person_may
    tokens::what_is_over_revoked_or_another_is_refused
    tokens::who_guesses_at_tokens_waits_and_keeps_nobody_out_who_has_one
    tokens::a_token_revokes_itself_and_what_else_its_person_has
    approvals::what_one_asks_another_agrees_to_and_it_is_done_once
    approvals::nobody_agrees_to_their_own
    approvals::what_was_agreed_to_is_what_is_done_in_its_time
    approvals::two_hubs_execute_an_approval_once
    auditing::two_hubs_at_once_keep_one_chain
    auditing::no_secret_is_in_the_log_or_anywhere_else
    auditing::the_log_is_paged_and_filtered
    auditing::what_takes_something_away_says_how_it_was_and_how_it_is
    repeating::a_request_that_is_sent_again_is_done_once
    repeating::a_key_belongs_to_one_request_of_one_caller
    names::what_a_name_looks_like_changes_nothing
    names::what_is_edited_is_what_was_looked_at
}
