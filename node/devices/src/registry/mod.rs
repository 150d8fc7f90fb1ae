//! Which devices there are, what they are to be set to, and what they say that they are.
