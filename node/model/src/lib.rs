//! Models that headquarters sends: what one is, whether it may run, and what runs.
//!
//! ```text
//! model.toml + model.onnx ── package ──> signed, ordered, fetched
//!    process::try_out ── a process of its own: card, onnx, loads, cases, corners, time ──> Report or Refusal
//!    Loaded::load ──> Models::activate: one swap      run(name, inputs) ──> outputs
//! ```
//!
//! Lives here: the card ([`card`]), a look at the graph before anybody depends on it ([`onnx`]), running it ([`engine`]), its trial ([`trial`]) and the process
//! that this happens in ([`process`]), what is in force ([`models`]). It is the one crate that names `ort`, and what stands behind it: `ort-tract`, in Rust, so
//! that nothing has to be installed.
//!
//! What does not hold by itself: `ort` speaks to what runs a graph over an interface of C, and what panics behind that ends the process: nothing here could
//! catch it. So whatever is new is tried in another process, which is bounded in memory and time, and at the ends of all that its card lets in; a graph
//! that runs is only asked what its card lets in. A run cannot be broken off, and its memory is the node's: what bounds both is that the largest input was
//! tried within the bounds of the trial. Memory of all models together is bounded by [`models::MODELS_MAX`] times that.
//!
//! Not here: signatures and orders (`aisle-converge`), who asks models what. Nothing of a backend is set up before the first model is loaded.
//! Guards invariants 5 (nobody waits for it), 6 (everything has a bound) and 10 (what is refused says why, and changes nothing).

pub mod card;
pub mod engine;
#[cfg(feature = "example")]
pub mod example;
pub mod models;
pub mod onnx;
pub mod process;
mod telemetry;
pub mod tensor;
pub mod trial;

pub use card::{Card, CardError};
pub use engine::{Inputs, Loaded, Outputs, RunError};
pub use models::{ModelView, Models};
pub use process::{Depth, try_out};
pub use tensor::{Given, Tensor, Values};
pub use trial::{Refusal, Report};
