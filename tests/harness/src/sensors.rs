//! Simulated sensors: a few devices of a store that tell its broker what they feel, as long as anybody wants.
//!
//! Not here: what the readings mean. Guards: a sensor waits for each acknowledgement before the next reading, so that it
//! never has more than one on its way.

use crate::mqtt::raw::{Connect, RawClient, RawError, Version};
use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{net::SocketAddr, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// Between two readings of one sensor.
const EVERY: Duration = Duration::from_secs(2);
/// A reading keeps its step below this, in tenths of a degree.
const STEP_MAX: i32 = 2;

/// A cabinet of the store: the device in it and what it is set to, in tenths of a degree.
const CABINETS: [(&str, i32); 3] = [("fridge-1", 40), ("fridge-2", 35), ("freezer-1", -190)];

/// Sensors of one store.
#[derive(Debug, Clone)]
pub struct Sensors {
    /// Where the broker takes plain TCP.
    pub broker: SocketAddr,
    /// The store's id.
    pub store: String,
    /// Where what they feel comes from.
    pub seed: u64,
}

impl Sensors {
    /// Lets them publish until `stopped` says true or its sender is gone. A connection that breaks is made again.
    pub async fn feel(self, stopped: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        for (index, cabinet) in (0..).zip(CABINETS) {
            let sensors = self.clone();
            let mut stopped = stopped.clone();
            tasks.spawn(async move {
                let mut random = ChaCha8Rng::seed_from_u64(sensors.seed.wrapping_add(index));
                tokio::select! {
                    () = sensors.sensor(cabinet, &mut random) => {}
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn sensor(&self, cabinet: (&str, i32), random: &mut ChaCha8Rng) {
        loop {
            // A broker that is away is tried again as often as it is told something.
            drop(self.publish(cabinet, random).await);
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn publish(&self, (device, set_to): (&str, i32), random: &mut ChaCha8Rng) -> Result<(), RawError> {
        let (mut client, _) = RawClient::connect(self.broker, &Connect::clean(Version::V5, device)).await?;
        let topic = format!("aisle/v1/{}/{device}/telemetry/temperature", self.store);
        let mut tenths = set_to;
        loop {
            // What is cold is pulled back to what it is set to.
            tenths += random.random_range(-STEP_MAX..=STEP_MAX) + (set_to - tenths).signum();
            let reading = format!("{{\"celsius\":{:.1}}}", f64::from(tenths) / 10.0);
            client.publish_all(&topic, 1, [Bytes::from(reading)], 1).await?;
            tokio::time::sleep(EVERY).await;
        }
    }
}
