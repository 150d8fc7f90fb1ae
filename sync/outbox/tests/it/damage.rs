//! A damaged class is kept aside, and goes on in a new epoch.

use crate::{
    hub::Hub,
    support::{dir, mixed, open, small},
};
use aisle_event::LogClass;
use aisle_journal::fault::FaultIo;
use aisle_outbox::{Notice, Why};
use aisle_protocol::node::Outbox as _;

#[test]
fn any_damaged_byte_of_a_class_is_noticed_kept_aside_and_costs_nothing() {
    let class = LogClass::Sales;
    let (mut damaged, mut offsets) = (0, Vec::new());
    for seed in 0..12 {
        let disk = FaultIo::new(seed);
        let (mut store, mut hub) = (open(&disk, small()), Hub::new());
        for round in 0..30 {
            store.happen(mixed()).unwrap();
            store.step();
            if round == 14 {
                store.send(&mut hub);
                store.acknowledge(&hub);
            }
        }
        store.send(&mut hub);
        drop(store);
        let io = disk.io();
        let mut files: Vec<_> = io.list(&dir().join("p0")).unwrap();
        files.sort();
        let file = dir().join("p0").join(files.iter().find(|name| name.ends_with(".seg")).unwrap());
        let offset = 8192 + seed * 600;
        assert!(disk.flip_bit(&file, offset, 3));
        let mut store = open(&disk, small());
        let aside = store.notices.iter().find_map(|notice| match notice {
            Notice::Begun { class: of, why: Why::Damaged { aside, .. }, .. } if *of == class => {
                Some(aside.clone())
            }
            _ => None,
        });
        if let Some(aside) = aside {
            damaged += 1;
            offsets.push(offset);
            assert!(io.list(&aside).unwrap().iter().any(|name| name.ends_with(".seg")));
        }
        store.happen(mixed()).unwrap();
        store.seal_all();
        store.send(&mut hub);
        assert_eq!(hub.times_once(class), store.expected(class), "seed {seed}");
        assert!(store.outbox.past(class).unwrap().len() <= 1);
        // The next start finds all in order.
        drop(store);
        assert!(open(&disk, small()).notices.is_empty());
    }
    assert!(damaged > 6, "{damaged}: {offsets:?}");
}
