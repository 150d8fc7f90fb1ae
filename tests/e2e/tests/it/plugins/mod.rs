//! Plugins in the node as it runs: real components of `plugins/guests`, installed over the admin API, seen in baskets, on pages, on
//! receipts and at the staff board.
//!
//! Guards invariant 4: whatever a plugin does, the shop goes on selling; and that what is installed and kept comes from the journal.

mod baskets;
mod coupons;
mod days;
mod failures;
mod labels;
mod lists;
mod order;
mod prices;
mod reactions;
mod replays;
mod restarts;
mod shop;
mod suppressions;
mod versions;
