//! [`Desk`]: what every handler of the board shares.

use super::{
    ActError, Action, Floor, Staff, StaffConfig,
    door::Door,
    once::{self, Once},
    telemetry::Telemetry,
};
use crate::{app::App, http::problem::Problem};
use aisle_event::Name;
use std::sync::Arc;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinError,
};

/// How many things are being done at once; some wait for a device.
const ACTING_MAX: usize = 64;

/// The board and its door. Clones share everything.
#[derive(Clone)]
pub(super) struct Desk(Arc<Shared>);

pub(super) struct Shared {
    pub(super) app: App,
    pub(super) floor: Arc<dyn Floor>,
    pub(super) config: StaffConfig,
    pub(super) door: Door,
    /// One permit for each page that is kept up to date.
    pub(super) lines: Arc<Semaphore>,
    /// One permit for each thing that is being done. Not those of shoppers who pay: a device that does not answer keeps nobody from that.
    acting: Arc<Semaphore>,
    once: Once,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) telemetry: Telemetry,
}

impl std::ops::Deref for Desk {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Desk {
    pub(super) fn new(app: App, staff: Staff, telemetry: Telemetry) -> Self {
        let config = staff.config;
        let key = staff.key.unwrap_or_else(rand::random);
        let door = Door::new(
            staff.pin,
            key,
            config.signed_in_h,
            config.wrong_pins_free,
            config.wrong_pin_wait_max_s,
        );
        Self(Arc::new(Shared {
            app,
            floor: staff.floor,
            door,
            lines: Arc::new(Semaphore::new(config.live_lines_max)),
            acting: Arc::new(Semaphore::new(ACTING_MAX)),
            once: Once::default(),
            config,
            stopping: staff.stopping,
            telemetry,
        }))
    }

    /// Does something in a person's name, to its end, also when the page that asked is gone; and once, also when its form comes
    /// twice. `mark` is that of the form.
    pub(super) async fn act(
        &self,
        action: Action,
        by: Name,
        mark: Option<&str>,
    ) -> Result<Result<(), ActError>, Problem> {
        let Ok(room) = self.acting.clone().try_acquire_owned() else {
            return Err(Problem::busy("too many things are being done; try again").retry_after_s(1));
        };
        let form = once::form(&action, &by, mark);
        let outcome = form.map(|form| self.once.outcome(form)).unwrap_or_default();
        let desk = self.clone();
        let act = async move {
            let _room = room;
            let act = || async {
                let done = desk.floor.act(action, by).await;
                desk.telemetry.acted(done.is_ok());
                if done.is_err() {
                    form.iter().for_each(|form| desk.once.forget(form));
                }
                done
            };
            outcome.get_or_init(act).await.clone()
        };
        tokio::spawn(act).await.map_err(|error| self.panicked(&error))
    }

    fn panicked(&self, error: &JoinError) -> Problem {
        self.app.telemetry.panicked(&error.to_string());
        Problem::internal("something went wrong inside; it was logged")
    }

    /// Asks the floor for something that may have to read the disk, beside the runtime.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Floor) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let floor = self.floor.clone();
        tokio::task::spawn_blocking(move || read(floor.as_ref())).await.map_err(|error| self.panicked(&error))
    }
}
