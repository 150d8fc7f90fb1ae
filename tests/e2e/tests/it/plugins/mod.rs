//! Plugins in the node as it runs: real components of `plugins/guests`, installed over the admin API, seen in baskets, on pages, on
//! receipts and at the staff board.
//!
//! Guards invariant 4: whatever a plugin does, the shop goes on selling; and that what is installed and kept comes from the journal.

mod baskets;
mod coupons;
mod days;
mod failures;
mod harm;
mod hostile;
mod kiosks;
mod labels;
mod lists;
#[allow(dead_code, unreachable_pub, reason = "it is shared by its path, and not all of it is needed here")]
#[path = "../../../../../plugins/host/tests/made/mod.rs"]
mod made;
mod order;
mod prices;
mod reactions;
mod replays;
mod restarts;
pub(crate) mod shop;
mod suppressions;
mod versions;
