//! MQTT for tests and benchmarks: a client that speaks bytes ([`raw`]) and somebody else's broker ([`Mosquitto`]).
//!
//! Not here: anything of the broker under test. What it writes is read here by a second reading of the specification, so
//! that one mistake cannot hide behind itself. Section numbers are those of MQTT 5 (OASIS, 2019).

mod mosquitto;
pub mod raw;

pub use mosquitto::{Mosquitto, MosquittoError};
