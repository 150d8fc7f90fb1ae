//! Waiting for something that comes about by itself, but not for ever.

use std::{
    thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(20);

/// Asks until there is an answer; fails by name when the time is up.
pub(crate) fn until<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come about within {timeout:?}");
        thread::sleep(POLL);
    }
}

/// The same for what is asked over HTTP.
pub(crate) async fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come about within {timeout:?}");
        tokio::time::sleep(POLL).await;
    }
}
