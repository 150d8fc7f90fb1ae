//! Events on their way to the journal, in order, with readings gathered into as few records as possible.

use aisle_event::{
    Event, Unknown,
    device::{Reading, ReadingsTaken},
};

/// Readings in one record.
const READINGS_MAX: usize = 256;

/// What becomes one batch of the journal.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub events: Vec<Event>,
    pub readings: usize,
    /// Something in it changes what is decided about the next messages.
    pub is_decisive: bool,
}

impl Batch {
    pub(super) fn reading(&mut self, reading: Reading) {
        self.readings += 1;
        match self.events.last_mut() {
            Some(Event::ReadingsTaken(taken)) if taken.readings.len() < READINGS_MAX => {
                taken.readings.push(reading);
            }
            _ => self
                .events
                .push(ReadingsTaken { readings: vec![reading], unknown: Unknown::default() }.into()),
        }
    }

    /// Something that was observed.
    pub(super) fn observe(&mut self, event: impl Into<Event>) {
        self.events.push(event.into());
    }

    /// Something that changes the register.
    pub(super) fn decide(&mut self, event: impl Into<Event>) {
        self.is_decisive = true;
        self.events.push(event.into());
    }
}
