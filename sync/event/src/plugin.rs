//! What plugins do that lasts: which of them run, what they keep, what they had done, and when they failed.
//!
//! What a plugin made of a price stands on the sale ([`crate::sale`]). Not here: calls that changed nothing; the node records those
//! beside the journal, in a bounded ring.

use crate::{
    id::{Name, Sku},
    opaque::{Blob, Text},
    record::{code, record},
    time::{Day, Timestamp},
};

code! {
    /// What a plugin is called for.
    pub enum PluginHook {
        /// What one unit costs in a basket.
        Pricing = 0 "pricing",
        /// Offers on a basket.
        Promotion = 1 "promotion",
        /// The order of recommendations.
        Ranking = 2 "ranking",
        /// How much to order.
        Replenishment = 3 "replenishment",
        /// What follows from something that happened.
        Reaction = 4 "reaction",
    }
    /// What a plugin had done.
    pub enum PluginAction {
        /// Staff were told.
        Alert = 0 "alert",
        /// A price was changed.
        Price = 1 "price",
        /// Shelf labels show a text.
        Label = 2 "label",
        /// Staff were asked for something.
        Task = 3 "task",
        /// A product was kept from being sold.
        Suppress = 4 "suppress",
    }
}

record! {
    /// A version of a plugin is to run from now on, in the place of any other version of it.
    pub struct PluginInstalled {
        /// The plugin.
        1 open plugin: Name,
        /// Its version.
        2 open version: Name,
        /// BLAKE3 of its component, in hexadecimal digits.
        3 open hash: Name,
        /// When.
        4 open at: Timestamp,
        /// Who installed it.
        5 pseudonymous by: Option<Name>,
        /// BLAKE3 of its manifest, in hexadecimal digits.
        6 open manifest_hash: Name,
        /// The hooks without whose answer nothing is sold: its manifest says `on_failure = "deny"`. Told here so that it holds even
        /// when neither manifest nor component can be read.
        7 open denies: Vec<PluginHook>,
    }

    /// A plugin is to run no more. What it kept is forgotten.
    pub struct PluginRemoved {
        /// The plugin.
        1 open plugin: Name,
        /// When.
        2 open at: Timestamp,
        /// Who removed it.
        3 pseudonymous by: Option<Name>,
    }

    /// One thing that a plugin keeps under a key, or forgets. It may be about a customer.
    pub struct PluginWrite {
        /// The key, at most 128 bytes.
        1 personal key: Text,
        /// What is kept under it, at most 4096 bytes; nothing when it is forgotten.
        2 personal value: Option<Blob>,
    }

    /// What a plugin wrote in one call. Stands in the same batch as what the call decided.
    pub struct PluginKept {
        /// The plugin.
        1 open plugin: Name,
        /// In the order in which it wrote.
        2 nested(PluginWrite) writes: Vec<PluginWrite>,
        /// When.
        3 open at: Timestamp,
    }

    /// A plugin failed so often in a row that it is left out for a while, or an earlier version takes its place.
    pub struct PluginFailed {
        /// The plugin.
        1 open plugin: Name,
        /// Its version.
        2 open version: Name,
        /// What it was called for.
        3 open hook: PluginHook,
        /// Why it failed the last time.
        4 open reason: Text,
        /// How often it failed.
        5 open in_a_row: u32,
        /// When.
        6 open at: Timestamp,
    }

    /// A plugin that was left out answered again.
    pub struct PluginRecovered {
        /// The plugin.
        1 open plugin: Name,
        /// Its version.
        2 open version: Name,
        /// What it was called for.
        3 open hook: PluginHook,
        /// When.
        4 open at: Timestamp,
    }

    /// A plugin had something done.
    pub struct PluginActed {
        /// The plugin.
        1 open plugin: Name,
        /// Its version.
        2 open version: Name,
        /// What.
        3 open action: PluginAction,
        /// About which product.
        4 open sku: Option<Sku>,
        /// About which cold chain unit.
        5 open unit: Option<Name>,
        /// In words: what staff are told or asked, what labels show, why. Empty takes away what labels showed.
        6 open text: Text,
        /// It cannot wait.
        7 open urgent: bool,
        /// When.
        8 open at: Timestamp,
    }

    /// Plugins have reacted to everything up to a record. Stands in the same batch as what they had done, and by itself now and then.
    pub struct PluginReacted {
        /// The last record that was reacted to.
        1 open through: u64,
        /// The last day, in the store's zone, whose begin was reacted to.
        2 open day: Option<Day>,
        /// When.
        3 open at: Timestamp,
    }

    /// A product is kept from being sold; or, without an end, may be sold again. The node writes the second when the time is over, so
    /// that a replay needs no clock.
    pub struct ProductSuppressed {
        /// Which product.
        1 open sku: Sku,
        /// Until when it is not to be sold; nothing when it may be sold again.
        2 open until: Option<Timestamp>,
        /// Why.
        3 open reason: Text,
        /// The plugin that wants it.
        4 open plugin: Name,
        /// When.
        5 open at: Timestamp,
    }
}
