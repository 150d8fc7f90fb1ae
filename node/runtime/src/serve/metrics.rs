//! `/metrics`: every metric of every part, in OpenMetrics text.

use crate::sync::Line;
use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    registry::Registry,
};
use std::{fmt, sync::Arc};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted: by the parts that are there from the start, and by the line to the hub, which comes later.
pub(super) struct Metrics {
    pub registry: Registry,
    pub line: Option<Line>,
}

impl Metrics {
    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        if let Some(line) = &self.line {
            line.encode(&mut text)?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

pub(super) async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "metrics do not encode").into_response(),
    }
}
