//! What every answer has in common: problems, extractors, bounds, headers, metrics of requests.
//!
//! Not here: what a request means (`api`, `pages`).

pub(crate) mod body;
pub(crate) mod extract;
pub(crate) mod gate;
pub(crate) mod problem;
pub(crate) mod telemetry;
