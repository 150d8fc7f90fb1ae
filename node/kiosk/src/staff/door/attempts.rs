//! [`Attempts`]: how often somebody may guess.
//!
//! A guess counts as wrong before it is looked at and is taken back when it was right, so guesses sent at once do not slip through
//! together. Beyond the free ones each wrong guess doubles the wait of its address, and of everybody once all addresses
//! together have used up theirs; a guess during a wait is refused without being looked at and costs nothing.
//! Guards invariants 6 and 7: what is kept is bounded, and waits are counted by a clock that nobody can set.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many addresses are remembered; the one that guessed longest ago is forgotten for a new one.
const ADDRESSES_MAX: usize = 1024;
/// A wrong guess is forgotten after so long without another.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);
/// All addresses together have so many times the free guesses of one.
const ALL_TIMES: u32 = 10;
/// The longest wait of everybody, so that one who guesses cannot keep the others out for long.
const ALL_WAIT_MAX: Duration = Duration::from_secs(15);

/// Wrong guesses, by address and in all.
#[derive(Debug)]
pub(crate) struct Attempts {
    free: u32,
    wait_max: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_address: HashMap<IpAddr, Wrong>,
    all: Option<Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Wrong {
    /// One more, unless this one has to wait.
    fn more(before: Option<Self>, free: u32, wait_max: Duration, now: Instant) -> Self {
        let before = before.filter(|wrong| now.saturating_duration_since(wrong.last) < FORGOTTEN_AFTER);
        let count = before.map_or(0, |wrong| wrong.count).saturating_add(1);
        let doublings = count.saturating_sub(free);
        let wait = match doublings {
            0 => Duration::ZERO,
            n => Duration::from_secs(1_u64.checked_shl(n - 1).unwrap_or(u64::MAX).min(wait_max.as_secs())),
        };
        Self { count, last: now, until: now + wait }
    }

    fn left(self, now: Instant) -> Option<Duration> {
        Some(self.until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

impl Attempts {
    pub(crate) fn new(free: u32, wait_max_s: u32) -> Self {
        Self { free, wait_max: Duration::from_secs(wait_max_s.into()), known: Mutex::default() }
    }

    /// Lets a guess be looked at, or says how long to wait.
    pub(crate) fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = network(address);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.by_address.get(&address).copied();
        let waits = [own, known.all].into_iter().flatten().filter_map(|wrong| wrong.left(now));
        if let Some(longest) = waits.max() {
            return Err(longest);
        }
        if own.is_none() && known.by_address.len() >= ADDRESSES_MAX {
            let oldest =
                known.by_address.iter().min_by_key(|(_, wrong)| wrong.last).map(|(address, _)| *address);
            oldest.and_then(|address| known.by_address.remove(&address));
        }
        known.by_address.insert(address, Wrong::more(own, self.free, self.wait_max, now));
        let free = self.free.saturating_mul(ALL_TIMES);
        known.all = Some(Wrong::more(known.all, free, self.wait_max.min(ALL_WAIT_MAX), now));
        Ok(())
    }

    /// The guess was right: it is taken back, and its address starts anew.
    pub(crate) fn right(&self, address: IpAddr, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_address.remove(&network(address));
        if let Some(all) = &mut known.all {
            all.count = all.count.saturating_sub(1);
            all.until = now;
        }
    }
}

/// A home or a phone has a whole /64 of IPv6 addresses (RFC 6177); they are one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn waits_double_up_to_their_bound_and_are_forgotten_after_an_hour() {
        let attempts = Attempts::new(2, 5);
        let mut now = Instant::now();
        assert_eq!(attempts.begin(address(1), now), Ok(()));
        assert_eq!(attempts.begin(address(1), now), Ok(()));
        for seconds in [1, 2, 4, 5, 5] {
            assert_eq!(attempts.begin(address(1), now), Ok(()));
            assert_eq!(attempts.begin(address(1), now), Err(Duration::from_secs(seconds)));
            assert_eq!(attempts.begin(address(2), now), Ok(()), "another address does not wait");
            attempts.right(address(2), now);
            now += Duration::from_secs(seconds);
        }
        now += FORGOTTEN_AFTER;
        assert_eq!(attempts.begin(address(1), now), Ok(()));
        assert_eq!(attempts.begin(address(1), now), Ok(()));
    }

    #[test]
    fn many_addresses_together_wait_too_but_never_for_long() {
        let attempts = Attempts::new(1, 300);
        let mut now = Instant::now();
        for last in 0..=10 {
            assert_eq!(attempts.begin(address(last), now), Ok(()));
        }
        assert_eq!(attempts.begin(address(99), now), Err(Duration::from_secs(1)));
        for last in 100..120 {
            now += ALL_WAIT_MAX;
            assert_eq!(attempts.begin(address(last), now), Ok(()));
        }
        assert_eq!(attempts.begin(address(98), now), Err(ALL_WAIT_MAX));
    }

    #[test]
    fn one_who_is_right_starts_anew() {
        let attempts = Attempts::new(2, 5);
        let now = Instant::now();
        for _ in 0..100 {
            assert_eq!(attempts.begin(address(1), now), Ok(()));
            attempts.right(address(1), now);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::new(10, 5);
        let mut now = Instant::now();
        for n in 0..3000_u32 {
            now += Duration::from_secs(20);
            attempts.begin(IpAddr::from(n.to_be_bytes()), now).unwrap();
        }
        assert_eq!(attempts.known.lock().unwrap().by_address.len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), address(1));
    }
}
