//! The benchmarks, each giving its report as Markdown.

pub(crate) mod devices;
pub(crate) mod fleet;
mod growth;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod mqtt;
mod parts;
pub(crate) mod plugins;
pub(crate) mod recommend;
mod side;
pub(crate) mod start;
pub(crate) mod sync;
