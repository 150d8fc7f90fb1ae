//! The sales of a store by time, and nothing else of what it sends: that is a hundred times as much.
//!
//! Not here: what a sale comes to ([`crate::fleet`]).

use super::super::{
    Database, DatabaseError, Pool,
    failure::while_doing,
    read::{After, EventColumns, EventRow, bounded, event_row},
    reading,
    rows::signed,
};
use aisle_event::StoreId;

/// The same words as the index `events_sales` has, so that it is used. 513 is the number of `SaleRecorded`, which is for ever.
macro_rules! sales {
    ($from:literal, $again:literal) => {
        concat!(
            "SELECT class, log, seq, hlc, kind, payload FROM ",
            $from,
            " WHERE store = $1 AND (hlc, class, log, seq) > ($2, $3, $4, $5) AND hlc < $6 AND kind = 513 AND ",
            $again,
            " ORDER BY hlc, class, log, seq LIMIT $7"
        )
    };
}

impl Database {
    /// Sales of a store by time, after a place and before a time in milliseconds. What two epochs hold is shown once.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn sales_by_time(
        &self,
        store: &StoreId,
        after: After,
        before_ms: u64,
        rows_max: u32,
    ) -> Result<Vec<EventRow>, DatabaseError> {
        let before = signed(before_ms.min(u64::MAX >> 17) << 16);
        let (hlc, seq) = (signed(after.hlc), signed(after.seq));
        let statement = match self.pool {
            Pool::Sqlite { .. } => sales!("events INDEXED BY events_sales", "is_again = 0"),
            Pool::Postgres(_) => sales!("events", "NOT is_again"),
        };
        let rows: Vec<EventColumns> = reading!(self, pool => {
            sqlx::query_as(statement)
                .bind(store.as_str()).bind(hlc).bind(after.class).bind(after.log).bind(seq).bind(before).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("read the sales of a store"))
        })?;
        rows.into_iter().map(|row| event_row(store.as_str(), row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use aisle_event::Event;

    #[test]
    fn the_number_of_a_sale_is_the_one_in_the_index() {
        let sale = Event::TYPES.iter().find(|(_, name, _)| *name == "SaleRecorded");
        assert_eq!(sale.map(|(kind, ..)| kind.0), Some(513));
    }
}
