//! The broker as others see it: real clients, a real broker that bridges to it, restarts.
//!
//! Not here: packets by hand and hostile clients. Guards invariant 1 from outside: what was acknowledged comes.

mod bridge;
mod broker;
mod clients;
mod durability;
mod mosquitto;
mod mqttjs;
mod paho;
mod rumqttc;
