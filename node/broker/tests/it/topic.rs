//! Topics and filters: the examples of the standard, the bounds, and what patterns say about each other.

use aisle_broker::topic::{Filter, InvalidTopic, Limits, check_name, pattern_covers, patterns_overlap};

fn filter(text: &str) -> Filter {
    Filter::parse(text, &Limits::default()).unwrap_or_else(|error| panic!("filter `{text}` {error}"))
}

fn refused(text: &str) -> InvalidTopic {
    Filter::parse(text, &Limits::default()).expect_err(text)
}

#[test]
fn filters_match_what_the_standard_says_they_match() {
    for (text, topics) in [
        (
            "sport/tennis/player1/#",
            &["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"]
                [..],
        ),
        ("sport/#", &["sport", "sport/", "sport/tennis"]),
        ("#", &["sport", "/", "/finance", "a/b/c"]),
        ("sport/tennis/+", &["sport/tennis/player1", "sport/tennis/player2", "sport/tennis/"]),
        ("sport/+", &["sport/"]),
        ("+", &["finance"]),
        ("+/+", &["/finance", "/"]),
        ("/+", &["/finance", "/"]),
        ("+/tennis/#", &["sport/tennis", "/tennis/x"]),
        ("sport/+/player1", &["sport/tennis/player1", "sport//player1"]),
        ("$SYS/#", &["$SYS", "$SYS/", "$SYS/monitor/Clients"]),
        ("$SYS/monitor/+", &["$SYS/monitor/Clients"]),
        ("a/+", &["a/$b"]),
        ("Accounts payable", &["Accounts payable"]),
        ("$share/consumer/sport/#", &["sport", "sport/tennis"]),
        ("$share/consumer//finance", &["/finance"]),
        ("$share/consumer/$SYS/#", &["$SYS/x"]),
    ] {
        for topic in topics {
            assert!(filter(text).matches(topic), "`{text}` matches `{topic}`");
        }
    }
}

#[test]
fn filters_do_not_match_what_the_standard_says_they_do_not() {
    for (text, topics) in [
        ("sport/tennis/+", &["sport/tennis/player1/ranking", "sport/tennis"][..]),
        ("sport/+", &["sport"]),
        ("+", &["/finance", "$SYS", "$"]),
        ("#", &["$SYS", "$SYS/monitor/Clients", "$"]),
        ("+/monitor/Clients", &["$SYS/monitor/Clients"]),
        ("+/#", &["$SYS/monitor"]),
        ("ACCOUNTS", &["Accounts", "/ACCOUNTS", "ACCOUNTS/"]),
        ("sport/tennis/player1/#", &["sport/tennis/player10", "sport/tennis"]),
        ("$share/consumer/#", &["$share/consumer/x", "$SYS"]),
        ("$share/consumer/sport/#", &["$share/consumer/sport/x"]),
    ] {
        for topic in topics {
            assert!(!filter(text).matches(topic), "`{text}` does not match `{topic}`");
        }
    }
}

#[test]
fn a_malformed_filter_is_refused_by_what_is_wrong_with_it() {
    assert_eq!(refused(""), InvalidTopic::Empty);
    assert_eq!(refused("a/\0"), InvalidTopic::Null { at: 2 });
    assert_eq!(refused("sport+"), InvalidTopic::WildcardInLevel { at: 0 });
    assert_eq!(refused("sport/tennis#"), InvalidTopic::WildcardInLevel { at: 6 });
    assert_eq!(refused("sport/++"), InvalidTopic::WildcardInLevel { at: 6 });
    assert_eq!(refused("sport/tennis/#/ranking"), InvalidTopic::AfterHash { at: 14 });
    assert_eq!(refused("#/"), InvalidTopic::AfterHash { at: 1 });
    for text in ["$share/", "$share/g", "$share/g/", "$share//a", "$share/g+/a", "$share/#/a", "$share/+/a"] {
        assert_eq!(refused(text), InvalidTopic::Share, "{text}");
    }
    assert_eq!(refused("$share/g/a#"), InvalidTopic::WildcardInLevel { at: 9 });
    assert_eq!(refused("$share/g/#/a"), InvalidTopic::AfterHash { at: 10 });
}

#[test]
fn a_shared_filter_has_a_group_and_a_pattern() {
    let shared = filter("$share/tills/sales/+");
    assert_eq!((shared.share(), shared.pattern()), (Some("tills"), "sales/+"));
    assert_eq!(
        (shared.text(), shared.to_string().as_str()),
        ("$share/tills/sales/+", "$share/tills/sales/+")
    );
    let only_slash = filter("$share/tills//");
    assert_eq!((only_slash.share(), only_slash.pattern()), (Some("tills"), "/"));
    for text in ["sales/+", "$share", "$shared/tills/sales", "/$share/tills/sales"] {
        assert_eq!((filter(text).share(), filter(text).pattern()), (None, text));
    }
}

#[test]
fn a_name_is_no_filter_and_not_empty() {
    let check = |topic| check_name(topic, &Limits::default());
    for topic in ["/", "a", "a//b", "$SYS/x", " ", "温度/一"] {
        assert_eq!(check(topic), Ok(()), "{topic}");
    }
    assert_eq!(check(""), Err(InvalidTopic::Empty));
    assert_eq!(check("a/+/b"), Err(InvalidTopic::WildcardInName { at: 2 }));
    assert_eq!(check("a#"), Err(InvalidTopic::WildcardInName { at: 1 }));
    assert_eq!(check("a\0"), Err(InvalidTopic::Null { at: 1 }));
}

#[test]
fn length_and_depth_are_bounded() {
    let limits = Limits { levels_max: 3, bytes_max: 16 };
    let too_deep = InvalidTopic::TooDeep { levels: 4, levels_max: 3 };
    let too_long = InvalidTopic::TooLong { bytes: 17, bytes_max: 16 };
    assert_eq!(check_name("a/b/c", &limits), Ok(()));
    assert_eq!(check_name("a/b/c/", &limits), Err(too_deep.clone()));
    assert_eq!(check_name(&"a".repeat(17), &limits), Err(too_long.clone()));
    assert_eq!(Filter::parse("+/b/c/#", &limits), Err(too_deep.clone()));
    assert_eq!(Filter::parse(&"a".repeat(17), &limits), Err(too_long));
    assert!(Filter::parse("$share/g/a/b/c", &limits).is_ok(), "a group is no level");
    assert_eq!(Filter::parse("$share/g/a/b/c/", &limits), Err(too_deep));
    let none = Limits { levels_max: usize::MAX, bytes_max: usize::MAX };
    assert!(check_name(&"/".repeat(Limits::LEVELS_CEILING), &none).is_err());
    assert!(Filter::parse(&"/".repeat(Limits::LEVELS_CEILING), &none).is_err());
}

/// Every text of at most four levels.
fn texts(levels: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut longest = vec![String::new()];
    for depth in 0..4 {
        longest = longest
            .iter()
            .flat_map(|text| {
                levels
                    .iter()
                    .map(move |level| if depth == 0 { (*level).into() } else { format!("{text}/{level}") })
            })
            .collect();
        all.extend(longest.iter().filter(|text| !text.is_empty()).cloned());
    }
    all
}

#[test]
fn patterns_cover_and_overlap_as_the_topics_they_match_do() {
    let patterns: Vec<Filter> = texts(&["", "a", "$", "+", "#"])
        .iter()
        .filter(|text| text.split('/').count() < 4)
        .filter_map(|text| Filter::parse(text, &Limits::default()).ok())
        .collect();
    // `b` and a fourth level stand for all that no pattern here names.
    let topics = texts(&["", "a", "$", "b"]);
    let matched: Vec<Vec<bool>> =
        patterns.iter().map(|pattern| topics.iter().map(|topic| pattern.matches(topic)).collect()).collect();
    for (a, in_a) in patterns.iter().zip(&matched) {
        for (b, in_b) in patterns.iter().zip(&matched) {
            let covers = in_a.iter().zip(in_b).all(|(a, b)| *a || !*b);
            let overlap = in_a.iter().zip(in_b).any(|(a, b)| *a && *b);
            assert_eq!(pattern_covers(a.text(), b.text()), covers, "`{a}` covers `{b}`");
            assert_eq!(patterns_overlap(a.text(), b.text()), overlap, "`{a}` and `{b}` overlap");
        }
    }
}
