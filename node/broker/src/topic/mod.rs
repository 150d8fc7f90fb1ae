//! Topics: names, filters, and the two collections that are searched by them (MQTT 5, §4.7 and §4.8.2; 3.1.1 has the same rules).
//!
//! A topic is levels with `/` between them, and a level may be empty. In a filter `+` stands for one whole level, `#` for
//! the level before it and everything below. A wildcard in the first level stands for no topic that begins with `$`.
//!
//! Not here: who may use a topic (`access`), what is kept under it. No IO, no clock.
//! Guards invariant 6: text from a client is bounded by [`Limits`] before it gets into a tree, so depth and memory are too.

mod filter;
mod limits;
mod pattern;
mod retained;
mod subscriptions;

pub use filter::Filter;
pub use limits::{InvalidTopic, Limits, check_name};
pub use pattern::{pattern_covers, patterns_overlap};
pub use retained::Retained;
pub use subscriptions::{Found, Subscriptions};

/// The first level, and what comes after its `/`.
fn split(levels: &str) -> (&str, Option<&str>) {
    // A level has few bytes: counting them is faster than the search that `split_once` sets up.
    match levels.bytes().position(|byte| byte == b'/') {
        None => (levels, None),
        Some(at) => (levels.get(..at).unwrap_or_default(), levels.get(at + 1..)),
    }
}
