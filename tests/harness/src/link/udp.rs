//! Datagrams on a bad line.

use super::{Passed, Shared, Way, Weather};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// The largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Datagrams that may wait to be looked at; the next one waits in the socket.
const WAITING_MAX: usize = 1_024;

enum Change {
    Address,
    Refuse,
    Accept,
}

/// A line for datagrams. It is gone when this is dropped.
#[derive(Debug)]
pub struct UdpLink {
    address: SocketAddr,
    shared: Shared,
    changes: mpsc::Sender<(Change, oneshot::Sender<io::Result<()>>)>,
    task: JoinHandle<()>,
}

impl UdpLink {
    /// A line to an address, good for now.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub async fn start(to: SocketAddr, seed: u64) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let shared = Shared::new(seed);
        let (changes, inbox) = mpsc::channel(1);
        let line = Line {
            to,
            address,
            near: Some(Arc::new(socket)),
            far: HashMap::new(),
            shared: shared.clone(),
            parcels: BTreeMap::new(),
            number: 0,
        };
        Ok(Self { address, shared, changes, task: tokio::spawn(line.run(inbox)) })
    }

    /// Where the near end sends to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        self.shared.sky().weather = weather;
    }

    /// What went through.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.shared.sky().passed
    }

    /// The far end sees another address from now on, as after an address translation that forgot.
    ///
    /// # Errors
    /// When the line is gone.
    pub async fn change_address(&self) -> io::Result<()> {
        self.change(Change::Address).await
    }

    /// Nobody listens here from now on, and the system says so to those who send.
    ///
    /// # Errors
    /// When the line is gone.
    pub async fn refuse(&self) -> io::Result<()> {
        self.change(Change::Refuse).await
    }

    /// The line listens again, at the same address.
    ///
    /// # Errors
    /// When somebody else took it.
    pub async fn accept(&self) -> io::Result<()> {
        self.change(Change::Accept).await
    }

    async fn change(&self, change: Change) -> io::Result<()> {
        let gone = || io::Error::other("the line is gone");
        let (done, changed) = oneshot::channel();
        self.changes.send((change, done)).await.map_err(|_| gone())?;
        changed.await.map_err(|_| gone())?
    }
}

impl Drop for UdpLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The socket from which a near end's datagrams go on, and the task that hears what comes back.
struct Far {
    socket: Arc<UdpSocket>,
    hearing: JoinHandle<()>,
}

impl Drop for Far {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

struct Parcel {
    way: Way,
    near: SocketAddr,
    bytes: Vec<u8>,
}

struct Line {
    to: SocketAddr,
    address: SocketAddr,
    near: Option<Arc<UdpSocket>>,
    far: HashMap<SocketAddr, Far>,
    shared: Shared,
    parcels: BTreeMap<(Instant, u64), Parcel>,
    number: u64,
}

async fn hear(near: Option<Arc<UdpSocket>>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match near {
        Some(socket) => socket.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

impl Line {
    async fn run(mut self, mut changes: mpsc::Receiver<(Change, oneshot::Sender<io::Result<()>>)>) {
        let (answers, mut heard) = mpsc::channel::<(SocketAddr, Vec<u8>)>(WAITING_MAX);
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let due = self.parcels.first_key_value().map(|((due, _), _)| *due);
            let far = Instant::now() + std::time::Duration::from_secs(3_600);
            tokio::select! {
                change = changes.recv() => match change {
                    Some((change, done)) => {
                        let changed = self.change(&change).await;
                        // Whoever asked may have gone.
                        let _ = done.send(changed);
                    }
                    None => return,
                },
                () = sleep_until(due.unwrap_or(far)), if due.is_some() => self.deliver(&answers).await,
                Some((near, bytes)) = heard.recv() => self.take(Way::Back, near, bytes),
                received = hear(self.near.clone(), &mut buffer) => {
                    // An error is that of an earlier datagram that nobody took.
                    if let Ok((count, near)) = received {
                        let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                        self.take(Way::There, near, bytes);
                    }
                }
            }
        }
    }

    fn take(&mut self, way: Way, near: SocketAddr, bytes: Vec<u8>) {
        if let Some(due) = self.shared.sky().due(way, bytes.len(), true) {
            self.number += 1;
            self.parcels.insert((due, self.number), Parcel { way, near, bytes });
        }
    }

    async fn deliver(&mut self, answers: &mpsc::Sender<(SocketAddr, Vec<u8>)>) {
        let now = Instant::now();
        while let Some(entry) = self.parcels.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let Parcel { way, near, bytes } = entry.remove();
            // What cannot be sent is lost: datagrams may be.
            let _ = match way {
                Way::Back => match &self.near {
                    Some(socket) => socket.send_to(&bytes, near).await,
                    None => Ok(0),
                },
                Way::There => match self.far(near, answers).await {
                    Ok(socket) => socket.send(&bytes).await,
                    Err(error) => Err(error),
                },
            };
        }
    }

    async fn far(
        &mut self,
        near: SocketAddr,
        answers: &mpsc::Sender<(SocketAddr, Vec<u8>)>,
    ) -> io::Result<Arc<UdpSocket>> {
        if let Some(far) = self.far.get(&near) {
            return Ok(far.socket.clone());
        }
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        socket.connect(self.to).await?;
        let (listening, answers) = (socket.clone(), answers.clone());
        let hearing = tokio::spawn(async move {
            let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
            loop {
                if let Ok(count) = listening.recv(&mut buffer).await {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if answers.send((near, bytes)).await.is_err() {
                        return;
                    }
                }
            }
        });
        self.far.insert(near, Far { socket: socket.clone(), hearing });
        Ok(socket)
    }

    async fn change(&mut self, change: &Change) -> io::Result<()> {
        match change {
            Change::Address => self.far.clear(),
            Change::Refuse => self.near = None,
            Change::Accept => self.near = Some(Arc::new(UdpSocket::bind(self.address).await?)),
        }
        Ok(())
    }
}
