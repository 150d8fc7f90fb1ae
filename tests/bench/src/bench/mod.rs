//! The benchmarks, each giving its report as Markdown.

pub(crate) mod devices;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod mqtt;
pub(crate) mod recommend;
mod side;
pub(crate) mod start;
