//! What the board counts.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Metrics of the staff board, registered once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Telemetry {
    pub(super) lines: Gauge,
    pub(super) lines_refused: Counter,
    pub(super) lines_stalled: Counter,
    pub(super) sign_ins: Counter,
    pub(super) sign_ins_refused: Counter,
    actions: Counter,
    actions_refused: Counter,
}

impl Telemetry {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let telemetry = Self::default();
        let staff = registry.sub_registry_with_prefix("staff");
        staff.register("lines", "Pages of the staff board that are kept up to date", telemetry.lines.clone());
        staff.register(
            "lines_refused",
            "Pages that look for themselves because `staff.live_lines_max` was reached; raise it when this grows",
            telemetry.lines_refused.clone(),
        );
        staff.register(
            "lines_stalled",
            "Lines cut because the page took nothing from them",
            telemetry.lines_stalled.clone(),
        );
        staff.register("sign_ins", "Times that somebody signed in", telemetry.sign_ins.clone());
        staff.register(
            "sign_ins_refused",
            "Wrong PINs, and tries during a wait; many mean that somebody guesses",
            telemetry.sign_ins_refused.clone(),
        );
        staff.register("actions", "Things done on the staff board", telemetry.actions.clone());
        staff.register(
            "actions_refused",
            "Things that staff wanted to do and the node refused",
            telemetry.actions_refused.clone(),
        );
        telemetry
    }

    pub(super) fn acted(&self, done: bool) {
        if done { &self.actions } else { &self.actions_refused }.inc();
    }
}
