//! A store without a line.

use crate::world::*;
use aisle_converge::{
    Fleet,
    fleet::{folder, words},
};
use std::{
    io::{self, Read},
    sync::{
        atomic::Ordering,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

#[test]
fn a_stick_brings_order_metadata_and_contents_to_a_node_that_runs() {
    let (mut hub, node) = (Hub::new(), Node::new());
    let artefact = hub.sign("1.0.0", "well");
    let order = order(1, 1, &[release("1.0.0", "well")], Some(&hub.metadata()));
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    assert!(node.fleet().courier(stick.as_slice()).is_err(), "no root is trusted");
    node.fleet().trust(&hub.root()).unwrap();
    let (applied, ordered) = node.fleet().courier(stick.as_slice()).unwrap();
    assert_eq!((applied.taken.len(), ordered), (1, Some(Ok(1))));
    node.until_proved("1.0.0");
    let (again, _) = node.fleet().courier(stick.as_slice()).unwrap();
    assert_eq!((again.taken.len(), again.had.len()), (0, 1));
}

#[test]
fn a_stick_whose_contents_would_fill_the_disk_is_taken_when_there_is_room() {
    let (mut hub, node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    let artefact = hub.sign("1.0.0", "well");
    let order = order(1, 1, &[release("1.0.0", "well")], None);
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    let reserve = aisle_fleet::converge::Config::default().disk_reserve_bytes;
    let bytes = content("1.0.0", "well").len() as u64;
    node.place.free_bytes.store(reserve + bytes - 1, Ordering::Relaxed);
    let refused = words(&node.fleet().courier(stick.as_slice()).unwrap_err());
    assert!(refused.contains("1 bytes short of room") && refused.contains("hint: make room"), "{refused}");
    let contents = folder(node.dir.path()).join("contents");
    assert_eq!(std::fs::read_dir(contents).unwrap().count(), 0, "nothing of it is on the disk");
    node.place.free_bytes.store(2 * (reserve + bytes), Ordering::Relaxed);
    node.fleet().courier(stick.as_slice()).unwrap();
    node.until_proved("1.0.0");
}

#[test]
fn a_stick_for_a_node_that_does_not_run_is_followed_from_its_next_start() {
    let (mut hub, mut node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    node.stop();
    let artefact = hub.sign("1.0.0", "well");
    let order = order(1, 1, &[release("1.0.0", "well")], None);
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    let beside = Fleet::beside(node.parts()).unwrap();
    beside.courier(stick.as_slice()).unwrap();
    drop(beside);
    assert_eq!(node.runs(), None);
    node.start();
    node.until_proved("1.0.0");
}

#[test]
fn an_order_of_somebody_else_on_a_good_stick_is_not_followed() {
    let (mut hub, node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    let artefact = hub.sign("1.0.0", "well");
    let order = order_by(&[9; 32], &store(), 1, 1, &[release("1.0.0", "well")], None);
    let stick = hub.bundle(Some(&order), &[(artefact, content("1.0.0", "well"))]);
    let (applied, ordered) = node.fleet().courier(stick.as_slice()).unwrap();
    assert!(matches!(ordered, Some(Err(_))));
    assert_eq!((applied.taken.len(), applied.unwanted.len()), (0, 1));
    assert_eq!(node.status().generation, None);
}

/// A stick that stands still in the middle, until somebody lets it go on.
struct Slow<'a> {
    bytes: &'a [u8],
    /// So many bytes come at once.
    before: usize,
    stands: Sender<()>,
    goes_on: Receiver<()>,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.before == 0 {
            self.stands.send(()).unwrap();
            self.goes_on.recv().unwrap();
            self.before = usize::MAX;
        }
        let many = buffer.len().min(self.before);
        let many = self.bytes.read(&mut buffer[..many])?;
        self.before -= many;
        Ok(many)
    }
}

#[test]
fn nobody_waits_for_a_stick_that_is_slow() {
    let (mut hub, mut node) = (Hub::new(), Node::new());
    node.fleet().trust(&hub.root()).unwrap();
    // Long enough that the stick stands still behind metadata and order, whatever is read ahead: others come behind the one that is wanted.
    let mut contents = Vec::new();
    for number in 0..8_u32 {
        let noise =
            (0..960_u32).map(|at| blake3::hash(&(number << 16 | at).to_le_bytes()).to_hex().to_string());
        let (version, how) = (format!("1.0.{number}"), format!("{} well", noise.collect::<String>()));
        contents.push((hub.sign(&version, &how), content(&version, &how), how));
    }
    let order = order(1, 1, &[release("1.0.0", &contents[0].2)], None);
    let contents: Vec<_> = contents.into_iter().map(|(artefact, bytes, _)| (artefact, bytes)).collect();
    let stick = hub.bundle(Some(&order), &contents);
    let ((stands, standing), (go_on, goes_on)) = (channel(), channel());
    let fleet = node.fleet().clone();
    node = thread::scope(|scope| {
        let slow = Slow { bytes: &stick, before: stick.len() - (1 << 13), stands, goes_on };
        let reading = scope.spawn(|| fleet.courier(slow).map(|(applied, _)| applied.taken.len()).unwrap());
        standing.recv().unwrap();
        let (tell, told) = channel();
        let asked = fleet.clone();
        let asking = scope.spawn(move || {
            let status = asked.status();
            assert!(status.root_version.is_some() && status.generation == Some(1), "{status}");
            node.stop();
            tell.send(node).unwrap();
        });
        let answered = told.recv_timeout(Duration::from_secs(20));
        go_on.send(()).unwrap();
        assert_eq!(reading.join().unwrap(), 1);
        asking.join().unwrap();
        answered.expect("status and stop wait for the stick")
    });
    node.start();
    node.until_proved("1.0.0");
}
