//! What the node writes for itself and reads again at its start: snapshots of its folds, the archive of telemetry, and reports of
//! the cold chain, which an inspector may bring back years later.
//!
//! Any bytes are refused or are a state, and a state that was taken goes on: it says what is due, hears more, and is written and read
//! again as it is.

mod archive;
mod report;
mod story;

use aisle_devices::{registry, telemetry};
use aisle_event::{Event, Timestamp};
use aisle_inventory::{cold_chain, position, task};
use story::{NOW, STORY, tell};

pub(crate) use archive::examples as archive_examples;
pub use archive::telemetry_archive;
pub use report::cold_chain_report;
pub(crate) use report::examples as report_examples;

/// Records that came before.
const SEQ: u64 = 1 << 20;

/// A fold of the journal, as the snapshot file has it.
trait Fold: Sized {
    fn new() -> Self;
    fn read(bytes: &[u8]) -> Option<Self>;
    fn write(&self) -> Vec<u8>;
    fn hear(&mut self, seq: u64, event: &Event);
    fn due(&mut self, now: Timestamp) -> Vec<Event>;
    fn look(&self);
}

macro_rules! fold {
    ($fold:ty, $config:ty, $due:expr, $look:expr) => {
        impl Fold for $fold {
            fn new() -> Self {
                Self::new(<$config>::default())
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                match Self::decode(<$config>::default(), bytes) {
                    Ok(fold) => Some(fold),
                    Err(error) => {
                        assert!(!error.to_string().is_empty(), "a refusal without words");
                        None
                    }
                }
            }

            fn write(&self) -> Vec<u8> {
                self.encode()
            }

            fn hear(&mut self, seq: u64, event: &Event) {
                self.apply(seq, event);
            }

            fn due(&mut self, now: Timestamp) -> Vec<Event> {
                $due(self, now)
            }

            fn look(&self) {
                $look(self);
            }
        }
    };
}

fold!(
    registry::Devices,
    registry::Config,
    |this: &registry::Devices, now| this.due(now),
    |this: &registry::Devices| {
        let view = this.view();
        for id in view.devices.keys() {
            assert!(view.get(id.as_str()).is_some(), "{id:?}");
        }
    }
);
fold!(
    telemetry::Telemetry,
    telemetry::Config,
    |this: &telemetry::Telemetry, now| this.due(now),
    |this: &telemetry::Telemetry| {
        let view = this.view();
        for stream in view.streams() {
            drop((stream.anomalies(), stream.raw(Timestamp(0), NOW)));
        }
    }
);
fold!(
    position::Positions,
    position::Config,
    |this: &position::Positions, now| {
        drop(this.wanted(now));
        this.due(now)
    },
    |this: &position::Positions| {
        for position in this.view().positions() {
            assert!(position.shelf.mean.is_finite() && position.backroom.mean.is_finite(), "{position:?}");
        }
    }
);
fold!(
    cold_chain::ColdChain,
    cold_chain::Config,
    |this: &cold_chain::ColdChain, now| {
        drop(this.wanted(now));
        this.due(now)
    },
    |this: &cold_chain::ColdChain| report::each_day(&this.view())
);
fold!(
    task::Tasks,
    task::Config,
    |this: &mut task::Tasks, now| this.due_with(now, story::wanted()),
    |this: &task::Tasks| {
        drop(this.view());
    }
);

/// # Panics
/// When a register that was taken does not go on, or is not written as it is.
pub fn devices_snapshot(input: &[u8]) {
    goes_on::<registry::Devices>(input);
}

/// # Panics
/// When telemetry that was taken does not go on, or is not written as it is.
pub fn telemetry_snapshot(input: &[u8]) {
    goes_on::<telemetry::Telemetry>(input);
}

/// # Panics
/// When positions that were taken do not go on, or are not written as they are.
pub fn positions_snapshot(input: &[u8]) {
    goes_on::<position::Positions>(input);
}

/// # Panics
/// When a cold chain that was taken does not go on, or is not written as it is.
pub fn cold_chain_snapshot(input: &[u8]) {
    goes_on::<cold_chain::ColdChain>(input);
}

/// # Panics
/// When tasks that were taken do not go on, or are not written as they are.
pub fn tasks_snapshot(input: &[u8]) {
    goes_on::<task::Tasks>(input);
}

fn goes_on<F: Fold>(input: &[u8]) {
    let Some(mut fold) = F::read(input) else { return };
    let written = fold.write();
    match F::read(&written) {
        Some(again) => assert!(again.write() == written, "what is read is written otherwise"),
        None => panic!("what was taken and written is refused"),
    }
    fold.look();
    let due = fold.due(NOW);
    assert!(due.len() <= 256, "{} events at once", due.len());
    for (seq, event) in (SEQ..).zip(due.iter().chain(&*STORY)) {
        fold.hear(seq, event);
    }
    drop(fold.due(NOW));
    fold.look();
}

/// A store's state early, in the middle and at the end of the story.
fn examples<F: Fold>() -> Vec<Vec<u8>> {
    [0, STORY.len() / 2, STORY.len()].map(|until| tell::<F>(until).write()).into()
}

pub(crate) fn devices_examples() -> Vec<Vec<u8>> {
    examples::<registry::Devices>()
}

pub(crate) fn telemetry_examples() -> Vec<Vec<u8>> {
    examples::<telemetry::Telemetry>()
}

pub(crate) fn positions_examples() -> Vec<Vec<u8>> {
    examples::<position::Positions>()
}

pub(crate) fn cold_chain_examples() -> Vec<Vec<u8>> {
    examples::<cold_chain::ColdChain>()
}

pub(crate) fn tasks_examples() -> Vec<Vec<u8>> {
    examples::<task::Tasks>()
}
