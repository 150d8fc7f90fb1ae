//! Courses of all that can happen to a store and its hub, by chance: power cuts, restarts, a hub that is restored from a backup, a line that
//! breaks. `AISLE_COURSES=5000` runs more, `AISLE_COURSE=42` one again.

use crate::{
    hub::Hub,
    machine::Line,
    support::{mixed, open, plain, setup, small, try_open},
};
use aisle_event::LogClass;
use aisle_journal::fault::{FaultIo, Unsynced};
use aisle_outbox::{Config, Notice};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// How often something was dropped for want of room.
fn course(seed: u64) -> usize {
    let mut random = Random(seed);
    // In every fourth the room is too small for what waits.
    let is_tight = seed % 4 == 3;
    let config = || Config { disk_bytes_max: if is_tight { 24 << 10 } else { 4 << 30 }, ..small() };
    let (mut store, mut hub) = (open(&FaultIo::new(seed), config()), Hub::new());
    let mut line = Line::new();
    let mut saved = (hub.logs.clone(), hub.order.clone());
    let mut shed = 0;
    for _ in 0..30 {
        match random.below(14) {
            0..=4 => {
                for _ in 0..=random.below(4) {
                    store.happen(mixed()).unwrap();
                }
            }
            5 | 6 => {
                store.step();
            }
            7..=9 => {
                store.step();
                line.talk(&mut store, &mut hub);
            }
            10 => {
                let disk = store.disk.clone();
                drop(store);
                store = open(&disk, config());
                line = Line::new();
            }
            11 => {
                store.disk.crash_at(store.disk.ops() + 1 + random.below(14));
                for _ in 0..8 {
                    if store.happen(mixed()).is_err() || store.try_step().is_err() {
                        break;
                    }
                }
                let mode = Unsynced::ALL[random.below(4) as usize];
                let disk = store.disk.crash_with(mode);
                drop(store);
                store = try_open(&disk, setup(plain(), config())).unwrap();
                store.seal_all();
                line = Line::new();
            }
            12 => saved = (hub.logs.clone(), hub.order.clone()),
            _ => {
                (hub.logs, hub.order) = saved.clone();
                line.cut(&mut store);
            }
        }
        let is_shed = |notice: &Notice| matches!(notice, Notice::Shed { .. });
        shed += store.notices.drain(..).filter(is_shed).count();
    }
    store.seal_all();
    line.cut(&mut store);
    line.talk(&mut store, &mut hub);
    for class in LogClass::ALL {
        let (found, expected) = (hub.times_once(class), store.expected(class));
        if is_tight && class != LogClass::Sales {
            // What was dropped is missing, and nothing is there that did not happen.
            assert!(found.iter().all(|time| expected.contains(time)), "{class}");
        } else {
            assert_eq!(found, expected, "{class}");
        }
        assert_eq!(store.outbox.backlog(class).events, 0, "{class}");
    }
    shed
}

#[test]
fn whatever_happens_to_store_and_hub_everything_arrives() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let courses = match number("AISLE_COURSE") {
        Some(seed) => seed..seed + 1,
        None => 0..number("AISLE_COURSES").unwrap_or(60),
    };
    let is_one = courses.end - courses.start == 1;
    let shed: usize = courses
        .map(|seed| {
            println!("AISLE_COURSE={seed}");
            course(seed)
        })
        .sum();
    assert!(shed > 0 || is_one, "no course was tight");
}
