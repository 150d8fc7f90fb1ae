//! Does the certificate name this store's node, and for how long does it hold?

use super::{Finding, Subject};
use crate::{
    store::wall_clock,
    sync::{files, words},
};
use aisle_transport::tls::Own;

const ID: &str = "sync-tls";
const DAY_S: i64 = 24 * 3_600;
/// Below this somebody has to see to a new one.
const DAYS_MIN: i64 = 14;
const FIX: &str = "put a new certificate and its key in their places; the node takes them over by itself";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let (config, settings) = match subject.sync(ID) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match files::credentials(settings, config.store.as_str()) {
        Ok((_, own)) => judge(&own, wall_clock().0 / 1000),
        Err(error) => {
            let text = words(&error);
            let (found, fix) = text.split_once("\nhint: ").unwrap_or((&text, FIX));
            Finding::fail(ID, found, fix)
        }
    }
}

fn judge(own: &Own, now_s: i64) -> Finding {
    let name = &own.identity;
    if now_s < own.not_before_s {
        let found = format!("the certificate of `{name}` is not valid yet");
        return Finding::fail(ID, found, "look at the clock first; then at the certificate");
    }
    match (own.not_after_s - now_s).div_euclid(DAY_S) {
        ..0 => Finding::fail(ID, format!("the certificate of `{name}` has expired; the hub refuses it"), FIX),
        days @ 0..DAYS_MIN => {
            Finding::warn(ID, format!("the certificate of `{name}` expires in {days} days"), FIX)
        }
        days => Finding::ok(ID, format!("this is `{name}`, for {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_S, judge};
    use crate::doctor::Outcome;
    use aisle_transport::tls::Own;

    #[test]
    fn a_certificate_is_judged_by_its_days() {
        let identity = "spiffe://shops.example/store/store-1/node/1".parse().unwrap();
        let own = Own { identity, not_before_s: 0, not_after_s: 100 * DAY_S };
        let outcome = |now_s| judge(&own, now_s).outcome;
        assert_eq!(outcome(-1), Outcome::Fail);
        assert_eq!(outcome(DAY_S), Outcome::Ok);
        assert_eq!(outcome(87 * DAY_S), Outcome::Warn);
        assert_eq!(outcome(100 * DAY_S + 1), Outcome::Fail);
    }
}
