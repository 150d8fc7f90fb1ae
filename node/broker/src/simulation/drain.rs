//! The end of a course: the disk has room, everybody comes back and takes what waits, and goes.

use super::{action::CLIENTS, rig::Rig};

impl Rig {
    pub(crate) fn drain(&mut self) {
        self.commit_all();
        for client in self.kept() {
            if !self.is_there(client) {
                self.connect(client, false, false, u32::MAX, 10, None);
                self.commit_all();
                self.resend(client);
            }
        }
        self.commit_all();
        self.take_all();
        self.nothing_waits();
        for client in 0..CLIENTS {
            self.act(&super::Action::Break { client });
        }
        self.commit_all();
        // Long enough for every will and every session that is not for ever.
        for _ in 0..3 {
            self.wait(40 * 24 * 3_600 * 1_000);
            self.commit_all();
        }
        self.is_over();
    }

    /// Clients acknowledge and release until nothing is left to do.
    fn take_all(&mut self) {
        for _ in 0..10_000 {
            let mut idle = true;
            for client in 0..CLIENTS {
                if self.is_in(client)
                    && let Some(packet) =
                        self.clients[client].pay(0).or_else(|| self.clients[client].release(0))
                {
                    self.packet(client, packet);
                    self.flush(client);
                    self.commit_all();
                    idle = false;
                }
            }
            if idle {
                return;
            }
        }
        panic!("there is always something more to acknowledge");
    }
}
