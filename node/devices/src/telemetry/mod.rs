//! What sensors measured: minutes, a window of raw readings, and what is odd about them.
