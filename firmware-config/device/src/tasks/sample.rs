//! Reads the sensors: each interval, and when a command asks for it.

use super::{Never, Reading, Shared};
use crate::{
    clock::{Clock, Moment},
    device::Board,
    sensor::Sensor,
    watchdog::{Seat, Task},
};
use embassy_futures::select::{Either3, select3};

pub(super) async fn run<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    mut sensors: [B::Sensor; N],
) -> Never {
    let seat = shared.seat(Task::Sample);
    // Nothing is read before it is known how.
    let mut settings = seat.waiting(shared.wires.settings.wait()).await;
    loop {
        for sensor in &mut sensors {
            sensor.configure(&settings);
        }
        let interval_ms = shared.device.interval_ms(&settings);
        let mut due_ms = shared.clock.uptime_ms();
        settings = loop {
            if due_ms <= shared.clock.uptime_ms() {
                read(shared, &seat, &mut sensors).await;
                // What was missed while a sensor was slow is not made up for.
                due_ms = (due_ms + interval_ms).max(shared.clock.uptime_ms());
            }
            let next = select3(
                shared.wires.settings.wait(),
                shared.wires.read_now.wait(),
                shared.clock.sleep_until(due_ms),
            );
            match seat.waiting(next).await {
                Either3::First(settings) => break settings,
                Either3::Second(()) => {
                    let values = read(shared, &seat, &mut sensors).await;
                    shared.wires.read.signal(values);
                }
                Either3::Third(()) => {}
            }
        };
    }
}

/// Reads each sensor once. What it waits for in `send` is the flash, which must not take long either.
async fn read<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    seat: &Seat<'_, B::Mutex, B::Clock>,
    sensors: &mut [B::Sensor; N],
) -> [Option<f64>; N] {
    let mut values = [None; N];
    for (stream, (sensor, slot)) in (0..).zip(sensors.iter_mut().zip(&mut values)) {
        let Ok(value) = sensor.read().await else {
            shared.count(|counters| counters.no_reading = counters.no_reading.saturating_add(1));
            continue;
        };
        *slot = Some(value).filter(|value| value.is_finite());
        let reading =
            Reading { stream, at: Moment::now(shared.clock), uptime_ms: shared.clock.uptime_ms(), value };
        shared.wires.readings.send(reading).await;
    }
    seat.check_in();
    values
}
