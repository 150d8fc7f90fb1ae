//! The staff board: what the people in the shop need to see and do, on a phone.
