//! What goes wrong, and how it ends.

use super::{Happens, WALL_MS, World};
use crate::{database::Database, law::POLICIES, store::Running};
use aisle_journal::fault::{Fault, Op};
use aisle_protocol::{hub, node};

const MINUTES_MS: i64 = 60_000;

impl World {
    /// What the hubs' clocks show.
    pub(super) fn hub_wall(&self) -> u64 {
        (WALL_MS + self.now).saturating_add_signed(self.hub_clock)
    }

    pub(super) fn fault(&mut self) {
        if self.is_healed {
            return;
        }
        let store = self.random.within(0, self.stores.len() as u64) as usize;
        let fault = self.random.within(0, 24);
        self.tell(|| format!("fault {fault} (store {store})"));
        match fault {
            0..3 => self.lose_line(store),
            3 => self.partition(store),
            4..7 => self.power(store),
            7 | 8 => self.disk_error(store),
            9 | 10 => self.fill_disk(store),
            11 => {
                // Its process is killed: what it wrote is there.
                if self.stores[store].running.is_some() {
                    self.tally.exits += 1;
                    self.end(store);
                }
            }
            12 => {
                let hub = self.random.within(0, 2) as usize;
                self.kill_hub(hub);
            }
            13 | 14 => self.crash_database(),
            15 | 16 => self.set_clock(store),
            17 => self.back_up(store),
            18 => self.hub_backup = Some(self.database.durable.clone()),
            19 => {
                self.is_database_full = true;
                let ms = self.random.within(500, 15_000);
                self.after(ms, Happens::DatabaseRoom);
            }
            20 => self.restore_store(store),
            21 => self.restore_hubs(),
            22 => self.next_policy(store),
            _ => {
                if let Some(line) = self.stores[store].line {
                    let retry_after_ms = self.random.within(1, 5_000);
                    self.hub(line, hub::Input::Overloaded { retry_after_ms });
                }
            }
        }
        let ms = self.random.within(100, 5_000);
        self.after(ms, Happens::Fault);
    }

    fn partition(&mut self, store: usize) {
        self.tally.partitions += 1;
        self.is_partitioned = true;
        let ms = self.random.within(500, 15_000);
        self.after(ms, Happens::PartitionEnd);
        if self.random.one_in(2) {
            self.lose_line(store);
        }
    }

    /// The power goes now, or in front of one of the next operations of the disk.
    fn power(&mut self, store: usize) {
        let life = self.stores[store].life;
        if self.random.one_in(3) {
            if self.stores[store].running.is_some() {
                self.cut_power(store);
            }
            return;
        }
        let op = self.stores[store].disk.ops() + self.random.within(1, 30);
        self.stores[store].disk.crash_at(op);
        self.stores[store].is_cut = true;
        let ms = self.random.within(500, 4_000);
        self.after(ms, Happens::PowerCut(store, life));
    }

    fn disk_error(&mut self, store: usize) {
        self.tally.disk_errors += 1;
        let op = [Op::Write, Op::Sync, Op::Sync, Op::SyncDir][self.random.within(0, 4) as usize];
        self.stores[store].disk.fail_next(op, Fault::Eio);
    }

    fn fill_disk(&mut self, store: usize) {
        for op in [Op::Write, Op::Allocate] {
            self.stores[store].disk.fail_every(op, Fault::Enospc);
        }
        let ms = self.random.within(200, 6_000);
        self.after(ms, Happens::Room(store));
    }

    fn crash_database(&mut self) {
        self.tally.database_crashes += 1;
        self.kill_hub(0);
        self.kill_hub(1);
        self.database.crash(&mut self.random);
        self.forget_commits();
        let outcome = self.checker.after_crash(&self.database.durable);
        self.fail(outcome);
    }

    fn forget_commits(&mut self) {
        self.events.retain(|_, happens| !matches!(happens, Happens::Commit { .. } | Happens::DatabaseSync));
    }

    fn set_clock(&mut self, store: usize) {
        self.tally.clock_jumps += 1;
        let to_1970 = -((WALL_MS + self.now).cast_signed());
        let jumps = [10 * MINUTES_MS, -10 * MINUTES_MS, to_1970, 60 * MINUTES_MS, 24 * 60 * MINUTES_MS, 0];
        let jump = jumps[self.random.within(0, 6) as usize];
        if self.random.one_in(4) {
            self.hub_clock = jump;
            return;
        }
        self.stores[store].clock = jump;
        let wall_ms = self.wall(store);
        self.stores[store].disk.set_clock_ms(wall_ms);
        self.node(store, node::Input::Tick);
    }

    /// A picture of the disk, as it is between two operations.
    fn back_up(&mut self, store: usize) {
        if self.stores[store].running.is_some() && !self.stores[store].is_cut {
            self.stores[store].backup = Some(self.stores[store].files());
        }
    }

    pub(super) fn restore_store(&mut self, store: usize) {
        // After the hub was set back too, nobody has what both forgot: that is a loss which no protocol mends. A new epoch comes from the journal.
        let state = &self.stores[store];
        if state.running.is_none() || state.is_cut || state.is_trimmed {
            return;
        }
        let Some(files) = self.stores[store].backup.take() else { return };
        self.tally.stores_restored += 1;
        // Often it is the outbox alone that comes from the backup, and what the hub has of it is sealed once more, in other batches.
        let is_outbox_only = self.random.one_in(2);
        self.tell(|| format!("store {store} is set back, its outbox only: {is_outbox_only}"));
        self.stores[store].disk.heal();
        self.end(store);
        self.stores[store].put_back(&files, is_outbox_only);
        if is_outbox_only {
            // Putting it back takes longer than anything of before is on its way: two ends of one log at once are two stores.
            let gone: Vec<u64> =
                self.lines.iter().filter(|(_, line)| line.store == store).map(|(id, _)| *id).collect();
            self.lines.retain(|_, line| line.store != store);
            self.events
                .retain(|_, happens| !matches!(happens, Happens::Commit { line, .. } if gone.contains(line)));
        }
        self.stores[store].is_set_back = !is_outbox_only;
        self.checker.store_restored(store);
        self.hub_backup = None;
    }

    pub(super) fn restore_hubs(&mut self) {
        if self.stores.iter().any(|store| store.is_trimmed) {
            return;
        }
        let Some(backup) = self.hub_backup.take() else { return };
        self.tally.hubs_restored += 1;
        self.kill_hub(0);
        self.kill_hub(1);
        self.forget_commits();
        self.database = Database { live: backup.clone(), durable: backup, unsynced: Vec::new() };
        self.checker.hub_restored(&self.database.durable);
        self.stores.iter_mut().for_each(|store| store.backup = None);
    }

    /// The next policy comes into force in a store.
    fn next_policy(&mut self, store: usize) {
        let (next, now) = (self.stores[store].policy + 1, self.now);
        if next == POLICIES {
            return;
        }
        let keys = self.stores[store].keys.tokens.clone();
        let policy = self.policies[next].clone();
        let Some(Running { projector, wall_at_start_ms, started_at, outbox, .. }) =
            &mut self.stores[store].running
        else {
            return;
        };
        self.checker.follows(store, next);
        let outbox_ms = *wall_at_start_ms + (now - *started_at);
        match projector.follow(&policy, keys, outbox_ms) {
            Ok(true) => {
                self.tally.policies += 1;
                let id = outbox.outbox.policy();
                self.stores[store].policy = next;
                self.tell(|| format!("store {store} follows {id:?}"));
                self.node(store, node::Input::Policy(id));
                self.node(store, node::Input::Sealed);
            }
            Ok(false) => self.tell(|| format!("store {store} has no room for a policy")),
            Err(error) => self.exit(store, &format!("{error}: {error:?}")),
        }
    }

    pub(super) fn heal(&mut self) {
        self.is_healed = true;
        self.is_partitioned = false;
        self.is_database_full = false;
        self.hubs_up = [true; 2];
        for store in &mut self.stores {
            // What the power was to be cut of goes on.
            store.disk.heal();
            store.is_cut = false;
        }
        self.after(0, Happens::Look);
    }
}
