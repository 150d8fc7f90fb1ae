//! One subscriber: counts what comes and answers it.

use super::{board::Board, frames::Stamped, wire::Wire};
use aisle_harness::mqtt::raw::{Ack, write};
use anyhow::{Context, Result, bail};
use std::rc::Rc;
use tokio::{net::TcpStream, sync::Notify};

pub(super) async fn follow(board: Rc<Board>, stream: TcpStream) -> Result<()> {
    let (mut wire, nobody) = (Wire::new(stream), Notify::new());
    loop {
        wire.turn(&nobody, None).await?;
        let now_ns = board.now_ns();
        wire.packets(|frame, output| {
            match frame.first {
                0x30..0x40 => {
                    let message = Stamped::read(frame).context("a message of somebody else came")?;
                    match message.qos {
                        0 => {}
                        1 => write::ack(output, Ack::Puback, message.packet_id),
                        _ => write::ack(output, Ack::Pubrec, message.packet_id),
                    }
                    board.delivered(message.lane, message.slot, message.sent_ns, now_ns);
                }
                0x62 => {
                    let &[high, low] = frame.body else { bail!("a PUBREL has no identifier") };
                    write::ack(output, Ack::Pubcomp, u16::from_be_bytes([high, low]));
                }
                first => bail!("a packet {first:#04x} came to a subscriber"),
            }
            Ok(())
        })?;
    }
}
