//! Settings that a bridge cannot be run with are refused, by their place and with what to do.

use crate::bridge_under_test::config;
use aisle_devices::bridge::{Config, validate};

const IN: &str = "[[in]]\nfilter = \"a/#\"\n";

fn refusal(url: &str, version: &str, rules: &str) -> String {
    config(url, version, rules).validate().expect_err("refused").to_string()
}

#[test]
fn the_same_topics_both_ways_are_refused_for_mqtt_3_and_both_rules_are_named() {
    let rules = "[[in]]\nfilter = \"x\"\n[[in]]\nfilter = \"a/#\"\n[[out]]\nfilter = \"a/+/b\"\n";
    let error = refusal("mqtt://hall", "3.1.1", rules);
    assert!(error.contains("out[0]") && error.contains("in[1]") && error.contains("circle"), "{error}");
    assert!(error.contains("hint: use `version = \"5\"`"), "{error}");
    assert_eq!(config("mqtt://hall", "5", rules).validate(), Ok(()));
}

#[test]
fn prefixes_that_keep_the_directions_apart_are_enough_for_mqtt_3() {
    let apart = "[[in]]\nfilter = \"a/#\"\nprefix_local = \"hall/\"\nprefix_remote = \"down/\"\n\
                 [[out]]\nfilter = \"a/#\"\nprefix_remote = \"up/\"\n";
    assert_eq!(config("mqtt://hall", "3.1.1", apart).validate(), Ok(()));
    let only_here = "[[in]]\nfilter = \"a/#\"\nprefix_local = \"hall/\"\n[[out]]\nfilter = \"a/#\"\n";
    let error = refusal("mqtt://hall", "3.1.1", only_here);
    assert!(error.contains("at the other broker"), "{error}");
}

#[test]
fn two_rules_of_one_direction_may_not_fetch_the_same_message() {
    let error = refusal("mqtt://hall", "5", "[[in]]\nfilter = \"a/#\"\n[[in]]\nfilter = \"a/b\"\nqos = 2\n");
    assert!(error.starts_with("`in[1].filter`") && error.contains("in[0]"), "{error}");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_and_what_to_do() {
    let cases = [
        ("mqtt://hall", "", "`in`"),
        ("http://hall", IN, "`url`"),
        ("mqtt://u:p@hall", IN, "`url`"),
        ("mqtt://hall", "password_file = \"p\"\n[[in]]\nfilter = \"a\"\n", "`password_file`"),
        ("mqtt://hall", "ca_file = \"p\"\n[[in]]\nfilter = \"a\"\n", "`ca_file`"),
        ("mqtts://hall", "certificate_file = \"p\"\n[[in]]\nfilter = \"a\"\n", "`private_key_file`"),
        ("mqtt://hall", "keep_alive_s = 1\n[[in]]\nfilter = \"a\"\n", "`keep_alive_s`"),
        ("mqtt://hall", "in_flight_max = 0\n[[in]]\nfilter = \"a\"\n", "`in_flight_max`"),
        ("mqtt://hall", "[[in]]\nfilter = \"a/#/b\"\n", "`in[0].filter`"),
        ("mqtt://hall", "[[in]]\nfilter = \"a\"\nqos = 3\n", "`in[0].qos`"),
        ("mqtt://hall", "[[in]]\nfilter = \"a\"\nprefix_local = \"+/\"\n", "`in[0].prefix_local`"),
        ("mqtt://hall", "[[in]]\nfilter = \"$SYS/#\"\n", "`in[0].filter`"),
        ("mqtt://hall", "[[in]]\nfilter = \"$share/g/a\"\nprefix_local = \"x/\"\n", "`in[0].filter`"),
    ];
    for (url, rules, field) in cases {
        let error = refusal(url, "5", rules);
        assert!(error.starts_with(field) && error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn the_state_of_the_other_broker_may_be_fetched_under_a_prefix() {
    let rules = "[[in]]\nfilter = \"$SYS/#\"\nprefix_local = \"hall/\"\n";
    assert_eq!(config("mqtt://hall", "3.1.1", rules).validate(), Ok(()));
}

#[test]
fn an_unknown_key_is_refused() {
    let error = toml::from_str::<Config>("name = \"hall\"\nurl = \"mqtt://hall\"\npasword = \"x\"\n")
        .expect_err("refused");
    assert!(error.to_string().contains("pasword"), "{error}");
}

#[test]
fn two_bridges_may_not_have_one_name() {
    let bridge = config("mqtt://hall", "5", IN);
    let error = validate(&[bridge.clone(), bridge]).expect_err("refused").to_string();
    assert!(error.starts_with("`bridge[1].name`"), "{error}");
    let mut wrong = config("mqtt://hall", "5", IN);
    wrong.inward[0].qos = 7;
    let error = validate(&[wrong]).expect_err("refused").to_string();
    assert!(error.starts_with("`bridge[0].in[0].qos`"), "{error}");
}
