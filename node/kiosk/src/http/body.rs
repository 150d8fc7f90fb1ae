//! Bounded request bodies.
//!
//! A body is read before its handler runs, up to the bound. What is too large is read on without being kept, up to
//! [`DRAIN_BYTES_MAX`], because most clients only look at the answer after they have sent everything.

use crate::http::problem::Problem;
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::header,
};
use std::{future::poll_fn, pin::Pin};

/// How much of a body that is too large is read and thrown away, in bytes, before the connection is cut.
const DRAIN_BYTES_MAX: usize = 32 << 20;

/// Gives the request back with its whole body in memory.
///
/// # Errors
/// When the body is longer than so many bytes, or breaks off.
pub async fn buffered(request: Request, bytes_max: usize) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, mut body) = request.into_parts();
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut kept = Vec::new();
    let mut seen = 0_usize;
    let mut keep = declared.is_none_or(|length: usize| length <= bytes_max);
    if keep {
        kept.reserve_exact(declared.unwrap_or(0));
    }
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Problem::malformed("the body could not be read to its end"))?;
        let Some(bytes) = frame.data_ref() else { continue };
        seen = seen.saturating_add(bytes.len());
        if seen > bytes_max {
            keep = false;
            kept = Vec::new();
        }
        if keep {
            kept.extend_from_slice(bytes);
        } else if seen > DRAIN_BYTES_MAX {
            break;
        }
    }
    if keep {
        return Ok(Request::from_parts(parts, Body::from(kept)));
    }
    let reason = format!("is larger than {bytes_max} bytes");
    Err(Problem::too_large(format!("the body {reason}")).with("body", reason))
}
