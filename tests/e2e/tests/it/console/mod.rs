//! The hub's console in a real browser, over three stores that run: everybody can use it, it follows what happens, and it works without scripts.

mod accessibility;
mod live;
mod provider;
mod region;
mod without_scripts;
