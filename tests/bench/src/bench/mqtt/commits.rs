//! The journal's commits during a run, from the node's own histogram.

use crate::client;
use anyhow::{Context, Result};

const BUCKET: &str = "aisle_journal_commit_duration_seconds_bucket{le=\"";

/// How many commits took how long, since the node's start.
#[derive(Debug, Clone, Default)]
pub(super) struct Commits {
    /// Upper bounds in seconds, ascending, and the commits up to each.
    buckets: Vec<(f64, f64)>,
}

impl Commits {
    /// Asks a node.
    pub(super) fn of(node_url: &str) -> Result<Self> {
        let (_, metrics) = client::get(client::address(node_url)?, "/metrics")?;
        let commits = Self::parse(&metrics);
        anyhow::ensure!(!commits.buckets.is_empty(), "the node has no metric of its commits");
        Ok(commits)
    }

    fn parse(metrics: &str) -> Self {
        let bucket = |line: &str| {
            let (bound, count) = line.strip_prefix(BUCKET)?.split_once("\"} ")?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
            Some((bound, count.split_whitespace().next()?.parse().ok()?))
        };
        Self { buckets: metrics.lines().filter_map(bucket).collect() }
    }

    /// Seconds that such a share of the commits since `before` did not exceed. Within a bucket they are taken to lie evenly.
    pub(super) fn quantile_since(&self, before: &Self, share: f64) -> Result<f64> {
        let counts = self.buckets.iter().zip(&before.buckets);
        let counts: Vec<(f64, f64)> = counts.map(|(now, then)| (now.0, now.1 - then.1)).collect();
        let wanted = counts.last().map_or(0.0, |(_, count)| count * share);
        let mut below = (0.0, 0.0);
        for (bound, count) in counts {
            if count >= wanted && count > below.1 {
                let bound = if bound.is_finite() { bound } else { below.0 };
                return Ok(below.0 + (bound - below.0) * (wanted - below.1) / (count - below.1));
            }
            below = (bound, count);
        }
        None.context("the node committed nothing")
    }
}

#[cfg(test)]
mod tests {
    use super::Commits;

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let of = |counts: [u32; 3]| {
            let bounds = ["0.001", "0.002", "+Inf"].into_iter().zip(counts);
            let line = |(bound, count)| {
                format!("aisle_journal_commit_duration_seconds_bucket{{le=\"{bound}\"}} {count}\n")
            };
            Commits::parse(&bounds.map(line).collect::<String>())
        };
        let (before, after) = (of([10, 10, 10]), of([60, 110, 110]));
        assert_eq!(after.quantile_since(&before, 0.5).unwrap(), 0.001);
        assert_eq!(after.quantile_since(&before, 0.75).unwrap(), 0.0015);
        assert!(before.quantile_since(&before, 0.5).is_err());
    }
}
