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
pub(crate) async fn eventually<T>(what: &str, timeout: Duration, ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answer = within(timeout, ask).await;
    answer.unwrap_or_else(|| panic!("{what} did not come about within {timeout:?}"))
}

/// Asks until there is an answer; none when the time is up.
pub(crate) async fn within<T>(timeout: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        let answer = ask().await;
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        tokio::time::sleep(POLL).await;
    }
}
