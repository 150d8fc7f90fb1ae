//! The machine and its memory: what it wants kept is durable before anybody does what follows.
//!
//! The file is `kept`, replaced whole. A disk that does not keep it ends the changing of anything in this process: nobody knows what is on it then, and what
//! follows must not be done. What runs goes on; the next start goes on from the file.
//!
//! Not here: carrying effects out ([`crate::worker`]).

use aisle_artefact::files::{Files, replace};
use aisle_fleet::{
    Around, Converger, Effect, Input, Now,
    converge::{Config, KEPT_BYTES_MAX, KeptError},
};
use std::io;

/// The file.
const KEPT: &str = "kept";
/// Where a file goes that cannot be read.
const DAMAGED: &str = "kept.damaged";

/// The machine and its memory.
pub struct Driver {
    files: Box<dyn Files>,
    machine: Converger,
    is_broken: bool,
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
        let machine = match Converger::resume(config.clone(), kept.as_deref()) {
            Ok(machine) => machine,
            Err(error @ KeptError::Form { .. }) => return Err(DriverError::Kept(error)),
            Err(error) => {
                tracing::error!(%error, "`fleet/{KEPT}` is set aside as `{DAMAGED}`; the node begins anew from what it is told");
                files.rename(KEPT, DAMAGED).and_then(|()| files.sync()).map_err(DriverError::Write)?;
                Converger::resume(config, None).map_err(DriverError::Kept)?
            }
        };
        Ok(Self { files, machine, is_broken: false })
    }

    /// Takes in what has happened, and keeps what is to be kept. What comes out may be done.
    ///
    /// # Errors
    /// When it cannot be kept: then nothing may be done.
    pub fn handle(&mut self, now: Now, around: &Around, input: Input) -> Result<Vec<Effect>, DriverError> {
        if self.is_broken {
            return Err(DriverError::Broken);
        }
        let mut effects = Vec::new();
        for effect in self.machine.handle(now, around, input) {
            match effect {
                Effect::Keep(bytes) => {
                    if let Err(error) = replace(&mut *self.files, KEPT, &bytes) {
                        self.is_broken = true;
                        return Err(DriverError::Write(error));
                    }
                }
                effect => effects.push(effect),
            }
        }
        Ok(effects)
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
