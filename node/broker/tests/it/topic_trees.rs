//! The trees against lists that are searched from end to end.

use aisle_broker::topic::{Filter, Found, Limits, Retained, Subscriptions};
use proptest::{collection, prelude::*, sample};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::atomic::Ordering,
};

fn filter(text: &str) -> Filter {
    Filter::parse(text, &Limits::default()).unwrap()
}

/// The rules once more, in the plainest words.
fn naive(pattern: &str, topic: &str) -> bool {
    fn levels(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern, topic) {
            (["#"], _) | ([], []) => true,
            (["+", pattern @ ..], [_, topic @ ..]) => levels(pattern, topic),
            ([wanted, pattern @ ..], [level, topic @ ..]) => wanted == level && levels(pattern, topic),
            _ => false,
        }
    }
    let (pattern, topic): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), topic.split('/').collect());
    let hidden = topic[0].starts_with('$') && ["+", "#"].contains(&pattern[0]);
    !hidden && levels(&pattern, &topic)
}

fn text(levels: &'static [&'static str]) -> impl Strategy<Value = String> {
    collection::vec(sample::select(levels), 1..6)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("not empty", |text| !text.is_empty())
}

fn topics() -> impl Strategy<Value = String> {
    text(&["", "a", "b", "ab", "$", "$a", "\u{1}", "a\u{1}"])
}

fn filters() -> impl Strategy<Value = Filter> {
    let pattern = text(&["", "a", "b", "ab", "$", "$a", "a\u{1}", "+", "+", "+", "#"])
        .prop_map(|text| text.split_once("#/").map_or(text.clone(), |(before, _)| format!("{before}#")));
    (sample::select(&["", "", "", "$share/g/", "$share/h/"][..]), pattern)
        .prop_map(|(share, pattern)| filter(&format!("{share}{pattern}")))
}

/// What a tree finds: who by a filter of their own, and which groups with whom.
type Everyone = (Vec<(u8, u16)>, BTreeMap<(String, String), Vec<(u8, u16)>>);

fn found(tree: &Subscriptions<u8, u16>, topic: &str) -> Everyone {
    let mut everyone = Everyone::default();
    tree.for_each_match(topic, &mut |found| match found {
        Found::One { key, value } => everyone.0.push((key, *value)),
        Found::Group { group, filter, members, .. } => {
            let members = members.iter().map(|(key, value)| (*key, *value)).collect();
            let twice = everyone.1.insert((group.into(), filter.into()), members);
            assert_eq!(twice, None, "a group is found once");
        }
    });
    everyone.0.sort_unstable();
    everyone
}

fn expected(list: &BTreeMap<(Filter, u8), u16>, topic: &str) -> Everyone {
    let mut everyone = Everyone::default();
    for ((filter, key), value) in list.iter().filter(|((filter, _), _)| naive(filter.pattern(), topic)) {
        match filter.share() {
            None => everyone.0.push((*key, *value)),
            Some(group) => {
                let group = (group.to_owned(), filter.pattern().to_owned());
                everyone.1.entry(group).or_default().push((*key, *value));
            }
        }
    }
    everyone.0.sort_unstable();
    everyone
}

proptest! {
    #[test]
    fn a_filter_matches_as_the_plain_rules_do(filter in filters(), topic in topics()) {
        prop_assert_eq!(filter.matches(&topic), naive(filter.pattern(), &topic));
    }

    #[test]
    fn the_tree_finds_what_the_list_finds_and_ends_empty(
        changes in collection::vec((filters(), 0..6_u8, any::<u16>(), 0..4_u8), 1..80),
        topics in collection::vec(topics(), 1..20),
    ) {
        let (mut tree, mut list) = (Subscriptions::new(), BTreeMap::new());
        for (filter, key, value, change) in changes {
            if change == 0 {
                prop_assert_eq!(tree.remove(&filter, &key), list.remove(&(filter, key)));
            } else {
                prop_assert_eq!(tree.insert(&filter, key, value), list.insert((filter, key), value));
            }
            prop_assert_eq!(tree.len(), list.len());
        }
        for topic in &topics {
            prop_assert_eq!(found(&tree, topic), expected(&list, topic));
        }
        for ((filter, key), value) in list {
            prop_assert_eq!(tree.remove(&filter, &key), Some(value));
            prop_assert_eq!(tree.remove(&filter, &key), None);
        }
        prop_assert_eq!((tree.len(), tree.nodes()), (0, 1));
    }

    #[test]
    fn retained_finds_what_the_list_finds_in_the_order_of_levels(
        topics in collection::btree_set(topics(), 0..60),
        removed in collection::vec(topics(), 0..20),
        filters in collection::vec(filters(), 1..20),
        steps in 1..5_usize,
    ) {
        let mut retained = Retained::new();
        for topic in &topics {
            prop_assert_eq!(retained.insert(topic, 0), None);
            prop_assert_eq!(retained.insert(topic, topic.len()), Some(0));
        }
        let mut list = topics;
        for topic in &removed {
            prop_assert_eq!(retained.remove(topic).is_some(), list.remove(topic));
        }
        let by_levels: BTreeSet<Vec<&str>> = list.iter().map(|topic| topic.split('/').collect()).collect();
        let sorted: Vec<String> = by_levels.iter().map(|levels| levels.join("/")).collect();
        prop_assert_eq!(retained.len(), sorted.len());
        prop_assert_eq!(retained.iter().map(|(topic, _)| topic).collect::<Vec<_>>(), sorted.clone());
        for filter in filters {
            let expected: Vec<&String> = sorted.iter().filter(|topic| naive(filter.pattern(), topic)).collect();
            let mut whole = Vec::new();
            retained.for_each_match(&filter, &mut |topic, value| whole.push((topic.to_owned(), *value)));
            prop_assert!(whole.iter().all(|(topic, value)| retained.get(topic) == Some(value)));
            prop_assert_eq!(whole.iter().map(|(topic, _)| topic).collect::<Vec<_>>(), expected);
            let (mut slices, mut from, mut count) = (Vec::new(), Some(String::new()), 0);
            while let Some(place) = from {
                let steps_max = NonZeroUsize::new(steps).unwrap();
                from = retained.for_each_match_from(&filter, &place, steps_max, &mut |topic, value| {
                    slices.push((topic.to_owned(), *value));
                });
                count += 1;
                prop_assert!(count < 1_000, "a slice gets on");
            }
            prop_assert_eq!(slices, whole);
        }
    }
}

fn numbered(number: u32) -> Filter {
    filter(&match number % 4 {
        0 => format!("store/{number}/+/x/#"),
        1 => format!("$share/group-{number}/store/+/{number}"),
        2 => format!("+/+/+/{number}/+"),
        _ => format!("{number}"),
    })
}

#[test]
fn subscriptions_that_come_and_go_leave_nothing_behind() {
    let mut tree = Subscriptions::new();
    for number in 0..200_000_u32 {
        assert_eq!(tree.insert(&numbered(number), number, ()), None);
        if let Some(old) = number.checked_sub(1_000) {
            assert_eq!(tree.remove(&numbered(old), &old), Some(()));
        }
    }
    assert_eq!(tree.len(), 1_000);
    for old in 199_000..200_000 {
        assert_eq!(tree.remove(&numbered(old), &old), Some(()));
    }
    assert_eq!((tree.len(), tree.nodes()), (0, 1));
}

#[test]
fn a_level_is_found_among_few_and_among_many_while_it_grows_and_shrinks() {
    let mut tree = Subscriptions::new();
    let numbers = |tree: &Subscriptions<u32, ()>, topic: &str| {
        let mut keys = Vec::new();
        tree.for_each_match(topic, &mut |found| {
            if let Found::One { key, .. } = found {
                keys.push(key);
            }
        });
        keys
    };
    let device = |number: u32| format!("devices/a-device-with-a-rather-long-name-{number}/on");
    for number in 0..40 {
        tree.insert(&filter(&device(number)), number, ());
        assert!((0..=number).all(|known| numbers(&tree, &device(known)) == [known]), "{number} came");
        assert!(numbers(&tree, &device(number + 1)).is_empty());
    }
    for number in 0..40 {
        tree.remove(&filter(&device(number)), &number);
        assert!(numbers(&tree, &device(number)).is_empty());
        assert!((number + 1..40).all(|known| numbers(&tree, &device(known)) == [known]), "{number} went");
    }
    assert_eq!(tree.nodes(), 1);
}

#[test]
fn a_group_keeps_its_turn_until_the_last_member_leaves() {
    let mut tree = Subscriptions::new();
    let shared = filter("$share/tills/sales/#");
    tree.insert(&shared, 1, "first");
    tree.insert(&shared, 2, "second");
    tree.insert(&filter("$share/tills/sales/+"), 3, "another pattern is another group");
    let turns = |tree: &Subscriptions<u8, &str>| {
        let mut turns = Vec::new();
        tree.for_each_match("sales", &mut |found| {
            if let Found::Group { turn, members, .. } = found {
                turns.push((turn.fetch_add(1, Ordering::Relaxed), members.len()));
            }
        });
        turns
    };
    assert_eq!(turns(&tree), [(0, 2)]);
    tree.remove(&shared, &1);
    assert_eq!(turns(&tree), [(1, 1)]);
    tree.turn(&shared).unwrap().store(7, Ordering::Relaxed);
    assert_eq!(turns(&tree), [(7, 1)]);
    tree.remove(&shared, &2);
    assert!(tree.turn(&shared).is_none());
    tree.insert(&shared, 2, "again");
    assert_eq!(turns(&tree), [(0, 1)]);
}

#[test]
fn a_slice_of_a_filter_that_matches_nothing_ends_too() {
    let mut retained = Retained::new();
    for number in 0..10_000 {
        retained.insert(&format!("{}/{}/x", number / 100, number % 100), ());
    }
    let bomb = filter("+/+/+/+/nowhere");
    let (mut from, mut slices) = (Some(String::new()), 0);
    while let Some(place) = from {
        let steps_max = NonZeroUsize::new(1_000).unwrap();
        from = retained.for_each_match_from(&bomb, &place, steps_max, &mut |topic, ()| panic!("{topic}"));
        slices += 1;
    }
    assert!((20..=40).contains(&slices), "{slices} slices of the 20,100 branches");
}
