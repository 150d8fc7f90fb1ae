//! Whoever has the administrators' token: approves devices, says where they measure, enters moves and counts.

use super::{Home, Scene, WAITING};
use aisle_device::{
    floor::Place,
    simulator::{Model, SimulatedDevice, Watched},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an answer may take. What is written is answered when the floor's projection has it, which at the start has to catch up with
/// months of trade first.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// A device may take so long until the node has heard it.
const HEARD_TIMEOUT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Who sets it all up.
const INSTALLER: &str = "Demo";

/// Why the node did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// There was no answer.
    #[error("no answer to `{path}`")]
    NoAnswer {
        /// What was asked for.
        path: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It said no.
    #[error("`{path}` was answered {status}: {body}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The answer.
        status: StatusCode,
        /// In words.
        body: String,
    },
}

/// An administrator of the node.
#[derive(Debug, Clone)]
pub(super) struct Office {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Office {
    pub(super) fn new(http: reqwest::Client, home: &Home) -> Self {
        Self { http, url: home.url.clone(), token: home.token.clone() }
    }

    /// Defines the units, then approves each device as soon as it is heard.
    pub(super) async fn set_up(&self, scene: &Scene, devices: &[SimulatedDevice]) -> Result<(), OfficeError> {
        for (unit, group, skus) in scene.units() {
            let body = json!({ "group": group, "skus": skus });
            self.ask(Method::PUT, &format!("/v1/admin/units/{unit}"), &body).await?;
        }
        let deadline = Instant::now() + HEARD_TIMEOUT;
        for device in devices.iter().filter(|device| device.id != WAITING) {
            let body = json!({ "by": INSTALLER, "placements": placements(device) });
            let path = format!("/v1/admin/devices/{}/approval", device.id);
            loop {
                match self.ask(Method::POST, &path, &body).await {
                    Ok(()) => break,
                    // It was not heard yet, or not all of it.
                    Err(OfficeError::Refused { status, .. })
                        if status.is_client_error() && Instant::now() < deadline =>
                    {
                        sleep(LOOK_EVERY).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    pub(super) async fn count(&self, sku: &str, place: Place, pieces: i64) -> Result<(), OfficeError> {
        let body = json!({ "place": name(place), "quantity": pieces, "by": INSTALLER });
        self.ask(Method::POST, &format!("/v1/admin/positions/{sku}/counts"), &body).await
    }

    pub(super) async fn carry(
        &self,
        sku: &str,
        (from, to): (Place, Place),
        pieces: i64,
    ) -> Result<(), OfficeError> {
        let body = json!({ "from": name(from), "to": name(to), "quantity": pieces, "by": INSTALLER });
        self.ask(Method::POST, &format!("/v1/admin/positions/{sku}/moves"), &body).await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<(), OfficeError> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        let no_answer = |source| OfficeError::NoAnswer { path: path.into(), source };
        let answer = request.json(body).send().await.map_err(no_answer)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = answer.text().await.map_err(no_answer)?;
        Err(OfficeError::Refused { path: path.into(), status, body })
    }
}

/// Where the streams of a device measure.
fn placements(device: &SimulatedDevice) -> Vec<Value> {
    match (device.model, &device.watches) {
        (Model::FridgeTemperature | Model::EsphomeClimate, Some(Watched::Unit { name })) => {
            vec![json!({ "stream": "temperature", "unit": name })]
        }
        (Model::DoorContact | Model::Zigbee2mqttContact, Some(Watched::Unit { name })) => {
            vec![json!({ "stream": "door", "unit": name })]
        }
        (Model::ShelfScale, Some(Watched::Item { sku, unit_weight_g })) => vec![json!({
            "stream": "weight", "place": "shelf", "sku": sku, "unit_weight_g": unit_weight_g, "tare_g": 0,
        })],
        (Model::RfidReader, Some(Watched::Place(place))) => {
            vec![json!({ "stream": "tags", "place": name(*place) })]
        }
        _ => Vec::new(),
    }
}

const fn name(place: Place) -> &'static str {
    match place {
        Place::Shelf => "shelf",
        Place::Backroom => "backroom",
    }
}
