//! Memory: what a process has resident, and what one step of our own leaves behind.

use anyhow::{Context, Result};
use std::{
    alloc::{GlobalAlloc, Layout},
    fs,
    sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
};

static COUNTING: AtomicBool = AtomicBool::new(false);
static GROWN_BYTES: AtomicI64 = AtomicI64::new(0);

/// An allocator that counts while [`grown`] runs; at other times it costs one load.
#[derive(Debug)]
pub(crate) struct Counted<A>(pub(crate) A);

fn count(bytes: i64) {
    if COUNTING.load(Relaxed) {
        GROWN_BYTES.fetch_add(bytes, Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; every call goes on to the inner one unchanged"
)]
// SAFETY: the inner allocator keeps the contract; counting touches nothing of it.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counted<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

/// What a step gives, and by how many bytes the heap is larger after it. The step must free nothing older than itself.
pub(crate) fn grown<T>(step: impl FnOnce() -> T) -> (T, f64) {
    GROWN_BYTES.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    let value = step();
    COUNTING.store(false, Relaxed);
    (value, GROWN_BYTES.load(Relaxed) as f64)
}

/// What a process has resident now, in bytes.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    sum(&format!("/proc/{pid}/status"), &["VmRSS:"])
}

/// What of it no other process has, in bytes.
pub(crate) fn private(pid: u32) -> Result<f64> {
    sum(&format!("/proc/{pid}/smaps_rollup"), &["Private_Clean:", "Private_Dirty:"])
}

/// The sum of fields of a file of the kernel, all of which must be there.
fn sum(path: &str, fields: &[&str]) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))?;
    fields.iter().try_fold(0.0, |sum, field| {
        let kib = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        Ok(sum + kib.with_context(|| format!("`{path}` has no `{field}`"))? * 1024.0)
    })
}

#[cfg(test)]
mod tests {
    use super::{private, resident};

    #[test]
    fn this_process_is_resident_and_some_of_it_is_its_own() {
        let pid = std::process::id();
        assert!(resident(pid).unwrap() > 1e5);
        assert!(private(pid).unwrap() > 1e4);
    }
}
