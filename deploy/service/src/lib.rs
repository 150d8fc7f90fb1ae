//! What a program of ours and the machine's service manager say to each other: ready, alive, stopping ([`manager`]), and the secrets that
//! the program was given ([`credential`]).
//!
//! Everything here comes from four variables that a service manager sets (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`,
//! `CREDENTIALS_DIRECTORY`). Without them, as when somebody starts the program by hand, nothing is said and nothing is missed.
//!
//! Not here: units, packages and their guides, which lie in `deploy/edge`; what ready means, which the program knows. Guards that a hung
//! program is started again: the sign of life comes from the runtime that does the work, so that it ends when the work does.

pub mod credential;
pub mod manager;

pub use credential::{Credentials, InvalidCredential};
pub use manager::{heartbeat, ready, stopping};
