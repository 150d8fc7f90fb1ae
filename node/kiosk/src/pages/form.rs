//! Reading the forms of the pages.

use crate::http::problem::Problem;
use axum::extract::{Form, FromRequest, Request, rejection::FormRejection};
use serde::de::DeserializeOwned;

/// The fields of a form that a page sent.
pub(crate) struct Fields<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(FormRejection::InvalidFormContentType(_)) => {
                Err(Problem::media_type("send a form, as the pages do").with("content-type", "is not a form"))
            }
            Err(error) => Err(Problem::malformed("the form is incomplete").with("body", error.body_text())),
        }
    }
}
