//! A shop floor beside the shoppers: sixty simulated devices over real MQTT, the people who set them up and tell the node what a
//! till, a delivery and a count tell it, and a page to interfere from.
//!
//! ```text
//! scene ─> records ─> journal        what is sold on the floor and where it lay at the start
//!   └────> simulation ─MQTT─> node   what devices say
//!             ├─> till ─HTTP─> node  what people enter
//!             ├─> office ─HTTP─> node  approvals and units, as an installer makes them
//!             └─< page               doors are opened, shelves emptied, sensors unplugged
//! ```
//! Not here: the floor and its devices themselves (`aisle-device`), the hub that the page also shows ([`crate::hub`]).
//! Guards: the node is told nothing but what a person or a device could tell it.

mod goods;
mod office;
mod page;
mod records;
mod scene;
mod till;

pub use office::OfficeError;
pub use records::write;
pub use scene::{CONFIG, Scene, SceneError, WAITING};
pub use till::Entered;

use crate::hub::Sight;
use aisle_device::simulator::{SimHandle, Simulation, SimulationError, Summary, Target};
use office::Office;
use page::Page;
use std::{fs, io, net::SocketAddr, path::Path, path::PathBuf, pin::pin, sync::Arc};
use till::Till;
use tokio::{net::TcpListener, sync::watch};

/// The node that the floor belongs to.
#[derive(Debug, Clone)]
pub struct Home {
    /// Where it serves, as `http://host:port`.
    pub url: String,
    /// Where its broker takes plain TCP.
    pub broker: SocketAddr,
    /// The store's id.
    pub store: String,
    /// Its administrators' token.
    pub token: String,
    /// The PIN of its staff board.
    pub pin: String,
}

/// Why a floor does not live, or does not any more.
#[derive(Debug, thiserror::Error)]
pub enum FloorError {
    /// A secret of the node cannot be read.
    #[error("cannot read `{path}`")]
    Secret {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Devices cannot be simulated.
    #[error("the simulated devices stopped")]
    Simulation(#[from] SimulationError),
    /// The node did not let itself be set up.
    #[error("the devices were not set up")]
    Office(#[from] OfficeError),
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
    /// The page is served no more.
    #[error("the floor's page stopped")]
    Page(#[source] io::Error),
}

impl Home {
    /// A node, with its secrets from its data directory.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(url: &str, broker: SocketAddr, store: &str, data: &Path) -> Result<Self, FloorError> {
        let secret = |name: &str| {
            let path = data.join(name);
            let text = fs::read_to_string(&path).map_err(|source| FloorError::Secret { path, source })?;
            Ok::<_, FloorError>(text.trim().to_owned())
        };
        let (token, pin) = (secret("admin.token")?, secret("staff.pin")?);
        Ok(Self { url: url.into(), broker, store: store.into(), token, pin })
    }
}

/// A floor, ready to live.
pub struct Floor {
    simulation: Simulation,
    handle: SimHandle,
    scene: Scene,
    home: Home,
    entered: Arc<Entered>,
    sight: Option<Sight>,
}

impl Floor {
    /// Everything in place, nothing connected. All that is random comes from the seed.
    #[must_use]
    pub fn new(scene: Scene, home: Home, seed: u64) -> Self {
        let target = Target {
            host: home.broker.ip().to_string(),
            port: home.broker.port(),
            store: home.store.clone(),
            user: None,
            password: None,
        };
        let simulation = Simulation::new(scene.scenario().clone(), seed, target);
        let handle = simulation.handle();
        Self { simulation, handle, scene, home, entered: Arc::default(), sight: None }
    }

    /// The same with a hub: the page shows how the stores stand to it, and cuts the line.
    #[must_use]
    pub fn beside(self, sight: Sight) -> Self {
        Self { sight: Some(sight), ..self }
    }

    /// What was entered into the node so far; it counts on while the floor lives.
    #[must_use]
    pub fn entered(&self) -> Arc<Entered> {
        Arc::clone(&self.entered)
    }

    /// Lives until `stopped` says true or its sender is gone: devices connect and are set up, people enter what they do, and the page
    /// is served.
    ///
    /// # Errors
    /// When the devices stop, are not set up, or the page is served no more.
    pub async fn live(
        self,
        listener: TcpListener,
        stopped: watch::Receiver<bool>,
    ) -> Result<Summary, FloorError> {
        let http = reqwest::Client::builder().timeout(office::REQUEST_TIMEOUT).build()?;
        let office = Office::new(http.clone(), &self.home);
        let till = Till::new(http, &self.home.url, office.clone(), self.handle.clone(), self.entered);
        let page = Page::new(self.handle.clone(), self.scene.clone(), &self.home, self.sight);
        // Heard from before anything can happen.
        let happenings = self.handle.happenings();
        let until = async |mut stopped: watch::Receiver<bool>| {
            // When whoever could stop it is gone, it is stopped.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let devices = self.handle.devices();
        let beside = async {
            let set_up = async { office.set_up(&self.scene, &devices).await.map_err(FloorError::Office) };
            let served = async { page::serve(page, listener).await.map_err(FloorError::Page) };
            let ((), (), ()) = tokio::try_join!(set_up, served, async {
                till.run(happenings).await;
                Ok(())
            })?;
            std::future::pending::<Result<(), FloorError>>().await
        };
        let mut beside = pin!(beside);
        let mut failed = None;
        let stop = async {
            tokio::select! {
                () = until(stopped) => {}
                ended = &mut beside => failed = ended.err(),
            }
        };
        let summary = self.simulation.run(stop).await?;
        failed.map_or(Ok(summary), Err)
    }
}
