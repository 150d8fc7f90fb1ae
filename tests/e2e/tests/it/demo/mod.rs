//! The demo as it is shown, and a generated shop in a running node: what is recommended, why, and what came of it.

mod experiment;
mod recommendations;
mod shown;
