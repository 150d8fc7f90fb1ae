//! Where the node is at the moment, and who still holds a connection to where it was.

use aisle_harness::mqtt::raw::{Connack, Connect, RawClient, RawError};
use std::{
    net::SocketAddr,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

const POLL: Duration = Duration::from_millis(1);

/// The way to a node that comes and goes; each start takes another port.
#[derive(Debug, Clone)]
pub(super) struct Line {
    address: Arc<watch::Sender<Option<SocketAddr>>>,
    connections: Arc<AtomicUsize>,
}

impl Default for Line {
    fn default() -> Self {
        Self { address: Arc::new(watch::Sender::new(None)), connections: Arc::default() }
    }
}

impl Line {
    /// The node is there.
    pub(super) fn connect(&self, address: SocketAddr) {
        self.address.send_replace(Some(address));
    }

    /// The node is about to go; nobody connects any more.
    pub(super) fn cut(&self) {
        self.address.send_replace(None);
    }

    /// Waits until everybody has read all that the dead node had said.
    pub(super) async fn wait_until_dead(&self) {
        while self.connections.load(SeqCst) > 0 {
            sleep(POLL).await;
        }
    }

    /// Waits until the node is there and says CONNECT; again when it dies meanwhile.
    pub(super) async fn open(&self, hello: &Connect) -> Result<(Connection, Connack), RawError> {
        let mut address = self.address.subscribe();
        loop {
            let Ok(found) = address.wait_for(Option::is_some).await.map(|found| *found) else {
                return Err(RawError::Closed);
            };
            let counted = Counted::new(&self.connections);
            match RawClient::connect(found.unwrap_or(([127, 0, 0, 1], 0).into()), hello).await {
                Ok((client, connack)) => return Ok((Connection { client, _counted: counted }, connack)),
                Err(RawError::Reach { .. } | RawError::Broken(_) | RawError::Closed) => {
                    drop(counted);
                    sleep(POLL).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A connection that is counted for as long as something may be read from it.
#[derive(Debug)]
pub(super) struct Connection {
    client: RawClient,
    _counted: Counted,
}

impl Deref for Connection {
    type Target = RawClient;

    fn deref(&self) -> &RawClient {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut RawClient {
        &mut self.client
    }
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(connections: &Arc<AtomicUsize>) -> Self {
        connections.fetch_add(1, SeqCst);
        Self(Arc::clone(connections))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// True when a connection ended as it does when the other end dies.
pub(super) const fn is_dead(error: &RawError) -> bool {
    matches!(error, RawError::Broken(_) | RawError::Closed)
}
