//! One connection of the hub: bytes into the machine, its questions to the desk, the answers back.
//!
//! One task, no further ones: questions are futures that it polls, so with the connection they end. Not here: what is right
//! (`aisle_protocol::hub`), the handshake ([`super::accept`]). Guards: an answer is heard by the machine only when the desk has given
//! it; a node that takes nothing, or asks more than is answered, is read from no further.

use super::{Shared, connections::Command, relay::Early};
use crate::{
    Desk,
    desk::{Busy, ERRANDS_MAX, Errand, Meeting, NoChunk, NotAdmitted, Parting, Peer, Turned},
    link::{Event, Link},
};
use aisle_protocol::{
    ErrorCode, Message, Stream,
    control::{Erased, ErrorMessage, Hello, RetryAfter},
    frame::frame,
    hub::{Alert, Answer, Hub, Input, Output, Question},
};
use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::{FuturesUnordered, StreamExt},
};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

/// When a node whose place another connection took may come again.
const REPLACED_RETRY_AFTER_MS: u64 = 30_000;

/// What the desk has said.
enum Said {
    Answer(u64, Answer),
    Errands(Result<Vec<Errand>, Busy>),
    Noted(Result<(), Busy>),
    Erased(Result<Option<Erased>, Busy>),
    Chunk(Stream, Message),
}

enum Turn {
    Command(Option<Command>),
    Down,
    Said(Said),
    Event(Event),
    Stalled,
    Time,
}

/// A connection that is being served.
pub(super) struct Session<D> {
    shared: Arc<Shared<D>>,
    peer: Peer,
    hub: Hub,
    link: Link,
    said: FuturesUnordered<BoxFuture<'static, Said>>,
    inbox: Option<mpsc::Receiver<Command>>,
    how: Parting,
    /// What the desk is to be told when there is time; what one input brings forth.
    alerts: Vec<Alert>,
    /// Why this end hangs up, once it does.
    ending: Option<(ErrorCode, String)>,
}

async fn went_down(down: &mut watch::Receiver<bool>) {
    // A server that is gone is down as well.
    let _ = down.wait_for(|is_down| *is_down).await;
}

async fn command(inbox: &mut Option<mpsc::Receiver<Command>>) -> Option<Command> {
    match inbox {
        Some(inbox) => inbox.recv().await,
        None => pending().await,
    }
}

/// Ends a connection with somebody whose certificate names no node of this chain.
pub(super) async fn turn_away(link: Link, text: &str, patience: Duration) {
    let message = Message::error(ErrorCode::IDENTITY, text, None);
    link.turn_away(ErrorCode::IDENTITY, frame(&message.encode()), text, patience).await;
}

/// Asks the desk whether the node may come, and serves it if so.
pub(super) async fn serve<D: Desk>(
    shared: Arc<Shared<D>>,
    link: Link,
    peer: Peer,
    early: Early,
    down: watch::Receiver<bool>,
) {
    let patience = Duration::from_millis(shared.config.finish_ms);
    let met = timeout(shared.desk_timeout(), shared.desk.meet(&peer)).await;
    let met = met.unwrap_or_else(|_| Err(shared.too_slow().into()));
    let Meeting { policy_wanted } = match met {
        Ok(meeting) => meeting,
        Err(turned) => {
            let (code, message, text): (_, Message, _) = match turned {
                Turned::Refused(text) => {
                    shared.metrics.refused(
                        peer.path,
                        "not_wanted",
                        peer.address,
                        format!("{}: {text}", peer.identity),
                    );
                    (ErrorCode::IDENTITY, Message::error(ErrorCode::IDENTITY, text.clone(), None), text)
                }
                Turned::Busy(busy) => {
                    shared.metrics.busy(&peer, "meet", &busy);
                    let again = RetryAfter { ms: busy.retry_after_ms, class: None };
                    (ErrorCode::UNAVAILABLE, again.into(), String::new())
                }
            };
            return link.turn_away(code, frame(&message.encode()), &text, patience).await;
        }
    };
    let mut config = shared.config.hub.clone();
    config.policy_wanted = policy_wanted.or(config.policy_wanted);
    shared.metrics.opened(&peer);
    let mut session = Session {
        hub: Hub::new(config),
        said: FuturesUnordered::new(),
        inbox: None,
        how: Parting::Lost,
        alerts: Vec::new(),
        ending: None,
        shared,
        peer,
        link,
    };
    session.run(early, down).await;
    session.part(patience).await;
}

impl<D: Desk> Session<D> {
    async fn run(&mut self, early: Early, mut down: watch::Receiver<bool>) {
        let store = self.peer.store().clone();
        self.feed(Input::Opened { store: Some(store) });
        for (stream, bytes) in early {
            self.feed(Input::Bytes { stream, bytes: &bytes });
        }
        let stall = Duration::from_millis(self.shared.config.stall_timeout_ms);
        while self.ending.is_none() {
            let far = || Instant::now() + Duration::from_secs(3_600);
            let wake = self.hub.wake_at().map_or_else(far, |at| self.shared.at(at));
            let stalls = self.link.stalls_at(stall).map_or_else(far, Instant::from_std);
            let may_ask = self.said.len() < self.shared.config.questions_max;
            let queued_bytes_max = if may_ask { self.shared.config.send_bytes_max as usize } else { 0 };
            let turn = tokio::select! {
                biased;
                () = went_down(&mut down) => Turn::Down,
                command = command(&mut self.inbox) => Turn::Command(command),
                Some(said) = self.said.next(), if !self.said.is_empty() => Turn::Said(said),
                event = self.link.event_below(queued_bytes_max) => Turn::Event(event),
                () = sleep_until(stalls) => Turn::Stalled,
                () = sleep_until(wake) => Turn::Time,
            };
            match turn {
                Turn::Down => {
                    self.feed(Input::Overloaded { retry_after_ms: self.shared.config.retry_after_ms });
                }
                Turn::Command(Some(Command::Tell(errand))) => self.errand(errand),
                Turn::Command(Some(Command::Cut(how, text))) => self.cut(how, text),
                Turn::Command(None) => {
                    self.cut(Parting::Replaced, "another connection took its place".into());
                }
                Turn::Said(said) => self.heard(said),
                Turn::Event(Event::Bytes(stream, bytes)) => self.feed(Input::Bytes { stream, bytes: &bytes }),
                Turn::Event(Event::Broken(code, text)) => self.broken(code, text),
                Turn::Event(Event::Ended(_)) => {
                    self.feed(Input::Lost);
                    return;
                }
                Turn::Stalled if !self.is_stalled(stall) => {}
                Turn::Stalled => self.broken(ErrorCode::SLOW, "nothing is taken of what was sent".into()),
                Turn::Time => self.feed(Input::Tick),
            }
            self.tell_alerts().await;
        }
    }

    /// What waited when the deadline was set may have been taken since.
    fn is_stalled(&self, stall: Duration) -> bool {
        self.link.stalls_at(stall).is_some_and(|at| Instant::from_std(at) <= Instant::now())
    }

    /// Lets the desk know what an operator should hear. They are rare, and the connection waits meanwhile.
    async fn tell_alerts(&mut self) {
        for alert in std::mem::take(&mut self.alerts) {
            let _ = timeout(self.shared.desk_timeout(), self.shared.desk.alert(&self.peer, &alert)).await;
        }
    }

    async fn part(self, patience: Duration) {
        let Self { shared, peer, link, how, ending, said, .. } = self;
        // What the desk has not answered is dropped, and rolled back with it.
        drop(said);
        shared.connections.leave(&peer);
        if let Some((code, text)) = ending {
            link.finish(code, &text, patience).await;
        }
        shared.metrics.parted(&peer, how);
        let _ = timeout(shared.desk_timeout(), shared.desk.parted(&peer, how)).await;
    }

    /// Ends the connection for a reason that is not in the protocol.
    fn cut(&mut self, how: Parting, text: String) {
        self.how = how;
        if how == Parting::Replaced {
            // Whoever called again is somewhere else already. Two machines with one identity must not push each other out all the time.
            self.feed(Input::Overloaded { retry_after_ms: REPLACED_RETRY_AFTER_MS });
            self.ending = Some((ErrorCode::UNAVAILABLE, text));
            return;
        }
        let message = Message::error(ErrorCode::IDENTITY, text.clone(), None);
        self.feed(Input::Tell { stream: Stream::Control, message });
        self.ending = Some((ErrorCode::IDENTITY, text));
    }

    /// The peer broke a rule that the machine does not see.
    fn broken(&mut self, code: ErrorCode, text: String) {
        let store = Some(self.peer.store().clone());
        self.alert(Alert::CutOff { store, code, text: text.clone() });
        self.how = Parting::CutOff;
        self.ending = Some((code, text));
    }

    fn feed(&mut self, input: Input<'_>) {
        let now = self.shared.now_ms();
        for output in self.hub.handle(now, input) {
            self.act(output);
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Send { stream, bytes } => self.link.send(stream, bytes),
            Output::Ask { ticket, question } => self.ask(ticket, question),
            Output::Welcomed { hello, version } => self.welcomed(hello, version),
            Output::Deliver { stream, message } => self.delivered(stream, message),
            Output::Alert(alert) => self.alert(alert),
            Output::Close { code } => {
                if self.how == Parting::Lost {
                    let is_busy = code == ErrorCode::UNAVAILABLE;
                    self.how = if is_busy { Parting::Unavailable } else { Parting::CutOff };
                }
                self.ending = Some((code, code.to_string()));
            }
        }
    }

    /// Puts a question to the desk.
    fn put<F>(&mut self, question: impl FnOnce(Arc<Shared<D>>, Peer) -> F)
    where
        F: Future<Output = Said> + Send + 'static,
    {
        self.said.push(question(self.shared.clone(), self.peer.clone()).boxed());
    }

    fn ask(&mut self, ticket: u64, question: Question) {
        match question {
            Question::Resume { logs } => self.put(move |shared, peer| async move {
                let answer = shared.asked(&peer, "resume", shared.desk.resume(&peer, &logs)).await;
                Said::Answer(ticket, answer.map_or_else(|reason| busy(&reason), Answer::Resumed))
            }),
            Question::Locate { log, points } => self.put(move |shared, peer| async move {
                let answer = shared.asked(&peer, "locate", shared.desk.locate(&peer, &log, &points)).await;
                Said::Answer(ticket, answer.map_or_else(|reason| busy(&reason), Answer::Located))
            }),
            Question::Admit { log, batches } => self.put(move |shared, peer| async move {
                let answer = shared.asked(&peer, "admit", shared.desk.admit(&peer, &log, batches)).await;
                Said::Answer(
                    ticket,
                    match answer {
                        Ok(decision) => Answer::Admitted(decision),
                        Err(NotAdmitted::Broken(text)) => Answer::Broken(text),
                        Err(NotAdmitted::Busy(reason)) => busy(&reason),
                    },
                )
            }),
        }
    }

    fn welcomed(&mut self, hello: Hello, version: aisle_protocol::Version) {
        let store_max = self.shared.config.store_connections_max;
        self.inbox = Some(self.shared.connections.enter(&self.peer, &hello.software, store_max));
        self.put(move |shared, peer| async move {
            Said::Errands(shared.asked(&peer, "welcomed", shared.desk.welcomed(&peer, &hello, version)).await)
        });
    }

    fn delivered(&mut self, stream: Stream, message: Message) {
        match message {
            Message::Report(report) => self.put(move |shared, peer| async move {
                Said::Noted(shared.asked(&peer, "report", shared.desk.report(&peer, report)).await)
            }),
            Message::Erase(erase) => self.put(move |shared, peer| async move {
                Said::Erased(shared.asked(&peer, "erase", shared.desk.erase(&peer, erase)).await)
            }),
            Message::Erased(erased) => self.put(move |shared, peer| async move {
                Said::Noted(shared.asked(&peer, "erased", shared.desk.erased(&peer, erased)).await)
            }),
            Message::ChunkWanted(wanted) => self.put(move |shared, peer| async move {
                let answer = shared.asked(&peer, "chunk", shared.desk.chunk(&peer, wanted)).await;
                Said::Chunk(
                    stream,
                    match answer {
                        Ok(part) => part.into(),
                        Err(NoChunk::Unknown(text)) => Message::error(ErrorCode::UNAVAILABLE, text, None),
                        Err(NoChunk::Busy(_)) => Message::error(ErrorCode::UNAVAILABLE, "not now", None),
                    },
                )
            }),
            Message::Error(ErrorMessage { code, text, .. }) => {
                tracing::info!(node = %self.peer.identity, %code, "the node says: {text}");
            }
            _ => {}
        }
    }

    fn heard(&mut self, said: Said) {
        match said {
            Said::Answer(ticket, answer) => self.feed(Input::Answer { ticket, answer }),
            Said::Errands(Ok(errands)) => {
                let dropped = errands.len().saturating_sub(ERRANDS_MAX);
                if dropped > 0 {
                    self.shared.metrics.errands_dropped(&self.peer, dropped);
                }
                errands.into_iter().take(ERRANDS_MAX).for_each(|errand| self.errand(errand));
            }
            Said::Errands(Err(busy)) | Said::Noted(Err(busy)) | Said::Erased(Err(busy)) => {
                self.feed(Input::Overloaded { retry_after_ms: busy.retry_after_ms });
            }
            Said::Chunk(stream, message) => self.feed(Input::Tell { stream, message }),
            Said::Erased(Ok(Some(erased))) => {
                self.feed(Input::Tell { stream: Stream::Control, message: Message::Erased(erased) });
            }
            Said::Noted(Ok(())) | Said::Erased(Ok(None)) => {}
        }
    }

    fn errand(&mut self, errand: Errand) {
        let (stream, message) = errand.message();
        self.feed(Input::Tell { stream, message });
    }

    fn alert(&mut self, alert: Alert) {
        self.shared.metrics.alert(&self.peer, &alert);
        self.alerts.push(alert);
    }
}

fn busy(busy: &Busy) -> Answer {
    Answer::Busy { retry_after_ms: busy.retry_after_ms }
}
