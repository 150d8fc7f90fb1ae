//! Who is connected: a table that finds a store's connections, to tell or to cut them.
//!
//! A connection stands in it from WELCOME to its end. Guards: of one store's connections there are so many and no more, the newest win.

use crate::{
    Path,
    desk::{Errand, Parting, Peer},
};
use aisle_event::StoreId;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// What a session is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Tell(Errand),
    Cut(Parting, String),
}

/// How many errands may wait at one connection. One that does not take them goes on without; they go out with the next WELCOME.
const COMMANDS_MAX: usize = 32;

/// A connection, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Its number in this process.
    pub connection: u64,
    /// The store.
    pub store: StoreId,
    /// The node.
    pub node: String,
    /// Where it called from.
    pub address: SocketAddr,
    /// How.
    pub path: Path,
    /// What it runs, as it said in HELLO.
    pub software: String,
}

#[derive(Debug)]
struct Entry {
    connected: Connected,
    commands: mpsc::Sender<Command>,
}

/// The connections of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<StoreId, Vec<Entry>>>>);

impl Connections {
    fn table(&self) -> MutexGuard<'_, HashMap<StoreId, Vec<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an errand to all connections of a store, and says how many took it. None: the store is not here, and hears of it when it is.
    pub fn tell(&self, store: &StoreId, errand: &Errand) -> usize {
        let table = self.table();
        let entries = table.get(store).into_iter().flatten();
        entries.filter(|entry| entry.commands.try_send(Command::Tell(errand.clone())).is_ok()).count()
    }

    /// Ends the connections of a store, or of one of its nodes, and says how many. Whether it may come again is the desk's to say
    /// ([`crate::Desk::meet`]).
    pub fn cut(&self, store: &StoreId, node: Option<&str>, why: &str) -> usize {
        let mut table = self.table();
        let Some(entries) = table.get_mut(store) else { return 0 };
        let before = entries.len();
        entries.retain(|entry| {
            let is_meant = node.is_none_or(|node| node == entry.connected.node);
            if is_meant {
                dismiss(entry, Parting::Ended, why);
            }
            !is_meant
        });
        before - entries.len()
    }

    /// All of them.
    #[must_use]
    pub fn list(&self) -> Vec<Connected> {
        self.table().values().flatten().map(|entry| entry.connected.clone()).collect()
    }

    /// Those of a store.
    #[must_use]
    pub fn of(&self, store: &StoreId) -> Vec<Connected> {
        self.table().get(store).into_iter().flatten().map(|entry| entry.connected.clone()).collect()
    }

    /// Enters a connection; older ones go where there are too many.
    pub(super) fn enter(&self, peer: &Peer, software: &str, store_max: usize) -> mpsc::Receiver<Command> {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let connected = Connected {
            connection: peer.connection,
            store: peer.store().clone(),
            node: peer.identity.node.clone(),
            address: peer.address,
            path: peer.path,
            software: software.to_owned(),
        };
        let mut table = self.table();
        let entries = table.entry(connected.store.clone()).or_default();
        entries.retain(|entry| {
            let is_same = entry.connected.node == connected.node;
            if is_same {
                dismiss(entry, Parting::Replaced, "the node has called again");
            }
            !is_same
        });
        while entries.len() >= store_max.max(1) {
            dismiss(&entries.remove(0), Parting::Replaced, "the store has too many connections");
        }
        entries.push(Entry { connected, commands });
        inbox
    }

    /// Takes a connection out.
    pub(super) fn leave(&self, peer: &Peer) {
        let mut table = self.table();
        if let Some(entries) = table.get_mut(peer.store()) {
            entries.retain(|entry| entry.connected.connection != peer.connection);
            if entries.is_empty() {
                table.remove(peer.store());
            }
        }
    }
}

/// The entry is dropped after this, and with it the sender: a session whose inbox is full ends all the same.
fn dismiss(entry: &Entry, how: Parting, why: &str) {
    let _ = entry.commands.try_send(Command::Cut(how, why.to_owned()));
}
