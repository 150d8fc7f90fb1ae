//! What devices say becomes events, and what they are to do goes out to them.
