//! The one way to the broker: a request that carries the token.

use super::{Admin, Shared};
use crate::admin::token;
use aisle_kiosk::request::Problem;
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::ops::Deref;

/// What an administrator works with. It comes first among a handler's arguments, so that nothing else is looked at before.
pub(super) struct Authorized(Admin);

impl Deref for Authorized {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0.0
    }
}

/// The request does not carry the token.
pub(super) struct NoToken(Problem);

impl FromRequestParts<Admin> for Authorized {
    type Rejection = NoToken;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, NoToken> {
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|text| text.split_once(' '));
        let Some((_, shown)) = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(refused("send `authorization: Bearer TOKEN` with what `admin.token` holds"));
        };
        let data = admin.0.data.clone();
        // Read each time, so that a token that was replaced opens nothing from then on.
        match tokio::task::spawn_blocking(move || token::read(&data)).await {
            Ok(Ok(Some(token))) if token::same(&token, shown.trim()) => Ok(Self(admin.clone())),
            Ok(Ok(Some(_))) => Err(refused("this is not what `admin.token` holds")),
            Ok(Ok(None)) => {
                tracing::warn!(
                    "`admin.token` holds no token of 16 bytes or more; nobody is an administrator"
                );
                Err(refused("`admin.token` holds no token"))
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot read `admin.token`; nobody is an administrator");
                Err(refused("the node cannot read `admin.token`"))
            }
            Err(_stopping) => Err(refused("the node stops")),
        }
    }
}

fn refused(detail: &'static str) -> NoToken {
    NoToken(Problem::no_token(detail))
}

impl IntoResponse for NoToken {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}
