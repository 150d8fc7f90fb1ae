//! What a node asks about the devices of its store: a certificate for one, or that one is not to come in any more.
//!
//! Not here: how many of them a store may have (`database::certificates`). Guards: a node asks about its own store only, and what is refused is counted and written down,
//! whoever asked for it.

use super::{
    answer::Refused,
    office::{Caller, Office, Wanted, by, who},
};
use crate::database::{DeviceError, KeptEnrolment};
use aisle_provisioning::{
    code::Code,
    entropy::SystemEntropy,
    est::{self, Answer},
    identity::{Device, Identity},
    issue::Subject,
    request::{KeyRules, Request},
};
use axum::http::StatusCode;

impl From<DeviceError> for Refused {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Database(error) => error.into(),
            error @ DeviceError::Unknown { .. } => {
                Self::of(Code::NameForeign, &error).status(StatusCode::NOT_FOUND)
            }
            error @ DeviceError::TooMany { .. } => Self::of(Code::NotInThisState, &error),
            error @ DeviceError::TooOften { .. } => Self::of(Code::TooManyTries, &error),
        }
    }
}

impl Office {
    fn device(&self, kept: &KeptEnrolment, device: &str) -> Result<Identity, Refused> {
        let device =
            Device::new(device).map_err(|error| Refused::new(Code::RequestMalformed, error.to_string()))?;
        let store = kept.enrolment.identity.store().cloned();
        let store = store.ok_or_else(|| Refused::new(Code::NodeUnknown, "the node has no store"))?;
        Ok(Identity::device(self.config().chain.clone(), store, device))
    }

    /// A certificate for a device of the store whose node asks.
    pub(super) async fn certify_device(
        &self,
        caller: &Caller,
        device: &str,
        wanted: Wanted<'_>,
    ) -> Result<Answer, Refused> {
        let kept = self.node(caller).await?;
        match self.certified(caller, &kept, device, wanted).await {
            Ok(answer) => Ok(answer),
            Err(refused) => Err(self.told(caller, &of_store(caller, device), refused).await),
        }
    }

    async fn certified(
        &self,
        caller: &Caller,
        kept: &KeptEnrolment,
        device: &str,
        wanted: Wanted<'_>,
    ) -> Result<Answer, Refused> {
        let identity = self.device(kept, device)?;
        let der = est::read_request(wanted.content_type, wanted.body)?;
        let request = Request::read(&der, KeyRules::DEVICE)?;
        request.is_for(&identity)?;
        let now = self.now();
        let subject = Subject { identity: &identity, key: &request.key, names: &[] };
        let unlocked = self.unlocked();
        let issued =
            unlocked.issuing.issue(subject, &self.config().lifetimes, now, &mut SystemEntropy::default())?;
        let line = self.issues(caller, &identity, &issued, now);
        self.database().keep_device(&identity, &issued, &line).await?;
        self.telemetry().issued();
        Ok(Answer::issued(&issued.chain))
    }

    /// A device of the store whose node asks is not to come in any more.
    pub(super) async fn ban_device(&self, caller: &Caller, device: &str) -> Result<(), Refused> {
        let kept = self.node(caller).await?;
        match self.banned(caller, &kept, device).await {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.told(caller, &of_store(caller, device), refused).await),
        }
    }

    async fn banned(&self, caller: &Caller, kept: &KeptEnrolment, device: &str) -> Result<(), Refused> {
        let identity = self.device(kept, device)?;
        let line = self.line(by(caller, "certificate"), "device.ban", &identity.to_string(), self.now());
        Ok(self.database().ban_device(&identity, &line).await?)
    }
}

/// A device as it was asked for, for the log.
fn of_store(caller: &Caller, device: &str) -> String {
    format!("device `{device}` of {}", who(caller))
}
