//! How many handshakes are under way, in all and with one address.
//!
//! Guards invariant 6: whoever opens connections and then says nothing holds a few places for a few seconds, not all of them.

use rustc_hash::FxHashMap;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    places_max: usize,
    /// As many entries as there are places at most.
    by_address: Mutex<FxHashMap<IpAddr, usize>>,
    per_address_max: usize,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(max: usize, per_address_max: usize) -> Self {
        let places_max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places_max)),
            places_max,
            by_address: Mutex::default(),
            per_address_max: per_address_max.max(1),
        }
    }

    /// Waits for a place; `None` when this address has as many as it may.
    pub(super) async fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let permit = self.places.clone().acquire_owned().await.ok()?;
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(address).or_default();
        // Loopback is this machine's own, and every load test comes from there.
        if *count >= self.per_address_max && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { gate: self.clone(), address, _permit: permit })
    }

    /// How many are under way.
    pub(super) fn under_way(&self) -> usize {
        self.places_max.saturating_sub(self.places.available_permits())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.gate.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use std::{net::IpAddr, sync::Arc};

    #[tokio::test]
    async fn one_address_cannot_take_every_place() {
        let gate = Arc::new(Gate::new(4, 2));
        let [greedy, other] = [[10, 0, 0, 9], [10, 0, 0, 7]].map(IpAddr::from);
        let held = [gate.enter(greedy).await, gate.enter(greedy).await];
        assert!(held.iter().all(Option::is_some));
        assert!(gate.enter(greedy).await.is_none());
        assert!(gate.enter(other).await.is_some());
        drop(held);
        assert_eq!(gate.under_way(), 0);
        assert!(gate.enter(greedy).await.is_some());
    }
}
