//! MQTT topics: any text is a topic, a filter or refused, and the trees find what a search from end to end finds.

use aisle_broker::topic::{Filter, Found, Limits, Retained, Subscriptions, check_name};
use aisle_broker::topic::{pattern_covers, patterns_overlap};
use std::num::NonZeroUsize;

const LIMITS: Limits = Limits { levels_max: 12, bytes_max: 96 };
const STEPS_MAX: NonZeroUsize = NonZeroUsize::MIN;

/// Each line is taken as a filter and as a topic. One that begins with `-` takes itself, without it, back.
///
/// # Panics
/// When a tree finds something else than the list does, or keeps something that was taken back.
pub fn mqtt_topic(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (mut filters, mut topics) = (Vec::<Filter>::new(), Vec::<&str>::new());
    let (mut tree, mut retained) = (Subscriptions::new(), Retained::new());
    for line in text.lines().take(40) {
        let (line, removes) = line.strip_prefix('-').map_or((line, false), |line| (line, true));
        if let Ok(filter) = Filter::parse(line, &LIMITS) {
            assert_eq!(filter.text(), line);
            let at = filters.iter().position(|known| *known == filter);
            if removes {
                assert_eq!(tree.remove(&filter, &()).is_some(), at.is_some());
                at.map(|at| filters.remove(at));
            } else {
                assert_eq!(tree.insert(&filter, (), filter.clone()).is_some(), at.is_some());
                filters.extend(at.is_none().then_some(filter));
            }
        }
        if check_name(line, &LIMITS).is_ok() {
            let at = topics.iter().position(|known| *known == line);
            if removes {
                assert_eq!(retained.remove(line).is_some(), at.is_some());
                at.map(|at| topics.remove(at));
            } else {
                assert_eq!(retained.insert(line, ()).is_some(), at.is_some());
                topics.extend(at.is_none().then_some(line));
            }
        }
    }
    topics.sort_unstable_by_key(|topic| topic.split('/').collect::<Vec<_>>());
    assert_eq!(retained.iter().map(|(topic, ())| topic).collect::<Vec<_>>(), topics);
    for topic in &topics {
        subscribed(&tree, &filters, topic);
    }
    for filter in &filters {
        kept(&retained, &topics, filter);
        compared(filter, &filters, &topics);
        assert_eq!(tree.remove(filter, &()).as_ref(), Some(filter));
    }
    assert_eq!((tree.len(), tree.nodes()), (0, 1));
}

fn matches(filter: &Filter, topic: &str) -> bool {
    fn levels(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern, topic) {
            (["#"], _) | ([], []) => true,
            ([wanted, pattern @ ..], [level, topic @ ..]) => {
                (*wanted == "+" || wanted == level) && levels(pattern, topic)
            }
            _ => false,
        }
    }
    let split = |text| -> Vec<_> { str::split(text, '/').collect() };
    let hidden = topic.starts_with('$') && filter.pattern().starts_with(['+', '#']);
    !hidden && levels(&split(filter.pattern()), &split(topic))
}

fn subscribed(tree: &Subscriptions<(), Filter>, filters: &[Filter], topic: &str) {
    let mut found = Vec::new();
    tree.for_each_match(topic, &mut |one| match one {
        Found::One { value, .. } => found.push(value),
        Found::Group { group, filter, members, .. } => {
            assert_eq!(members.len(), 1);
            for member in members.values() {
                assert_eq!((member.share(), member.pattern()), (Some(group), filter));
                found.push(member);
            }
        }
    });
    let mut expected: Vec<&Filter> = filters.iter().filter(|filter| matches(filter, topic)).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "subscriptions to `{topic}`");
}

fn kept(retained: &Retained<()>, topics: &[&str], filter: &Filter) {
    let expected: Vec<&str> = topics.iter().copied().filter(|topic| matches(filter, topic)).collect();
    let mut found = Vec::new();
    retained.for_each_match(filter, &mut |topic, ()| found.push(topic.to_owned()));
    assert_eq!(found, expected, "retained for `{filter}`");
    let (mut slices, mut from) = (Vec::new(), Some(String::new()));
    while let Some(place) = from {
        from = retained
            .for_each_match_from(filter, &place, STEPS_MAX, &mut |topic, ()| slices.push(topic.to_owned()));
        assert!(from.as_ref() != Some(&place), "a slice gets on");
    }
    assert_eq!(slices, expected, "retained for `{filter}`, in slices");
}

fn compared(a: &Filter, filters: &[Filter], topics: &[&str]) {
    for b in filters {
        let covers = pattern_covers(a.pattern(), b.pattern());
        let overlap = patterns_overlap(a.pattern(), b.pattern());
        assert_eq!(overlap, patterns_overlap(b.pattern(), a.pattern()));
        assert!(overlap || !covers, "a filter stands for some topic");
        for topic in topics.iter().filter(|topic| matches(b, topic)) {
            assert!(matches(a, topic) || !covers, "`{a}` covers `{b}` without `{topic}`");
            assert!(overlap || !matches(a, topic), "`{a}` and `{b}` meet in `{topic}`");
        }
    }
}

/// The examples of the standard, filters and topics mixed.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    [
        "sport/tennis/player1/#\nsport/tennis/player1\nsport/tennis/player1/score/wimbledon\nsport/#\nsport\n#",
        "sport/+\nsport/\nsport\n+/+\n/+\n+\n/finance\n/\n//\n+/+/#",
        "$SYS/#\n$SYS/monitor/+\n$SYS/monitor/Clients\n#\n+/monitor/Clients\n$SYS\n$\n-$SYS/#\n-#",
        "$share/a/sport/+\n$share/b/sport/+\n$share/a/#\nsport/tennis\nsport/+\n-$share/a/sport/+\n$share//x\n$share/a/",
        "a\na/\na/\u{1}\na\u{1}\na\u{1}/b\na/b\na b/c\n+/b\na/#\n+/+/nowhere\n-a/b\n-a",
    ]
    .iter()
    .map(|example| example.as_bytes().to_vec())
    .collect()
}
