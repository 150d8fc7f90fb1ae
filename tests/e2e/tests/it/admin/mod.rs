//! Looking into a running node's broker and stepping in: by HTTP with the token, by the commands, by health and doctor.
//!
//! Guards: nothing is told or done without the token; what was asked for is done when the answer says so.

pub(crate) mod administrator;
mod bridges;
mod commands;
mod doctor;
mod health;
mod kicks;
mod retained;
mod token;
mod watches;
