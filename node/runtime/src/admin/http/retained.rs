//! Retained messages: looked at, cleared.

use super::{Answer, Shared, answer, authorized::Authorized, page::PageParams};
use crate::admin::view::{Page, described_page};
use aisle_broker::{
    RetainedView,
    access::Rights,
    local::{LocalClient, LocalError, LocalOptions, LocalReceiver, Publication, RequestError},
    packet::QoS,
    topic::{Filter, check_name},
};
use aisle_kiosk::request::{Params, Problem, Segment};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

described_page!(RetainedPage, Page_MqttRetained, RetainedView);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FilterParams {
    /// Only topics that this filter stands for.
    #[param(min_length = 1, default = "#", nullable = false)]
    filter: Option<String>,
}

/// Lists retained messages in order of their topics.
#[utoipa::path(
    get, path = "/v1/admin/mqtt/retained", tag = "administration", operation_id = "listMqttRetained",
    security(("token" = [])), params(FilterParams, PageParams),
    responses(
        (status = 200, description = "A page of messages.", body = RetainedPage),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    admin: Authorized,
    Params(page): Params<PageParams>,
    Params(params): Params<FilterParams>,
) -> Result<Answer<Page<RetainedView>>, Problem> {
    let filter = filter(&admin, params.filter.as_deref())?;
    let asked = page.asked()?;
    let found = admin.mqtt.broker.retained(&filter, asked.after, asked.find);
    Ok(answer(asked.page(found, |message| &message.topic)))
}

/// Clears the retained message of a topic, as an empty retained message does. The topic may be written with its slashes.
#[utoipa::path(
    delete, path = "/v1/admin/mqtt/retained/{topic}", tag = "administration", operation_id = "clearMqttRetained",
    security(("token" = [])),
    params(("topic" = String, Path, description = "The topic.", min_length = 1)),
    responses(
        (status = 204, description = "It is gone for good."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The topic has no retained message.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn clear(admin: Authorized, Segment(topic): Segment) -> Result<StatusCode, Problem> {
    let limits = admin.mqtt.broker.limits().topic();
    check_name(&topic, &limits).map_err(|error| Problem::field("topic", error.to_string()))?;
    let exact = filter(&admin, Some(&topic))?;
    if admin.mqtt.broker.retained(&exact, "", 1).is_empty() {
        let detail = format!("`{topic}` has no retained message");
        return Err(Problem::unknown_message(detail).with("topic", "has no retained message"));
    }
    let (client, _receiver) = enter(&admin, "clear", 1).await?;
    let empty = Publication { topic, qos: QoS::AtLeastOnce, retain: true, ..Publication::default() };
    client.publish(empty).await.map_err(|error| unpublished(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A filter in a query; every topic when there is none.
pub(super) fn filter(admin: &Shared, text: Option<&str>) -> Result<Filter, Problem> {
    Filter::parse(text.unwrap_or("#"), &admin.mqtt.broker.limits().topic())
        .map_err(|error| Problem::field("filter", error.to_string()))
}

/// Comes in as a client of its own, which may do everything and leaves no session.
pub(super) async fn enter(
    admin: &Shared,
    what: &str,
    queue_max: u16,
) -> Result<(LocalClient, LocalReceiver), Problem> {
    // No device's client id begins like this.
    let client_id = format!("$admin-{what}-{:016x}", rand::random::<u64>());
    let options = LocalOptions { client_id, session: None, rights: Rights::all(), queue_max };
    admin.mqtt.broker.local(options).await.map_err(|error| match error {
        LocalError::Refused { .. } => Problem::busy(error.to_string()).retry_after_s(1),
        LocalError::Stopped => Problem::stopped("the node stops").retry_after_s(10),
    })
}

fn unpublished(error: &RequestError) -> Problem {
    if error.is_transient() {
        Problem::busy(format!("the message was not published: {error}")).retry_after_s(1)
    } else {
        Problem::malformed(format!("the message was not published: {error}"))
    }
}
