//! Writes the well-formed examples of every target where cargo-fuzz looks for its corpus:
//! `cargo run -p aisle-fuzz --example corpus`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for target in aisle_fuzz::TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("cargo-fuzz/corpus").join(target.name);
        fs::create_dir_all(&dir)?;
        for (number, example) in (target.examples)().iter().enumerate() {
            fs::write(dir.join(format!("example-{number}")), example)?;
        }
    }
    Ok(())
}
