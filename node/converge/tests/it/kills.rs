//! The machine killed at every write: whatever the disk has then, the next start goes on, and comes to the same.

use crate::world::{config, release, slot};
use aisle_artefact::files::Files;
use aisle_converge::{Driver, DriverError};
use aisle_fleet::{
    Around, ContentHash, DesiredState, Effect, Health, Input, Now, Release, Stamp, Want, converge::Stage,
    desired::Wanted,
};
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

/// A disk that dies at its n-th change. What was not synced then is there, or not.
#[derive(Default)]
struct Disk {
    durable: BTreeMap<String, Vec<u8>>,
    now: BTreeMap<String, Vec<u8>>,
    changes: usize,
    dies_at: Option<usize>,
    /// There is no room for more.
    is_full: bool,
    keeps_unsynced: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Disk>>);

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Disk)) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.changes += 1;
        if disk.dies_at.is_some_and(|at| disk.changes >= at) {
            return Err(io::Error::other("the power is gone"));
        }
        change(&mut disk);
        Ok(())
    }

    /// Power comes back.
    fn back(&self) {
        let mut disk = self.0.lock().unwrap();
        let disk = &mut *disk;
        disk.dies_at = None;
        if disk.keeps_unsynced {
            disk.durable = disk.now.clone();
        } else {
            disk.now = disk.durable.clone();
        }
    }
}

impl Files for Shared {
    fn read(&self, name: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().now.get(name).cloned())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.0.lock().unwrap().is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.change(|disk| drop(disk.now.insert(name.into(), bytes.to_vec())))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|disk| {
            if let Some(bytes) = disk.now.remove(from) {
                disk.now.insert(to.into(), bytes);
            }
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.change(|disk| drop(disk.now.remove(name)))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|disk| disk.durable = disk.now.clone())
    }
}

/// What is in place, which outlives everything.
#[derive(Default)]
struct Shop {
    runs: Option<Release>,
    put: usize,
}

fn state(release: &Release) -> (Stamp, Box<DesiredState>) {
    let mut state = DesiredState::new();
    state.slots.insert(slot(), Wanted { want: Want::Release(release.clone()), round: 0 });
    let version = if release.version.as_str() == "1.0.0" { 1 } else { 2 };
    (Stamp { version, hash: state.hash() }, Box::new(state))
}

/// The course: 1.0.0 comes and proves itself, 1.1.0 comes and traps, 1.0.0 comes back. Goes on from whatever is there.
fn course(disk: &Shared, shop: &mut Shop) -> Result<(), DriverError> {
    let around = Around { disk_free_bytes: 1 << 40, ..Around::default() };
    let (one, two) = (release("1.0.0", "well"), release("1.1.0", "traps"));
    let mut driver = Driver::open(Box::new(disk.clone()), config())?;
    let mut inputs = VecDeque::from([Input::Tick]);
    let mut running_ms = 0;
    for _ in 0..400 {
        running_ms += 100;
        let now = Now { running_ms, wall: None };
        let input = inputs.pop_front().unwrap_or(Input::Tick);
        for effect in driver.handle(now, &around, input)? {
            let mut done = |stage, hash: ContentHash| {
                inputs.push_back(Input::Done { slot: slot(), stage, hash, outcome: Ok(()) });
            };
            match effect {
                Effect::Fetch { release, .. } => done(Stage::Fetch, release.hash),
                Effect::Verify { release, .. } => done(Stage::Verify, release.hash),
                Effect::SmokeTest { release, .. } => done(Stage::SmokeTest, release.hash),
                Effect::Activate { release, .. } => {
                    let kept = disk.0.lock().unwrap().durable.get("kept").cloned().unwrap();
                    let again = aisle_fleet::Converger::resume(config(), Some(&kept)).unwrap();
                    assert!(again.needs().contains(&release.hash), "done before it was kept");
                    shop.put += 1;
                    done(Stage::Activate, release.hash);
                    shop.runs = Some(release);
                }
                Effect::Revert { from, to, .. } => {
                    shop.put += 1;
                    shop.runs = to;
                    done(Stage::Revert, from.hash);
                }
                _ => {}
            }
        }
        let report = driver.machine().report();
        let of_slot = report.slots.get(&slot());
        let is_good =
            of_slot.is_some_and(|slot| slot.good.as_ref().is_some_and(|good| good.hash == one.hash));
        let is_over =
            of_slot.is_some_and(|slot| slot.reasons.iter().any(|reason| reason.code() == "known-bad"));
        if is_over {
            return Ok(());
        }
        let (stamp, state) = state(if is_good { &two } else { &one });
        if report.desired != Some(stamp) {
            inputs.push_front(Input::Desired { stamp, state });
        }
        if let Some(running) = &shop.runs {
            let traps = if running.hash == two.hash { 20 } else { 0 };
            let health = Health { calls: 40, traps, ..Health::default() };
            inputs.push_back(Input::Observed { slot: slot(), hash: running.hash, health });
        }
    }
    panic!("it never ended: {:?}", driver.machine().report());
}

#[test]
fn a_course_that_is_killed_at_any_write_ends_as_if_it_was_not() {
    let disk = Shared::default();
    let mut shop = Shop::default();
    course(&disk, &mut shop).unwrap();
    let changes = disk.0.lock().unwrap().changes;
    assert_eq!((shop.put, shop.runs.as_ref().unwrap().version.as_str()), (3, "1.0.0"));
    assert!(changes > 30, "{changes}");
    for dies_at in 1..=changes {
        for keeps_unsynced in [false, true] {
            let disk = Shared::default();
            {
                let mut disk = disk.0.lock().unwrap();
                (disk.dies_at, disk.keeps_unsynced) = (Some(dies_at), keeps_unsynced);
            }
            let mut shop = Shop::default();
            assert!(course(&disk, &mut shop).is_err(), "killed at {dies_at}");
            disk.back();
            course(&disk, &mut shop).unwrap();
            assert_eq!(shop.runs.unwrap().version.as_str(), "1.0.0", "killed at {dies_at}");
        }
    }
}

#[test]
fn a_disk_that_keeps_nothing_ends_the_changing_and_not_what_runs() {
    let disk = Shared::default();
    disk.0.lock().unwrap().dies_at = Some(1);
    let mut driver = Driver::open(Box::new(disk.clone()), config()).unwrap();
    let (stamp, state) = state(&release("1.0.0", "well"));
    let (now, around) = (Now::default(), Around { disk_free_bytes: 1 << 40, ..Around::default() });
    let first = driver.handle(now, &around, Input::Desired { stamp, state });
    assert!(matches!(first, Err(DriverError::Write(_))));
    disk.back();
    assert!(matches!(driver.handle(now, &around, Input::Tick), Err(DriverError::Broken)));
}

#[test]
fn a_disk_without_room_loses_nothing_of_what_was_heard_meanwhile() {
    let disk = Shared::default();
    let mut driver = Driver::open(Box::new(disk.clone()), config()).unwrap();
    let (stamp, state) = state(&release("1.0.0", "well"));
    let (now, around) = (Now::default(), Around { disk_free_bytes: 1 << 40, ..Around::default() });
    disk.0.lock().unwrap().is_full = true;
    let first = driver.handle(now, &around, Input::Desired { stamp, state });
    assert!(matches!(first, Err(DriverError::NoRoom(_))));
    assert!(matches!(driver.handle(now, &around, Input::Tick), Err(DriverError::NoRoom(_))));
    assert!(disk.0.lock().unwrap().durable.is_empty());
    assert!(driver.pending().iter().any(|effect| matches!(effect, Effect::Fetch { .. })));
    disk.0.lock().unwrap().is_full = false;
    let effects = driver.handle(now, &around, Input::Tick).unwrap();
    let fetches = effects.iter().filter(|effect| matches!(effect, Effect::Fetch { .. })).count();
    assert_eq!((fetches, driver.pending().len()), (1, 0));
    let kept = disk.0.lock().unwrap().durable.get("kept").cloned().unwrap();
    let again = aisle_fleet::Converger::resume(config(), Some(&kept)).unwrap();
    assert_eq!(again.report().desired, Some(stamp));
}

#[test]
fn what_cannot_be_read_is_set_aside_and_the_node_begins_anew() {
    let disk = Shared::default();
    disk.0.lock().unwrap().now.insert("kept".into(), b"\xff\xff".to_vec());
    let driver = Driver::open(Box::new(disk.clone()), config()).unwrap();
    assert!(driver.machine().report().slots.is_empty());
    assert!(disk.0.lock().unwrap().now.contains_key("kept.damaged"));
}

#[test]
fn a_node_that_does_not_come_up_with_something_new_finds_out() {
    let disk = Shared::default();
    let around = Around { disk_free_bytes: 1 << 40, ..Around::default() };
    let one = release("1.0.0", "well");
    let mut driver = Driver::open(Box::new(disk.clone()), config()).unwrap();
    let (stamp, state) = state(&one);
    let mut inputs = VecDeque::from([Input::Desired { stamp, state }]);
    while let Some(input) = inputs.pop_front() {
        for effect in driver.handle(Now::default(), &around, input).unwrap() {
            let (stage, hash) = match effect {
                Effect::Fetch { release, .. } => (Stage::Fetch, release.hash),
                Effect::Verify { release, .. } => (Stage::Verify, release.hash),
                Effect::SmokeTest { release, .. } => (Stage::SmokeTest, release.hash),
                Effect::Activate { release, .. } => (Stage::Activate, release.hash),
                _ => continue,
            };
            inputs.push_back(Input::Done { slot: slot(), stage, hash, outcome: Ok(()) });
        }
    }
    // Three starts, each of which ends in a crash as soon as it is loaded.
    let mut fell = None;
    for start in 1..=3 {
        let mut driver = Driver::open(Box::new(disk.clone()), config()).unwrap();
        let effects = driver.handle(Now::default(), &around, Input::Tick).unwrap();
        let revert = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Revert { from, .. } if from.hash == one.hash));
        fell = fell.or(revert.then_some(start));
    }
    assert_eq!(fell, Some(3));
}
