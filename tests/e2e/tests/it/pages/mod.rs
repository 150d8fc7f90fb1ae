//! The pages in a real browser, as a shopper uses them.

mod accessibility;
mod idle;
mod journey;
mod language;
mod screenshot;
mod without_scripts;
