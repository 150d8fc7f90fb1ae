//! Every bound of the protocol that both ends know without being told. What is beyond one is refused, never truncated.
//!
//! Not here: what an operator sets ([`crate::node::Config`], [`crate::hub::Config`]).

/// The most bytes of a batch, header and checksum included.
pub const BATCH_BYTES_MAX: usize = 1 << 20;
/// The most bytes of a control message, number included.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The most bytes of a message on a `Down` or `Chunk` stream.
pub const DOWN_BYTES_MAX: usize = 1 << 20;
/// The most events of one batch.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// The most bytes that the payloads of one batch have together.
pub const RAW_BYTES_MAX: usize = 4 << 20;
/// The most bytes of a body before zstd.
pub const PACKED_BYTES_MAX: usize = 6 << 20;
/// The most values that the columns of one body hold together; a body that would have more is written without columns.
pub const COLUMN_VALUES_MAX: usize = 1 << 18;
/// The most bytes of a receipt.
pub const RECEIPT_BYTES_MAX: usize = 4 << 10;
/// The most bytes of a name or a text in a control message.
pub const TEXT_BYTES_MAX: usize = 512;
/// The most versions that a peer may offer.
pub const VERSIONS_MAX: usize = 16;
/// The most points of one LOCATE.
pub const POINTS_MAX: usize = 64;
/// The most ended epochs of one HELLO.
pub const PAST_MAX: usize = 16;
/// The most things of one REPORT.
pub const APPLIED_MAX: usize = 256;
/// The most bytes of what a node says of itself in a REPORT.
pub const NODE_REPORT_BYTES_MAX: usize = 32 << 10;
/// What a node may have under way in each class before the hub has granted anything, in bytes: one batch of the
/// largest size always fits. Batches may be sent before WELCOME, so a hub keeps this much for each class.
pub const CREDIT_INITIAL_BYTES: u64 = BATCH_BYTES_MAX as u64;
/// The same in batches.
pub const CREDIT_INITIAL_BATCHES: u64 = 16;
