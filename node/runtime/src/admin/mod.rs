//! Looking into a running node and stepping in: the routes under `/v1/admin`, and what its commands need to reach them.
//!
//! Whoever may read `admin.token` in the data directory is an administrator. `admin.url` beside it says where the node is,
//! for as long as it runs.
//!
//! Not here: what is looked at (`aisle-broker`), the commands (`mqtt`).
//! Guards that nothing is told or done without the token: only [`http::Authorized`] leads to the broker.

pub(crate) mod http;
pub(crate) mod place;
pub(crate) mod token;
pub(crate) mod view;
