//! Messages as they pass, as server-sent events.
//!
//! Bounds: so many watches at once; each is a client of the broker without a session, so that what it is too slow for
//! waits within the bounds of any client's queue and is then dropped.

use super::{
    Shared,
    authorized::Authorized,
    retained::{enter, filter},
};
use crate::admin::view::MqttMessage;
use aisle_broker::{
    local::{LocalClient, LocalReceiver},
    packet::{QoS, SubscribeOptions},
};
use aisle_event::Timestamp;
use aisle_kiosk::request::{Params, Problem};
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, watch as changes};
use utoipa::IntoParams;

/// Messages that are taken from the broker and not yet handed to the connection.
const QUEUE_MAX: u16 = 64;
/// How soon it is noticed that nobody reads any more.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WatchParams {
    /// Only topics that this filter stands for.
    #[param(min_length = 1, default = "#", nullable = false)]
    filter: Option<String>,
}

/// Shows messages as they pass, retained ones first, until the client hangs up or the node stops.
#[utoipa::path(
    get, path = "/v1/admin/mqtt/watch", tag = "administration", operation_id = "watchMqtt",
    security(("token" = [])), params(WatchParams),
    responses(
        (status = 200, description = "Server-sent events, each with a message in JSON.", body = MqttMessage, content_type = "text/event-stream"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn watch(
    admin: Authorized,
    Params(params): Params<WatchParams>,
) -> Result<Response, Problem> {
    let filter = filter(&admin, params.filter.as_deref())?;
    let Ok(room) = admin.watches.clone().try_acquire_owned() else {
        return Err(Problem::busy("too many watch at once; end one").retry_after_s(5));
    };
    let watching = Watching::start(&admin, filter.text(), room).await?;
    let messages = stream::unfold(watching, |mut watching: Watching| async move {
        let message = watching.next().await?;
        Some((Event::default().json_data(&message), watching))
    });
    let stream = Sse::new(messages).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    let headers: [(HeaderName, HeaderValue); 1] =
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, stream).into_response())
}

/// A watch under way; the client leaves the broker when this is dropped.
struct Watching {
    _client: LocalClient,
    receiver: LocalReceiver,
    stopping: changes::Receiver<bool>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    _room: OwnedSemaphorePermit,
}

impl Watching {
    async fn start(admin: &Shared, filter: &str, room: OwnedSemaphorePermit) -> Result<Self, Problem> {
        let (client, receiver) = enter(admin, "watch", QUEUE_MAX).await?;
        let options = SubscribeOptions {
            qos: QoS::ExactlyOnce,
            retain_as_published: true,
            ..SubscribeOptions::default()
        };
        let granted = client.subscribe(filter, options, None).await;
        granted.map_err(|error| Problem::field("filter", error.to_string()))?;
        let (stopping, now) = (admin.stopping.clone(), admin.now.clone());
        Ok(Self { _client: client, receiver, stopping, now, _room: room })
    }

    async fn next(&mut self) -> Option<MqttMessage> {
        tokio::select! {
            delivery = self.receiver.recv() => {
                let delivery = delivery?;
                let message = MqttMessage::of(&delivery.publish, (self.now)());
                delivery.ack();
                Some(message)
            }
            // An error means that the node is as good as gone.
            _ = self.stopping.wait_for(|stopping| *stopping) => None,
        }
    }
}
