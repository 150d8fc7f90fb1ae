//! The journal against a model: a list in memory. Any run of appends, restarts, power cuts, reads and trims must agree.

use crate::support::{KIND, open, small};
use aisle_journal::{
    Config, Entry, Journal,
    fault::{FaultIo, Unsynced},
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Action {
    /// Appends a batch of payloads of these lengths.
    Append(Vec<usize>),
    /// Hands batches in without waiting, then waits for all.
    Submit(Vec<Vec<usize>>),
    /// Reads from a point, in thousandths of what is there.
    Read(u64),
    /// Trims below a point.
    Trim(u64),
    /// Closes and opens.
    Restart,
    /// Loses power with nothing in flight.
    PowerCut(Unsynced),
    /// Loses power with a batch handed in.
    PowerCutInFlight(Unsynced, Vec<usize>),
    SetClock(u64),
    Verify,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let batch = || prop::collection::vec(prop_oneof![8 => 0..200_usize, 1 => 0..6000_usize], 1..6);
    let unsynced = || prop::sample::select(&Unsynced::ALL[..]);
    let action = prop_oneof![
        6 => batch().prop_map(Action::Append),
        2 => prop::collection::vec(batch(), 1..5).prop_map(Action::Submit),
        2 => (0..1100_u64).prop_map(Action::Read),
        1 => (0..1100_u64).prop_map(Action::Trim),
        1 => Just(Action::Restart),
        1 => unsynced().prop_map(Action::PowerCut),
        2 => (unsynced(), batch()).prop_map(|(unsynced, batch)| Action::PowerCutInFlight(unsynced, batch)),
        1 => any::<u32>().prop_map(|ms| Action::SetClock(u64::from(ms) * 1000)),
        1 => Just(Action::Verify),
    ];
    prop::collection::vec(action, 1..40)
}

struct Pair {
    disk: FaultIo,
    journal: Option<Journal>,
    config: Config,
    /// Every payload ever committed.
    model: Vec<Vec<u8>>,
    made: u64,
}

impl Pair {
    fn new(seed: u64, segment_bytes: u64) -> Self {
        let (disk, config) = (FaultIo::new(seed), Config { segment_bytes, ..small() });
        let journal = Some(open(&disk, config));
        Self { disk, journal, config, model: Vec::new(), made: 0 }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn batch(&mut self, lengths: &[usize]) -> Vec<Entry> {
        lengths
            .iter()
            .map(|length| {
                self.made += 1;
                let payload = self.made.to_le_bytes().into_iter().cycle().take(*length).collect();
                Entry { kind: KIND, payload }
            })
            .collect()
    }

    fn committed(&mut self, batch: Vec<Entry>) {
        self.model.extend(batch.into_iter().map(|entry| entry.payload));
    }

    fn reopen(&mut self) {
        self.journal = None;
        self.journal = Some(open(&self.disk, self.config));
    }

    fn point(&self, thousandths: u64) -> u64 {
        self.model.len() as u64 * thousandths / 1000 + 1
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Append(lengths) => {
                let batch = self.batch(&lengths);
                let committed = self.journal().append(batch.clone()).unwrap();
                assert_eq!(committed.first, self.model.len() as u64 + 1);
                self.committed(batch);
                assert_eq!(committed.last, self.model.len() as u64);
            }
            Action::Submit(batches) => {
                let batches: Vec<_> = batches.iter().map(|lengths| self.batch(lengths)).collect();
                let tickets: Vec<_> =
                    batches.iter().map(|batch| self.journal().submit(batch.clone()).unwrap()).collect();
                for (batch, ticket) in batches.into_iter().zip(tickets) {
                    let first = self.model.len() as u64 + 1;
                    self.committed(batch);
                    let committed = ticket.wait().unwrap();
                    assert_eq!((committed.first, committed.last), (first, self.model.len() as u64));
                }
            }
            Action::Read(thousandths) => {
                let from = self.point(thousandths).max(self.journal().first());
                let read: Vec<_> = self.journal().read(from).unwrap().map(Result::unwrap).collect();
                let expected = self.model.get(from as usize - 1..).unwrap_or_default();
                assert_eq!(read.len(), expected.len());
                assert!(read.iter().zip(expected).all(|(record, payload)| record.payload == *payload));
                assert!(read.is_sorted_by(|a, b| a.hlc < b.hlc && a.seq + 1 == b.seq));
            }
            Action::Trim(thousandths) => {
                let below = self.point(thousandths);
                let before = self.journal().first();
                let trimmed = self.journal().trim(below).unwrap();
                assert!(trimmed.first >= before && trimmed.first <= below.max(before));
            }
            Action::Restart => self.reopen(),
            Action::PowerCut(unsynced) => {
                self.disk = self.disk.crash_with(unsynced);
                self.reopen();
            }
            Action::PowerCutInFlight(unsynced, lengths) => {
                let batch = self.batch(&lengths);
                self.disk.hold_syncs();
                let ticket = self.journal().submit(batch.clone()).unwrap();
                assert!(self.disk.wait_for_held_sync(std::time::Duration::from_secs(10)));
                self.disk = self.disk.crash_with(unsynced);
                ticket.wait().unwrap_err();
                self.reopen();
                // All of it or nothing; it was never acknowledged.
                if self.journal().durable() > self.model.len() as u64 {
                    self.committed(batch);
                }
            }
            Action::SetClock(ms) => self.disk.set_clock_ms(ms),
            Action::Verify => {
                let verified = self.journal().verify().unwrap();
                assert!(verified.is_intact() && verified.gaps.is_empty(), "{verified:?}");
                assert_eq!(verified.head, self.journal().head());
            }
        }
        assert_eq!(self.journal().durable(), self.model.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_agrees_with_a_list_in_memory(
        seed in any::<u64>(),
        segment_bytes in prop::sample::select(&[1_u64, 20_000, 200_000][..]),
        actions in actions(),
    ) {
        let mut pair = Pair::new(seed, segment_bytes);
        actions.into_iter().for_each(|action| pair.act(action));
        pair.act(Action::Read(0));
        pair.act(Action::Verify);
    }
}
