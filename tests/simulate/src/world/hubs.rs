//! The hubs' side of the world: machines, transactions that take their time, and a database that is synced later.

use super::{Happens, World, said};
use crate::{
    database::{Changes, Transaction, at_once},
    mutant::Mutant,
};
use aisle_protocol::hub::{self, AdmitError, Answer, Question, admit, locate, resume};

impl World {
    pub(super) fn hub(&mut self, id: u64, input: hub::Input<'_>) {
        let now = self.hub_wall();
        let Some(line) = self.lines.get_mut(&id) else { return };
        let store = line.store;
        let outputs = line.machine.handle(now, input);
        if let Some(wake) = line.machine.wake_at() {
            let at = self.now + wake.saturating_sub(now).max(1);
            if line.tick_at.is_none_or(|before| at < before) {
                line.tick_at = Some(at);
                self.after(at - self.now, Happens::HubTick(id));
            }
        }
        for output in outputs {
            match output {
                hub::Output::Send { stream, bytes } => {
                    self.tell(|| format!("hub on line {id} says {}", said(&bytes)));
                    let outcome = self.checker.said(&self.stores[store].id, &bytes, &self.database.durable);
                    self.fail(outcome);
                    self.tally.answers += 1;
                    self.carry(id, stream, &bytes, false);
                }
                hub::Output::Ask { ticket, question } => self.ask(id, ticket, question),
                hub::Output::Alert(hub::Alert::CutOff { .. }) => self.tally.cut_off += 1,
                hub::Output::Close { .. } => {
                    let ms = self.random.within(1, 500);
                    self.after(ms, Happens::NodeLost(id));
                    self.after(ms, Happens::HubLost(id));
                }
                _ => {}
            }
        }
    }

    pub(super) fn ask(&mut self, line: u64, ticket: u64, question: Question) {
        self.tell(|| format!("hub on line {line} asks {ticket}: {}", asked(&question)));
        let slow = if self.random.one_in(25) { 6_000 } else { 40 };
        let ms = self.random.within(1, slow);
        if !self.is_healed && self.random.one_in(40) {
            let answer = Answer::Busy { retry_after_ms: self.random.within(1, 4_000) };
            return self.after(ms, Happens::Answer { line, ticket, answer });
        }
        let mut transaction =
            Transaction { database: &self.database, changes: Changes::default(), mutant: self.mutant };
        let answer = match question {
            Question::Resume { logs } => Answer::Resumed(
                logs.iter().map(|log| at_once(resume(&mut transaction, log)).unwrap()).collect(),
            ),
            Question::Locate { log, points } => {
                Answer::Located(at_once(locate(&mut transaction, &log, &points)).unwrap())
            }
            Question::Admit { log, batches } => {
                let checked = hub::check(batches).unwrap();
                match at_once(admit(&mut transaction, &self.gate, &log, &checked)) {
                    Ok(decision) => {
                        let changes = Box::new(transaction.changes);
                        let answer = Answer::Admitted(decision);
                        return self.after(ms, Happens::Commit { line, ticket, changes, answer });
                    }
                    Err(AdmitError::Conflict) => Answer::Busy { retry_after_ms: 50 },
                    Err(AdmitError::Ledger(never)) => match never {},
                }
            }
        };
        self.after(ms, Happens::Answer { line, ticket, answer });
    }

    pub(super) fn commit(&mut self, line: u64, ticket: u64, changes: Changes, answer: Answer) {
        self.tell(|| format!("commit of {ticket} on line {line}: {answer:?}"));
        // A hub that went down meanwhile has nothing to commit any more; one whose line is gone does.
        if !self.hubs_up.iter().any(|up| *up) {
            return;
        }
        let answer = if self.is_database_full {
            Answer::Busy { retry_after_ms: 500 }
        } else if self.database.commit(changes, self.mutant) {
            answer
        } else {
            self.tally.conflicts += 1;
            Answer::Busy { retry_after_ms: 50 }
        };
        let ms = self.random.within(1, 60);
        self.after(ms, Happens::DatabaseSync);
        let told = if self.mutant == Some(Mutant::AckBeforeCommit) { 0 } else { ms };
        self.after(told, Happens::Answer { line, ticket, answer });
    }

    /// A hub's process is killed: its lines end, its transactions with them.
    pub(super) fn kill_hub(&mut self, hub: usize) {
        self.tally.hub_kills += 1;
        self.hubs_up[hub] = false;
        let gone: Vec<u64> =
            self.lines.iter().filter(|(_, line)| line.hub == hub).map(|(id, _)| *id).collect();
        for id in gone {
            self.lines.remove(&id);
            let ms = self.random.within(1, 4_000);
            self.after(ms, Happens::NodeLost(id));
            self.events.retain(|_, happens| {
                !matches!(happens,
                Happens::Commit { line, .. } | Happens::Answer { line, .. } if *line == id)
            });
        }
        let ms = self.random.within(100, 10_000);
        self.after(ms, Happens::HubStart(hub));
    }
}

fn asked(question: &Question) -> String {
    match question {
        Question::Admit { log, batches } => {
            let first = batches[0].header().first_seq;
            format!("admit {log} {first}..={}", batches.last().unwrap().header().end().seq)
        }
        other => format!("{other:?}"),
    }
}
