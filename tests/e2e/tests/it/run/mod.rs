//! `aisle-node run`: how it starts, what it says about itself, how it stops and what it knows after any end.

mod checkout;
mod corruption;
mod index;
mod kill;
mod operation;
mod stop;
