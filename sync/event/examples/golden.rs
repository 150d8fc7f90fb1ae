//! Writes the golden vectors, one file an event: its type and its bytes, in hexadecimal.
//!
//! `cargo run -p aisle-event --example golden -- DIR`. Called by `cargo xtask generate`.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a developer's tool over constant samples")]

#[path = "../tests/it/samples.rs"]
mod samples;

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: golden DIR"))?);
    fs::create_dir_all(&dir)?;
    for (name, event) in samples::samples() {
        let hex: String = event.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(dir.join(format!("{name}.hex")), format!("0x{:04x} {hex}\n", event.kind().0))?;
    }
    Ok(())
}
