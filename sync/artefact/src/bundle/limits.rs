//! How much of a bundle is read. At a bound reading ends with an error that names it; what was taken before stays.

/// The most bytes of an order, to who writes and who reads; it is held in memory. One that goes by the line has no more.
pub const ORDER_BYTES_MAX: u64 = 1 << 20;

/// Bounds of reading a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most entries of the tar.
    pub entries_max: u64,
    /// The most bytes that come out of the zstd frame in all, headers included.
    pub unpacked_bytes_max: u64,
    /// The most bytes of all files of metadata together; they are held in memory.
    pub metadata_bytes_max: u64,
    /// The most bytes of a content, whatever its kind may have.
    pub content_bytes_max: u64,
    /// The most bytes of an entry that goes up; it is held in memory.
    pub carried_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 65_536,
            unpacked_bytes_max: 16 << 30,
            metadata_bytes_max: 64 << 20,
            content_bytes_max: 1 << 30,
            carried_bytes_max: 4 << 20,
        }
    }
}
