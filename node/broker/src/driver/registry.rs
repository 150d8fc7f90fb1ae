//! Who is there: one connection for each client identifier, and how to end it.

use crate::{
    access::{Identity, Proof},
    core::ClientView,
    local::is_own,
    message::ClientId,
    outbox::Outbox,
    packet::Reason,
};
use rustc_hash::FxHashMap;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::watch;

#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    by_client: FxHashMap<ClientId, Present>,
    /// How many of them are the node's own parts: counted as they come and go, because at every arrival it is asked.
    own: usize,
}

#[derive(Debug)]
struct Present {
    outbox: Arc<Outbox>,
    left: watch::Receiver<()>,
    since: Instant,
    view: ClientView,
    /// The device, of a client that came in by a certificate.
    certified: Option<Box<str>>,
}

/// A client's place; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    registry: Arc<Registry>,
    client: ClientId,
    /// Dropped last: those who wait for the place see its end.
    _left: watch::Sender<()>,
}

impl All {
    fn insert(&mut self, client: &ClientId, present: Present) {
        if self.by_client.insert(client.clone(), present).is_none() {
            self.own += usize::from(is_own(client));
        }
    }

    fn remove(&mut self, client: &ClientId) {
        if self.by_client.remove(client).is_some() {
            self.own = self.own.saturating_sub(is_own(client).into());
        }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of a client. Whoever has it is sent away first (3.1.4), and its end is waited for: what it sent is in
    /// the journal before what comes now.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        client: &ClientId,
        outbox: &Arc<Outbox>,
        identity: &Identity,
        view: ClientView,
    ) -> Visit {
        let (sender, left) = watch::channel(());
        let certified = (identity.proof == Proof::Certificate).then(|| identity.device.as_str().into());
        let since = Instant::now();
        let mut present = Some(Present { outbox: outbox.clone(), left, since, view, certified });
        loop {
            let mut other = {
                let mut all = self.lock();
                match all.by_client.get(client) {
                    Some(other) => {
                        other.outbox.close(
                            Reason::SESSION_TAKEN_OVER,
                            "another connection has its client identifier",
                        );
                        other.left.clone()
                    }
                    None => {
                        if let Some(present) = present.take() {
                            all.insert(client, present);
                        }
                        return Visit { registry: self.clone(), client: client.clone(), _left: sender };
                    }
                }
            };
            // An error is what is waited for: the sender is gone.
            while other.changed().await.is_ok() {}
        }
    }

    /// How many are there, without the node's own parts.
    pub(crate) fn outsiders(&self) -> usize {
        let all = self.lock();
        all.by_client.len() - all.own
    }

    /// Sends a client away. False when it is not there.
    pub(crate) fn close(&self, client: &str, reason: Reason, why: &'static str) -> bool {
        self.lock().by_client.get(client).is_some_and(|present| {
            present.outbox.close(reason, why);
            true
        })
    }

    /// Sends away all who came in by a certificate of this device, whatever they call themselves. Gives how many.
    pub(crate) fn close_certified(&self, device: &str, reason: Reason, why: &'static str) -> usize {
        let all = self.lock();
        let of_device = all.by_client.values().filter(|present| present.certified.as_deref() == Some(device));
        of_device.map(|present| present.outbox.close(reason, why)).count()
    }

    /// Sends everybody away.
    pub(crate) fn close_all(&self, reason: Reason, why: &'static str) {
        self.lock().by_client.values().for_each(|present| present.outbox.close(reason, why));
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().by_client.len()
    }

    /// True when a client is there.
    pub(crate) fn holds(&self, client: &str) -> bool {
        self.lock().by_client.contains_key(client)
    }

    pub(crate) fn view(&self, client: &str) -> Option<ClientView> {
        self.lock().by_client.get(client).map(|present| ClientView {
            connected_s: present.since.elapsed().as_secs(),
            ..present.view.clone()
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.client);
    }
}
