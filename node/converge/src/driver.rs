//! The machine and its memory: what it wants kept is durable before anybody does what follows.
//!
//! The file is `kept`, replaced whole. A disk without room holds everything up until there is some: what follows is done when it is kept. A disk that fails otherwise
//! ends the changing of anything in this process: nobody knows what is on it then, and what follows must not be done. What runs goes on; the next start goes on from
//! the file. The highest minimums that were ever seen are in `floors` as well, so that a `kept` that cannot be read takes none of them along.
//!
//! Not here: carrying effects out ([`crate::worker`]).

use aisle_artefact::files::{Files, NotReplaced, try_replace};
use aisle_fleet::{
    Around, Converger, Effect, Input, Now, Slot, Version,
    converge::{Config, KEPT_BYTES_MAX, KeptError},
};
use std::{collections::BTreeMap, io};

/// The file.
const KEPT: &str = "kept";
/// Where a file goes that cannot be read.
const DAMAGED: &str = "kept.damaged";
/// The file with the highest minimums.
const FLOORS: &str = "floors";

type Floors = BTreeMap<Slot, Version>;

/// The machine and its memory.
pub struct Driver {
    files: Box<dyn Files>,
    machine: Converger,
    is_broken: bool,
    /// What is to be kept, and is not yet.
    unkept: Option<Vec<u8>>,
    /// What follows from it. There is at most one of a slot, and one report.
    pending: Vec<Effect>,
    /// The highest minimums as they are on the disk; nothing where that is not known.
    floors: Option<Floors>,
}

/// Why the machine does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// What was kept cannot be read from the disk.
    #[error("cannot read `fleet/{KEPT}`")]
    Read(#[source] io::Error),
    /// What was kept is of a later form; it is left as it is.
    #[error("`fleet/{KEPT}` cannot be used")]
    Kept(#[source] KeptError),
    /// What is to be kept cannot be.
    #[error(
        "`fleet/{KEPT}` cannot be written, so nothing ordered is changed until the next start\nhint: look at the disk; what runs goes on"
    )]
    Write(#[source] io::Error),
    /// There is no room for it, which may pass.
    #[error(
        "there is no room to write `fleet/{KEPT}`, so nothing ordered is changed until there is\nhint: make room on the disk; what runs goes on"
    )]
    NoRoom(#[source] io::Error),
    /// It could not be kept before.
    #[error("nothing ordered is changed until the next start: `fleet/{KEPT}` could not be written")]
    Broken,
}

impl Driver {
    /// Goes on from what was kept. [`Input::Tick`] has to be handled before anything that [`Converger::loads`] names is loaded. What does not decode is set
    /// aside: the machine then begins anew, from what it is told.
    ///
    /// # Errors
    /// When the disk fails, or what was kept is of a later form.
    pub fn open(mut files: Box<dyn Files>, config: Config) -> Result<Self, DriverError> {
        let kept = match files.read(KEPT, KEPT_BYTES_MAX as u64) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(Vec::new()),
            read => read.map_err(DriverError::Read)?,
        };
        let floors = files.read(FLOORS, KEPT_BYTES_MAX as u64).ok().flatten();
        let floors = floors.and_then(|floors| serde_json::from_slice::<Floors>(&floors).ok());
        let mut machine = match Converger::resume(config.clone(), kept.as_deref()) {
            Ok(machine) => machine,
            Err(error @ KeptError::Form { .. }) => return Err(DriverError::Kept(error)),
            Err(error) => {
                tracing::error!(%error, "`fleet/{KEPT}` is set aside as `{DAMAGED}`; the node begins anew from what it is told");
                if floors.is_none() {
                    tracing::error!(
                        "`fleet/{FLOORS}` cannot be read either: minimum versions count from the next order on"
                    );
                }
                files.rename(KEPT, DAMAGED).and_then(|()| files.sync()).map_err(DriverError::Write)?;
                Converger::resume(config, None).map_err(DriverError::Kept)?
            }
        };
        machine.raise(floors.iter().flatten());
        Ok(Self { files, machine, is_broken: false, unkept: None, pending: Vec::new(), floors })
    }

    /// Takes in what has happened, and keeps what is to be kept. What comes out may be done.
    ///
    /// # Errors
    /// When it cannot be kept: then nothing may be done. Where there was no room, it comes out of a later call.
    pub fn handle(&mut self, now: Now, around: &Around, input: Input) -> Result<Vec<Effect>, DriverError> {
        if self.is_broken {
            return Err(DriverError::Broken);
        }
        for effect in self.machine.handle(now, around, input) {
            match effect {
                Effect::Keep(bytes) => self.unkept = Some(bytes),
                effect => {
                    let is_report = |effect: &Effect| matches!(effect, Effect::Report(_));
                    // The last one says it all.
                    self.pending.retain(|before| !is_report(&effect) || !is_report(before));
                    self.pending.push(effect);
                }
            }
        }
        self.keep()?;
        Ok(std::mem::take(&mut self.pending))
    }

    /// What is to be done as soon as it is kept.
    #[must_use]
    pub fn pending(&self) -> &[Effect] {
        &self.pending
    }

    fn keep(&mut self) -> Result<(), DriverError> {
        let Some(bytes) = self.unkept.take() else { return Ok(()) };
        let floors = self.machine.floors();
        let mut kept = Ok(());
        if self.floors.as_ref().map_or(!floors.is_empty(), |kept| kept != floors) {
            let bytes = serde_json::to_vec(floors).unwrap_or_default();
            kept = try_replace(&mut *self.files, FLOORS, &bytes);
            if kept.is_ok() {
                self.floors = Some(floors.clone());
            }
        }
        match kept.and_then(|()| try_replace(&mut *self.files, KEPT, &bytes)) {
            Ok(()) => Ok(()),
            Err(NotReplaced::NoRoom(error)) => {
                self.unkept = Some(bytes);
                Err(DriverError::NoRoom(error))
            }
            Err(NotReplaced::Unknown(error)) => {
                self.is_broken = true;
                Err(DriverError::Write(error))
            }
        }
    }

    /// The machine, to be asked.
    #[must_use]
    pub const fn machine(&self) -> &Converger {
        &self.machine
    }
}

/// What was kept, for who looks at it beside a node that runs or without one. Nothing is blamed and nothing written by that.
///
/// # Errors
/// When it cannot be read.
pub fn look(files: &dyn Files) -> Result<Converger, DriverError> {
    let kept = files.read(KEPT, KEPT_BYTES_MAX as u64).map_err(DriverError::Read)?;
    Converger::resume(Config::default(), kept.as_deref()).map_err(DriverError::Kept)
}
