//! What goes wrong, and how it ends.

use super::*;

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_healed {
            return;
        }
        let fault = self.random.within(0, 17);
        self.tell(|| format!("fault {fault}"));
        match fault {
            0..3 => self.lose_line(),
            3 => {
                self.is_partitioned = true;
                let ms = self.random.within(500, 20_000);
                self.after(ms, Happens::PartitionEnd);
                if self.random.one_in(2) {
                    self.lose_line();
                }
            }
            4..6 => {
                if self.node.is_some() {
                    self.tally.crashes += 1;
                    self.store.crash(&mut self.random);
                    self.stop_node();
                }
            }
            6 => {
                let hub = self.random.within(0, 2) as usize;
                self.kill_hub(hub);
            }
            7..9 => {
                self.tally.crashes += 1;
                self.kill_hub(0);
                self.kill_hub(1);
                self.database.crash(&mut self.random);
                self.events
                    .retain(|_, happens| !matches!(happens, Happens::Commit { .. } | Happens::DatabaseSync));
                if let Err(what) = self.checker.after_crash(&self.database.durable) {
                    self.failure.get_or_insert(what);
                }
            }
            9 => {
                let leap =
                    [600_000, -600_000, -(self.now as i64), 86_400_000][self.random.within(0, 4) as usize];
                if self.random.one_in(2) {
                    self.node_clock = leap;
                    self.node(node::Input::Tick);
                } else {
                    self.hub_clock = leap;
                }
            }
            10 => self.store.is_full = !self.store.is_full,
            11 => {
                // Only what is durable gets into a backup.
                self.backups.0 = Some((self.store.disk.clone(), self.tally.restores));
            }
            12 => self.backups.1 = Some(self.database.durable.clone()),
            15 => {
                self.is_database_full = true;
                let ms = self.random.within(500, 15_000);
                self.after(ms, Happens::DatabaseRoom);
            }
            13 => self.restore_store(),
            14 => self.restore_hubs(),
            _ => {
                if let Some(line) = self.line {
                    let retry_after_ms = self.random.within(1, 5_000);
                    self.hub(line, hub::Input::Overloaded { retry_after_ms });
                }
            }
        }
        let ms = self.random.within(200, 9_000);
        self.after(ms, Happens::Fault);
    }

    pub(super) fn restore_store(&mut self) {
        // After the hub was set back too, nobody has what both forgot: that is a loss which no protocol mends.
        let Some((disk, restores)) = self.backups.0.clone() else { return };
        if restores != self.tally.restores || self.node.is_none() {
            return;
        }
        self.tally.restores += 1;
        // Often it is the outbox alone that comes from the backup, and what the hub has of it is sealed once more, in other batches.
        let is_same = |class: &LogClass| disk.logs[class].id == self.store.disk.logs[class].id;
        let is_outbox_only = LogClass::ALL.iter().all(is_same) && self.random.one_in(2);
        let journal = std::mem::replace(&mut self.store.disk, disk).journal;
        if is_outbox_only {
            self.store.disk.journal = journal;
            // Putting it back takes longer than anything of before is on its way: two ends of one log at once are two stores.
            self.lines.clear();
            self.events.retain(|_, happens| !matches!(happens, Happens::Commit { .. }));
        }
        self.store.unsynced.clear();
        self.backups.0 = None;
        self.backups.1 = None;
        self.stop_node();
    }

    pub(super) fn restore_hubs(&mut self) {
        let Some(backup) = self.backups.1.take() else { return };
        self.tally.restores += 1;
        self.kill_hub(0);
        self.kill_hub(1);
        self.events.retain(|_, happens| !matches!(happens, Happens::Commit { .. } | Happens::DatabaseSync));
        self.database = Database { live: backup.clone(), durable: backup, unsynced: Vec::new() };
        self.checker.hub_restored(&self.database.durable);
        self.backups.0 = None;
    }

    pub(super) fn heal(&mut self) {
        self.is_healed = true;
        self.is_partitioned = false;
        self.is_database_full = false;
        self.store.is_full = false;
        self.hubs_up = [true; 2];
        self.seal();
    }
}
