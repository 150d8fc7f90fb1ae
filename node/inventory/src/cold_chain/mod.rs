//! Whether food was kept as it must be.
