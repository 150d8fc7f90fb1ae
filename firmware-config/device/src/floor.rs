//! The floor of a shop as it really is.
