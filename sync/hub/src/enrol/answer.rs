//! The one form of every refusal at the port where boxes enrol: a problem (RFC 9457) with the code that an installer reads out on the phone.

use super::limit::TooMany;
use crate::database::{DatabaseError, EnrolError};
use aisle_provisioning::{
    code::Code,
    enrolment::Refusal,
    est::{Answer, EstError, RETRY_AFTER_S_MAX},
    issue::IssueError,
    request::RequestError,
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// When a box that waits for somebody at headquarters comes again, in seconds.
pub(crate) const APPROVAL_RETRY_S: u32 = 30;
/// When a box comes again that the hub could not answer, in seconds.
const BUSY_RETRY_S: u32 = 15;
/// When a box that is suspended comes again, in seconds.
const SUSPENDED_RETRY_S: u32 = 900;
/// When a box comes again for which there is no room on the list of who may not come in, in seconds.
const FULL_RETRY_S: u32 = 3_600;

/// Why a box gets nothing, or not yet.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) detail: String,
    /// Of the answer, where it is not the code's own.
    status: Option<StatusCode>,
    retry_after_s: Option<u32>,
}

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_s = match code {
            Code::WaitsForApproval => Some(APPROVAL_RETRY_S),
            Code::Suspended => Some(SUSPENDED_RETRY_S),
            Code::ListFull => Some(FULL_RETRY_S),
            code if code.is_passing() => Some(BUSY_RETRY_S),
            _ => None,
        };
        Self { code, detail: detail.into(), status: None, retry_after_s }
    }

    /// In an error's own words.
    pub(crate) fn of(code: Code, error: &dyn std::error::Error) -> Self {
        Self::new(code, said(error))
    }

    /// By another status than the code's.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Nobody is at this path.
    pub(crate) fn nowhere() -> Self {
        Self::new(Code::RequestMalformed, "there is nothing at this path").status(StatusCode::NOT_FOUND)
    }
}

/// Its words without the hint, which goes into a field of its own.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.find("\nhint: ") {
        text.truncate(at);
    }
    text
}

macro_rules! refusals {
    ($($error:ty),+) => {$(
        impl From<$error> for Refused {
            fn from(error: $error) -> Self {
                Self::new(error.code(), said(&error))
            }
        }
    )+};
}

refusals!(RequestError, EstError);

impl From<EnrolError> for Refused {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Database(error) => error.into(),
            error => Self::new(error.code(), said(&error)),
        }
    }
}

/// What is inside stays inside: it is logged, not told.
impl From<DatabaseError> for Refused {
    fn from(error: DatabaseError) -> Self {
        if let DatabaseError::ListFull { .. } = error {
            tracing::error!(%error, "nothing is taken back for a box");
            return Self::of(Code::ListFull, &error);
        }
        tracing::warn!(%error, source = ?std::error::Error::source(&error), "a box could not be answered");
        Self::new(Code::HubBusy, "the hub's database does not answer")
    }
}

impl From<IssueError> for Refused {
    fn from(error: IssueError) -> Self {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "no certificate can be issued");
        Self::new(error.code(), said(&error))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let words =
            refusal.reason.map_or_else(|| refusal.code.words().to_owned(), |reason| reason.to_string());
        Self::new(refusal.code, words)
    }
}

impl From<TooMany> for Refused {
    fn from(error: TooMany) -> Self {
        Self {
            retry_after_s: Some(error.retry_after_s),
            ..Self::new(
                Code::TooManyTries,
                "there were too many tries, or too many requests, from this address",
            )
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    /// For programs and for the phone.
    code: String,
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    hint: &'static str,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { code, detail, status, retry_after_s } = self;
        let status = status.or_else(|| StatusCode::from_u16(code.status()).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body {
            code: code.to_string(),
            kind: format!("urn:aisle:enrolment:{code}"),
            title: code.words(),
            status: status.as_u16(),
            detail: &detail,
            hint: code.next_step(),
        };
        // Texts and a number always have a JSON form.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.clamp(1, RETRY_AFTER_S_MAX)));
        }
        if code == Code::ClaimNeeded {
            let basic = HeaderValue::from_static("Basic realm=\"aisle claim\"");
            headers.insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// What was decided about it in `aisle-provisioning`, as an answer of this port.
pub(crate) fn of(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
