//! One budget over all memories and tables of a call.

use wasmtime::{ResourceLimiter, Result};

/// What an element of a table weighs, in bytes.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// How much there is and how much of it is used. Nothing ever becomes smaller within a call.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    used: usize,
    /// Something was refused: what goes wrong later goes wrong for this.
    refused: bool,
}

impl Budget {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, used: 0, refused: false }
    }

    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    pub(crate) const fn refused(&self) -> bool {
        self.refused
    }

    const fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.bytes_max {
            self.refused = true;
            return false;
        }
        self.used = wanted;
        true
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        // What the plugin has forbidden itself is not taken from the budget, and is no matter of ours.
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(ELEMENT_BYTES);
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(bytes(current), bytes(desired)))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.refused = true;
        Ok(())
    }
}
