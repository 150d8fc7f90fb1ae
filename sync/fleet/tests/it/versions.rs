//! Versions order as people expect.

use crate::bench::version;
use aisle_fleet::Version;

#[test]
fn versions_order_as_semantic_versioning_says() {
    let in_order = [
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.9",
        "1.10",
        "2026.11.21",
        "2026.11.21.3",
    ];
    for pair in in_order.windows(2) {
        assert!(version(pair[0]).is_below(&version(pair[1])), "{pair:?}");
        assert!(version(pair[1]) > version(pair[0]), "{pair:?}");
    }
}

#[test]
fn numbers_that_are_missing_are_zero_and_builds_do_not_count() {
    for (a, b) in [("1.4", "1.4.0"), ("1.4.0+linux", "1.4.0+mac"), ("01.4", "1.4")] {
        assert!(version(a).rank(&version(b)).is_eq(), "{a} {b}");
        assert_ne!(version(a), version(b), "texts differ, and so do the versions");
        assert!(!version(a).is_below(&version(b)) && !version(b).is_below(&version(a)));
    }
}

#[test]
fn what_is_no_version_is_refused_with_what_would_be() {
    for text in [
        "",
        "v1",
        "1.",
        ".1",
        "1..2",
        "1.2.3.4.5.6.7",
        "1.0-",
        "1.0-a..b",
        "1.0+",
        "1 0",
        "99999999999999999999999",
    ] {
        let error = text.parse::<Version>().unwrap_err().to_string();
        assert!(error.contains("1.4.0"), "{text}: {error}");
    }
    assert!("1.0-é".parse::<Version>().is_err());
    let long = "1".repeat(10_000).parse::<Version>().unwrap_err();
    assert!(long.to_string().len() < 300, "what is too long is not repeated");
}
