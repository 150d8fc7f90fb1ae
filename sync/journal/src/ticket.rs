//! [`Ticket`]: what a writer holds between handing a batch in and knowing that it is durable.

use crate::{io::FileError, park};
use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// The sequence numbers that a batch got, both inclusive. The batch is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The number of its first entry.
    pub first: u64,
    /// The number of its last entry.
    pub last: u64,
}

/// Why a journal takes no more records: a write or a sync failed. The process must exit and recover from the disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(Arc<str>);

impl Failure {
    pub(crate) fn new(error: &FileError) -> Self {
        // One text with its causes: it is shown to every waiter long after the error itself is gone.
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(text.into())
    }

    pub(crate) fn panicked() -> Self {
        Self("the commit thread has panicked".into())
    }
}

/// Why a batch that was taken in is not known to be durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The disk is full. Nothing of the batch was kept; it can be handed in again when there is room.
    #[error("no room for a batch of {needed_bytes} bytes: {available_bytes} bytes are free")]
    NoSpace {
        /// What the journal tried to reserve or write.
        needed_bytes: u64,
        /// What the file system says is left.
        available_bytes: u64,
    },
    /// The journal failed. Whether the batch is on disk is known only after the next start.
    #[error("the journal has failed: {0}")]
    Failed(Failure),
    /// The journal ended before the batch was committed.
    #[error("the journal was closed before the batch was committed")]
    Closed,
}

/// Resolves when the batch is durable or has failed. Dropping it does not take the batch back.
#[derive(Debug)]
#[must_use = "a batch is durable only when its ticket says so"]
pub struct Ticket(oneshot::Receiver<Result<Committed, CommitError>>);

pub(crate) type Acknowledge = oneshot::Sender<Result<Committed, CommitError>>;

impl Ticket {
    pub(crate) fn new() -> (Acknowledge, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Blocks the thread until the batch is durable; needs no runtime.
    ///
    /// # Errors
    /// When the batch is not known to be durable.
    pub fn wait(self) -> Result<Committed, CommitError> {
        park::wait(self, None).unwrap_or(Err(CommitError::Closed))
    }
}

impl Future for Ticket {
    type Output = Result<Committed, CommitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(CommitError::Closed)))
    }
}
