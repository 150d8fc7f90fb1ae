//! Where node and hub stand to each other: acknowledgements, cursors, and what to do when the two disagree.
//!
//! Three things can be: the hub is somewhere in this log (go on there), the hub has lost what it had acknowledged (send again what is
//! still here, or begin a new epoch with what is in the journal), or the two logs part (find where, begin a new epoch there).
//! Guards: no number is ever used for another event, nothing that the hub has is sent as something new.

use super::{
    lane::State,
    machine::{Alert, Node, Output},
    outbox::{Log, Outbox},
};
use crate::{
    control::{Ack, Cursor, Locate, Located},
    frame::Stream,
    limits::POINTS_MAX,
    log::{LogClass, Point},
};

impl Node {
    fn log<O: Outbox>(&mut self, class: LogClass, outbox: &mut O) -> Option<Log> {
        let log = outbox.log(class);
        self.read(class, log)
    }

    fn head_at<O: Outbox>(&mut self, class: LogClass, seq: u64, outbox: &mut O) -> Option<crate::log::Head> {
        let head = outbox.head_at(class, seq);
        self.read(class, head)
    }

    /// A cursor outside of WELCOME: something was lost on the way to the hub, so it goes out again.
    pub(super) fn cursor<O: Outbox>(&mut self, cursor: &Cursor, outbox: &mut O) {
        if self.is_open() {
            self.compare(cursor, outbox);
        }
    }

    /// Looks whether the hub still has what it had of an epoch that ended. It took the epochs after it later, so it has nothing of
    /// them either if it has not, and all of it goes into a new epoch.
    pub(super) fn compare_past<O: Outbox>(&mut self, cursor: &Cursor, outbox: &mut O) {
        let class = cursor.class;
        if self.lane(class).state != State::Flowing {
            return;
        }
        let past = outbox.past(class);
        let past = self.read(class, past);
        let Some((epoch, end)) = past.into_iter().find(|(epoch, _)| *epoch == cursor.epoch) else { return };
        if cursor.through.seq < end.seq {
            self.alert(Alert::HubBehind { class, hub: cursor.through.seq, acked: end.seq });
            let lane = self.lane(class);
            lane.rewind(lane.acked);
            lane.state = State::Renewing(cursor.through.seq);
            self.outputs.push(Output::Renew { class, epoch, after: cursor.through.seq });
        }
    }

    /// Compares the hub's cursor with the outbox.
    pub(super) fn compare<O: Outbox>(&mut self, cursor: &Cursor, outbox: &mut O) {
        let class = cursor.class;
        let lane = self.lane(class);
        let is_stale = cursor.through.seq < lane.heard && !cursor.quarantined;
        if cursor.epoch != lane.epoch || lane.state != State::Flowing || is_stale {
            return;
        }
        let Some(log) = self.log(class, outbox) else { return };
        if log.epoch != cursor.epoch {
            return;
        }
        let hub = cursor.through;
        if cursor.quarantined || hub.seq > log.last.seq {
            return self.diverge(class, outbox);
        }
        if hub.seq < log.floor.seq {
            // What the hub lacks is not kept as batches any more. The journal may still have it.
            self.alert(Alert::HubBehind { class, hub: hub.seq, acked: log.acked.seq });
            return self.renew(class, hub.seq);
        }
        if self.head_at(class, hub.seq, outbox) != Some(hub.head) {
            return self.diverge(class, outbox);
        }
        let lane = self.lane(class);
        let is_first = !std::mem::replace(&mut lane.is_compared, true);
        let (start, acked, sent) = (lane.start, lane.acked, lane.sent);
        if hub.seq < start {
            if hub.seq < acked {
                self.alert(Alert::HubBehind { class, hub: hub.seq, acked });
            }
            let lane = self.lane(class);
            lane.acked = hub.seq;
            lane.start = hub.seq;
            lane.rewind(hub.seq);
        } else if is_first && hub.seq <= sent {
            // Batches went out ahead of WELCOME and begin at or before the cursor: the hub trims what it has.
            self.acknowledge(class, hub);
        } else {
            self.acknowledge(class, hub);
            self.lane(class).rewind(hub.seq);
        }
    }

    fn acknowledge(&mut self, class: LogClass, through: Point) {
        let now = self.clock.now_ms();
        let lane = self.lane(class);
        let (is_news, epoch) = (through.seq > lane.acked, lane.epoch);
        lane.ack(through.seq, now);
        self.has_progress |= is_news;
        if is_news {
            self.outputs.push(Output::Acked { class, epoch, through });
        }
    }

    pub(super) fn ack<O: Outbox>(&mut self, ack: &Ack, outbox: &mut O) {
        let class = ack.class;
        let lane = self.lane(class);
        if ack.epoch != lane.epoch || lane.state != State::Flowing || ack.through.seq <= lane.acked {
            return;
        }
        let Some(log) = self.log(class, outbox) else { return };
        let is_ours = ack.through.seq <= log.last.seq
            && self.head_at(class, ack.through.seq, outbox) == Some(ack.through.head);
        if is_ours {
            self.acknowledge(class, ack.through);
        } else {
            // The hub has what this outbox has not: it must not be trimmed by that.
            self.diverge(class, outbox);
        }
    }

    /// The two logs part somewhere: looks for the place.
    pub(super) fn diverge<O: Outbox>(&mut self, class: LogClass, outbox: &mut O) {
        if self.lane(class).state != State::Flowing {
            return;
        }
        let Some(log) = self.log(class, outbox) else { return };
        let acked = self.lane(class).acked;
        let now = self.clock.now_ms();
        let lane = self.lane(class);
        lane.rewind(acked);
        lane.progress_at = now;
        lane.state = State::Locating { low: None, high: log.last.seq.saturating_add(1), asked: Vec::new() };
        self.locate(class, &log, outbox);
    }

    /// Asks for the next places, or is done.
    fn locate<O: Outbox>(&mut self, class: LogClass, log: &Log, outbox: &mut O) {
        let State::Locating { low, high, .. } = self.lane(class).state else { return };
        let after = low.unwrap_or(log.floor.seq);
        let room = if low.is_none() { POINTS_MAX - 1 } else { POINTS_MAX };
        let points = outbox.points(class, after, high.saturating_sub(1), room);
        let mut points: Vec<Point> = self.read(class, points);
        if low.is_none() {
            points.insert(0, log.floor);
        }
        points.truncate(POINTS_MAX);
        if points.is_empty() {
            let (epoch, common) = (self.lane(class).epoch, after);
            self.alert(Alert::Diverged { class, epoch, common });
            return self.renew(class, common);
        }
        let lane = self.lane(class);
        let epoch = lane.epoch;
        lane.state = State::Locating { low, high, asked: points.iter().map(|point| point.seq).collect() };
        self.send(Stream::Control, &Locate { class, epoch, points }.into());
    }

    pub(super) fn located<O: Outbox>(&mut self, located: &Located, outbox: &mut O) {
        let class = located.class;
        let now = self.clock.now_ms();
        let lane = self.lane(class);
        let State::Locating { low, high, asked } = &lane.state else { return };
        let (low, high) = (*low, *high);
        // An answer to something else is none.
        if located.epoch != lane.epoch || located.seq.is_some_and(|seq| !asked.contains(&seq)) {
            return;
        }
        let next = asked.iter().copied().find(|asked| located.seq.is_none_or(|seq| *asked > seq));
        lane.progress_at = now;
        let Some(log) = self.log(class, outbox) else { return };
        match located.seq.or(low) {
            // Not even the floor, which the hub had acknowledged: both ends were set back. All that is left goes into a new epoch.
            None => {
                let epoch = self.lane(class).epoch;
                self.alert(Alert::Diverged { class, epoch, common: 0 });
                self.renew(class, log.floor.seq);
            }
            Some(low) => {
                let high = next.unwrap_or(high).min(high);
                self.lane(class).state = State::Locating { low: Some(low), high, asked: Vec::new() };
                self.locate(class, &log, outbox);
            }
        }
    }

    /// There is no batch to go on with. Where the outbox trimmed what a restored hub has lost, only the journal has it.
    pub(super) fn look_for_gap<O: Outbox>(&mut self, class: LogClass, outbox: &mut O) {
        let Some(log) = self.log(class, outbox) else { return };
        let lane = self.lane(class);
        let (sent, acked) = (lane.sent, lane.acked);
        // What is under way is waited for: it moves the place to begin after.
        let is_gap = lane.state == State::Flowing && lane.epoch == log.epoch && log.floor.seq > sent;
        if is_gap && lane.in_flight_bytes() == 0 {
            self.alert(Alert::HubBehind { class, hub: acked, acked: log.acked.seq });
            self.renew(class, acked);
        }
    }

    /// The receipts of the epoch cannot go on. Its events can, in a new epoch; not when the hub has nothing of this one: the receipts of
    /// that begin anew already, so it would fare no better, and so on without end.
    pub(super) fn begins_anew(&mut self, class: LogClass) -> bool {
        let lane = self.lane(class);
        let acked = lane.acked;
        let is_anew = lane.state == State::Flowing && acked > 0;
        if is_anew {
            self.renew(class, acked);
        }
        is_anew
    }

    fn renew(&mut self, class: LogClass, after: u64) {
        let lane = self.lane(class);
        lane.rewind(after);
        lane.state = State::Renewing(after);
        let epoch = lane.epoch;
        self.outputs.push(Output::Renew { class, epoch, after });
    }
}
