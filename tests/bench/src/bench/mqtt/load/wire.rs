//! One connection of the generator: all that has come is read at once, all that is to be said is written at once.

use aisle_harness::mqtt::raw::{Frame, frame};
use anyhow::{Result, ensure};
use std::{future, io};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep_until},
};

const INPUT_BYTES: usize = 128 << 10;

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
    filled: usize,
    /// What is to be said.
    pub(super) output: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, input: vec![0; INPUT_BYTES], filled: 0, output: Vec::new() }
    }

    /// Writes what the socket takes; then waits until something comes, more can be written, somebody wakes us, or it is time.
    pub(super) async fn turn(&mut self, wake: &Notify, due: Option<Instant>) -> Result<()> {
        self.flush()?;
        let (mut reader, writer) = self.stream.split();
        let due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            read = reader.read(self.input.get_mut(self.filled..).unwrap_or_default()) => {
                let read = read?;
                ensure!(read > 0, "the broker closed the connection");
                self.filled += read;
            }
            writable = writer.writable(), if !self.output.is_empty() => writable?,
            () = wake.notified() => {}
            () = due => {}
        }
        Ok(())
    }

    /// Gives every whole packet that has come, and where to put answers.
    pub(super) fn packets(
        &mut self,
        mut each: impl FnMut(&Frame<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let mut taken = 0;
        while let Some(frame) = frame(self.input.get(taken..self.filled).unwrap_or_default())? {
            taken += frame.bytes;
            each(&frame, &mut self.output)?;
        }
        self.input.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output) {
                Ok(written) => drop(self.output.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
