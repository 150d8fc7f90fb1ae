//! Labels have the rules of Kubernetes.

use crate::bench::{member, node};
use aisle_fleet::{Labels, NodeId, Slot};

#[test]
fn keys_and_values_are_those_of_kubernetes() {
    for (key, value) in
        [("region", "eu"), ("example.com/size", ""), ("a.b-c_d", "X_1.2-z"), ("K8s.io/n", "1")]
    {
        Labels::new([(key, value)]).unwrap();
    }
    let long = "a".repeat(64);
    for (key, value) in [
        ("", "eu"),
        ("-region", "eu"),
        ("region-", "eu"),
        ("a b", "eu"),
        ("a/b/c", "eu"),
        ("/a", "eu"),
        ("a_b.com/c", "eu"),
        (long.as_str(), "eu"),
        ("region", "e u"),
        ("region", "-eu"),
        ("region", long.as_str()),
        ("région", "eu"),
        ("region", "eu\n"),
    ] {
        assert!(Labels::new([(key, value)]).is_err(), "{key:?}={value:?}");
    }
}

#[test]
fn a_label_that_says_what_a_node_is_cannot_be_set() {
    for key in ["store", "serial", "version"] {
        let error = Labels::new([(key, "1")]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("hint"), "{error}");
    }
}

#[test]
fn a_node_has_a_bounded_number_of_labels_and_a_refused_one_changes_nothing() {
    let mut labels = Labels::default();
    for at in 0..64 {
        labels.set(&format!("k{at}"), "v").unwrap();
    }
    let before = labels.clone();
    assert!(labels.set("one-more", "v").is_err());
    assert_eq!(labels, before);
    labels.set("k0", "other").unwrap();
    assert_eq!(labels.get("k0"), Some("other"));
}

#[test]
fn labels_from_outside_are_checked_like_any() {
    let good: Labels = serde_json::from_str(r#"{"region":"eu"}"#).unwrap();
    assert_eq!(serde_json::to_string(&good).unwrap(), r#"{"region":"eu"}"#);
    assert!(serde_json::from_str::<Labels>(r#"{"<script>":"eu"}"#).is_err());
}

#[test]
fn a_node_is_written_as_store_and_serial_and_read_again() {
    let id = node("berlin-12");
    assert_eq!(id.to_string(), "berlin-12/A1");
    assert_eq!("a/b/A1".parse::<NodeId>().unwrap().store.as_str(), "a/b");
    assert!("berlin-12".parse::<NodeId>().unwrap_err().to_string().contains("store/serial"));
    assert!("/A1".parse::<NodeId>().is_err() && "berlin/".parse::<NodeId>().is_err());
    assert_eq!(member("berlin-12", &[]).value("store").as_deref(), Some("berlin-12"));
}

#[test]
fn a_slot_is_a_kind_and_where_it_needs_one_a_name() {
    for text in [
        "catalogue",
        "prices",
        "policy",
        "plugin/multi-buy",
        "model",
        "model/ranker",
        "device-settings/fridges",
    ] {
        assert_eq!(text.parse::<Slot>().unwrap().to_string(), text);
    }
    for text in ["plugin", "catalogue/x", "plugin/", "plugin/a/b", "plugin/ä", "", "plugin/-a"] {
        assert!(text.parse::<Slot>().is_err(), "{text}");
    }
    let error = "plugn/multi-buy".parse::<Slot>().unwrap_err().to_string();
    assert!(error.contains("`plugin`"), "{error}");
}
