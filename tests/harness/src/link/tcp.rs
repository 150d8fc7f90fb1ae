//! Streams on a bad line.

use super::{Passed, Shared, Way, Weather};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

/// The most bytes that are passed on at once.
const PIECE_BYTES_MAX: usize = 16 << 10;
/// Pieces that may be under way in one direction.
const PIECES_MAX: usize = 64;
/// How often a blackhole is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A line for streams. It is gone when this is dropped, and so are its connections.
#[derive(Debug)]
pub struct TcpLink {
    address: SocketAddr,
    shared: Shared,
    refuses: Arc<AtomicBool>,
    cuts: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl TcpLink {
    /// A line to an address, good for now.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub async fn start(to: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (shared, refuses) = (Shared::new(seed), Arc::new(AtomicBool::new(false)));
        let (cuts, cut) = watch::channel(0);
        let task = tokio::spawn(listen(listener, to, shared.clone(), refuses.clone(), cut));
        Ok(Self { address, shared, refuses, cuts, task })
    }

    /// Where the near end connects to.
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

    /// Cuts all connections.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Whether who connects is hung up on at once.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }
}

impl Drop for TcpLink {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn listen(
    listener: TcpListener,
    to: SocketAddr,
    shared: Shared,
    refuses: Arc<AtomicBool>,
    cut: watch::Receiver<u64>,
) {
    while let Ok((near, _)) = listener.accept().await {
        if refuses.load(Ordering::Relaxed) {
            continue;
        }
        let (shared, mut cut) = (shared.clone(), cut.clone());
        cut.mark_unchanged();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(to).await else { return };
            // The line adds what delay it is told to, and no other.
            let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::select! {
                _ = cut.changed() => {}
                () = async {
                    tokio::join!(pass(near_in, far_out, &shared, Way::There), pass(far_in, near_out, &shared, Way::Back));
                } => {}
            }
        });
    }
}

/// Passes bytes on in one direction until they end.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, shared: &Shared, way: Way) {
    let (pieces, mut waiting) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let take = async move {
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        loop {
            let room = shared.sky().has_room_at(way);
            sleep_until(room).await;
            let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
            let due = shared.sky().due(way, count, false).unwrap_or_else(Instant::now);
            let piece = buffer.get(..count).unwrap_or_default().to_vec();
            if pieces.send((due, piece)).await.is_err() {
                return;
            }
        }
    };
    let give = async move {
        while let Some((due, piece)) = waiting.recv().await {
            sleep_until(due).await;
            while shared.sky().weather.is_blackhole {
                sleep(LOOK).await;
            }
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        // The end that was heard is passed on.
        let _ = to.shutdown().await;
    };
    tokio::join!(take, give);
}
