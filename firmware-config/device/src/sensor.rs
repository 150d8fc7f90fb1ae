//! What a device measures with.
//!
//! Not here: when it is read (`tasks::sample`), what is kept of it (`filter`).

use aisle_firmware_config::setting::Settings;

/// A sensor did not answer, or not with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sensor gave no reading")]
pub struct NoReading;

/// Something that measures one number.
///
/// A read has to end within [`watchdog::INSPECTION_MS`](crate::watchdog::INSPECTION_MS): a sensor that hangs looks like a
/// task that hangs, and the watchdog restarts the device.
pub trait Sensor {
    /// Reads it once, in the unit of its [`Stream`](crate::Stream). What is not finite is dropped and counted.
    ///
    /// # Errors
    /// When there is no answer: counted, and tried again at the next interval.
    async fn read(&mut self) -> Result<f64, NoReading>;

    /// Takes the settings that are in effect from now on: once at the start, then at each change.
    fn configure(&mut self, settings: &Settings) {
        let _ = settings;
    }
}

impl<S: Sensor> Sensor for &mut S {
    async fn read(&mut self) -> Result<f64, NoReading> {
        (**self).read().await
    }

    fn configure(&mut self, settings: &Settings) {
        (**self).configure(settings);
    }
}
