//! [`Desk`]: what every handler of the board shares.

use super::{ActError, Action, Floor, Staff, StaffConfig, door::Door, telemetry::Telemetry};
use crate::{app::App, http::problem::Problem};
use aisle_event::Name;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

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
            config,
            stopping: staff.stopping,
            telemetry,
        }))
    }

    /// Does something in a person's name, to its end, also when the page that asked is gone.
    pub(super) async fn act(&self, action: Action, by: Name) -> Result<Result<(), ActError>, Problem> {
        let desk = self.clone();
        let done = self.app.finish(async move { Ok(desk.floor.act(action, by).await) }).await?;
        self.telemetry.acted(done.is_ok());
        Ok(done)
    }

    /// Asks the floor for something that may have to read the disk, beside the runtime.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Floor) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let floor = self.floor.clone();
        tokio::task::spawn_blocking(move || read(floor.as_ref())).await.map_err(|error| {
            self.app.telemetry.panicked(&error.to_string());
            Problem::internal("something went wrong inside; it was logged")
        })
    }
}
