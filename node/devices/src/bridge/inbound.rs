//! Messages on their way from the other broker into the node's own.
//!
//! They are published many at once and in the order in which they came, and are acknowledged in that order too, each when it is
//! durable. What the node refuses for good is acknowledged and dropped, so that it does not come again for ever; what it
//! has no room for waits its turn, and nothing overtakes it that was not under way already.
//!
//! Guards invariant 1: no acknowledgement before the commit, none on another connection than the one that the message came by,
//! and no QoS 2 message twice as long as the bridge runs and the other broker keeps the session.

use super::{
    backoff::Backoff,
    verdict::{Refusal, Verdict, judge},
};
use aisle_broker::{
    local::{LocalClient, Publication, RequestError},
    packet::{PacketId, QoS},
};
use std::{
    collections::{HashSet, VecDeque},
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

/// What a message costs beside its payload and topic, in bytes, roughly.
const OVERHEAD_BYTES: usize = 256;
const RETRY_MIN_MS: u64 = 20;
const RETRY_MAX_MS: u64 = 5_000;

type Publishing = Pin<Box<dyn Future<Output = Result<(), RequestError>> + Send>>;

/// Whom to tell that a message was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub id: PacketId,
    pub qos: QoS,
    /// The number of the connection that it came by last.
    pub connection: u64,
}

/// A message that is done with.
#[derive(Debug)]
pub(super) struct Settled {
    /// None for QoS 0, and when the other broker forgot that it sent it.
    pub answer: Option<Answer>,
    pub refused: Option<Refusal>,
}

/// The bridge's session at the node's broker is no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone;

/// What became of a message that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It is on its way.
    Held,
    /// It is on its way since an earlier connection.
    Underway,
    /// It was taken before; only the acknowledgement is missing.
    Taken,
    /// There is no room, and it was asked for with QoS 0.
    Dropped,
    /// There is no room for a message that must not be lost.
    NoRoom,
}

/// The messages.
pub(super) struct Inbound {
    client: LocalClient,
    held: VecDeque<Held>,
    held_bytes: usize,
    held_bytes_max: usize,
    /// How many of `held`, from the front, were begun.
    begun: usize,
    begun_max: usize,
    /// QoS 2 messages that are durable and that the other broker has not released.
    taken: HashSet<PacketId>,
    retry: Backoff,
    /// The front is tried again after this.
    pause: Option<Pin<Box<Sleep>>>,
}

struct Held {
    /// A refusal of our own needs no message.
    publication: Option<Publication>,
    bytes: usize,
    answer: Option<Answer>,
    retained: bool,
    /// From 1.
    attempts: u32,
    state: State,
}

enum State {
    Waiting,
    Publishing(Publishing),
    Done(Result<(), RequestError>),
    Refused(Refusal),
}

impl Inbound {
    pub(super) fn new(client: LocalClient, in_flight_max: u16, held_bytes_max: usize) -> Self {
        Self {
            client,
            held: VecDeque::new(),
            held_bytes: 0,
            held_bytes_max,
            begun: 0,
            begun_max: in_flight_max.into(),
            taken: HashSet::new(),
            retry: Backoff::new(RETRY_MIN_MS, RETRY_MAX_MS),
            pause: None,
        }
    }

    /// A message came. `dup` is set when it may have come before.
    pub(super) fn accept(
        &mut self,
        content: Result<Publication, Refusal>,
        answer: Option<Answer>,
        dup: bool,
    ) -> Accepted {
        if let Some(answer) = answer.filter(|_| dup) {
            let same = |held: &&mut Held| held.answer.is_some_and(|before| before.id == answer.id);
            if let Some(held) = self.held.iter_mut().find(same) {
                held.answer = Some(answer);
                return Accepted::Underway;
            }
            if answer.qos == QoS::ExactlyOnce && self.taken.contains(&answer.id) {
                return Accepted::Taken;
            }
        }
        let size = |it: &Publication| it.payload.len() + it.topic.len();
        let bytes = OVERHEAD_BYTES + content.as_ref().map_or(0, size);
        if self.held_bytes + bytes > self.held_bytes_max && !self.held.is_empty() {
            return if answer.is_some() { Accepted::NoRoom } else { Accepted::Dropped };
        }
        self.held_bytes += bytes;
        let retained = content.as_ref().is_ok_and(|it| it.retain && !it.payload.is_empty());
        let (publication, state) = match content {
            Ok(publication) => (Some(publication), State::Waiting),
            Err(refusal) => (None, State::Refused(refusal)),
        };
        self.held.push_back(Held { publication, bytes, answer, retained, attempts: 1, state });
        Accepted::Held
    }

    /// The other broker released a QoS 2 message: its identifier may mean another one.
    pub(super) fn released(&mut self, id: PacketId) {
        self.taken.remove(&id);
    }

    /// The other broker forgot the session: what is under way is finished, and nobody waits for the answers.
    pub(super) fn forget_session(&mut self) {
        self.taken.clear();
        for held in &mut self.held {
            held.answer = None;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.held_bytes
    }

    /// The oldest message, when it is done with. May be dropped and called again.
    pub(super) async fn settled(&mut self) -> Result<Settled, Gone> {
        poll_fn(|context| self.poll_settled(context)).await
    }

    fn poll_settled(&mut self, context: &mut Context<'_>) -> Poll<Result<Settled, Gone>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            self.begin(context);
            let Some(front) = self.held.front_mut() else {
                return Poll::Pending;
            };
            front.state.advance(context);
            let refused = match &front.state {
                State::Waiting | State::Publishing(_) => return Poll::Pending,
                State::Refused(refusal) => Some(*refusal),
                State::Done(Ok(())) => None,
                State::Done(Err(error)) => match judge(error, front.retained, front.attempts) {
                    Verdict::Gone => return Poll::Ready(Err(Gone)),
                    Verdict::Never(refusal) => Some(refusal),
                    Verdict::Later => {
                        tracing::debug!(%error, "the node cannot take a message now; it is tried again");
                        front.state = State::Waiting;
                        front.attempts += 1;
                        self.begun = 0;
                        self.pause = Some(Box::pin(sleep(Duration::from_millis(self.retry.next_ms()))));
                        continue;
                    }
                },
            };
            return self.finish(refused);
        }
    }

    fn finish(&mut self, refused: Option<Refusal>) -> Poll<Result<Settled, Gone>> {
        self.retry.reset();
        self.begun = self.begun.saturating_sub(1);
        let Some(done) = self.held.pop_front() else {
            return Poll::Pending;
        };
        self.held_bytes -= done.bytes;
        if let Some(answer) = done.answer.filter(|answer| answer.qos == QoS::ExactlyOnce) {
            self.taken.insert(answer.id);
        }
        Poll::Ready(Ok(Settled { answer: done.answer, refused }))
    }

    /// Begins what may be begun. The first poll of a publication queues it for the journal, so their order is fixed here. After
    /// a refusal only the front is begun until it is through, and nothing behind another that was refused with it.
    fn begin(&mut self, context: &mut Context<'_>) {
        let most = if self.retry.is_reset() { self.begun_max } else { 1 };
        while self.begun < most {
            let Some(held) = self.held.get_mut(self.begun) else {
                return;
            };
            if let (State::Waiting, Some(publication)) = (&held.state, &held.publication) {
                let (client, publication) = (self.client.clone(), publication.clone());
                held.state = State::Publishing(Box::pin(async move { client.publish(publication).await }));
            }
            held.state.advance(context);
            if let State::Done(Err(_)) = held.state {
                return;
            }
            self.begun += 1;
        }
    }
}

impl State {
    fn advance(&mut self, context: &mut Context<'_>) {
        if let Self::Publishing(publishing) = self
            && let Poll::Ready(result) = publishing.as_mut().poll(context)
        {
            *self = Self::Done(result);
        }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Inbound").field("held", &self.held.len()).finish_non_exhaustive()
    }
}
