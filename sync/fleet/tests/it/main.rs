//! The rules of a fleet, each held to its word; and a fleet of ten thousand nodes in which everything goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod absences;
mod bench;
mod codes;
mod converging;
mod courses;
mod desired;
mod devices;
mod documents;
mod drive;
mod forward;
mod gates;
mod kills;
mod labels;
mod live;
mod matching;
mod node_settings;
mod overtaken;
mod preflights;
mod rehearsals;
mod returns;
mod rollouts;
mod says;
mod selectors;
mod sequential;
mod shop;
mod simulate;
mod versions;
mod waves;
mod windows;
