//! What is learned of the store as a whole: its hours, how soon staff fill a shelf, whether they enter it,
//! how many tags a scan misses, how far deliveries are what their notes say.

use super::{
    learned::{Rate, Share},
    rhythm::Rhythm,
};
use minicbor::{Decode, Encode};

/// What products learn from each other.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Store {
    #[n(0)]
    pub(super) rhythm: Rhythm,
    /// How often a shelf that wants filling is filled.
    #[n(1)]
    pub(super) filling: Rate,
    /// How many fillings staff enter.
    #[n(2)]
    entered: Share,
    #[n(3)]
    any_entered: bool,
    /// How many of its tags a scan sees.
    #[n(4)]
    pub(super) detection: Share,
    /// How many deliveries differ from their note, and by which part of it.
    #[n(5)]
    pub(super) note_wrong: Share,
    #[n(6)]
    pub(super) note_wrong_by: Rate,
    /// How many deliveries nobody enters.
    #[n(7)]
    pub(super) unnoted: Share,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            rhythm: Rhythm::default(),
            // Once in three busy hours, as if seen three times.
            filling: Rate::prior(3.0, 9.0),
            entered: Share::prior(6.0, 2.0),
            any_entered: false,
            detection: Share::prior(36.0, 4.0),
            // Six in a hundred, as if fifty had been checked; by a sixth.
            note_wrong: Share::prior(3.0, 47.0),
            note_wrong_by: Rate::prior(1.0, 6.0),
            // One in a hundred.
            unnoted: Share::prior(0.5, 49.5),
        }
    }
}

impl Store {
    pub(super) fn is_sound(&self) -> bool {
        self.rhythm.is_sound()
            && self.filling.is_sound()
            && self.entered.is_sound()
            && self.detection.is_sound()
            && self.note_wrong.is_sound()
            && self.note_wrong_by.is_sound()
            && self.unnoted.is_sound()
    }

    /// The part of fillings that staff enter.
    pub(super) fn entered(&self) -> f64 {
        if self.any_entered { self.entered.mean() } else { 0.0 }
    }

    pub(super) fn fill_entered(&mut self, seen: bool) {
        self.any_entered = true;
        if seen {
            self.entered.learn(1.0, 0.0);
        }
    }

    pub(super) fn fill_not_entered(&mut self) {
        self.entered.learn(0.0, 1.0);
    }
}
