//! The aggregator: rows counted in windows, told when a window is over.

use super::{
    Aggregate, Budget, BudgetError, CLASS, KIND, Told,
    noise::discrete_laplace,
    rows::{Row, rows},
    time_of, told_by,
};
use crate::{
    cbor,
    egress::{Egress, LetOut},
    entropy::{Entropy, NoEntropy},
    fate::Fates,
    name::Region,
    policy::{AggregateRule, Noise, TrustedPolicy},
};
use aisle_event::{Event, EventType, Hlc, Timestamp};
use aisle_protocol::PolicyId;
use minicbor::{
    Decode, Decoder, Encode,
    bytes::{ByteSlice, ByteVec},
};
use ring::hmac;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The most windows of one aggregate that are open at once. For a further one the window that is furthest ahead is dropped, and its rows
/// are counted as left out: a clock that once was years ahead must not keep out what is true.
pub const WINDOWS_MAX: usize = 512;
/// The most contributors, groups, and contributors of groups that all open windows of one aggregate hold together, some tens of bytes each.
/// For more of them the window that is furthest ahead is dropped; rows of that one are left out and counted.
pub const ENTRIES_MAX: usize = 1 << 18;

/// Counts rows for the aggregates of one region.
pub struct Aggregator {
    region: Region,
    policy: PolicyId,
    rules: Vec<AggregateRule>,
    state: BTreeMap<String, State>,
    key: hmac::Key,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct State {
    /// Of the rule that it was counted by.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    fingerprint: Vec<u8>,
    /// Windows that begin before this were told; their rows come too late.
    #[n(1)]
    closed_before: Option<i64>,
    #[n(2)]
    windows: BTreeMap<i64, Window>,
    #[n(3)]
    left_out: u64,
    /// What all windows hold.
    #[cbor(skip)]
    entries: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Window {
    #[n(0)]
    groups: BTreeMap<ByteVec, Group>,
    /// How many rows of each contributor count already.
    #[n(1)]
    rows: BTreeMap<u64, u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Group {
    #[n(0)]
    contributors: BTreeSet<u64>,
    #[n(1)]
    sums: Vec<i64>,
}

/// Why there is no aggregator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregatorError {
    /// The bytes are not the state of one.
    #[error("the bytes are not an aggregator's state: {0}")]
    Malformed(String),
}

/// Why windows could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// There is no noise to be had. Nothing was told and nothing spent.
    #[error("the aggregates could not be told")]
    Entropy(#[source] NoEntropy),
}

/// What came of closing windows.
#[derive(Debug, Default)]
pub struct Closed {
    /// What leaves.
    pub told: Vec<Egress<Aggregate>>,
    /// Groups smaller than their minimum: nothing of them leaves.
    pub groups_too_small: u64,
    /// Windows for which there was no budget: nothing of them leaves.
    pub without_budget: Vec<BudgetError>,
}

impl Aggregator {
    /// Counts for the aggregates of a region. The key makes contributors into numbers; they never leave.
    #[must_use]
    pub fn new(policy: &TrustedPolicy, to: &Region, contributor_key: &[u8; 32]) -> Self {
        let rules =
            policy.destinations.get(to).map(|destination| destination.aggregates.clone()).unwrap_or_default();
        let state = rules.iter().map(|rule| (rule.name.clone(), State::of(rule))).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, contributor_key);
        Self { region: to.clone(), policy: policy.id(), rules, state, key }
    }

    /// Goes on with a state that was kept. What was counted by a rule that has changed since is dropped, but not told again.
    ///
    /// # Errors
    /// When the bytes are not a state.
    pub fn resume(
        policy: &TrustedPolicy,
        to: &Region,
        contributor_key: &[u8; 32],
        bytes: &[u8],
    ) -> Result<Self, AggregatorError> {
        let mut aggregator = Self::new(policy, to, contributor_key);
        let kept: BTreeMap<String, State> =
            minicbor::decode(bytes).map_err(|error| AggregatorError::Malformed(error.to_string()))?;
        for (name, mut state) in kept {
            state.recount();
            if let Some(fresh) = aggregator.state.get_mut(&name) {
                let same = state.fingerprint == fresh.fingerprint;
                let whole = state.windows.len() <= WINDOWS_MAX && state.entries <= ENTRIES_MAX;
                let latest = state.windows.keys().next_back().map(|start| start.saturating_add(1));
                if !(same && whole) {
                    state.closed_before = state.closed_before.max(latest);
                    state.windows.clear();
                    state.entries = 0;
                    state.fingerprint.clone_from(&fresh.fingerprint);
                }
                *fresh = state;
            }
        }
        Ok(aggregator)
    }

    /// The state, to be kept with the number of the last event that was added.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(&self.state).unwrap_or_default()
    }

    /// True when the policy has no aggregates for this region.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    /// Counts an event, once: the caller calls this in the journal's order from where the kept state ends.
    pub fn add(&mut self, event: &Event) {
        let kind = event.kind();
        if self.rules.iter().any(|rule| rule.event == kind) {
            self.add_bytes(kind, &event.encode());
        }
    }

    /// Counts what a gate before this one let out: at a regional hub, on the way to a global one.
    pub fn add_bytes(&mut self, kind: EventType, payload: &[u8]) {
        for rule in self.rules.iter().filter(|rule| rule.event == kind) {
            if let Some(state) = self.state.get_mut(&rule.name) {
                for row in rows(rule, payload) {
                    let tag = hmac::sign(&self.key, &row.each);
                    let contributor =
                        tag.as_ref().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                    state.count(rule, row, contributor);
                }
            }
        }
    }

    /// Tells of all windows that ended by then, and forgets them. The caller keeps the budget, the state and what is told in one write.
    ///
    /// # Errors
    /// When there is no entropy for the noise: then nothing has changed.
    pub fn close(
        &mut self,
        before: Timestamp,
        budget: &mut Budget,
        entropy: &mut dyn Entropy,
    ) -> Result<Closed, CloseError> {
        let mut closed = Closed::default();
        let (mut state, mut spent) = (self.state.clone(), budget.clone());
        for rule in &self.rules {
            let Some(of_rule) = state.get_mut(&rule.name) else { continue };
            for (start, window) in of_rule.take_ended(rule, before.0) {
                if let Some(noise) = rule.noise
                    && let Err(error) = spent.spend(rule, noise, start)
                {
                    closed.without_budget.push(error);
                    continue;
                }
                for (group, counted) in window.groups {
                    match self.tell(rule, start, &group, &counted, entropy).map_err(CloseError::Entropy)? {
                        Some(egress) => closed.told.push(egress),
                        None => closed.groups_too_small += 1,
                    }
                }
            }
        }
        (self.state, *budget) = (state, spent);
        Ok(closed)
    }

    fn tell(
        &self,
        rule: &AggregateRule,
        start: i64,
        group: &[u8],
        counted: &Group,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Egress<Aggregate>>, NoEntropy> {
        let k = u64::from(rule.k);
        let mut contributors = counted.contributors.len() as u64;
        if contributors < k {
            return Ok(None);
        }
        let mut sums = counted.sums.clone();
        if let Some(noise) = rule.noise {
            contributors = noisy(contributors as i64, 1, rule, noise, entropy)?.max(0).unsigned_abs();
            for (sum, (_, at_most)) in sums.iter_mut().zip(&rule.sums) {
                *sum = noisy(*sum, *at_most, rule, noise, entropy)?;
            }
            if contributors < k {
                return Ok(None);
            }
        }
        let Some((keys, units)) = split(group) else { return Ok(None) };
        let told = Told { rule, start, keys, contributors, units: &units, sums: &sums };
        Ok(Some(Egress::let_out(LetOut {
            region: self.region.clone(),
            policy: self.policy,
            kind: KIND,
            class: CLASS,
            hlc: time_of(rule, start),
            payload: told.payload(),
            fates: Fates::default(),
        })))
    }

    /// Takes for told all windows that begin before a time, and for spent what telling them would have cost: for who has lost what was
    /// told, and must not draw noise for a window twice.
    pub fn forfeit(&mut self, before: Timestamp, budget: &mut Budget) {
        for rule in &self.rules {
            if let Some(state) = self.state.get_mut(&rule.name) {
                state.closed_before = state.closed_before.max(Some(before.0));
                state.windows.retain(|start, _| *start >= before.0);
                state.entries = state.windows.values().map(Window::entries).sum();
                state.recount();
            }
            if let Some(noise) = rule.noise {
                budget.forfeit(rule, noise, before.0);
            }
        }
    }

    /// Tells once more what was told before, word for word: for a hub that lacks it, in a new epoch of the log. No noise is drawn for it and
    /// nothing spent. `None` when it is nothing that the rules of today tell, or of a window that is not closed.
    #[must_use]
    pub fn tell_again(&self, hlc: Hlc, payload: &[u8]) -> Option<Egress<Aggregate>> {
        let (rule, start) = told_by(&self.rules, hlc, payload)?;
        let closed_before = self.state.get(&rule.name)?.closed_before?;
        (start < closed_before).then(|| {
            Egress::let_out(LetOut {
                region: self.region.clone(),
                policy: self.policy,
                kind: KIND,
                class: CLASS,
                hlc,
                payload: payload.into(),
                fates: Fates::default(),
            })
        })
    }

    /// Rows that did not count: too late, too many of one contributor, or beyond a bound.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.state.values().fold(0, |sum, state| sum.saturating_add(state.left_out))
    }
}

/// A measure with its share of the noise. One contributor changes it by `rows_max · at_most` at most, over all groups together; epsilon is
/// shared evenly between the count and the sums.
fn noisy(
    value: i64,
    at_most: i64,
    rule: &AggregateRule,
    noise: Noise,
    entropy: &mut dyn Entropy,
) -> Result<i64, NoEntropy> {
    let measures = 1 + rule.sums.len() as u64;
    let sensitivity = u64::from(rule.rows_max).saturating_mul(at_most.unsigned_abs());
    let t = sensitivity.saturating_mul(1_000_000);
    let drawn = discrete_laplace(t, (noise.epsilon_micro / measures).max(1), entropy)?;
    let sum = i128::from(value).saturating_add(drawn);
    Ok(i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX }))
}

/// The list of keys as its bytes, and the units.
fn split(group: &[u8]) -> Option<(&[u8], Vec<Vec<u8>>)> {
    let mut decoder = Decoder::new(group);
    let keys = cbor::span(&mut decoder)?;
    let mut units = Vec::new();
    for _ in 0..decoder.array().ok()?? {
        let unit = cbor::span(&mut decoder)?;
        units.push(if cbor::only::<Option<u64>>(unit) == Some(None) { Vec::new() } else { unit.to_vec() });
    }
    Some((keys, units))
}

impl Window {
    /// What one row can add: a contributor, a group, and the contributor in the group.
    const ROW_ENTRIES_MAX: usize = 3;

    fn entries(&self) -> usize {
        let in_groups: usize = self.groups.values().map(|group| 1 + group.contributors.len()).sum();
        self.rows.len() + in_groups
    }

    /// What a row would add.
    fn more(&self, group: &[u8], contributor: u64) -> usize {
        let group = self.groups.get(<&ByteSlice>::from(group));
        let in_group = group.map_or(2, |group| usize::from(!group.contributors.contains(&contributor)));
        in_group + usize::from(!self.rows.contains_key(&contributor))
    }
}

impl State {
    fn of(rule: &AggregateRule) -> Self {
        let fingerprint = blake3::hash(format!("{rule:?}").as_bytes()).as_bytes().to_vec();
        Self { fingerprint, ..Self::default() }
    }

    fn count(&mut self, rule: &AggregateRule, row: Row, contributor: u64) {
        if self.try_count(rule, row, contributor).is_none() {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn try_count(&mut self, rule: &AggregateRule, row: Row, contributor: u64) -> Option<()> {
        let start = rule.window.floor(row.at)?;
        let late = self.closed_before.is_some_and(|closed| start < closed);
        if late {
            return None;
        }
        let more = self
            .windows
            .get(&start)
            .map_or(Window::ROW_ENTRIES_MAX, |window| window.more(&row.group, contributor));
        let is_new = !self.windows.contains_key(&start);
        while is_new && self.windows.len() >= WINDOWS_MAX || self.entries.saturating_add(more) > ENTRIES_MAX {
            self.drop_furthest(start)?;
        }
        let window = self.windows.entry(start).or_default();
        let of_contributor = window.rows.entry(contributor).or_default();
        if *of_contributor >= rule.rows_max {
            return None;
        }
        *of_contributor += 1;
        self.entries = self.entries.saturating_add(more);
        let group = window.groups.entry(row.group.into()).or_default();
        group.contributors.insert(contributor);
        group.sums.resize(rule.sums.len(), 0);
        for (sum, amount) in group.sums.iter_mut().zip(row.amounts) {
            *sum = sum.saturating_add(amount);
        }
        Some(())
    }

    fn recount(&mut self) {
        self.entries = self.windows.values().map(Window::entries).sum();
    }

    /// Makes room for a window by dropping the one that is furthest ahead; `None` when that is none but this.
    fn drop_furthest(&mut self, start: i64) -> Option<()> {
        let furthest = self.windows.last_entry().filter(|furthest| *furthest.key() > start)?;
        let window = furthest.remove();
        self.entries = self.entries.saturating_sub(window.entries());
        let rows = window.rows.values().fold(0, |sum: u64, rows| sum.saturating_add(u64::from(*rows)));
        self.left_out = self.left_out.saturating_add(rows);
        Some(())
    }

    fn take_ended(&mut self, rule: &AggregateRule, before: i64) -> BTreeMap<i64, Window> {
        let latest_start = before.saturating_sub(rule.window.step_ms());
        let open = self.windows.split_off(&latest_start.saturating_add(1));
        let ended = std::mem::replace(&mut self.windows, open);
        self.recount();
        // Rows of a window that was told, or that lies before one, come too late: no window is told twice.
        if let Some((last, _)) = ended.last_key_value() {
            self.closed_before = self.closed_before.max(Some(last.saturating_add(1)));
        }
        ended
    }
}

/// Without counts: what is below `k` is not for logs.
impl fmt::Debug for Aggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.rules.iter().map(|rule| &rule.name).collect();
        f.debug_struct("Aggregator")
            .field("region", &self.region)
            .field("aggregates", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "aisle_policy = 1\nname = \"test\"\nversion = 1\nhome = \"eu\"\n\
        [[destination]]\nregion = \"eu\"\nclock = \"exact\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.at\", \"SaleRecorded.document\"]\naction = \"aggregate\"\n\
        [[aggregate]]\nname = \"sales\"\nto = \"eu\"\nevent = \"SaleRecorded\"\ntime = \"SaleRecorded.at\"\nwindow = \"day\"\n\
        keys = []\neach = \"SaleRecorded.document\"\nk = 3\nrows_max = 2\n";

    const DAY: i64 = 86_400_000;

    fn row(day: i64) -> Row {
        Row { at: day * DAY, each: Vec::new(), group: vec![0x80, 0x80], amounts: Vec::new() }
    }

    #[test]
    fn all_windows_of_an_aggregate_share_their_room_and_the_furthest_ahead_makes_room() {
        let policy = crate::Policy::draft(POLICY.as_bytes()).unwrap();
        let rule = policy.destinations.values().flat_map(|to| &to.aggregates).next().unwrap();
        let mut state = State::of(rule);
        // One group; each of its contributors stands in it and by itself.
        let many = ENTRIES_MAX as u64 / 2 - 1;
        (0..many).for_each(|contributor| state.count(rule, row(500), contributor));
        assert_eq!((state.left_out, state.entries), (0, ENTRIES_MAX - 1));
        state.count(rule, row(500), many);
        assert_eq!(state.left_out, 1, "there is no room, and nothing further ahead");
        state.count(rule, row(500), 0);
        assert_eq!(state.left_out, 1, "a second row of one who is there takes none");
        (0..3).for_each(|contributor| state.count(rule, row(10), contributor));
        assert_eq!(state.windows.keys().copied().collect::<Vec<_>>(), [10 * DAY]);
        assert_eq!((state.left_out, state.entries), (1 + many + 1, 1 + 2 * 3), "what is dropped is counted");
    }
}
