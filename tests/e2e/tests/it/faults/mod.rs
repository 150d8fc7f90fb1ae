//! Bad input and bad machines: each gets an answer that names the thing, the cause and the next step.

mod clock;
mod configuration;
mod disk;
mod doctor;
mod requests;
mod start;
