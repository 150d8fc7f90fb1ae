//! `/healthz`: is the node whole, and what was repaired? `/readyz`: does it know everything that its journal knows?
//!
//! A repair (a rebuilt index, a quarantined segment, a cut tail) shows as `degraded` or as a note until the next start; only a part
//! that has stopped makes the answer 503.

use crate::{
    admin::Mqtt,
    floor::Floor,
    horizon,
    plugin::Plugins,
    store::Store,
    sync::{Line, SyncReport},
};
use aisle_devices::bridge::{BridgeStatus, StatusHandle};
use aisle_enrolment::{Enrolment, Stage, Standing};
use aisle_event::StoreId;
use aisle_journal::Quarantined;
use aisle_recommend::{Model, ModelSize, Recommender};
use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use std::{sync::Arc, time::Instant};

/// What the two questions are answered from.
pub(super) struct Health {
    store_id: StoreId,
    store: Arc<Store>,
    recommender: Arc<Recommender>,
    mqtt: Mqtt,
    floor: Floor,
    plugins: Plugins,
    line: Option<Line>,
    enrolment: Option<Enrolment>,
    enrolment_problem: Option<String>,
    horizon: horizon::Watch,
    started: Instant,
    /// What the journal held at the start; ready means that the state has it too.
    ready_at: u64,
}

impl Health {
    pub(super) fn new(
        store_id: StoreId,
        store: Arc<Store>,
        recommender: Arc<Recommender>,
        mqtt: Mqtt,
        (floor, plugins): (Floor, Plugins),
        line: Option<Line>,
        (enrolment, enrolment_problem, horizon): (Option<Enrolment>, Option<String>, horizon::Watch),
    ) -> Self {
        let ready_at = store.journal.durable();
        let started = Instant::now();
        Self {
            store_id,
            store,
            recommender,
            mqtt,
            floor,
            plugins,
            line,
            enrolment,
            enrolment_problem,
            horizon,
            started,
            ready_at,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Degraded,
    Failed,
}

#[derive(Serialize)]
pub(super) struct Report {
    status: Status,
    store: StoreId,
    version: &'static str,
    uptime_s: u64,
    clock: ClockReport,
    journal: JournalReport,
    state: StateReport,
    recommend: RecommendReport,
    mqtt: MqttReport,
    floor: FloorReport,
    plugins: PluginsReport,
    /// Absent where the node stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<SyncReport>,
    enrolment: EnrolmentReport,
    horizon: HorizonReport,
}

/// How the node stands with its chain; `/v1/admin/enrolment` says more.
#[derive(Serialize)]
struct EnrolmentReport {
    /// `unclaimed`, `claiming`, `active`, `renewing` or `recovering`.
    stage: Stage,
    /// `good`, `suspended`, `banned` or `unknown`.
    standing: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after_ms: Option<i64>,
    /// The code of what went wrong last; nothing when the last thing went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What keeps the identity from being used.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What would hurt the store first without a line.
#[derive(Serialize)]
struct HorizonReport {
    said: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<f64>,
}

impl HorizonReport {
    fn of(horizon: &horizon::Horizon) -> Self {
        let first = horizon.first.as_ref().and_then(|_| horizon.items.first());
        Self {
            said: horizon.said.clone(),
            first: horizon.first.clone(),
            days: first.and_then(|item| item.days),
        }
    }
}

#[derive(Serialize)]
struct ClockReport {
    /// How far the wall clock was behind the journal when asked; events are dated by the journal until it is not.
    behind_journal_ms: u64,
}

#[derive(Serialize)]
struct JournalReport {
    first_seq: u64,
    durable_seq: u64,
    cut_bytes: u64,
    quarantined: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Serialize)]
struct StateReport {
    applied_seq: u64,
    behind: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilt: Option<RebuiltReport>,
    lost: u64,
    undecodable: u64,
    without_effect: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Serialize)]
struct RebuiltReport {
    reason: String,
    from_seq: u64,
}

#[derive(Serialize)]
struct RecommendReport {
    /// Absent until the first model is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelReport>,
}

#[derive(Serialize)]
struct ModelReport {
    as_of_ms: i64,
    items: usize,
    sessions: usize,
    pairs: usize,
}

impl ModelReport {
    fn of(model: &Model) -> Self {
        let ModelSize { items, sessions, pairs } = model.size();
        Self { as_of_ms: model.as_of().0, items, sessions, pairs }
    }
}

#[derive(Serialize)]
struct MqttReport {
    listening: Vec<String>,
    clients: usize,
    sessions: usize,
    /// What is wrong with the file of devices; what it said before is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices_problem: Option<String>,
    bridges: Vec<BridgeReport>,
}

#[derive(Serialize)]
struct BridgeReport {
    name: String,
    connected: bool,
    /// What went wrong last; kept after it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl MqttReport {
    fn of(mqtt: &Mqtt) -> Self {
        let overview = mqtt.broker.overview();
        let bridge = |handle: &StatusHandle| {
            let BridgeStatus { name, connected, last_error, .. } = handle.get();
            BridgeReport { name, connected, last_error }
        };
        Self {
            listening: mqtt.addresses(),
            clients: overview.clients,
            sessions: overview.sessions,
            devices_problem: mqtt.broker.devices_problem().map(|problem| (*problem).clone()),
            bridges: mqtt.bridges.iter().map(bridge).collect(),
        }
    }
}

#[derive(Serialize)]
struct FloorReport {
    applied_seq: u64,
    caught_up: bool,
    devices_approved: usize,
    devices_waiting: usize,
    /// What staff must know of the register of devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices_alert: Option<String>,
    /// Files of device profiles that are not in force as they stand, with what is wrong with them.
    profiles_refused: Vec<String>,
    /// Files of telemetry that were set aside, or that the system refuses for now.
    telemetry_damaged: Vec<String>,
    open_tasks: usize,
}

impl FloorReport {
    fn of(floor: &Floor) -> Self {
        let view = floor.view();
        let (applied_seq, caught_up) = floor.progress();
        let refused = floor.control().refused_profiles();
        Self {
            applied_seq,
            caught_up,
            devices_approved: view.devices.counts.approved,
            devices_waiting: view.devices.counts.heard,
            devices_alert: view.devices.alert.clone(),
            profiles_refused: refused.iter().map(|it| format!("`{}`: {}", it.file, it.reason)).collect(),
            telemetry_damaged: floor.archive().status().damaged,
            open_tasks: view.tasks.open.len(),
        }
    }

    fn is_whole(&self) -> bool {
        self.devices_alert.is_none() && self.profiles_refused.is_empty() && self.telemetry_damaged.is_empty()
    }
}

#[derive(Serialize)]
struct PluginsReport {
    applied_seq: u64,
    caught_up: bool,
    installed: usize,
    /// Plugins that are left out because they cannot be loaded, with why.
    left_out: Vec<String>,
    /// Plugins that failed too often in a row, by hook, with why: there they are left out until they answer again.
    failing: Vec<String>,
}

impl PluginsReport {
    fn of(plugins: &Plugins) -> Self {
        let (applied_seq, caught_up) = plugins.progress();
        let (left_out, view) = (plugins.left_out(), plugins.view());
        let failing = view.plugins.iter().flat_map(|(id, known)| {
            known.failing.values().map(move |said| {
                let why = said.reason.as_deref().unwrap_or("no reason");
                format!("`{id}` {} at `{}`: {why}", said.version, said.hook)
            })
        });
        Self {
            applied_seq,
            caught_up,
            installed: view.plugins.len(),
            left_out: left_out.iter().map(|(id, why)| format!("`{id}`: {why}")).collect(),
            failing: failing.collect(),
        }
    }

    fn is_whole(&self) -> bool {
        self.left_out.is_empty() && self.failing.is_empty()
    }
}

/// 200 while every part works, 503 once one has stopped.
pub(super) async fn healthz(State(health): State<Arc<Health>>) -> (StatusCode, Json<Report>) {
    let report = health.report();
    let code = if report.status == Status::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(report))
}

/// 200 once state, floor and plugins hold what the journal held at the start, 503 before.
pub(super) async fn readyz(State(health): State<Arc<Health>>) -> (StatusCode, Json<Report>) {
    let report = health.report();
    let applied = report.state.applied_seq.min(report.floor.applied_seq).min(report.plugins.applied_seq);
    let ready = report.status != Status::Failed && applied >= health.ready_at;
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(report))
}

/// Each gap that setting segments aside has left since the start, in words.
fn quarantined(all: &[Quarantined]) -> Vec<String> {
    let gaps = all.iter().flat_map(|set_aside| set_aside.gaps.iter().map(|gap| (&set_aside.segment, gap)));
    gaps.map(|(segment, gap)| {
        format!(
            "segment `{segment}` was damaged at byte {}: records {} to {} are missing",
            gap.offset, gap.first, gap.last
        )
    })
    .collect()
}

impl Health {
    fn report(&self) -> Report {
        let Self { store, .. } = self;
        let state = store.state.health();
        let durable_seq = store.journal.durable();
        let journal = JournalReport {
            first_seq: store.journal.first(),
            durable_seq,
            cut_bytes: store.recovery.cut_bytes,
            quarantined: quarantined(&store.journal.quarantined().borrow()),
            failed: store.journal.failed().map(|failure| failure.to_string()),
        };
        let state = StateReport {
            applied_seq: state.applied,
            behind: durable_seq.saturating_sub(state.applied),
            rebuilt: state
                .rebuilt
                .map(|rebuilt| RebuiltReport { reason: rebuilt.reason, from_seq: rebuilt.from_seq }),
            lost: state.lost,
            undecodable: state.undecodable,
            without_effect: state.without_effect,
            failed: state.failed,
        };
        let clock = ClockReport { behind_journal_ms: store.clock_behind_ms() };
        let mqtt = MqttReport::of(&self.mqtt);
        let floor = FloorReport::of(&self.floor);
        let plugins = PluginsReport::of(&self.plugins);
        let sync = self.line.as_ref().map(SyncReport::of);
        let enrolled = self.enrolment.as_ref().map(Enrolment::status).unwrap_or_default();
        let is_enrolled_well = enrolled.is_whole() || enrolled.stage == Stage::Claiming;
        let enrolment = EnrolmentReport {
            stage: enrolled.stage,
            standing: enrolled.standing,
            identity: enrolled.identity,
            not_after_ms: enrolled.not_after_ms,
            code: enrolled.fault.map(|fault| fault.code),
            problem: self.enrolment_problem.clone(),
        };
        let horizon = HorizonReport::of(&self.horizon.latest());
        let status = if journal.failed.is_some() || state.failed.is_some() {
            Status::Failed
        } else if state.rebuilt.is_some()
            || state.lost > 0
            || !journal.quarantined.is_empty()
            || clock.behind_journal_ms > 0
            || mqtt.devices_problem.is_some()
            || !floor.is_whole()
            || !plugins.is_whole()
            || mqtt.bridges.iter().any(|bridge| !bridge.connected)
            || sync.as_ref().is_some_and(|sync| !sync.is_whole())
            || !is_enrolled_well
            || enrolment.problem.is_some()
        {
            Status::Degraded
        } else {
            Status::Ok
        };
        let model = self.recommender.model();
        Report {
            status,
            store: self.store_id.clone(),
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: self.started.elapsed().as_secs(),
            clock,
            journal,
            state,
            recommend: RecommendReport { model: model.as_ref().map(|model| ModelReport::of(model)) },
            mqtt,
            floor,
            plugins,
            sync,
            enrolment,
            horizon,
        }
    }
}
