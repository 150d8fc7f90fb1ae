//! Key presses at the terminal, each by itself, without Enter and without showing them.
//!
//! Guards: the terminal is left as it was found, and a demo that runs in the background does not touch it.

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};
use std::{
    io::{IsTerminal, Read, stdin},
    thread,
};

/// A terminal that gives keys. As it was before, when this is dropped.
pub(crate) struct Keys {
    before: Termios,
}

impl Keys {
    /// Calls somebody at each press of a key; `None` where there is no terminal, or it belongs to somebody else now.
    pub(crate) fn listen(mut pressed: impl FnMut(u8) + Send + 'static) -> Option<Self> {
        let terminal = stdin();
        if !terminal.is_terminal() || tcgetpgrp(&terminal).ok()? != getpgrp() {
            return None;
        }
        let before = tcgetattr(&terminal).ok()?;
        let mut keys = before.clone();
        // Ctrl-C is a signal as ever.
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &keys).ok()?;
        // It waits for a key for as long as the process lives.
        thread::spawn(move || stdin().lock().bytes().map_while(Result::ok).for_each(&mut pressed));
        Some(Self { before })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that has gone has nothing to be put back.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
