//! Erasures, as administrators see them.

use aisle_event::Timestamp;
use aisle_residency::erasure::Progress;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person is to be erased.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewErasure)]
pub(crate) struct EraseBody {
    /// The customer's number, as sales have it.
    #[schema(max_length = 64)]
    pub customer: String,
    /// Why, for the record; no name belongs in it.
    #[schema(max_length = 256)]
    pub reason: Option<String>,
    /// The law wants the records kept until then: the erasure is complete no earlier.
    #[schema(format = DateTime, max_length = 64)]
    pub retain_until: Option<String>,
    /// Which law says so.
    pub basis: Option<String>,
}

/// What was begun.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ErasureBegun)]
pub(crate) struct Begun {
    /// The erasure's name.
    pub erasure: String,
}

/// An erasure.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct ErasureLine {
    /// Its name.
    pub erasure: String,
    /// When it was asked for.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// True when all is done.
    pub complete: bool,
    /// How many keys were destroyed; nothing while none is.
    pub keys: Option<usize>,
    /// What it waits for, in words.
    pub waits_for: Vec<String>,
    /// The signed receipt in hexadecimal digits, once all is done.
    pub receipt: Option<String>,
}

/// All erasures.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Erasures)]
pub(crate) struct ErasureList {
    /// Oldest first.
    pub erasures: Vec<ErasureLine>,
    /// What keeps them from going on.
    pub problem: Option<String>,
}

impl ErasureLine {
    /// What there is to see of one.
    pub(crate) fn of(progress: &Progress, now: Timestamp) -> Self {
        Self {
            erasure: progress.request.erasure.clone(),
            requested_at: progress.request.at,
            complete: progress.proof.is_some(),
            keys: progress.destroyed.as_ref().map(|(keys, _)| keys.len()),
            waits_for: waits_for(progress, now),
            receipt: progress.proof.as_ref().map(|proof| HEXLOWER.encode(proof)),
        }
    }
}

fn waits_for(progress: &Progress, now: Timestamp) -> Vec<String> {
    if progress.proof.is_some() {
        return Vec::new();
    }
    if progress.destroyed.is_none() {
        return vec!["its keys to be destroyed".into()];
    }
    let mut waits = Vec::new();
    if progress.rewritten_through.is_none() {
        waits.push("the node's next start, which makes the index anew".into());
    }
    match progress.request.retain_until {
        Some(until) if now < until => {
            let until = jiff::Timestamp::from_millisecond(until.0).map(|until| format!("{until:.0}"));
            waits.push(format!("the time that the law wants records kept: {}", until.unwrap_or_default()));
        }
        _ if progress.trimmed_through.is_none() && progress.clear_through > 0 => waits.push(format!(
            "the journal to be trimmed through record {}: it was not sealed",
            progress.clear_through
        )),
        _ => {}
    }
    let missing = progress.request.asks.iter().filter(|ask| !progress.hubs.contains_key(&ask.region));
    waits.extend(missing.map(|ask| format!("the hub of `{}`", ask.region)));
    waits
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_residency::{
        erasure::{Entry, Erasures, Request, Step},
        seal::{KeyId, PersonId},
    };

    fn words(steps: Vec<Step>, now: i64) -> (bool, Vec<String>) {
        let mut erasures = Erasures::new();
        erasures.apply(
            1,
            &Entry::Requested(Request {
                erasure: "e-1".into(),
                person: PersonId([1; 16]),
                asks: Vec::new(),
                retain_until: Some(Timestamp(1_000)),
                retention_basis: None,
                at: Timestamp(10),
            }),
        );
        for (step, seq) in steps.into_iter().zip(2..) {
            erasures.apply(seq, &Entry::Advanced { erasure: "e-1".into(), step, at: Timestamp(now) });
        }
        let line = ErasureLine::of(erasures.progress("e-1").unwrap(), Timestamp(now));
        (line.complete, line.waits_for)
    }

    #[test]
    fn what_an_erasure_waits_for_is_said_in_words() {
        let destroyed = Step::KeyDestroyed { keys: vec![KeyId([1; 8])], clear_through: 7 };
        let rewritten = Step::DerivedRewritten { through: 2 };
        assert_eq!(words(vec![], 20), (false, vec!["its keys to be destroyed".into()]));
        let (_, waits) = words(vec![destroyed.clone()], 20);
        assert_eq!(
            waits,
            [
                "the node's next start, which makes the index anew",
                "the time that the law wants records kept: 1970-01-01T00:00:01Z"
            ]
        );
        let (_, waits) = words(vec![destroyed.clone(), rewritten.clone()], 2_000);
        assert_eq!(waits, ["the journal to be trimmed through record 7: it was not sealed"]);
        let ended = Step::RetentionEnded { through: 7 };
        let all = vec![destroyed, rewritten, ended, Step::Completed { proof: vec![1] }];
        assert_eq!(words(all, 2_000), (true, Vec::new()));
    }
}
