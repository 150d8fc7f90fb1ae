//! Deliberate mistakes. A simulator that does not see them is worth nothing.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The hub acknowledges what a crash can still take back.
    AckBeforeCommit,
    /// The cursor is set, whoever has moved it meanwhile.
    CursorWithoutCompare,
    /// What has a number that is known is taken for what is known.
    TrimWithoutHashes,
    /// What is sealed once more for a new epoch comes straight from the journal.
    GateBypassed,
    /// The hub takes a batch whatever its receipt says.
    ReceiptSkipped,
}
