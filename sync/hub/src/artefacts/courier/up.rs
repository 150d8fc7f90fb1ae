//! Upwards: what a store would have sent, batch by batch through the checks of the line.
//!
//! Guards: a batch is what its name says, and its receipt is signed by a node that may come.

use crate::{
    database::{Admission, Database, DatabaseError, NotTaken},
    gate::ReceiptGate,
};
use aisle_artefact::bundle::{self, BundleError, Direction, Limits, up};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, LogId, Point,
    batch::BatchError,
    hub::{self, Stop},
};
use aisle_residency::{Region, Verifier};
use data_encoding::HEXLOWER;
use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::runtime::Handle;

/// What takes batches of sticks in.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Where they go.
    pub database: Database,
    /// The region that the hub lies in.
    pub region: Region,
    /// The policies that batches may name.
    pub verifier: Arc<Verifier>,
}

/// What came of a stick upwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedUp {
    /// The store whose batches they are.
    pub store: StoreId,
    /// Batches that brought something.
    pub taken: u64,
    /// Batches that were here already.
    pub had: u64,
    /// How many events the hub did not have.
    pub events: u64,
}

/// Why nothing more of a stick is taken in. What was taken before stays, and the stick can be brought again.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It does not say whose it is.
    #[error("the bundle is from `{from}`, which is no store\nhint: say whose it is with `--store`")]
    From {
        /// What it says.
        from: String,
    },
    /// No node of the store may come.
    #[error("no node of `{store}` may come\nhint: `aisle-hub node list {store}`")]
    NoNode {
        /// The store.
        store: StoreId,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An entry.
    #[error(transparent)]
    Import(#[from] up::ImportError),
    /// It was not read to its end, because the process ends.
    #[error("the bundle was not read to its end")]
    Ended,
}

/// Why an entry is not taken.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("`{name}` is no name of a batch\nhint: one looks like `sales/EPOCH/1-200`")]
    Name { name: String },
    #[error("`{name}` holds another batch than it says")]
    Other { name: String },
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    #[error(
        "the hub has `{log}` up to {through}, and this goes on later\nhint: bring the stick before it first, or the newest one; where this hub was restored from a backup, one of `aisle-node courier export --all`"
    )]
    Gap { log: LogId, through: u64 },
    #[error("`{log}` is refused: {reason}")]
    Refused { log: LogId, reason: String },
}

/// The store that a bundle says it is from: `STORE/SERIAL`, or `STORE` alone.
fn store_of(from: &str) -> Result<StoreId, UpError> {
    let store = from.split('/').next().unwrap_or_default();
    StoreId::new(store).map_err(|_| UpError::From { from: from.to_owned() })
}

impl Intake {
    /// Takes a stick's batches in, each through the checks of one by the line. `store` says whose they are where the bundle does not.
    ///
    /// # Errors
    /// When it is no bundle upwards, nobody of its store may come, or a batch is refused.
    pub async fn carry_up(&self, path: &Path, store: Option<StoreId>) -> Result<CarriedUp, UpError> {
        let open = {
            let path = path.to_owned();
            move || {
                let opened = File::open(&path).map(BufReader::new);
                opened.map_err(|source| UpError::File { path: path.clone(), source })
            }
        };
        let look = open.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let summary = bundle::inspect(look()?, &Limits::default())?;
            match summary.direction {
                Direction::Up => Ok::<String, UpError>(summary.from),
                found => Err(BundleError::Direction { found, expected: Direction::Up }.into()),
            }
        });
        let from = looked.await.map_err(|_| UpError::Ended)??;
        let store = store.map_or_else(|| store_of(&from), Ok)?;
        let nodes = self.database.registered(&store).await?;
        let keys: Vec<_> =
            nodes.into_iter().filter(|node| !node.is_banned).map(|node| node.receipt_key).collect();
        if keys.is_empty() {
            return Err(UpError::NoNode { store });
        }
        self.database.note_carried(&store, self.region.as_str()).await?;
        let taker = Taker {
            database: self.database.clone(),
            gate: Arc::new(ReceiptGate::new(self.region.clone(), self.verifier.clone(), keys)),
            store: store.clone(),
            through: BTreeMap::new(),
            carried: CarriedUp { store, taken: 0, had: 0, events: 0 },
        };
        let handle = Handle::current();
        let taking = tokio::task::spawn_blocking(move || {
            let mut taker = taker;
            up::import(open()?, None, &Limits::default(), |entry| {
                handle.block_on(taker.take(entry)).map_err(Box::<dyn Error + Send + Sync>::from)
            })?;
            Ok(taker.carried)
        });
        taking.await.map_err(|_| UpError::Ended)?
    }
}

struct Taker {
    database: Database,
    gate: Arc<ReceiptGate>,
    store: StoreId,
    /// Up to where the hub has each log that was met.
    through: BTreeMap<LogId, Point>,
    carried: CarriedUp,
}

impl Taker {
    async fn take(&mut self, entry: up::Carried) -> Result<(), EntryError> {
        let up::Carried { name, bytes, .. } = entry;
        let batch = Batch::parse(bytes.into())?;
        let header = *batch.header();
        let end = header.end();
        let named =
            format!("{}/{}/{}-{}", header.class, HEXLOWER.encode(&header.epoch.0), header.first_seq, end.seq);
        if name != named {
            let is_name = name.split('/').count() == 3;
            let name = name.chars().filter(|c| !c.is_control()).take(128).collect();
            return Err(if is_name { EntryError::Other { name } } else { EntryError::Name { name } });
        }
        let log = LogId { store: self.store.clone(), class: header.class, epoch: header.epoch };
        let before = match self.through.get(&log) {
            Some(point) => *point,
            None => {
                let cursors = self.database.resume(std::slice::from_ref(&log)).await?;
                cursors.first().map_or(log.start(), |cursor| cursor.through)
            }
        };
        let checked = tokio::task::spawn_blocking(move || hub::check(vec![batch])).await;
        let batches = Arc::new(checked.map_err(|_| NotTaken::Lost)??);
        let admission = Admission { log: log.clone(), batches, gate: self.gate.clone() };
        let decision = self.database.admit(admission).await?;
        self.through.insert(log.clone(), decision.through);
        match decision.stop {
            None => {}
            // What the hub has is compared as far as it can be, and passed over.
            Some(Stop::Gap) if end.seq <= decision.through.seq => {}
            Some(Stop::Gap) => return Err(EntryError::Gap { log, through: decision.through.seq }),
            Some(stop) => {
                let reason = stop.refusal().map(|(_, reason)| reason).unwrap_or_default();
                return Err(EntryError::Refused { log, reason });
            }
        }
        let new = decision.through.seq.saturating_sub(before.seq);
        let count = if new > 0 { &mut self.carried.taken } else { &mut self.carried.had };
        *count = count.saturating_add(1);
        self.carried.events = self.carried.events.saturating_add(new);
        Ok(())
    }
}
