//! From what was seen to verdicts.

use super::{Business, Check, GateName, Gates, Health, Scale, Silence, Verdict};
use crate::{
    name::Metric,
    rollout::Tally,
    sequential::{Interval, Mean, Rate},
};
use std::collections::{BTreeMap, BTreeSet};

/// A mean of fewer calls says nothing of fuel, whatever `calls_min` is.
const FUEL_CALLS_MIN: u64 = 20;
/// What one call in a hundred may take longer than, in millionths.
const P99_PPM: u64 = 10_000;

/// What a wave has shown.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// How its nodes stand.
    pub tally: Tally,
    /// Who of them went silent, and who else.
    pub silence: Silence,
    /// How the release has done on them.
    pub health: &'a Health,
    /// True where a part of the release is called at all.
    pub is_called: bool,
    /// Differences to the stores compared with, a positive one being worse; only metrics that have pairs.
    pub means: &'a BTreeMap<Metric, Mean>,
    /// Metrics of which it is known whether there are stores to compare with.
    pub sought: &'a BTreeSet<Metric>,
}

/// What every gate says, in a fixed order.
#[must_use]
pub fn judge(gates: &Gates, evidence: &Evidence<'_>) -> Vec<Check> {
    let mut checks = vec![reached(gates, evidence), booted(gates, evidence), failures(gates, evidence)];
    if evidence.is_called {
        checks.push(called(gates, evidence));
        let Health { calls, traps, errors, .. } = *evidence.health;
        let traps = Rate { faults: traps, of: calls };
        checks.push(share(GateName::Traps, "calls trapped", traps, gates.traps_ppm_max, gates));
        let errors = Rate { faults: errors, of: calls };
        checks.push(share(GateName::Errors, "calls ended in an error", errors, gates.errors_ppm_max, gates));
        checks.extend(gates.p99_us_max.map(|max| p99(max, gates, evidence)));
        checks.extend(gates.fuel_mean_max.map(|max| fuel(max, gates, evidence)));
    }
    checks.extend(gates.business.iter().map(|business| metric(business, gates, evidence)));
    checks
}

fn check(gate: GateName, verdict: Verdict, text: String) -> Check {
    Check { gate, verdict, text }
}

/// True when enough nodes have come to an end to say something of all.
fn is_decided(gates: &Gates, tally: &Tally) -> bool {
    let ended = tally.passed.saturating_add(tally.failed);
    let needed = tally.reachable().saturating_mul(u64::from(gates.reached_percent_min)).div_ceil(100);
    ended >= needed.max(1)
}

fn reached(gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let tally = &evidence.tally;
    let verdict = match () {
        () if !is_decided(gates, tally) => Verdict::Wait,
        // Nobody has run it: whatever else is true, this is no success. If all failed, another gate says so.
        () if tally.passed == 0 => Verdict::Wait,
        () => Verdict::Pass,
    };
    let (passed, reachable) = (tally.passed, tally.reachable());
    let away = tally.offline.saturating_add(tally.dark).saturating_add(tally.late);
    let text =
        format!("{passed} of {reachable} nodes that can be reached have really run it; {away} are away");
    check(GateName::Reached, verdict, text)
}

fn booted(gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let silence = &evidence.silence;
    let verdict = silence.verdict(u64::from(gates.dark_percent_max), gates.alpha());
    let (Silence { of, dark, .. }, (others, away)) = (silence, silence.compared());
    let mut text = format!(
        "{dark} of {of} nodes that run it went dark; of those that do not run it {away} of {others} are away"
    );
    if verdict == Verdict::Wait {
        text.push_str(": they may only be closed, and are waited for");
    }
    check(GateName::Booted, verdict, text)
}

fn failures(gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let tally = &evidence.tally;
    let ended = tally.passed.saturating_add(tally.failed);
    let percent_max = u64::from(gates.failed_percent_max);
    let rate = Rate { faults: tally.failed, of: ended };
    let is_above = tally.failed.saturating_mul(100) > ended.saturating_mul(percent_max);
    // Of a few the share says little by itself until the wave has come to its end; a test sees early what cannot be chance.
    let is_fail =
        rate.is_above(percent_max * 10_000, gates.alpha()) || (is_decided(gates, tally) && is_above);
    let verdict = if is_fail { Verdict::Fail } else { Verdict::Pass };
    let text = format!("{} of {ended} nodes gave it up; {percent_max} % may", tally.failed);
    check(GateName::Failures, verdict, text)
}

fn called(gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let calls = evidence.health.calls;
    let verdict = if calls >= gates.calls_min { Verdict::Pass } else { Verdict::Wait };
    check(GateName::Called, verdict, format!("it was called {calls} times, of {} at least", gates.calls_min))
}

fn share(gate: GateName, what: &str, rate: Rate, ppm_max: u64, gates: &Gates) -> Check {
    let verdict = if rate.is_above(ppm_max, gates.alpha()) { Verdict::Fail } else { Verdict::Pass };
    let (faults, of, ppm) = (rate.faults, rate.of, rate.ppm());
    check(gate, verdict, format!("{faults} of {of} {what} ({ppm} of a million; {ppm_max} may)"))
}

fn p99(max_us: u64, gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let took = &evidence.health.took;
    let rate = Rate { faults: took.above(max_us), of: took.count() };
    let text = match took.quantile_us(990) {
        Some(p99) => format!("99 of 100 calls took at most {p99} µs; {max_us} µs may be"),
        None => "it is not known how long calls took".into(),
    };
    let verdict = match rate.of {
        0 => Verdict::NotJudged,
        _ if rate.is_above(P99_PPM, gates.alpha()) => Verdict::Fail,
        _ => Verdict::Pass,
    };
    check(GateName::P99, verdict, text)
}

fn fuel(max: u64, gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let mean = evidence.health.fuel_mean().unwrap_or(0);
    let verdict = match evidence.health.calls {
        calls if calls < gates.calls_min.max(FUEL_CALLS_MIN) => Verdict::Wait,
        _ if mean > max => Verdict::Fail,
        _ => Verdict::Pass,
    };
    check(GateName::Fuel, verdict, format!("a call costs {mean} of fuel in the mean; {max} may be"))
}

fn metric(business: &Business, gates: &Gates, evidence: &Evidence<'_>) -> Check {
    let gate = GateName::Business(business.metric.clone());
    let Some(mean) = evidence.means.get(&business.metric) else {
        if !evidence.sought.contains(&business.metric) {
            return check(gate, Verdict::Wait, "stores to compare with are still looked for".into());
        }
        let text = "no stores like these are left to compare with";
        // What nobody can be compared with has not been shown to do no worse.
        return if business.must_show {
            check(gate, Verdict::Wait, format!("{text}, and it must be shown: a person has to `promote` it"))
        } else {
            check(gate, Verdict::NotJudged, text.into())
        };
    };
    let tolerance = f64::from(business.tolerance);
    let Interval { low, high } = mean.interval(gates.alpha());
    let is_too_few = mean.n < u64::from(business.periods_min);
    // Where nothing ever was there to be counted, as with errors that nobody makes, no more can be shown.
    let is_same = mean.n > 1 && mean.squares <= 0.0 && mean.mean <= tolerance;
    let is_open = business.must_show && !is_same && high.is_none_or(|high| high > tolerance);
    // Where it was as bad every time, as with shares that are all or nothing, no interval says so.
    let is_steady = mean.squares <= 0.0 && mean.mean > tolerance;
    let is_steadily_worse = !is_too_few && mean.is_always_above(tolerance, gates.alpha());
    let verdict = if low.is_some_and(|low| low > tolerance) || is_steadily_worse {
        Verdict::Fail
    } else if is_too_few || is_open || is_steady {
        Verdict::Wait
    } else {
        Verdict::Pass
    };
    let unit = match business.scale {
        Scale::Relative => " ‰",
        Scale::Absolute => "",
    };
    let end = |end: Option<f64>| end.map_or_else(|| "?".into(), |end| format!("{end:.1}"));
    let mut text = format!(
        "{:.1}{unit} worse than stores like these, between {} and {}, over {} periods; {tolerance}{unit} may be",
        mean.mean,
        end(low),
        end(high),
        mean.n
    );
    if verdict == Verdict::Wait && is_open && !is_too_few && mean.radius_min(gates.alpha()) > tolerance {
        text.push_str(
            "; a day's past shows no more, however long it is looked at: a person has to `promote` it",
        );
    }
    check(gate, verdict, text)
}
