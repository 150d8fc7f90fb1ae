//! What a store sold in a stretch of time, read in pieces: no look at the fleet takes longer for it than the lease holds.
//!
//! Not here: which stores and which hours ([`super`], [`super::pairing`]). Guards: what was not read whole is no number.

use crate::{
    database::{
        Database, DatabaseError,
        read::{After, EventRow},
    },
    payload,
};
use aisle_event::StoreId;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const HOUR_MS: i64 = 3_600_000;
/// The most sales of one store that are read for a stretch of time. One that has more has no metric there: a part of a day is not a day.
const SALES_MAX: usize = 100_000;
const PAGE: u32 = 1_000;
/// The most rows that are read at one look, for all rollouts together.
const ROWS_MAX: usize = 20_000;
/// What a question costs that finds nothing, in rows.
const QUESTION_ROWS: usize = 20;

/// What one store sold in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sold {
    sales: i64,
    minor: i64,
    lines: i64,
    errors: i64,
    /// Hours in which something was sold, and the last of them.
    hours: u32,
    hour: Option<u64>,
    /// There was more than is read.
    is_cut: bool,
}

impl Sold {
    /// What a metric comes to; nothing where nothing was sold, or more than is read.
    pub(super) fn metric(&self, name: &str) -> Option<i64> {
        match name {
            _ if self.is_cut => None,
            "basket-value" if self.sales > 0 => Some(self.minor / self.sales),
            "price-errors" if self.lines > 0 => Some(self.errors.saturating_mul(1_000_000) / self.lines),
            _ => None,
        }
    }

    /// In how many hours something was sold: of so many its numbers are the mean. At least one.
    pub(super) fn hours(&self) -> u32 {
        self.hours.max(1)
    }

    /// Takes a sale in. They come in the order of time.
    fn add_at(&mut self, ms: u64, sale: &Value) {
        let sales = self.sales;
        self.add(sale);
        let hour = Some(ms / HOUR_MS.unsigned_abs());
        if self.sales > sales && self.hour != hour {
            self.hours = self.hours.saturating_add(1);
            self.hour = hour;
        }
    }

    fn add(&mut self, sale: &Value) {
        let Some(lines) = sale.get("lines").and_then(Value::as_array) else { return };
        let mut sum = Some(0_i64);
        for line in lines {
            let Some(unit) = line.get("unit_price").and_then(first) else {
                sum = None;
                continue;
            };
            let list = line.get("repriced").and_then(|repriced| repriced.get("list_price")).and_then(first);
            self.lines += 1;
            self.errors += i64::from(unit <= 0 || list.is_some_and(|list| unit > list));
            let thousandths = line.get("quantity").and_then(first).unwrap_or(1_000);
            sum = sum.and_then(|sum| sum.checked_add(unit.checked_mul(thousandths)? / 1_000));
        }
        let off = sale.get("adjustments").and_then(Value::as_array).into_iter().flatten();
        let off: i64 = off.filter_map(|one| one.get("amount").and_then(first)).fold(0, i64::saturating_add);
        if let Some(sum) = sum.filter(|_| !lines.is_empty()) {
            self.sales += 1;
            self.minor = self.minor.saturating_add(sum.saturating_sub(off));
        }
    }
}

/// Money is minor units and a currency, a quantity thousandths and a unit.
fn first(value: &Value) -> Option<i64> {
    value.as_array()?.first()?.as_i64()
}

/// How much may still be read at this look.
#[derive(Debug)]
pub(in crate::fleet) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(ROWS_MAX)
    }
}

impl Budget {
    const fn is_spent(&self) -> bool {
        self.0 == 0
    }

    fn spend(&mut self, rows: usize) {
        self.0 = self.0.saturating_sub(rows.max(QUESTION_ROWS));
    }
}

/// How far one store has been read.
#[derive(Debug)]
struct Reading {
    after: After,
    sold: Sold,
    read: usize,
    is_done: bool,
}

impl Reading {
    fn from(hour: i64) -> Self {
        Self { after: After::time(ms(hour)), sold: Sold::default(), read: 0, is_done: false }
    }

    /// Takes a page in. One that is not full is the last.
    fn take(&mut self, rows: &[EventRow], page: usize, sales_max: usize) {
        for row in rows {
            self.sold.add_at(row.hlc >> 16, &payload::to_json(row.kind, &row.payload));
        }
        self.read = self.read.saturating_add(rows.len());
        match rows.last() {
            Some(last) if rows.len() >= page => self.after = After::event(last),
            _ => self.is_done = true,
        }
        if !self.is_done && self.read >= sales_max {
            (self.is_done, self.sold.is_cut) = (true, true);
        }
    }
}

/// What stores sold from one hour to another.
#[derive(Debug)]
pub(super) struct Sums {
    from: i64,
    until: i64,
    of: BTreeMap<StoreId, Reading>,
}

impl Sums {
    /// Of nobody yet. Hours since 1970.
    pub(super) const fn between(from: i64, until: i64) -> Self {
        Self { from, until, of: BTreeMap::new() }
    }

    /// The hour that they begin with.
    pub(super) const fn first_hour(&self) -> i64 {
        self.from
    }

    /// What a store sold; nothing while it is not read to its end.
    pub(super) fn get(&self, store: &StoreId) -> Option<&Sold> {
        self.of.get(store).filter(|reading| reading.is_done).map(|reading| &reading.sold)
    }

    /// Reads on. True when all of the stores are read.
    pub(super) async fn read(
        &mut self,
        database: &Database,
        stores: &[&StoreId],
        budget: &mut Budget,
    ) -> Result<bool, DatabaseError> {
        let (from, until) = (self.from, ms(self.until));
        for store in stores {
            let reading = self.of.entry((*store).clone()).or_insert_with(|| Reading::from(from));
            while !reading.is_done {
                if budget.is_spent() {
                    return Ok(false);
                }
                let rows = database.sales_by_time(store, reading.after, until, PAGE).await?;
                budget.spend(rows.len());
                reading.take(&rows, PAGE as usize, SALES_MAX);
                if reading.sold.is_cut {
                    tracing::warn!(%store, sales_max = SALES_MAX, "a store has sold more than is read to compare it with others: it is compared with nobody");
                }
            }
        }
        Ok(true)
    }
}

fn ms(hour: i64) -> u64 {
    u64::try_from(hour.saturating_mul(HOUR_MS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_protocol::LogClass;
    use serde_json::json;

    fn rows(many: u64) -> Vec<EventRow> {
        let row = |seq| EventRow {
            class: LogClass::Sales,
            log: 0,
            seq,
            hlc: seq << 16,
            kind: 0x0201,
            payload: vec![0xa0],
        };
        (0..many).map(row).collect()
    }

    #[test]
    fn what_is_not_read_to_its_end_has_no_metric() {
        let sale = json!({ "lines": [{ "unit_price": [500, "GBP"], "quantity": [1_000, 0] }] });
        let mut reading = Reading::from(0);
        reading.sold.add(&sale);
        reading.take(&rows(10), 10, 30);
        assert!(!reading.is_done, "a full page is not the last one");
        let mut short = Reading { sold: reading.sold, ..Reading::from(0) };
        short.take(&rows(9), 10, 30);
        assert_eq!((short.is_done, short.sold.metric("basket-value")), (true, Some(500)));
        reading.take(&rows(10), 10, 30);
        reading.take(&rows(10), 10, 30);
        assert_eq!((reading.is_done, reading.sold.metric("basket-value")), (true, None), "there may be more");
        assert_eq!(reading.sold.metric("price-errors"), None);
    }

    #[test]
    fn hours_are_those_in_which_something_was_sold() {
        let priced = json!({ "lines": [{ "unit_price": [500, "GBP"], "quantity": [1_000, 0] }] });
        let kept_back = json!({ "lines": [{ "quantity": [1_000, 0] }] });
        let mut sold = Sold::default();
        let hour = HOUR_MS.unsigned_abs();
        for (ms, sale) in [
            (10 * hour, &priced),
            (10 * hour + 7, &priced),
            (11 * hour, &kept_back),
            (13 * hour, &priced),
            (14 * hour - 1, &priced),
        ] {
            sold.add_at(ms, sale);
        }
        assert_eq!((sold.sales, sold.hours()), (4, 2));
        assert_eq!(Sold::default().hours(), 1, "there is no mean of nothing");
    }

    #[test]
    fn a_look_reads_so_much_and_no_more() {
        let mut budget = Budget::default();
        let mut questions = 0;
        while !budget.is_spent() {
            budget.spend(0);
            questions += 1;
        }
        assert_eq!(questions, ROWS_MAX / QUESTION_ROWS);
    }

    #[test]
    fn what_is_sold_at_nothing_or_above_its_list_price_is_an_error() {
        let mut sold = Sold::default();
        let line = |unit: i64, list: Option<i64>| {
            let mut line = json!({ "unit_price": [unit, "GBP"], "quantity": [2_000, 0] });
            if let Some(list) = list {
                line["repriced"] = json!({ "list_price": [list, "GBP"] });
            }
            line
        };
        let lines = [line(100, None), line(0, None), line(90, Some(100)), line(110, Some(100))];
        sold.add(&json!({ "lines": lines, "adjustments": [{ "amount": [50, "GBP"] }] }));
        assert_eq!(sold.metric("price-errors"), Some(500_000));
        assert_eq!(sold.metric("basket-value"), Some(550));
        // Without prices it is no basket and no line.
        sold.add(&json!({ "lines": [{ "quantity": [1_000, 0] }] }));
        assert_eq!((sold.metric("price-errors"), sold.metric("basket-value")), (Some(500_000), Some(550)));
    }
}
