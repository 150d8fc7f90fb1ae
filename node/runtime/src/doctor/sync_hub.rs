//! Does a hub answer, over QUIC and over TLS, and do both ends accept each other?
//!
//! Nothing is said to it, so a node that runs keeps its connection.

use super::{Finding, Subject, clock};
use crate::{enrol, store::journal_dir, sync::files};
use aisle_transport::{
    Path,
    client::{self, ProbeError},
    tls::ClockSource,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::task::JoinSet;

const ID: &str = "sync-hub";
/// How long one way may take to open.
const TRY_MS_MAX: u64 = 5_000;
const FIX: &str = "look at the line and at the firewall: UDP for QUIC, TCP for TLS";

/// One way to one hub, and what came of it.
struct Tried {
    /// Its place in the configuration.
    at: usize,
    hub: String,
    path: Path,
    outcome: Result<SocketAddr, ProbeError>,
}

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let (config, settings) = match subject.sync(ID) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let Ok((credentials, _)) = files::credentials(settings, config.store.as_str()) else {
        return Finding::warn(ID, "not tried, as there is no good certificate", "see `sync-tls`");
    };
    let floor = clock::last_recorded_ms(&journal_dir(subject.data)).unwrap_or(0);
    let clock = if config.enrolment.is_adopted {
        let clock = enrol::clock(subject.data);
        ClockSource::AtLeast(Arc::new(move || u64::try_from(clock.at_least().0).unwrap_or(0)))
    } else {
        ClockSource::System
    };
    let floor = if config.enrolment.is_adopted { 0 } else { floor };
    let client = client::Config {
        clock,
        clock_floor_ms: u64::try_from(floor).unwrap_or(0),
        path_timeout_ms: settings.line.path_timeout_ms.min(TRY_MS_MAX),
        ..client::Config::new(settings.hubs.clone(), credentials)
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => judge(&runtime.block_on(try_all(&client))),
        Err(error) => Finding::warn(ID, format!("not tried: {error}"), "run this again"),
    }
}

/// Tries all ways to all hubs at once, in the order of the configuration.
async fn try_all(config: &client::Config) -> Vec<Tried> {
    let mut tries = JoinSet::new();
    for (at, hub) in config.hubs.iter().enumerate() {
        for path in Path::ALL {
            let (config, hub) = (config.clone(), hub.clone());
            tries.spawn(async move {
                let outcome = client::probe(&config, &hub, path).await;
                Tried { at, hub: hub.name, path, outcome }
            });
        }
    }
    let mut tried = tries.join_all().await;
    tried.retain(|tried| !matches!(tried.outcome, Err(ProbeError::NoPort { .. })));
    tried.sort_by_key(|tried| (tried.at, tried.path));
    tried
}

fn judge(tried: &[Tried]) -> Finding {
    let words = |tried: &Tried| match &tried.outcome {
        Ok(address) => format!("`{}` answers over {} at {address}", tried.hub, tried.path),
        Err(error) => {
            let error = error.to_string().replace("\nhint: ", "; ");
            format!("`{}` does not over {}: {error}", tried.hub, tried.path)
        }
    };
    let found = tried.iter().map(words).collect::<Vec<_>>().join("; ");
    let opened = tried.iter().filter(|tried| tried.outcome.is_ok()).count();
    match opened {
        0 => Finding::fail(ID, found, FIX),
        all if all == tried.len() => Finding::ok(ID, found),
        _ => Finding::warn(ID, found, FIX),
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, ProbeError, Tried, judge};
    use crate::doctor::Outcome;

    fn tried(path: Path, opens: bool) -> Tried {
        let refused = ProbeError::Refused { reason: "timeout", text: "no answer\nhint: wait".into() };
        let outcome = if opens { Ok(([127, 0, 0, 1], 8443).into()) } else { Err(refused) };
        Tried { at: 0, hub: "hub.example".into(), path, outcome }
    }

    #[test]
    fn one_way_is_enough_and_the_other_is_told() {
        let outcome = |quic, tls| judge(&[tried(Path::Quic, quic), tried(Path::Tls, tls)]);
        assert_eq!(outcome(true, true).outcome, Outcome::Ok);
        assert_eq!(outcome(false, false).outcome, Outcome::Fail);
        let warned = outcome(false, true);
        assert_eq!(warned.outcome, Outcome::Warn);
        assert!(warned.found.contains("does not over quic: no answer; wait"), "{}", warned.found);
    }
}
