//! What is said on one connection, from CONNECT to goodbye.
//!
//! ```text
//! Connecting ─> Resuming ─> Sweeping ─> Subscribing ─> Open ─> Leaving       (each only if there is need)
//! ```
//!
//! *Resuming*: the other broker remembers us, and what was on its way is sent again before anything new, so that no identifier
//! means two things. *Sweeping*: it remembers us from before the node started; QoS 2 identifiers that it still holds would make
//! it take a new message for an old one, so all are released first.
//!
//! One task does it all. It waits at once for the connection, the journal and the node's broker, and never for one of them
//! alone: so pings go out while the disk is slow.

use super::{
    Life, Stop,
    inbound::{Accepted, Answer, Settled},
    outbound::Answered,
    remote::{Again, Connected, Event, Full, Limits, Line, LinkError, Sender, Wanted},
    verdict::Refusal,
};
use aisle_broker::packet::{PacketId, Publish, QoS, Reason};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

/// What is on its way may take so long when the bridge is asked to stop.
const LEAVE_MS: u64 = 2_000;
/// How much later than twice the keep alive the other broker is given up, for a network that is slow.
const SILENCE_MS: u64 = 5_000;

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As it was asked to.
    Stopped,
    /// The node's broker ended it.
    LocalGone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// So many messages that were sent again are not answered.
    Resuming(usize),
    /// So many releases are not answered.
    Sweeping(usize),
    Subscribing,
    Open,
    Leaving,
}

impl Phase {
    const fn is_beginning(self) -> bool {
        matches!(self, Self::Resuming(_) | Self::Sweeping(_) | Self::Subscribing)
    }
}

/// The connection that is.
struct Talk<'a> {
    sender: &'a Sender,
    phase: Phase,
    limits: Limits,
    window: usize,
    packet_bytes_max: usize,
    /// So long without any event, and the connection counts as dead.
    silence: Duration,
    /// Messages can cross by then, or it is another answer nearer to that.
    due: Instant,
    leave: Leave,
}

/// How a connection is ended in order.
#[derive(Debug, Clone, Copy)]
struct Leave {
    at: Instant,
    goodbye: bool,
    /// It is ended so that the other broker sends again what there was no room for.
    for_room: bool,
}

impl From<Full> for LinkError {
    fn from(_: Full) -> Self {
        Self::Renew
    }
}

impl Life {
    /// Connects and speaks until the connection ends.
    pub(super) async fn converse(
        &mut self,
        sender: &Sender,
        line: &mut Line,
        stop: &mut Stop,
    ) -> Result<End, LinkError> {
        self.connection += 1;
        self.overflowed = false;
        let limits = Limits::new(self.config.in_flight_max);
        let mut talk = Talk {
            sender,
            phase: Phase::Connecting,
            limits,
            window: limits.window.into(),
            packet_bytes_max: usize::MAX,
            silence: Duration::from_millis(self.config.connect_timeout_ms),
            due: Instant::now(),
            leave: Leave { at: Instant::now(), goodbye: false, for_room: false },
        };
        loop {
            let event = {
                let mut next = pin!(timeout(talk.silence, line.next()));
                loop {
                    tokio::select! {
                        event = &mut next => break event.map_err(|_| talk.too_quiet())??,
                        settled = self.inbound.settled() => {
                            let Ok(settled) = settled else { return Ok(End::LocalGone) };
                            self.settled(&settled, Some(sender))?;
                        }
                        delivery = self.receiver.recv(),
                            if talk.phase == Phase::Open && self.outbound.len() < talk.window =>
                        {
                            let Some(delivery) = delivery else { return Ok(End::LocalGone) };
                            self.carry_out(delivery);
                            self.send(&talk)?;
                        }
                        () = stop.wait(), if talk.phase != Phase::Leaving => {
                            if talk.phase == Phase::Connecting {
                                return Ok(End::Stopped);
                            }
                            talk.leave(false);
                        }
                        () = sleep_until(talk.leave.at), if talk.phase == Phase::Leaving => return talk.left(),
                        () = sleep_until(talk.due), if talk.phase.is_beginning() => {
                            return Err(LinkError::Silent(self.config.connect_timeout_ms));
                        }
                    }
                    self.leave_when_done(&mut talk)?;
                }
            };
            match event {
                Event::Connected(connected) => self.begin(&mut talk, line, connected)?,
                Event::Gone => return talk.left(),
                event => self.hear(&mut talk, line, event)?,
            }
            self.leave_when_done(&mut talk)?;
            self.count_held();
        }
    }

    /// What came before the connection ended. Nothing can be said about it any more.
    pub(super) fn hear_out(&mut self, line: &mut Line) {
        while let Some(event) = line.leftover() {
            match event {
                Event::Message(publish) => drop(self.bring_in(publish)),
                Event::Released(id) => self.inbound.released(id),
                Event::Sent(id) => self.sent(id),
                Event::Received(id) => self.outbound.received(id),
                Event::Answered(id, reason) => drop(self.answered(id, reason)),
                Event::Connected(_) | Event::Subscribed(_) | Event::Gone | Event::Other => {}
            }
        }
        self.outbound.disconnected();
        self.count_held();
    }

    fn begin(&mut self, talk: &mut Talk<'_>, line: &mut Line, connected: Connected) -> Result<(), LinkError> {
        talk.window = talk.limits.window.min(connected.receive_max).max(1).into();
        talk.packet_bytes_max = connected.packet_bytes_max;
        talk.silence = Duration::from_millis(line.keep_alive_s() * 2_000 + SILENCE_MS);
        self.session_present = connected.session_present;
        if !connected.session_present {
            self.inbound.forget_session();
            self.outbound.forget_session();
            self.subscribed = false;
            self.swept = true;
        }
        talk.due = self.due();
        self.advance(talk, line)
    }

    /// Takes the next step towards messages that cross. Nothing of the step before is on its way.
    fn advance(&mut self, talk: &mut Talk<'_>, line: &mut Line) -> Result<(), LinkError> {
        let mut again = self.outbound.again();
        if !again.is_empty() {
            // The other broker may take fewer at once than it did.
            again.truncate(talk.window);
            talk.phase = Phase::Resuming(again.len());
            line.begin(again);
            return Ok(());
        }
        if !self.swept && self.outward.0.iter().any(|route| route.qos == QoS::ExactlyOnce) {
            talk.phase = Phase::Sweeping(talk.limits.ids.into());
            line.begin((1..=talk.limits.ids).filter_map(PacketId::new).map(Again::Release).collect());
            return Ok(());
        }
        self.subscribe(talk, line)
    }

    fn subscribe(&mut self, talk: &mut Talk<'_>, line: &mut Line) -> Result<(), LinkError> {
        line.begin(Vec::new());
        if self.subscribed || self.inward.0.is_empty() {
            return self.opened(talk);
        }
        let wanted: Vec<Wanted> = self
            .inward
            .0
            .iter()
            .map(|route| Wanted { filter: route.source.text().into(), qos: route.qos })
            .collect();
        talk.phase = Phase::Subscribing;
        Ok(talk.sender.subscribe(&wanted)?)
    }

    fn opened(&mut self, talk: &mut Talk<'_>) -> Result<(), LinkError> {
        talk.phase = Phase::Open;
        self.telemetry.connected(self.session_present);
        self.send(talk)
    }

    fn hear(&mut self, talk: &mut Talk<'_>, line: &mut Line, event: Event) -> Result<(), LinkError> {
        match event {
            // What is not acknowledged comes again.
            Event::Message(_) if talk.phase == Phase::Leaving => {}
            Event::Message(publish) => {
                if let Some(answer) = self.bring_in(publish) {
                    talk.sender.acknowledge(answer.id, answer.qos)?;
                }
            }
            Event::Released(id) => self.inbound.released(id),
            Event::Sent(id) => self.sent(id),
            Event::Received(id) => self.outbound.received(id),
            Event::Answered(id, reason) => {
                self.answered(id, reason)?;
                talk.due = self.due();
                match &mut talk.phase {
                    Phase::Resuming(left) | Phase::Sweeping(left) if *left > 1 => *left -= 1,
                    Phase::Resuming(_) => self.advance(talk, line)?,
                    Phase::Sweeping(_) => {
                        self.swept = true;
                        self.advance(talk, line)?;
                    }
                    Phase::Open => self.send(talk)?,
                    Phase::Connecting | Phase::Subscribing | Phase::Leaving => {}
                }
            }
            Event::Subscribed(reasons) if talk.phase == Phase::Subscribing => {
                self.granted(&reasons);
                self.opened(talk)?;
            }
            Event::Subscribed(_) | Event::Connected(_) | Event::Gone | Event::Other => {}
        }
        Ok(())
    }

    fn granted(&mut self, reasons: &[Reason]) {
        let routes = self.inward.0.iter().zip(reasons);
        let refused: Vec<String> = routes
            .filter(|(_, reason)| reason.is_error())
            .map(|(route, _)| format!("`{}`", route.source))
            .collect();
        self.subscribed = refused.is_empty();
        if !refused.is_empty() {
            self.telemetry.warn(format!(
                "the broker does not let the bridge subscribe to {}\nhint: check what its user may read there",
                refused.join(", ")
            ));
        }
    }

    fn send(&mut self, talk: &Talk<'_>) -> Result<(), LinkError> {
        let telemetry = &mut self.telemetry;
        let dropped = |refusal: Refusal| telemetry.refused_out(refusal);
        Ok(self.outbound.send(talk.sender, talk.window, talk.packet_bytes_max, dropped)?)
    }

    /// Says goodbye when nothing is on its way that could still be finished.
    fn leave_when_done(&mut self, talk: &mut Talk<'_>) -> Result<(), LinkError> {
        let settled = self.inbound.len() == 0;
        if self.overflowed && settled && talk.phase == Phase::Open {
            talk.leave(true);
        }
        if talk.phase == Phase::Leaving && !talk.leave.goodbye && settled && self.outbound.in_flight() == 0 {
            talk.sender.disconnect()?;
            talk.leave.goodbye = true;
        }
        Ok(())
    }

    /// A message from the other broker. Gives what is to be acknowledged at once.
    fn bring_in(&mut self, publish: Publish) -> Option<Answer> {
        let answer = publish.packet_id.map(|id| Answer { id, qos: publish.qos, connection: self.connection });
        if self.overflowed && answer.is_some() {
            // What came before it is on its way; taking this one would let it overtake those that were not taken.
            return None;
        }
        self.telemetry.came(publish.payload.len());
        let dup = publish.dup;
        let content = self.translate_in(publish);
        match self.inbound.accept(content, answer, dup) {
            Accepted::Held | Accepted::Underway => {}
            Accepted::Taken => return answer,
            Accepted::Dropped => self.telemetry.refused_in(Refusal::NoRoom),
            Accepted::NoRoom => {
                self.overflowed = true;
                self.telemetry.warn(LinkError::Held.to_string());
            }
        }
        None
    }

    /// A message from the other broker is done with: it is told so, if it waits for it on this connection.
    pub(super) fn settled(&mut self, settled: &Settled, sender: Option<&Sender>) -> Result<(), LinkError> {
        match settled.refused {
            None => self.telemetry.brought_in(),
            Some(refusal) => self.telemetry.refused_in(refusal),
        }
        if let (Some(answer), Some(sender)) = (settled.answer, sender)
            && answer.connection == self.connection
        {
            sender.acknowledge(answer.id, answer.qos)?;
        }
        Ok(())
    }

    fn sent(&mut self, id: Option<PacketId>) {
        if self.outbound.sent(id) {
            self.telemetry.brought_out();
        }
    }

    fn answered(&mut self, id: PacketId, reason: Reason) -> Result<(), LinkError> {
        match self.outbound.answered(id, reason) {
            Answered::Taken => self.telemetry.brought_out(),
            Answered::Refused(refusal) => self.telemetry.refused_out(refusal),
            Answered::Later => {
                self.swept &= reason != Reason::PACKET_IDENTIFIER_IN_USE;
                return Err(LinkError::Later(reason));
            }
            Answered::Unknown => {}
        }
        Ok(())
    }

    fn due(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.config.connect_timeout_ms)
    }

    fn count_held(&self) {
        self.telemetry.held(self.inbound.len(), self.inbound.bytes(), self.outbound.len());
    }
}

impl Talk<'_> {
    fn leave(&mut self, for_room: bool) {
        self.phase = Phase::Leaving;
        self.leave = Leave { at: Instant::now() + Duration::from_millis(LEAVE_MS), goodbye: false, for_room };
    }

    fn left(&self) -> Result<End, LinkError> {
        if self.leave.for_room { Err(LinkError::Held) } else { Ok(End::Stopped) }
    }

    fn too_quiet(&self) -> LinkError {
        match self.phase {
            Phase::Connecting => {
                LinkError::Silent(u64::try_from(self.silence.as_millis()).unwrap_or(u64::MAX))
            }
            _ => LinkError::NoPing,
        }
    }
}
