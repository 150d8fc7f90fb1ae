//! paho-mqtt: what Eclipse Paho's interoperability suite expects of a broker, in words of our own, and more.
//!
//! The cases are written in Python, in `paho/cases`; here each is a test of its own, with a node of its own.

use super::broker;
use crate::support::{command, need};
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The Python that finds paho-mqtt: `AISLE_PAHO_PYTHON`, or where `cargo xtask test` puts it.
fn python() -> PathBuf {
    let python = env::var_os("AISLE_PAHO_PYTHON")
        .map_or_else(|| need::project().join("target/tools/python/bin/python"), PathBuf::from);
    assert!(
        python.is_file(),
        "no paho-mqtt: `{}` is missing; hint: `cargo xtask test` installs it",
        python.display()
    );
    python
}

fn script() -> Command {
    let mut command = Command::new(python());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mqtt/paho");
    // No compiled files beside the sources; no packages of the user's.
    command.args(["-B", "-s"]).arg(scripts.join("run.py"));
    command
}

fn passes(case: &str, config: &str) {
    let node = broker::with(broker::TCP, config);
    let address = broker::tcp(&node);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let outcome = command::run(script().args([case, &host, &port]));
    assert_eq!(
        outcome.code(),
        0,
        "paho-mqtt: {case}:\n{}\nthe node:\n{}",
        outcome.stderr,
        node.logs().join("\n")
    );
}

/// One test for each case; a case with a configuration of its own names it.
macro_rules! cases {
    ($($module:ident { $($case:ident $(with $config:expr)?),* $(,)? })*) => {
        $(mod $module {
            $(#[test]
            fn $case() {
                super::passes(stringify!($case), cases!(@config $($config)?));
            })*
        })*

        const CASES: &[&str] = &[$($(stringify!($case)),*),*];
    };
    (@config) => { crate::mqtt::broker::OPEN };
    (@config $config:expr) => { $config };
}

cases! {
    basics {
        a_client_without_a_name_comes_in_as_its_version_says,
        a_connection_that_speaks_another_protocol_is_closed,
        a_filter_that_begins_with_a_wildcard_does_not_find_dollar_topics,
        a_message_comes_with_the_lower_of_both_qos,
        a_nameless_client_is_told_the_name_it_got,
        a_second_connect_on_a_connection_ends_it,
        messages_of_every_qos_come_back_to_who_subscribed,
        the_later_of_two_clients_with_one_name_stays,
        who_unsubscribed_hears_no_more,
    }
    limits {
        a_client_gets_no_more_at_once_than_it_takes,
        a_client_may_shorten_its_topics,
        a_packet_that_is_too_long_for_the_broker_ends_the_connection,
        a_packet_that_is_too_long_for_the_client_is_not_sent,
        acknowledgements_pass_a_full_window,
        an_alias_ends_with_the_connection,
        an_alias_that_cannot_be_is_refused,
        the_broker_may_ask_for_an_earlier_sign_of_life
            with &format!("limits.keep_alive_s_max = 60\n{}", crate::mqtt::broker::OPEN),
        the_broker_shortens_no_topics_for_who_does_not,
        the_broker_shortens_topics_for_who_allows_it,
        who_sends_more_at_once_than_the_broker_takes_is_thrown_out,
    }
    messages {
        a_message_that_nobody_wants_is_taken_all_the_same,
        a_request_finds_its_answer,
        the_format_and_the_type_of_a_payload_are_passed_on,
        user_properties_are_passed_on_in_order,
    }
    retained {
        a_retained_message_expires,
        a_retained_message_keeps_its_properties,
        an_empty_retained_message_clears_the_one_before,
        retained_messages_wait_for_who_subscribes_later,
        the_last_retained_message_is_the_one_that_is_kept,
    }
    sessions {
        a_clean_start_forgets_the_session,
        a_message_that_waited_too_long_does_not_come,
        a_session_lives_as_long_as_it_asked_to,
        messages_wait_for_a_session_whose_client_is_away,
        the_order_of_a_topic_holds_over_a_reconnect,
        what_was_not_acknowledged_comes_again_after_a_reconnect,
    }
    subscriptions {
        a_client_need_not_hear_itself,
        a_filter_that_is_not_allowed_is_refused
            with "[mqtt.anonymous]\npublish = [\"#\"]\nsubscribe = [\"open/#\"]\n",
        a_group_goes_on_without_a_member_that_left,
        a_message_names_every_subscription_that_it_came_by,
        a_message_to_a_group_comes_to_one_of_it,
        a_subscription_made_again_takes_the_place_of_the_first,
        overlapping_subscriptions_deliver_with_the_highest_qos,
        retained_messages_come_as_the_subscription_says,
        retained_messages_do_not_come_to_a_group,
        the_retain_flag_stays_on_for_who_asked,
    }
    wills {
        a_client_may_say_goodbye_and_leave_its_will_all_the_same,
        a_client_that_falls_silent_is_taken_for_gone,
        a_client_that_pings_is_not,
        a_client_that_says_goodbye_leaves_none,
        a_client_that_vanishes_leaves_its_will,
        a_retained_will_is_kept,
        a_will_keeps_its_properties,
        a_will_waits_for_its_delay_or_the_end_of_the_session,
    }
}

#[test]
fn every_case_that_is_written_is_run() {
    let listed = command::run(script().arg("--list")).exits(0).stdout;
    let written: BTreeSet<&str> = listed.lines().collect();
    assert_eq!(written, CASES.iter().copied().collect());
}
