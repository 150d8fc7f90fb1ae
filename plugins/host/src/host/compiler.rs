//! Compilation, on one thread, in a store of low priority: kiosks come first.

use super::HostError;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    thread::{Builder, JoinHandle},
};
use wasmtime::{Engine, component::Component};

const NAME: &str = "plugin-compiler";
/// The compiler walks along what the component holds, in bytes of stack.
const STACK_BYTES: usize = 8 << 20;

struct Job {
    bytes: Vec<u8>,
    done: Sender<Result<Component, String>>,
}

/// The running thread; it ends with this, after what it is at.
pub(crate) struct Compiler {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Why nothing was compiled.
pub(crate) enum NotCompiled {
    /// The queue is full.
    Full,
    /// The compiler says no.
    Refused(String),
}

impl Compiler {
    pub(crate) fn start(engine: &Engine, queue_max: usize, niceness: u8) -> Result<Self, HostError> {
        let (queue, jobs) = sync_channel(queue_max);
        let engine = engine.clone();
        let thread = Builder::new()
            .name(NAME.into())
            .stack_size(STACK_BYTES)
            .spawn(move || work(&engine, &jobs, niceness))
            .map_err(|source| HostError::Thread { name: NAME, source })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Compiles, and waits for it.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Component, NotCompiled> {
        let stopped = || NotCompiled::Refused("the compiler has stopped".into());
        let (done, result) = channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(Job { bytes: bytes.to_vec(), done }).map_err(|error| match error {
            TrySendError::Full(_) => NotCompiled::Full,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        result.recv().map_err(|_| stopped())?.map_err(NotCompiled::Refused)
    }
}

fn work(engine: &Engine, jobs: &Receiver<Job>, niceness: u8) {
    // On Linux this is the priority of the thread alone. Without it the work is done all the same.
    let _ = rustix::process::nice(niceness.into());
    for job in jobs {
        let compiled = catch_unwind(AssertUnwindSafe(|| Component::from_binary(engine, &job.bytes)));
        let result = match compiled {
            Ok(result) => result.map_err(|error| format!("{error:#}")),
            Err(_) => Err("the compiler gave up".into()),
        };
        // Who asked may have gone.
        let _ = job.done.send(result);
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was told where it happened.
            let _ = thread.join();
        }
    }
}
