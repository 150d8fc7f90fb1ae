//! What a device needs of memory.

use crate::world::{Bench, Chip};
use std::mem::size_of;

/// For a look: sizes are of this machine, not of the device's.
#[test]
fn the_memory_of_a_device_is_told() {
    let bench = Bench::new();
    let whole = bench.size();
    println!("a device of two streams needs {whole} bytes beside its flash of {} bytes", size_of::<Chip>());
    assert!(whole < 64 << 10, "{whole} bytes are more than a small controller has");
}
