//! How much one caller may ask, and how often it may be wrong.
//!
//! Requests of an address are counted by the second, wrong claims of an address and of a claim by the quarter of an hour. Only what went wrong counts there: a hundred
//! boxes behind one router enrol without waiting. The time is passed in. Not here: connections ([`crate::callers`]).
//!
//! Guards: both tables have a bound; where a table is full, whoever was there longest goes. A code has 90 random bits, so whoever gets round this by many
//! addresses has won nothing.

use crate::network::network;
use aisle_provisioning::claim::Locator;
use std::{collections::HashMap, hash::Hash, net::IpAddr};

/// How long wrong claims count, and how long somebody waits who had too many, in milliseconds: a quarter of an hour.
pub(crate) const WINDOW_MS: u64 = 15 * 60_000;
/// The most addresses, and the most claims, that are kept in mind.
const KNOWN_MAX: usize = 8_192;
/// Wrong codes for one claim before it is not looked at for a while, whoever asks.
const CLAIM_TRIES_MAX: u32 = 20;
const SECOND_MS: u64 = 1_000;

/// Why somebody has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// After so many seconds it may come again.
    pub(crate) retry_after_s: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    since_ms: u64,
    count: u32,
}

impl Count {
    /// One more within a window; how many that makes.
    const fn add(&mut self, now_ms: u64, window_ms: u64) -> u32 {
        if now_ms.saturating_sub(self.since_ms) >= window_ms {
            *self = Self { since_ms: now_ms, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }

    const fn is_over(&self, now_ms: u64, window_ms: u64) -> bool {
        now_ms.saturating_sub(self.since_ms) >= window_ms
    }

    /// How long it goes on, in seconds, where there are too many.
    fn left(&self, now_ms: u64, window_ms: u64, most: u32) -> Result<(), TooMany> {
        if self.count < most || self.is_over(now_ms, window_ms) {
            return Ok(());
        }
        let left_ms = self.since_ms.saturating_add(window_ms).saturating_sub(now_ms);
        Err(TooMany { retry_after_s: u32::try_from(left_ms.div_ceil(SECOND_MS)).unwrap_or(u32::MAX).max(1) })
    }
}

#[derive(Debug)]
struct Table<K> {
    window_ms: u64,
    counts: HashMap<K, Count>,
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn new(window_ms: u64) -> Self {
        Self { window_ms, counts: HashMap::new() }
    }

    fn add(&mut self, key: K, now_ms: u64) -> u32 {
        if self.counts.len() >= KNOWN_MAX && !self.counts.contains_key(&key) {
            self.counts.retain(|_, count| !count.is_over(now_ms, self.window_ms));
            if self.counts.len() >= KNOWN_MAX {
                let oldest =
                    self.counts.iter().min_by_key(|(_, count)| count.since_ms).map(|(key, _)| key.clone());
                oldest.map(|oldest| self.counts.remove(&oldest));
            }
        }
        self.counts.entry(key).or_default().add(now_ms, self.window_ms)
    }

    fn check(&self, key: &K, now_ms: u64, most: u32) -> Result<(), TooMany> {
        self.counts.get(key).map_or(Ok(()), |count| count.left(now_ms, self.window_ms, most))
    }
}

/// Who asks how much. Addresses of one network of IPv6 (64 bits) are one.
#[derive(Debug)]
pub(crate) struct Limiter {
    requests_per_second_max: u32,
    tries_max: u32,
    requests: Table<IpAddr>,
    wrong_from: Table<IpAddr>,
    wrong_for: Table<Locator>,
}

impl Limiter {
    pub(crate) fn new(requests_per_second_max: u32, tries_max: u32) -> Self {
        Self {
            requests_per_second_max,
            tries_max,
            requests: Table::new(SECOND_MS),
            wrong_from: Table::new(WINDOW_MS),
            wrong_for: Table::new(WINDOW_MS),
        }
    }

    /// One more request of an address.
    pub(crate) fn request(&mut self, from: IpAddr, now_ms: u64) -> Result<(), TooMany> {
        let from = network(from);
        if self.requests.add(from, now_ms) <= self.requests_per_second_max {
            return Ok(());
        }
        Err(TooMany { retry_after_s: 1 })
    }

    /// Whether a claim may be tried.
    pub(crate) fn may_try(&self, from: IpAddr, claim: &Locator, now_ms: u64) -> Result<(), TooMany> {
        self.wrong_from.check(&network(from), now_ms, self.tries_max)?;
        self.wrong_for.check(claim, now_ms, CLAIM_TRIES_MAX)
    }

    /// A claim was wrong.
    pub(crate) fn was_wrong(&mut self, from: IpAddr, claim: Option<&Locator>, now_ms: u64) {
        self.wrong_from.add(network(from), now_ms);
        if let Some(claim) = claim {
            self.wrong_for.add(claim.clone(), now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn locator(text: &str) -> Locator {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_wrong_too_often_waits_for_a_quarter_of_an_hour_and_others_do_not() {
        let mut limiter = Limiter::new(100, 3);
        for _ in 0..3 {
            limiter.may_try(HERE, &locator("00000"), 0).unwrap();
            limiter.was_wrong(HERE, None, 0);
        }
        let waits = limiter.may_try(HERE, &locator("00000"), 60_000).unwrap_err();
        assert_eq!(waits.retry_after_s, 14 * 60);
        limiter.may_try("10.0.0.9".parse().unwrap(), &locator("00000"), 60_000).unwrap();
        limiter.may_try(HERE, &locator("00000"), WINDOW_MS).unwrap();
    }

    #[test]
    fn a_claim_that_many_guess_at_is_left_alone_whoever_asks() {
        let mut limiter = Limiter::new(100, 3);
        for host in 0..20 {
            limiter.was_wrong(IpAddr::from([10, 0, 0, host]), Some(&locator("ABCDE")), 0);
        }
        limiter.may_try(HERE, &locator("ABCDE"), 1).unwrap_err();
        limiter.may_try(HERE, &locator("ABCDF"), 1).unwrap();
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller_and_an_address_of_ipv4_is_the_same_in_both() {
        let mut limiter = Limiter::new(2, 3);
        limiter.request("2001:db8::1".parse().unwrap(), 0).unwrap();
        limiter.request("2001:db8::2".parse().unwrap(), 0).unwrap();
        limiter.request("2001:db8::3".parse().unwrap(), 999).unwrap_err();
        limiter.request("2001:db8::3".parse().unwrap(), 1_000).unwrap();
        limiter.request("2001:db8:0:1::1".parse().unwrap(), 0).unwrap();
        limiter.request("::ffff:10.0.0.1".parse().unwrap(), 0).unwrap();
        limiter.request("10.0.0.1".parse().unwrap(), 0).unwrap();
        limiter.request("10.0.0.1".parse().unwrap(), 0).unwrap_err();
    }

    #[test]
    fn the_tables_do_not_grow() {
        let mut limiter = Limiter::new(1, 1);
        for number in 0..KNOWN_MAX as u32 + 100 {
            let _ = limiter.request(IpAddr::from(number.to_be_bytes()), u64::from(number % 7));
        }
        assert_eq!(limiter.requests.counts.len(), KNOWN_MAX);
    }
}
