//! Would MQTT clients accept the broker's certificate, and for how long?

use super::{Finding, Subject};
use crate::store::wall_clock;
use aisle_broker::transport::{CertificateReport, inspect_certificate};

const ID: &str = "mqtt-tls";
const DAY_S: i64 = 24 * 3_600;
/// Below this somebody has to see to a new one.
const DAYS_MIN: i64 = 30;
const FIX: &str = "put a new certificate and key in their places; the node takes them over by itself";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let Ok(config) = subject.config else {
        return Finding::warn(
            ID,
            "not checked, as the configuration was refused",
            "correct the configuration first",
        );
    };
    let mqtt = &config.mqtt;
    let encrypted = mqtt.tls_listen != "off" || mqtt.websocket_listen != "off" && mqtt.websocket_tls;
    if !encrypted {
        return Finding::ok(ID, "not used");
    }
    match inspect_certificate(&mqtt.transport(), subject.data) {
        Ok(None) => Finding::ok(ID, "none yet; the first start makes one"),
        Ok(Some(report)) => judge(&report, wall_clock().0 / 1000),
        Err(error) => {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            let (found, fix) = text
                .split_once("\nhint: ")
                .unwrap_or((&text, "correct the files, or leave them out of the configuration"));
            Finding::fail(ID, found, fix)
        }
    }
}

fn judge(report: &CertificateReport, now_s: i64) -> Finding {
    let CertificateReport { path, not_before_s, not_after_s } = report;
    let path = path.display();
    if now_s < *not_before_s {
        return Finding::warn(
            ID,
            format!("`{path}` is not valid yet"),
            "look at the clock first; then at the certificate",
        );
    }
    match (not_after_s - now_s).div_euclid(DAY_S) {
        ..0 => Finding::fail(ID, format!("`{path}` has expired; clients refuse it"), FIX),
        days @ 0..DAYS_MIN => Finding::warn(ID, format!("`{path}` expires in {days} days"), FIX),
        days if days > 3_650 => Finding::ok(ID, format!("`{path}` is in order")),
        days => Finding::ok(ID, format!("`{path}` is in order for {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_S, judge};
    use crate::doctor::Outcome;
    use aisle_broker::transport::CertificateReport;

    #[test]
    fn a_certificate_is_judged_by_its_days() {
        let report = CertificateReport { path: "c.pem".into(), not_before_s: 0, not_after_s: 100 * DAY_S };
        let outcome = |now_s| judge(&report, now_s).outcome;
        assert_eq!(outcome(-1), Outcome::Warn);
        assert_eq!(outcome(DAY_S), Outcome::Ok);
        assert_eq!(outcome(71 * DAY_S), Outcome::Warn);
        assert_eq!(outcome(100 * DAY_S + 1), Outcome::Fail);
    }
}
