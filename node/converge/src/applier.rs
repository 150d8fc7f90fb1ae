//! Who puts the artefacts of one kind in place.
//!
//! Everything may block, and may be asked for again after a kill: it must come to the same, and change nothing where nothing differs. Not here: when it is asked
//! ([`crate::worker`]).

use aisle_fleet::{
    ContentHash, Health, Kind, Reason, Release, Slot, Version, converge::Trouble, device::SlotDevices,
    rehearsal::Findings, setting::Settings,
};

/// An artefact with its bytes, which are what was signed.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its place.
    pub slot: Slot,
    /// What it is.
    pub release: Release,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What came of something.
pub type Outcome = Result<(), Trouble>;

/// Puts the artefacts of one kind in place.
pub trait Applier: Send + Sync {
    /// Which kind.
    fn kind(&self) -> Kind;

    /// The most bytes of one.
    fn bytes_max(&self) -> u64;

    /// Tries it beside what runs. Nothing that runs may notice.
    ///
    /// # Errors
    /// When it must not be put in place.
    fn smoke_test(&self, piece: &Piece) -> Outcome;

    /// Plays what was recorded here through it, and says what would have come out otherwise. Nothing that runs may notice, nothing that it wants is done, and what is
    /// said of an input is safe to leave the store.
    ///
    /// # Errors
    /// When nothing can be played through it.
    fn rehearse(&self, piece: &Piece) -> Result<Findings, Trouble> {
        Err(never(format!("of a `{}` nothing is recorded that could be played", piece.slot.kind())))
    }

    /// Puts it in the place of what runs, in one step. `before` is what ran there by an order, where something did and its bytes are here.
    ///
    /// # Errors
    /// When it could not be; then what ran before runs.
    fn activate(&self, piece: &Piece, before: Option<&Piece>) -> Outcome;

    /// Puts back what ran before; without it, what was there before anything was ordered. `from` is what goes, where its bytes are here.
    ///
    /// # Errors
    /// When that could not be done; it is asked for again.
    fn revert(&self, slot: &Slot, from: Option<&Piece>, to: Option<&Piece>) -> Outcome;

    /// Takes away what runs, and puts back what was there before anything was ordered. `from` is what goes, where its bytes are here.
    ///
    /// # Errors
    /// When that could not be done; it is asked for again.
    fn remove(&self, slot: &Slot, from: Option<&Piece>) -> Outcome;

    /// No version below this may be put in place by anybody from now on, nor take over from what runs. What runs goes on. It is told after each start, and whenever a
    /// minimum rises; it must not wait.
    fn minimum(&self, slot: &Slot, minimum: &Version) {
        let _ = (slot, minimum);
    }

    /// True for who has to be shown what runs after each start. Others go on before it is.
    fn resumes(&self) -> bool {
        false
    }

    /// This is to run, since before this start; it may be shown again.
    ///
    /// # Errors
    /// When it does not run. What may pass is tried again; what does not counts as [`Applier::broken`].
    fn resume(&self, piece: &Piece) -> Outcome {
        let _ = piece;
        Ok(())
    }

    /// How what runs has done since it was put in place, or since the node started; nothing where nobody counts.
    fn health(&self, slot: &Slot, hash: &ContentHash) -> Option<Health> {
        let _ = (slot, hash);
        None
    }

    /// Why what runs is not in force any more, though nobody took it back by an order; nothing while it is. It is asked often.
    fn broken(&self, slot: &Slot, hash: &ContentHash) -> Option<String> {
        let _ = (slot, hash);
        None
    }

    /// What became of what runs at the devices that it means; nothing where it means none. It is asked often, after [`Applier::health`].
    fn devices(&self, slot: &Slot, release: &Release) -> Option<SlotDevices> {
        let _ = (slot, release);
        None
    }
}

/// Sets the node as headquarters orders it.
pub trait SetsNode: Send + Sync {
    /// Takes all of these settings in the place of those before, or none of them. It is durable when this returns, and asked for again after each start.
    ///
    /// Gives why some of them are not in force though they were taken; nothing where all are.
    ///
    /// # Errors
    /// When they must not be taken; those before stay.
    fn set(&self, settings: &Settings) -> Result<Vec<Reason>, Trouble>;
}

/// It would come to the same if it was done again.
#[must_use]
pub fn never(text: impl Into<String>) -> Trouble {
    Trouble { is_final: true, text: text.into() }
}

/// It may well work the next time.
#[must_use]
pub fn not_now(text: impl Into<String>) -> Trouble {
    Trouble { is_final: false, text: text.into() }
}
