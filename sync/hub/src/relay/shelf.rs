//! What is sealed and not acknowledged yet, as the line to the hub above reads it.
//!
//! Everything in it is in the database already. Batches go as they are acknowledged: a hub above that is set back behind them gets a
//! new epoch out of the logs, which are all still here. Guards invariant 6: it holds [`UNACKNOWLEDGED_MAX`] batches of a class.

use crate::database::relay::LaneRow;
use aisle_protocol::{
    Batch, Epoch, Head, LogClass, PerClass, Point,
    node::{Log, Outbox},
};
use aisle_transport::client;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The most batches of a class that were sealed and not acknowledged; no more are sealed then.
pub(super) const UNACKNOWLEDGED_MAX: usize = 32;

/// What is kept of a class.
#[derive(Debug)]
struct Window {
    epoch: Epoch,
    acked: Point,
    last: Point,
    ended: Vec<(Epoch, Point)>,
    batches: VecDeque<(i64, Batch)>,
    /// Batches that were acknowledged since it was last noted, by number.
    gone: Option<(i64, i64)>,
    is_news: bool,
    /// An epoch and a place in it: everything after it goes into a new one.
    renew: Option<(Epoch, u64)>,
}

/// What the hub above has said of a class since it was last asked.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What it has, and the numbers of the batches that are not needed any more.
    pub(super) acked: Option<(Point, Option<(i64, i64)>)>,
    /// An epoch and a place in it: everything after it goes into a new one.
    pub(super) renew: Option<(Epoch, u64)>,
}

/// The line reads it on its thread, the relay fills it.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    windows: Arc<Mutex<PerClass<Option<Window>>>>,
    told: Arc<Notify>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, PerClass<Option<Window>>> {
        // Nothing in it is ever half changed.
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a class as the database has it.
    pub(super) fn show(&self, row: &LaneRow) {
        *self.lock().get_mut(row.class) = Some(Window {
            epoch: row.epoch,
            acked: row.acked,
            last: row.last,
            ended: row.ended.clone(),
            batches: row.pending.iter().cloned().collect(),
            gone: None,
            is_news: false,
            renew: None,
        });
    }

    /// Shows a batch that is in the database now.
    pub(super) fn push(&self, class: LogClass, number: i64, batch: Batch) {
        if let Some(window) = self.lock().get_mut(class) {
            window.last = batch.header().end();
            window.batches.push_back((number, batch));
        }
    }

    /// How many batches of a class wait.
    pub(super) fn waiting(&self, class: LogClass) -> usize {
        self.lock().get(class).as_ref().map_or(0, |window| window.batches.len())
    }

    /// What was said of a class since this was last asked.
    pub(super) fn news(&self, class: LogClass) -> News {
        let mut windows = self.lock();
        let Some(window) = windows.get_mut(class) else { return News::default() };
        let is_news = std::mem::take(&mut window.is_news);
        News { acked: is_news.then(|| (window.acked, window.gone.take())), renew: window.renew.take() }
    }

    /// Ready when the hub above has said something.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

impl Window {
    fn floor(&self) -> Point {
        self.batches.front().map_or(self.last, |(_, batch)| batch.header().start())
    }

    fn after(&self, seq: u64) -> Option<&Batch> {
        let found =
            self.batches.iter().map(|(_, batch)| batch).find(|batch| batch.header().end().seq > seq)?;
        (found.header().start().seq <= seq).then_some(found)
    }

    fn head_at(&self, seq: u64) -> Option<Head> {
        let known = [self.floor(), self.acked, self.last].into_iter().find(|point| point.seq == seq);
        if let Some(point) = known {
            return Some(point.head);
        }
        self.after(seq)?.clone().check().ok()?.head_at(seq)
    }

    fn points(&self, after: u64, through: u64) -> Vec<Point> {
        let ends = self.batches.iter().map(|(_, batch)| batch.header().end());
        let ends: Vec<Point> = ends.filter(|end| end.seq > after && end.seq <= through).collect();
        if !ends.is_empty() {
            return ends;
        }
        let Some(checked) = self.after(after).and_then(|batch| batch.clone().check().ok()) else {
            return ends;
        };
        let within =
            checked.items().iter().map(|item| item.seq).filter(|seq| *seq > after && *seq <= through);
        within.filter_map(|seq| checked.head_at(seq).map(|head| Point { seq, head })).collect()
    }
}

impl Outbox for Shelf {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        let windows = self.lock();
        Ok(windows.get(class).as_ref().map(|window| Log {
            epoch: window.epoch,
            floor: window.floor(),
            acked: if window.acked.seq < window.floor().seq { window.floor() } else { window.acked },
            last: window.last,
        }))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        Ok(self.lock().get(class).as_ref().and_then(|window| window.after(seq).cloned()))
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        Ok(self.lock().get(class).as_ref().and_then(|window| window.head_at(seq)))
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, Infallible> {
        let all = self.lock().get(class).as_ref().map(|window| window.points(after, through));
        let all = all.unwrap_or_default();
        if all.len() <= points_max {
            return Ok(all);
        }
        let wanted = (1..=points_max).map(|part| part * all.len() / points_max.max(1));
        Ok(wanted.filter_map(|nth| all.get(nth.checked_sub(1)?).copied()).collect())
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(self.lock().get(class).as_ref().map(|window| window.ended.clone()).unwrap_or_default())
    }
}

impl client::Outbox for Shelf {
    fn acked(&mut self, class: LogClass, epoch: Epoch, through: Point) -> Result<(), Infallible> {
        if let Some(window) = self.lock().get_mut(class)
            && window.epoch == epoch
            && through.seq > window.acked.seq
            && through.seq <= window.last.seq
        {
            window.acked = through;
            window.is_news = true;
            while let Some((number, batch)) = window.batches.front()
                && batch.header().end().seq <= through.seq
            {
                window.gone = Some((window.gone.map_or(*number, |(first, _)| first), *number));
                window.batches.pop_front();
            }
        }
        self.told.notify_one();
        Ok(())
    }

    fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64) -> Result<(), Infallible> {
        if let Some(window) = self.lock().get_mut(class) {
            window.renew = Some((epoch, after));
        }
        self.told.notify_one();
        Ok(())
    }
}
