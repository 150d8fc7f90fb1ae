//! One publisher: fills its slots at its pace and frees them as the answers come.

use super::{
    Pace,
    board::{Board, Lane},
    frames::Frames,
    wire::Wire,
};
use aisle_harness::mqtt::raw::{Ack, Frame, write};
use anyhow::{Context, Result, bail};
use std::{rc::Rc, time::Duration};
use tokio::{net::TcpStream, time::Instant};

pub(super) async fn publish(board: Rc<Board>, number: u16, stream: TcpStream) -> Result<()> {
    let lane = board.lane(number).context("a publisher has no lane")?;
    let (frames, mut wire) = (Frames::new(board.load, number), Wire::new(stream));
    let mut sent_ns = vec![0; board.load.in_flight.into()];
    let mut schedule = Schedule::new(&board, number);
    loop {
        if !board.is_ending() {
            send(&board, lane, &frames, &mut schedule, &mut sent_ns, &mut wire.output);
        } else if lane.free.borrow().len() == sent_ns.len() {
            return Ok(());
        }
        let may_send = !board.is_ending() && !lane.free.borrow().is_empty();
        wire.turn(&lane.wake, schedule.due.filter(|_| may_send)).await?;
        let now_ns = board.now_ns();
        wire.packets(|frame, output| answer(&board, lane, frame, &sent_ns, now_ns, output))?;
    }
}

/// When messages are due that are not sent as fast as it goes.
struct Schedule {
    due: Option<Instant>,
    every: Duration,
}

impl Schedule {
    /// The publishers begin one after the other, spread over the first period.
    fn new(board: &Board, number: u16) -> Self {
        let Pace::Every(every) = board.load.pace else {
            return Self { due: None, every: Duration::ZERO };
        };
        let offset = every.mul_f64(f64::from(number) / f64::from(board.load.publishers));
        Self { due: Some(Instant::now() + offset), every }
    }

    /// When the next message is to be sent: now, or since when it is due; `None` when not yet.
    fn next(&mut self, board: &Board) -> Option<u64> {
        let Some(due) = self.due else { return Some(board.now_ns()) };
        if Instant::now() < due {
            return None;
        }
        self.due = Some(due + self.every);
        Some(due.into_std().saturating_duration_since(board.started).as_nanos() as u64)
    }
}

fn send(
    board: &Board,
    lane: &Lane,
    frames: &Frames,
    schedule: &mut Schedule,
    sent_ns: &mut [u64],
    output: &mut Vec<u8>,
) {
    let mut free = lane.free.borrow_mut();
    while !free.is_empty()
        && let Some(now_ns) = schedule.next(board)
        && let Some(slot) = free.pop()
    {
        lane.sent(slot, board.owed());
        if let Some(sent_ns) = sent_ns.get_mut(usize::from(slot)) {
            *sent_ns = now_ns;
        }
        frames.put(slot, now_ns, output);
    }
}

fn answer(
    board: &Board,
    lane: &Lane,
    frame: &Frame<'_>,
    sent_ns: &[u64],
    now_ns: u64,
    output: &mut Vec<u8>,
) -> Result<()> {
    let packet_id = match frame.body {
        &[high, low] => u16::from_be_bytes([high, low]),
        _ => bail!("a packet {:#04x} came to a publisher", frame.first),
    };
    match frame.first {
        0x40 | 0x70 => {
            let slot = packet_id.wrapping_sub(1);
            let sent_ns = sent_ns.get(usize::from(slot)).context("an answer to what was not sent")?;
            board.acknowledged(lane, slot, *sent_ns, now_ns);
        }
        0x50 => write::ack(output, Ack::Pubrel, packet_id),
        first => bail!("a packet {first:#04x} came to a publisher"),
    }
    Ok(())
}
