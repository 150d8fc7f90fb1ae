//! How much of each product is where.
