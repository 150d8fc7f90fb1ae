//! An update and a publication, killed at each step: what was good before is good after, and it goes on from there.

use crate::{
    disk::{Cut, Disk},
    world::*,
};
use aisle_artefact::{
    Client, Kind, Limits, Repository, Source, Standing, UpdateError,
    repository::{Keys, Online},
    shelf::Folder,
    source::{self, SourceError},
};
use std::io::{self, Read};

#[test]
fn a_node_that_is_killed_at_any_step_of_an_update_knows_what_it_knew_or_what_is_new() {
    let mut hub = Hub::new();
    let disk = Disk::default();
    let mut client = Client::init_with(disk.files(), &hub.root(), Limits::default()).unwrap();
    client.update(&mut hub.files(), NOW).unwrap();
    let before: Vec<_> = client.artefacts().cloned().collect();
    drop(client);

    // Everybody's keys change, and there is something new.
    let mut plan = plan();
    plan.targets = keys(&[14, 15], 2);
    plan.snapshot = Keys::one(key(16).public());
    plan.timestamp = Keys::one(key(17).public());
    let root = signed(hub.repository.next_root(&plan, days(365)).unwrap(), &ROOTS);
    let mut delegations = delegations();
    delegations[0].keys = keys(&[18], 1);
    let targets = signed(hub.repository.next_targets(&delegations, days(365)).unwrap(), &[14, 15]);
    let new = add(&[&plugin("scan-and-go", "2.0.0")]);
    let plugins = signed(hub.repository.next_artefacts(Kind::Plugin, &new, days(365)).unwrap(), &[18]);
    let (snapshot, timestamp) = (key(16), key(17));
    let online = Online { snapshot: &snapshot, timestamp: &timestamp };
    hub.repository.publish(vec![root, targets, plugins], &online, VALIDITY, NOW).unwrap();

    let (mut kills, mut steps) = (0, 0);
    for cut in [Cut::Process, Cut::Power] {
        for step in 0.. {
            let machine = disk.copy();
            let mut client = Client::open_with(machine.files(), Limits::default()).unwrap();
            machine.die_after(step);
            let updated = client.update(&mut hub.files(), NOW);
            drop(client);
            machine.restart(cut);
            let mut client = Client::open_with(machine.files(), Limits::default()).unwrap();
            let known: Vec<_> = client.artefacts().cloned().collect();
            assert!(known == before || known.len() == 2, "step {step}, {cut:?}: {known:?}");
            assert_eq!(client.verify(&before[0], NOW), Standing::Good, "step {step}, {cut:?}");
            client.update(&mut hub.files(), NOW).unwrap();
            assert_eq!(client.artefacts().count(), 2, "step {step}, {cut:?}: it goes on");
            steps = machine.steps();
            if updated.is_ok() {
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} kills, {steps} steps");
    assert!(
        kills > 30,
        "root, timestamp, snapshot, targets, two lists, what is known: three steps each, twice"
    );
}

#[test]
fn a_hub_that_is_killed_at_any_step_of_a_publication_goes_on_with_all_or_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let folder = || Folder::open_with(dir.path(), disk.files()).unwrap();
    let drafts = first_drafts(days(365));
    online(|online| Repository::init(folder(), drafts, online, VALIDITY, NOW)).unwrap();

    let mut kills = 0;
    for cut in [Cut::Process, Cut::Power] {
        for step in 0.. {
            let machine = disk.copy();
            let open = || Folder::open_with(dir.path(), machine.files()).unwrap();
            let mut repository = Repository::open(open()).unwrap();
            // A root with other keys, so that half of it would fit nothing.
            let mut plan = plan();
            plan.targets = keys(&[14, 15], 2);
            let root = signed(repository.next_root(&plan, days(365)).unwrap(), &ROOTS);
            let targets = repository.next_targets(&delegations(), days(365)).unwrap();
            let new = add(&[&plugin("buy-two", "1.4.0")]);
            let plugins = repository.next_artefacts(Kind::Plugin, &new, days(365)).unwrap();
            let drafts = vec![root, signed(targets, &[14, 15]), signed(plugins, &[PLUGINS])];
            machine.die_after(step);
            let published = online(|online| repository.publish(drafts, online, VALIDITY, NOW)).is_ok();
            drop(repository);
            machine.restart(cut);

            let mut repository = Repository::open(open()).unwrap();
            let (is_there, root) = (repository.artefacts().len(), repository.expiries());
            let root = root.iter().find(|expiry| expiry.role == aisle_artefact::Role::Root).unwrap().version;
            assert_eq!((is_there + 1) as u64, root, "step {step}, {cut:?}: all or nothing");
            assert!(!published || is_there == 1, "step {step}, {cut:?}: what was said to be published is");
            // It goes on, and a store that comes afterwards finds it whole.
            online(|online| repository.refresh(online, VALIDITY, NOW)).unwrap();
            let mut files: source::Memory = repository
                .files()
                .unwrap()
                .into_iter()
                .map(|(name, bytes)| (name.to_string(), bytes))
                .collect();
            let store = tempfile::tempdir().unwrap();
            let mut client = Client::init(store.path(), &files["1.root.json"], Limits::default()).unwrap();
            client.update(&mut files, NOW).unwrap();
            assert_eq!(client.artefacts().count(), is_there);
            if published {
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} kills");
    assert!(kills > 30);
}

/// A line that breaks before one of its files, or in the middle of it.
struct Breaking {
    files: source::Memory,
    left: usize,
    within: bool,
}

impl Source for Breaking {
    fn fetch(&mut self, name: &str, bytes_max: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        let broken = || io::Error::from(io::ErrorKind::ConnectionReset);
        let is_broken = self.left == 0;
        self.left = self.left.saturating_sub(1);
        let within = self.within;
        let file = self.files.fetch(name, bytes_max)?;
        match (is_broken, within) {
            (false, _) => Ok(file),
            (true, false) => Err(broken().into()),
            (true, true) => Ok(Box::new(file.take(20).chain(Broken))),
        }
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }
}

#[test]
fn a_line_that_breaks_at_any_file_leaves_what_was_known() {
    let mut hub = Hub::new();
    let before = hub.files();
    hub.add(Kind::Plugin, &add(&[&plugin("scan-and-go", "2.0.0")]));
    let mut broke = 0;
    for within in [false, true] {
        for left in 0.. {
            let mut store = Store::new(&hub);
            store.update(&mut before.clone()).unwrap();
            let mut line = Breaking { files: hub.files(), left, within };
            let updated = store.client.update(&mut line, NOW);
            let names = store.names();
            if updated.is_ok() && line.left > 0 {
                break;
            }
            // No next root is what is expected, so a line that breaks there within its file has nothing to break.
            if let Err(error) = updated {
                assert!(matches!(error, UpdateError::Source { .. }), "{left}: {error}");
                assert_eq!(names, ["plugins/buy-two/1.4.0.plugin"], "{left}");
                broke += 1;
            }
            store.restart();
            store.update(&mut hub.files()).unwrap();
            assert_eq!(store.names().len(), 2, "{left}: it goes on");
        }
    }
    assert!(broke >= 6, "timestamp, snapshot and a list, each twice: {broke}");
}

#[test]
fn what_a_disk_has_spoilt_is_fetched_again() {
    let hub = Hub::new();
    let disk = Disk::default();
    let mut client = Client::init_with(disk.files(), &hub.root(), Limits::default()).unwrap();
    client.update(&mut hub.files(), NOW).unwrap();
    drop(client);
    let mut names = disk.names();
    names.retain(|name| name != "root.json");
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        for cut in [0, 70, usize::MAX] {
            let machine = disk.copy();
            machine.spoil(&name, |bytes| {
                let middle = bytes.len() / 2;
                if cut == usize::MAX { bytes[middle] ^= 1 } else { bytes.truncate(cut) }
            });
            let mut client = Client::open_with(machine.files(), Limits::default()).unwrap();
            let standing = client.verify(&plugin("buy-two", "1.4.0"), NOW);
            let is_known = name != "known";
            assert_eq!(standing == Standing::Good, is_known, "{name}: {standing:?}");
            client.update(&mut hub.files(), NOW).unwrap();
            assert_eq!(client.verify(&plugin("buy-two", "1.4.0"), NOW), Standing::Good, "{name}");
        }
    }
}
