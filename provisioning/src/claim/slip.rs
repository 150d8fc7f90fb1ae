//! What an installer is handed: the claim as text with a QR code of half blocks, and the QR code as SVG.
//!
//! Not here: where it is printed. The code is on it, so who has the slip has the claim.

use super::link::ClaimLink;
use crate::identity::{Serial, Store};
use aisle_event::Timestamp;
use qrcode::{
    EcLevel, QrCode,
    render::{svg, unicode},
    types::QrError,
};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// The edge of the SVG, in pixels, at least.
const SVG_PIXELS_MIN: u32 = 320;

/// A claim to be printed.
#[derive(Debug, Clone)]
pub struct ClaimSlip {
    /// The long form.
    pub link: ClaimLink,
    /// For which store.
    pub store: Store,
    /// For which box, when it is for one.
    pub serial: Option<Serial>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A slip cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the claim does not fit into a QR code")]
pub struct SlipError(#[source] QrError);

impl ClaimSlip {
    fn qr(&self) -> Result<QrCode, SlipError> {
        // A quarter of it may be dirty.
        QrCode::with_error_correction_level(self.link.to_uri().as_bytes(), EcLevel::Q).map_err(SlipError)
    }

    /// As text for a terminal with dark letters on light ground or the other way round: most readers take both. A secret.
    ///
    /// # Errors
    /// When the link is too long for a QR code, which no link is that was read.
    pub fn to_text(&self) -> Result<Zeroizing<String>, SlipError> {
        let drawn = self.qr()?.render::<unicode::Dense1x2>().quiet_zone(true).build();
        let mut text = Zeroizing::new(String::with_capacity(drawn.len() + 1_024));
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "Claim for store {}", self.store);
        if let Some(serial) = &self.serial {
            let _ = writeln!(text, "  only for box {serial}");
        }
        let _ = writeln!(text, "  code    {}", *self.link.code.to_groups());
        let _ = writeln!(text, "  hub     {}", self.link.hub);
        let _ = writeln!(text, "  root    {}", self.link.root.short());
        let _ = writeln!(text, "  until   {}, once", moment(self.expires_at));
        let _ = writeln!(text, "  link    {}", *self.link.to_uri());
        let _ = writeln!(text, "\n{drawn}");
        Ok(text)
    }

    /// The QR code of the long form as SVG. A secret.
    ///
    /// # Errors
    /// When the link is too long for a QR code, which no link is that was read.
    pub fn to_svg(&self) -> Result<Zeroizing<String>, SlipError> {
        let code = self.qr()?;
        let drawn = code.render::<svg::Color<'_>>().min_dimensions(SVG_PIXELS_MIN, SVG_PIXELS_MIN).build();
        Ok(Zeroizing::new(drawn))
    }
}

/// A time for people, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| format!("{} ms", at.0), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
