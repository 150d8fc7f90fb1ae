//! Ready, alive, stopping: the words of `sd_notify(3)`, which systemd, and other managers after it, understand.
//!
//! A word that does not arrive is logged and otherwise without effect: the manager draws its own conclusions, and a store sells meanwhile.

use sd_notify::NotifyState;
use std::{
    future::pending,
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};

/// The signs of life that come within the time after which the manager loses its patience. One may be late.
const BEATS: u32 = 3;

/// The program serves; `status` is what `systemctl status` shows of it.
pub fn ready(status: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
}

/// The program goes down, by its own will or because it was asked to; `status` says why.
pub fn stopping(status: &str) {
    say(&[NotifyState::Stopping, NotifyState::Status(&line(status))]);
}

/// Gives signs of life for as long as it is polled, and ends never. It belongs on the runtime whose work is to be watched; where the
/// manager watches nothing, it does nothing.
pub async fn heartbeat() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return pending().await };
    // One that is not sent yet says all that two would.
    let (beats, heard) = sync_channel(1);
    // A thread of its own: a manager that does not read holds up neither who serves nor the program's end.
    if let Err(error) = thread::Builder::new().name("aisle-heartbeat".into()).spawn(move || pass_on(heard)) {
        tracing::warn!(%error, "no sign of life will come");
        return pending().await;
    }
    let mut beat = interval(every(patience));
    // After a stall one sign says all that many would.
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let _ = beats.try_send(());
    }
}

/// Sends signs of life until there will be no more.
fn pass_on(heard: Receiver<()>) {
    for () in heard {
        say(&[NotifyState::Watchdog]);
    }
}

/// How often a sign comes when the manager waits so long for one.
fn every(patience: Duration) -> Duration {
    // A timer cannot tick without a pause.
    (patience / BEATS).max(Duration::from_millis(1))
}

/// One line: a second one would be a word of its own.
fn line(status: &str) -> String {
    status.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn say(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::warn!(%error, "the service manager does not hear");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_comes_three_times_before_the_manager_loses_its_patience() {
        assert_eq!(every(Duration::from_secs(30)), Duration::from_secs(10));
        assert_eq!(every(Duration::ZERO), Duration::from_millis(1));
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(line("gone\nREADY=1"), "gone READY=1");
    }
}
