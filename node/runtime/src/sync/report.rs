//! How sync stands, for `/healthz`.

use super::{Desired, Line};
use aisle_content::plan::Standing;
use aisle_outbox::Outbox;
use aisle_protocol::{LogClass, PerClass};
use aisle_transport::client::{Phase, Status};
use data_encoding::HEXLOWER;
use serde::Serialize;

/// The part `sync` of `/healthz`.
#[derive(Debug, Serialize)]
pub(crate) struct SyncReport {
    /// `opening` until the outbox holds all that the journal does; then `waiting`, `connecting`, `greeting` or `connected`; `stopped` at the end.
    phase: &'static str,
    /// Since when the hub knows the node, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_since_ms: Option<u64>,
    /// `quic` or `tls`: how the last connection goes or went.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'static str>,
    /// The hub's name, as it said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
    /// The region that it lies in.
    region: String,
    /// What the line costs.
    link: &'static str,
    /// From a packet to its answer; not known over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ms: Option<u64>,
    /// When the hub last acknowledged something, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    acked_at_ms: Option<u64>,
    /// What waits for the hub, the most valuable class first.
    backlog: Vec<ClassReport>,
    /// What went wrong last on the line; kept after it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<ErrorReport>,
    /// The policy that the gate follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyReport>,
    /// The public half of the key that receipts are signed with; the hub has to know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_key: Option<String>,
    /// The first record of the journal that the outbox still needs: nothing from it on may be trimmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_needed_from: Option<u64>,
    /// What the hub wants the store to have, once it has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    desired: Option<DesiredReport>,
    /// What keeps sync from working, or an operator should see to.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DesiredReport {
    generation: u64,
    items: Vec<ItemReport>,
}

#[derive(Debug, Serialize)]
struct ItemReport {
    name: String,
    version: String,
    /// `missing`, `applying`, `applied` or `refused`.
    state: &'static str,
    /// What went wrong last; it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl DesiredReport {
    fn of(desired: &Desired) -> Self {
        let item = |standing: &Standing| ItemReport {
            name: standing.name.clone(),
            version: standing.version.clone(),
            state: standing.state,
            reason: standing.reason.clone(),
        };
        Self { generation: desired.generation, items: desired.items.iter().map(item).collect() }
    }
}

#[derive(Debug, Serialize)]
struct ClassReport {
    class: &'static str,
    /// Events that are sealed and not acknowledged.
    events: u64,
    /// What the batches take that they are in.
    bytes: u64,
    /// The age of the oldest of them.
    lag_ms: u64,
    /// Whether they wait for their byte budget, or give way to the kiosk.
    held: bool,
}

#[derive(Debug, Serialize)]
struct ErrorReport {
    at_ms: u64,
    reason: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct PolicyReport {
    version: u32,
    hash: String,
}

impl SyncReport {
    /// How it stands now.
    pub(crate) fn of(line: &Line) -> Self {
        let view = line.view();
        let status = view.running.as_ref().map(|running| running.status.borrow().clone());
        let outbox = view.running.as_ref().map(|running| &running.outbox);
        let waits = PerClass::from_fn(|class| outbox.map(|outbox| outbox.backlog(class)).unwrap_or_default());
        let known = status.clone().unwrap_or_default();
        let class = |class: LogClass| {
            let (waits, seen) = (waits.get(class), known.backlog.get(class));
            let (lag_ms, held) = (seen.lag_ms, seen.is_held);
            ClassReport { class: class.as_str(), events: waits.events, bytes: waits.bytes, lag_ms, held }
        };
        let backlog = LogClass::ALL.into_iter().map(class).collect();
        let policy = outbox.map(Outbox::policy);
        let Status { phase, since_ms, path, hub, rtt_ms, acked_at_ms, last_error, .. } = known;
        Self {
            phase: status.map_or("opening", |_| phase.as_str()),
            connected_since_ms: (phase == Phase::Connected).then_some(since_ms),
            path: path.map(aisle_transport::Path::as_str),
            hub: hub.map(|(name, _)| name),
            region: line.settings().region.to_string(),
            link: line.settings().link.as_str(),
            rtt_ms,
            acked_at_ms,
            backlog,
            last_error: last_error.map(|failure| ErrorReport {
                at_ms: failure.at_ms,
                reason: failure.reason,
                text: failure.text,
            }),
            policy: policy.map(|id| PolicyReport { version: id.version, hash: id.hash.to_string() }),
            receipt_key: view.receipt_key.map(|key| HEXLOWER.encode(&key.0)),
            journal_needed_from: outbox.map(Outbox::needed_from),
            desired: view.desired.as_ref().map(DesiredReport::of),
            problems: [&view.problem, &view.policy, &view.certificates, &view.content]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        }
    }

    /// Whether nobody has to look at it: the hub is reached, and nothing is wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.connected_since_ms.is_some() && self.problems.is_empty()
    }
}
