//! The things in the shop, from their first word to their retirement, by HTTP with the token and by the commands: over real MQTT, through
//! the journal, and after a restart.
//!
//! Guards: nothing of a device counts before a person approves it; what was refused changed nothing and says why.

mod approval;
mod cold_chain;
mod commands;
mod hostile;
mod kiosk;
mod ordered;
mod problems;
mod profiles;
mod restart;
mod scale;
mod settings;
mod simulator;
mod stock;
