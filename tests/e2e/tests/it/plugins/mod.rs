//! Plugins in the node as it runs: real components of `plugins/guests`, installed over the admin API, seen in baskets, on pages, on
//! receipts and at the staff board.
//!
//! Guards invariant 4: whatever a plugin does, the shop goes on selling; and that what is installed and kept comes from the journal.

mod baskets;
mod coupons;
mod failures;
mod lists;
mod reactions;
mod shop;
mod versions;
