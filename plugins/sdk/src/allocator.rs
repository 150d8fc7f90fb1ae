//! The allocator of a plugin: it only goes forward, as an instance lives for one call.
//!
//! What was given last grows and goes back in place; the rest is given back by the end of the instance. Guards: memory is asked
//! from the host only, within the limit that the manifest sets; when the host has no more, allocation fails and the call traps.

#![expect(unsafe_code, reason = "an allocator hands out raw memory; there is one thread")]

use std::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::{memory_grow, memory_size},
    cell::Cell,
    ptr,
};

const PAGE_BYTES: usize = 65536;

struct Bump {
    /// Where the next allocation begins; zero before the first.
    next: Cell<usize>,
    /// Where the memory ends that the host has given.
    end: Cell<usize>,
}

// SAFETY: a plugin has one thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0), end: Cell::new(0) };

impl Bump {
    /// Makes room up to an address. False when the host gives no more.
    fn reach(&self, address: usize) -> bool {
        if self.end.get() == 0 {
            self.end.set(memory_size::<0>() * PAGE_BYTES);
        }
        if address > self.end.get() {
            let pages = (address - self.end.get()).div_ceil(PAGE_BYTES);
            if memory_grow::<0>(pages) == usize::MAX {
                return false;
            }
            self.end.set(self.end.get() + pages * PAGE_BYTES);
        }
        self.next.set(address);
        true
    }

    fn begin(&self) -> usize {
        unsafe extern "C" {
            static __heap_base: u8;
        }
        match self.next.get() {
            // What lies between the linker's data and the end of its last page is ours too.
            0 => (&raw const __heap_base).addr(),
            next => next,
        }
    }
}

// SAFETY: blocks do not overlap, as each begins where the one before ends, and are aligned as asked.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(place) = self.begin().checked_next_multiple_of(layout.align()) else {
            return ptr::null_mut();
        };
        let Some(end) = place.checked_add(layout.size()) else { return ptr::null_mut() };
        if self.reach(end) { ptr::with_exposed_provenance_mut(place) } else { ptr::null_mut() }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block.addr() + layout.size() == self.next.get() {
            self.next.set(block.addr());
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if block.addr() + layout.size() == self.next.get() {
            let Some(end) = block.addr().checked_add(size) else { return ptr::null_mut() };
            return if self.reach(end) { block } else { ptr::null_mut() };
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller promises a size that is good for this alignment; both blocks are at least as long as the old one.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}
