//! How a twin and the commands of a device change.
//!
//! Guards: a version never goes back, a twin never vanishes while its device is away, and what was desired stays desired until
//! something else is.

use super::view::{CommandEndView, CommandView, Desired, DeviceView, Json, RefusedView, Reported, Twin};
use aisle_event::{
    Timestamp,
    device::{CommandEnded, CommandSent, SettingsDesired, SettingsReported},
};

impl Twin {
    /// Of a device that was never set.
    pub(super) const fn new() -> Self {
        Self { desired: None, reported: None, in_sync: true, since: None }
    }

    /// False when it is an old version.
    pub(super) fn desire(&mut self, event: &SettingsDesired) -> bool {
        if self.desired.as_ref().is_some_and(|before| event.version <= before.version) {
            return false;
        }
        self.desired = Some(Desired {
            version: event.version,
            settings: Json(event.settings.clone()),
            by: event.by.clone(),
            at: event.at,
        });
        self.compare(event.at);
        true
    }

    pub(super) fn report(&mut self, event: &SettingsReported) {
        self.reported = Some(Reported {
            version: event.version,
            settings: Json(event.settings.clone()),
            refused: event.refused.map(|version| RefusedView {
                version,
                path: event.path.clone(),
                reason: event.reason.clone(),
            }),
            last_known_good: event.last_known_good.unwrap_or(false),
            at: event.at,
        });
        self.compare(event.at);
    }

    fn compare(&mut self, at: Timestamp) {
        let in_sync = match (&self.desired, &self.reported) {
            (None, _) => true,
            (Some(desired), Some(reported)) => desired.version == reported.version,
            (Some(_), None) => false,
        };
        if in_sync != self.in_sync || self.since.is_none() {
            self.in_sync = in_sync;
            self.since = Some(at);
        }
    }

    /// The version that the next settings get: above all that the device may know, so that it does not take them for old.
    #[must_use]
    pub fn next_version(&self) -> u64 {
        let desired = self.desired.as_ref().map_or(0, |desired| desired.version);
        let reported = self.reported.as_ref().map_or(0, |reported| {
            reported.refused.as_ref().map_or(0, |refused| refused.version).max(reported.version)
        });
        desired.max(reported).saturating_add(1)
    }

    /// The device refused what it is to be set to.
    #[must_use]
    pub fn refusal(&self) -> Option<&RefusedView> {
        let refused = self.reported.as_ref()?.refused.as_ref()?;
        self.desired.as_ref().filter(|desired| desired.version == refused.version).map(|_| refused)
    }
}

impl DeviceView {
    /// Keeps a command; gives those that had to go for it and had not ended.
    pub(super) fn command_sent(&mut self, event: &CommandSent, commands_max: usize) -> Vec<CommandView> {
        let mut dropped = Vec::new();
        while self.commands.len() >= commands_max {
            let ended = self.commands.iter().position(|command| command.ended.is_some());
            let gone = self.commands.remove(ended.unwrap_or(0));
            if gone.ended.is_none() {
                dropped.push(gone);
            }
        }
        self.commands.push(CommandView {
            correlation: event.correlation.clone(),
            command: event.command.clone(),
            request: Json(event.request.clone()),
            by: event.by.clone(),
            at: event.at,
            until: event.until,
            ended: None,
        });
        dropped
    }

    /// Gives the command that ended by this.
    pub(super) fn command_ended(&mut self, event: &CommandEnded) -> Option<&CommandView> {
        let command = self
            .commands
            .iter_mut()
            .find(|command| command.correlation == event.correlation && command.ended.is_none())?;
        command.ended =
            Some(CommandEndView { end: event.end, response: event.response.clone().map(Json), at: event.at });
        Some(command)
    }
}
