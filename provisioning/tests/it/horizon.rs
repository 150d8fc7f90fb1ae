//! What runs out first.

use crate::world::{NOW, days};
use aisle_provisioning::horizon::{Horizon, Item, Left, Nearness};

fn item(name: &'static str, left: Left) -> Item {
    Item { name, breaks: format!("what needs the {name} stops"), left }
}

#[test]
fn the_first_thing_to_run_out_is_named() {
    let horizon = Horizon::new(
        [
            item("metadata", Left::Lasts),
            item("disk", Left::Shrinking { amount: 40_000, per_day: 1_000 }),
            item("certificate", Left::Until(days(12))),
            item("prices", Left::Until(days(30))),
            item("tokens", Left::Unknown),
        ],
        NOW,
    );
    let names: Vec<&str> = horizon.lines().iter().map(|line| line.item.name).collect();
    assert_eq!(names, ["certificate", "prices", "disk", "tokens", "metadata"]);
    let first = horizon.first().unwrap();
    assert_eq!((first.days(), first.nearness()), (Some(12), Nearness::Soon));
    assert_eq!(
        horizon.to_string(),
        "12 days until certificate runs out; then what needs the certificate stops"
    );
    assert_eq!(horizon.lines()[2].days(), Some(40));
}

#[test]
fn what_has_run_out_comes_first_and_a_rate_of_nothing_lasts() {
    let horizon = Horizon::new(
        [
            item("certificate", Left::Until(days(2))),
            item("prices", Left::Until(days(-400))),
            item("disk", Left::Shrinking { amount: 7, per_day: 0 }),
            item("tokens", Left::Shrinking { amount: 0, per_day: 5 }),
        ],
        NOW,
    );
    let near: Vec<Nearness> =
        horizon.lines().iter().map(aisle_provisioning::horizon::Line::nearness).collect();
    assert_eq!(near, [Nearness::Over, Nearness::Over, Nearness::Near, Nearness::Far]);
    assert!(horizon.to_string().starts_with("prices has run out"));
    assert_eq!(Horizon::new([], NOW).to_string(), "nothing runs out");
    let huge = Horizon::new([item("disk", Left::Shrinking { amount: u64::MAX, per_day: 1 })], NOW);
    assert!(huge.first().unwrap().days().unwrap() > 1_000_000);
}
