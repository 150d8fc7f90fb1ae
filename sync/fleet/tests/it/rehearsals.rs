//! What many stores say of a candidate becomes one page.

use crate::bench::{slot, store, version};
use aisle_fleet::rehearsal::{Difference, StoreRehearsal, merge};

fn of(name: &str, calls: u64, same: u64, differences: &[(&str, u64)]) -> StoreRehearsal {
    let difference = |(what, count): &(&str, u64)| Difference {
        what: (*what).into(),
        was: format!("1.00 in {name}"),
        would_be: "0.50".into(),
        count: *count,
    };
    StoreRehearsal {
        store: store(name),
        slot: slot("plugin/a"),
        version: version("2.0"),
        calls,
        same,
        failed: 1,
        differences: differences.iter().map(difference).collect(),
    }
}

#[test]
fn differences_are_grouped_over_stores_and_those_of_most_stores_come_first() {
    let rows = vec![
        of("c", 100, 90, &[("lines[].price", 9), ("adjustments", 1)]),
        of("a", 50, 45, &[("adjustments", 5)]),
        of("b", 10, 10, &[]),
        of("d", 0, 0, &[]),
    ];
    let merged = merge(rows.clone());
    assert_eq!((merged.stores, merged.calls, merged.same, merged.failed), (3, 160, 145, 3));
    assert_eq!(merged.silent.len(), 1, "a store that recorded nothing says nothing");
    let told: Vec<(&str, u64, u64)> =
        merged.groups.iter().map(|group| (group.what.as_str(), group.stores, group.count)).collect();
    assert_eq!(told, [("adjustments", 2, 6), ("lines[].price", 1, 9)]);
    assert_eq!(merged.groups[0].was, "1.00 in a", "of the first store by name, whoever answers first");
    let mut turned = rows;
    turned.reverse();
    turned.push(of("b", 10, 10, &[]));
    assert_eq!(merge(turned), merged, "neither order nor repetition changes anything");
}

#[test]
fn a_store_that_says_very_much_is_cut_short() {
    let many: Vec<String> = (0..500).map(|at| format!("field-{at}\u{7}{}", "x".repeat(500))).collect();
    let many: Vec<(&str, u64)> = many.iter().map(|what| (what.as_str(), 1)).collect();
    let rows = (0..10).map(|at| {
        let mut row = of(&format!("s{at}"), 10, 0, &many[at * 40..at * 40 + 40]);
        row.same = u64::MAX;
        row
    });
    let merged = merge(rows);
    assert_eq!((merged.groups.len(), merged.left_out), (64, 10 * 32 - 64));
    assert!(
        merged.groups.iter().all(|group| group.what.chars().count() <= 200 && !group.what.contains('\u{7}'))
    );
    assert_eq!(merged.same, 100, "no store has more that is the same than it has calls");
}
