//! What the machine tells headquarters: only what is new, and not too often.

use super::{effect::Effect, machine::Converger};
use crate::report::{NodeReport, Phase, SettingsReport, SlotReport};
use std::collections::BTreeMap;

impl Converger {
    /// How everything stands, as of what was handled last.
    #[must_use]
    pub fn report(&self) -> NodeReport {
        let slots = self.kept.tracks.iter().map(|(slot, track)| {
            let live = self.lives.get(slot);
            let wanted = self.kept.desired.wanted(slot);
            let report = SlotReport {
                wanted: wanted.map(|wanted| (&wanted.want).into()),
                round: wanted.map_or(0, |wanted| wanted.round),
                running: track.running.as_ref().map(Into::into),
                good: track.good.as_ref().map(Into::into),
                phase: live.and_then(|live| live.phase).unwrap_or(Phase::Waiting),
                reasons: live.map(|live| live.reasons.clone()).unwrap_or_default(),
                health: live.and_then(|live| live.health.clone()),
            };
            (slot.clone(), report)
        });
        NodeReport {
            desired: self.kept.stamp,
            slots: slots.collect(),
            settings: SettingsReport {
                wanted: self.settings_wanted(),
                applied: self.kept.settings,
                reasons: self.settings.reasons.clone(),
            },
            others: BTreeMap::new(),
        }
    }

    pub(super) fn is_news(&self) -> bool {
        self.reported.as_ref() != Some(&self.report())
    }

    pub(super) fn tell(&mut self) {
        if self.now.running_ms < self.report_at && self.reported.is_some() {
            return;
        }
        let report = self.report();
        if self.reported.as_ref() != Some(&report) {
            self.report_at = self.now.running_ms.saturating_add(self.config.report_gap_ms);
            self.reported = Some(report.clone());
            self.effects.push(Effect::Report(report));
        }
    }
}
