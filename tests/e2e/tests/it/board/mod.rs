//! The staff board beside a simulated shop floor: what is done on the floor shows, and what staff do counts.

mod accessibility;
mod live;
mod shop;
