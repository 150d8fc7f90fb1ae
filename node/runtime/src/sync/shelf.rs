//! The outbox as the line to the hub takes it.

use aisle_outbox::{Outbox, ReadError};
use aisle_protocol::{
    Batch, Epoch, Head, LogClass, Point,
    node::{self, Log},
};
use aisle_transport::client;

/// A reader of the outbox that takes note of what the hub says.
pub(super) struct Shelf(pub(super) Outbox);

impl node::Outbox for Shelf {
    type Error = ReadError;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, ReadError> {
        self.0.log(class)
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, ReadError> {
        self.0.batch_after(class, seq)
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, ReadError> {
        self.0.head_at(class, seq)
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, ReadError> {
        self.0.points(class, after, through, points_max)
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, ReadError> {
        self.0.past(class)
    }
}

impl client::Outbox for Shelf {
    fn acked(&mut self, class: LogClass, epoch: Epoch, through: Point) -> Result<(), ReadError> {
        // What is of an epoch that has ended meanwhile changes nothing.
        self.0.acked(class, epoch, through);
        Ok(())
    }

    fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64) -> Result<(), ReadError> {
        self.0.renew(class, epoch, after);
        Ok(())
    }
}
