//! What staff are asked to do, and what became of it.

mod wanted;

pub use wanted::{About, Wanted};
