//! The door: who may see the board. A PIN of the store, and the name of the one who uses it.
//!
//! The PIN says that somebody works here; the name goes into the events of what they do. Not here: the page that asks for both.

mod attempts;
mod pass;

use aisle_event::{Name, Timestamp};
use attempts::Attempts;
use pass::Passes;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The longest name of a person, in characters.
pub(super) const NAME_CHARS_MAX: usize = 40;
/// How many digits a PIN has.
pub(super) const PIN_DIGITS: usize = 6;

/// Gives the PIN, or nothing when there is none yet. Asked with every request, so that a new PIN counts at once.
pub type Pin = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Lets people in who know the PIN.
pub(super) struct Door {
    pin: Pin,
    passes: Passes,
    attempts: Attempts,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no usable PIN on this node.
    NoPin,
    /// No name, or too long a one.
    Name,
    /// Not six digits. That is no guess and costs nothing.
    Shape,
    /// Another PIN.
    Wrong,
    /// Too many were wrong.
    Wait(Duration),
}

impl Door {
    pub(super) fn new(pin: Pin, key: [u8; 32], valid_h: u32, free: u32, wait_max_s: u32) -> Self {
        Self { pin, passes: Passes::new(key, valid_h), attempts: Attempts::new(free, wait_max_s) }
    }

    /// How long somebody is signed in, in seconds.
    pub(super) const fn valid_s(&self) -> u64 {
        self.passes.valid_s()
    }

    /// There is a PIN.
    pub(super) fn has_pin(&self) -> bool {
        self.pin().is_some()
    }

    fn pin(&self) -> Option<String> {
        (self.pin)().map(|pin| pin.trim().to_owned()).filter(|pin| is_pin(pin))
    }

    /// A pass for somebody who gives a name and the PIN.
    pub(super) fn sign_in(
        &self,
        (name, guess): (&str, &str),
        address: IpAddr,
        (now, instant): (Timestamp, Instant),
    ) -> Result<String, Refusal> {
        let pin = self.pin().ok_or(Refusal::NoPin)?;
        let name = name.trim();
        let name = Name::new(name)
            .ok()
            .filter(|name| name.as_str().chars().count() <= NAME_CHARS_MAX)
            .ok_or(Refusal::Name)?;
        let guess = guess.trim();
        if !is_pin(guess) {
            return Err(Refusal::Shape);
        }
        self.attempts.begin(address, instant).map_err(Refusal::Wait)?;
        if !self.passes.is_pin(guess, &pin) {
            return Err(Refusal::Wrong);
        }
        self.attempts.right(address, instant);
        Ok(self.passes.make(&name, &pin, now))
    }

    /// Who a cookie is of.
    pub(super) fn who(&self, cookie: &str, now: Timestamp) -> Option<Name> {
        self.passes.check(cookie, &self.pin()?, now)
    }
}

fn is_pin(text: &str) -> bool {
    text.len() == PIN_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}
