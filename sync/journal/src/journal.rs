//! [`Journal`]: the handle that everyone holds.

use crate::{
    Config, OnCorruption,
    chain::Head,
    commit::Committer,
    io::{Io, Lock, during},
    queue::{AtBound, Batch, Entry, Queue, SubmitError},
    reader::{ReadError, Reader},
    recovery::{self, OpenError, Recovery},
    salvage::{self, QuarantineError, Quarantined},
    segments::Segments,
    stage::Stage,
    tail::Tail,
    telemetry::{self, Metrics},
    ticket::{CommitError, Committed, Failure, Ticket},
    trim::{self, TrimError, Trimmed},
    veil::Veil,
    verify::{self, Verified, VerifyError},
};
use prometheus_client::registry::Registry;
use std::{
    any::Any,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};
use tokio::sync::watch;

const LOCK_FILE: &str = "LOCK";

/// What the handle, the commit thread and the readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
    pub(crate) io: Arc<dyn Io>,
    pub(crate) queue: Queue,
    pub(crate) stage: Stage,
    pub(crate) segments: Segments,
    pub(crate) metrics: Metrics,
    pub(crate) durable: watch::Receiver<u64>,
    pub(crate) veil: Option<Arc<dyn Veil>>,
    id: [u8; 16],
    head: Mutex<Head>,
    /// Every segment that was set aside since the journal was opened, that of the opening included.
    quarantined: watch::Sender<Vec<Quarantined>>,
}

impl Shared {
    pub(crate) fn set_head(&self, head: Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }

    pub(crate) fn durable(&self) -> u64 {
        *self.durable.borrow()
    }
}

/// A journal open for writing. Clones are one journal; the directory is locked until the last one is gone.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held by what replaces or removes segments.
    maintenance: Mutex<()>,
    /// Last: the lock goes when the commit thread has ended.
    _lock: Box<dyn Any + Send + Sync>,
}

/// Why an append failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The batch was not taken in.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The batch was taken in and is not known to be durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Journal {
    /// Opens the journal in a directory, making both if need be, and says what it found.
    ///
    /// # Errors
    /// When another process has the journal, when the disk cannot be read or written, or when acknowledged records
    /// are damaged and the settings say to refuse.
    pub fn open(
        dir: &Path,
        config: Config,
        io: Arc<dyn Io>,
        metrics: &mut Registry,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_with(dir, config, io, None, metrics)
    }

    /// As [`Self::open`], with what covers payloads on the disk.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        dir: &Path,
        config: Config,
        io: Arc<dyn Io>,
        veil: Option<Arc<dyn Veil>>,
        metrics: &mut Registry,
    ) -> Result<(Self, Recovery), OpenError> {
        recovery::make_directory(io.as_ref(), dir)?;
        let lock_path = dir.join(LOCK_FILE);
        let lock = match io.lock(&lock_path).map_err(during("lock", &lock_path))? {
            Lock::Taken(guard) => guard,
            Lock::Held(pid) => return Err(OpenError::InUse { dir: dir.into(), pid }),
        };
        let recovered = recovery::recover(io.as_ref(), dir, &config)?;
        let (recovery, end) = (recovered.report, recovered.end);
        let metrics = Metrics::register(metrics);
        telemetry::Opened { dir, recovery: &recovery }.emit(&metrics);

        let (sender, durable) = watch::channel(recovery.durable);
        let shared = Arc::new(Shared {
            dir: dir.into(),
            config,
            io,
            queue: Queue::new(config.queue_bytes_max),
            stage: Stage::new(end.segment.header.salt(), config.commit_bytes_max(), end.position),
            segments: Segments::new(&recovered.firsts),
            metrics,
            durable,
            veil,
            id: end.segment.header.journal,
            head: Mutex::new(end.position.head),
            quarantined: watch::Sender::new(recovery.quarantined.clone()),
        });
        let committer = Committer::new(shared.clone(), sender, end);
        let thread = thread::Builder::new()
            .name("aisle-journal".into())
            .spawn(move || committer.run())
            .map_err(|source| OpenError::Thread { source })?;
        let inner =
            Inner { shared, thread: Mutex::new(Some(thread)), maintenance: Mutex::default(), _lock: lock };
        Ok((Self(Arc::new(inner)), recovery))
    }

    /// Hands a batch in, all of it or nothing, without ever blocking. Batches are committed in the order in which
    /// they were handed in.
    ///
    /// # Errors
    /// When the batch is not taken in; `Full` when the queue is at its bound.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the journal takes the batch over; how it keeps it is its own affair"
    )]
    pub fn submit(&self, entries: Vec<Entry>) -> Result<Ticket, SubmitError> {
        self.push(&entries, AtBound::Refuse)
    }

    /// Appends a batch, all of it or nothing, and blocks the thread until it is durable.
    ///
    /// # Errors
    /// When the batch is not taken in, or is not known to be durable.
    #[expect(clippy::needless_pass_by_value, reason = "as for `submit`")]
    pub fn append(&self, entries: Vec<Entry>) -> Result<Committed, AppendError> {
        Ok(self.push(&entries, AtBound::Wait)?.wait()?)
    }

    fn push(&self, entries: &[Entry], at_bound: AtBound) -> Result<Ticket, SubmitError> {
        let shared = self.shared();
        let covered = match &shared.veil {
            Some(veil) => veil.cover(entries).map_err(|reason| SubmitError::Uncovered { reason })?,
            None => None,
        };
        let (batch, ticket) = Batch::new(covered.as_deref().unwrap_or(entries), &shared.config)?;
        shared.queue.push(batch, at_bound)?;
        shared.stage.help(&shared.queue, || shared.io.now_ms());
        Ok(ticket)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// What sets this journal apart from every other one.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.shared().id
    }

    /// The last durable sequence number; 0 when there is none.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.shared().durable()
    }

    /// Follows the last durable sequence number. Its sender goes away when the journal ends.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.shared().durable.clone()
    }

    /// The first sequence number that was not trimmed; one more than [`Self::durable`] when there are no records.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.shared().segments.first()
    }

    /// The chain's head after the last durable record.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.shared().head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from a sequence number on, as far as is durable when the reader gets there.
    ///
    /// # Errors
    /// When that record was trimmed.
    pub fn read(&self, from: u64) -> Result<Reader, ReadError> {
        Reader::live(self.shared().clone(), from)
    }

    /// As [`Self::read`], with payloads as they lie on the disk.
    ///
    /// # Errors
    /// When that record was trimmed.
    pub fn read_covered(&self, from: u64) -> Result<Reader, ReadError> {
        Ok(Reader::live(self.shared().clone(), from)?.covered())
    }

    /// Follows the journal from a sequence number on.
    #[must_use]
    pub fn tail(&self, from: u64) -> Tail {
        Tail::new(self.shared().clone(), from)
    }

    /// Removes the segments in which every record is below a sequence number. The last segment always stays.
    ///
    /// # Errors
    /// When a file cannot be removed or the directory cannot be synced.
    pub fn trim(&self, below: u64) -> Result<Trimmed, TrimError> {
        let _maintenance = self.maintenance();
        trim::trim(self.shared(), below)
    }

    /// Reads every record and checks everything that can be checked, up to what is durable now.
    ///
    /// # Errors
    /// When a file cannot be read. Damage is no error: it is in the answer.
    pub fn verify(&self) -> Result<Verified, VerifyError> {
        let _maintenance = self.maintenance();
        let shared = self.shared();
        verify::verify_segments(
            &shared.dir,
            shared.io.as_ref(),
            &shared.segments.all(),
            Some(shared.durable()),
        )
    }

    /// Takes the damage out of the segment that holds a sequence number: keeps the file as it is in `quarantine/` and
    /// puts one in its place that has a gap instead. Open readers keep the old file; open a new one afterwards. The
    /// last segment is dealt with by opening.
    ///
    /// # Errors
    /// When the segment is the last one, when it is not damaged, or when a file cannot be read or written.
    pub fn quarantine(&self, seq: u64) -> Result<Quarantined, QuarantineError> {
        let _maintenance = self.maintenance();
        let shared = self.shared();
        let quarantined = match shared.segments.holding(seq) {
            Some((first, Some(next))) => {
                salvage::quarantine_sealed(shared.io.as_ref(), &shared.dir, first, next)?
            }
            _ => return Err(QuarantineError::Active { seq }),
        };
        telemetry::Quarantined { dir: &shared.dir, quarantined: &quarantined }.emit(&shared.metrics);
        shared.quarantined.send_modify(|all| all.push(quarantined.clone()));
        Ok(quarantined)
    }

    fn maintenance(&self) -> MutexGuard<'_, ()> {
        self.0.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every segment that was set aside since the journal was opened, that of the opening included.
    #[must_use]
    pub fn quarantined(&self) -> watch::Receiver<Vec<Quarantined>> {
        self.shared().quarantined.subscribe()
    }

    /// What the settings say about damage, for those who meet it while they read.
    #[must_use]
    pub fn on_corruption(&self) -> OnCorruption {
        self.shared().config.on_corruption
    }

    /// Why the journal takes no more records, if it has failed. The process must then exit.
    #[must_use]
    pub fn failed(&self) -> Option<Failure> {
        self.shared().queue.failed()
    }

    /// Takes nothing more in, commits what waits and ends the commit thread. Other clones can still read.
    pub fn close(self) {
        self.0.stop();
    }
}

impl Inner {
    fn stop(&self) {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A waker that holds the last handle runs on the commit thread itself, which then ends without being waited for.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            // A panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
