//! What each event does: changes to the working shop, and the rows that change with it.
//!
//! Pure but for reads of single rows through `Rows`. The same records give the same state, in one run or in many: nothing here
//! looks at a clock, and sessions expire by the time in the records.

use crate::{
    config::Config,
    experiments::{ARMS_MAX, ArmCounters},
    history::{Visit, VisitKind},
    imports::{self, LineSet},
    index::{Index, IndexError, Meta, Tree, Writes},
    product::{Product, Stock, Suppressed},
    receipts::Receipt,
    sessions::Session,
    shop::{RECENT_MAX, Shop},
};
use aisle_event::{
    DocumentId, Event, EventType, Hlc, Name, Quantity, SessionId, Sku, SourceName, Timestamp,
    plugin::ProductSuppressed, sale::SaleLine,
};
use aisle_journal::Record;
use std::{collections::BTreeSet, sync::Arc};

/// The types of `aisle_event::mqtt` and `aisle_event::device`. Broker and devices keep their own projections of them.
const OTHERS_KINDS: std::ops::RangeInclusive<u16> = 0x0500..=0x06ff;

/// Records without effect that the index may be behind, and their bytes. A start reads so much again in some tenths of a second.
const UNWRITTEN_RECORDS_MAX: u64 = 100_000;
const UNWRITTEN_BYTES_MAX: u64 = 64 << 20;

/// How far the index is behind the shop: records that changed no row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unwritten {
    records: u64,
    bytes: u64,
}

/// One batch on its way: the working shop, the rows to write, and what to encode once at the end.
pub(crate) struct Batch<'a> {
    pub(crate) shop: Shop,
    index: &'a Index,
    config: &'a Config,
    writes: Writes,
    read: Unwritten,
    products: BTreeSet<Sku>,
    sessions: BTreeSet<SessionId>,
    arms: BTreeSet<Name>,
}

/// Marks an effect that had nothing to act on; counted, never fatal.
struct WithoutEffect;

impl<'a> Batch<'a> {
    pub(crate) fn new(shop: Shop, index: &'a Index, config: &'a Config) -> Self {
        Self {
            shop,
            index,
            config,
            writes: Writes::default(),
            read: Unwritten::default(),
            products: BTreeSet::new(),
            sessions: BTreeSet::new(),
            arms: BTreeSet::new(),
        }
    }

    /// Applies one record. Only the index itself can fail.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), IndexError> {
        self.shop.applied = record.seq;
        self.shop.as_of = record.hlc;
        self.read.records += 1;
        self.read.bytes += record.payload.len() as u64;
        self.expire(record);
        // Messages come by the hundred thousand and change nothing here.
        if OTHERS_KINDS.contains(&record.kind) {
            self.make_room(record.seq);
            return Ok(());
        }
        match Event::decode(EventType(record.kind), &record.payload) {
            Ok(event) => {
                if self.event(record.seq, record.hlc, &event)?.is_err() {
                    self.shop.counts.without_effect += 1;
                }
            }
            Err(_) => self.shop.counts.undecodable += 1,
        }
        self.make_room(record.seq);
        Ok(())
    }

    /// Notes records that the journal could not give.
    pub(crate) fn skip_lost(&mut self, last: u64, records: u64) {
        self.shop.applied = last;
        self.shop.counts.lost += records;
    }

    /// Writes the batch in one transaction and gives the shop back, with what the index does not hold. A batch of records that change
    /// no row is not written while the index, so far `behind`, is close enough: a start reads them again, to no effect.
    pub(crate) fn commit(
        mut self,
        journal: [u8; 16],
        behind: Unwritten,
    ) -> Result<(Shop, Unwritten), IndexError> {
        self.prune()?;
        for sku in std::mem::take(&mut self.products) {
            match self.shop.products.get(&sku) {
                Some(product) => self.writes.put(Tree::Products, sku.as_str(), product.as_ref()),
                None => self.writes.remove(Tree::Products, sku.as_str()),
            }
        }
        for id in std::mem::take(&mut self.sessions) {
            match self.shop.sessions.get(&id) {
                Some(session) => self.writes.put(Tree::Sessions, id.as_str(), session.as_ref()),
                None => self.writes.remove(Tree::Sessions, id.as_str()),
            }
        }
        for arm in std::mem::take(&mut self.arms) {
            if let Some(counters) = self.shop.experiments.get(&arm) {
                self.writes.put(Tree::Arms, arm.as_str(), counters);
            }
        }
        let behind =
            Unwritten { records: behind.records + self.read.records, bytes: behind.bytes + self.read.bytes };
        let is_close = behind.records < UNWRITTEN_RECORDS_MAX && behind.bytes < UNWRITTEN_BYTES_MAX;
        if self.writes.is_empty() && is_close {
            return Ok((self.shop, behind));
        }
        self.index.commit(&self.writes, &Meta::of(&self.shop, journal))?;
        Ok((self.shop, Unwritten::default()))
    }

    fn event(&mut self, seq: u64, hlc: Hlc, event: &Event) -> Result<Result<(), WithoutEffect>, IndexError> {
        let outcome = match event {
            Event::ProductListed(e) => {
                let before = self.shop.products.get(&e.sku).map(Arc::as_ref);
                let product = Product::listed(e, before, self.shop.suppressed.get(&e.sku));
                self.shop.catalogue_version += 1;
                self.set_product(product);
                Ok(())
            }
            Event::PriceChanged(e) => {
                self.with_product(&e.sku, |product| Some(product.repriced(e))).map(|()| {
                    self.shop.catalogue_version += 1;
                })
            }
            Event::ProductDelisted(e) => {
                self.products.insert(e.sku.clone());
                self.shop.catalogue_version += 1;
                self.shop.products.remove(&e.sku).map(drop).ok_or(WithoutEffect)
            }
            Event::StockCounted(e) => self.with_product(&e.sku, |product| {
                (product.unit == e.on_hand.unit).then(|| product.booked(Stock::counted(e.on_hand, e.at)))
            }),
            Event::StockReceived(e) => {
                let today = self.config.day(e.at);
                self.with_product(&e.sku, |product| product.received(e, today))
            }
            Event::ProductSuppressed(e) => {
                self.suppress(e);
                Ok(())
            }
            Event::StockAdjusted(e) => self.with_product(&e.sku, |product| {
                let moved = (product.unit == e.delta.unit).then(|| product.stock.moved(e.delta, e.at));
                moved.flatten().map(|stock| product.booked(stock))
            }),
            Event::PositionSensed(e) => self.with_product(&e.sku, |product| product.sensed(e)),
            Event::SaleRecorded(e) => {
                self.remember(Visit::new(seq, e.at, VisitKind::Sale, e.lines.iter().map(|line| &line.sku)));
                match Receipt::of(seq, e) {
                    Some(receipt) => self.keep_receipt(&receipt)?,
                    None => self.mark_lines(&e.source, &e.document, &e.lines)?,
                }
                if let Some(arm) = &e.arm {
                    self.count(arm, |counters| counters.purchases += 1);
                }
                self.move_lines(&e.lines, e.at, Quantity::checked_neg)
            }
            Event::ReturnRecorded(e) => {
                self.mark_lines(&e.source, &e.document, &e.lines)?;
                self.move_lines(&e.lines, e.at, Some)
            }
            Event::SessionStarted(e) => {
                let mut session = Session::new(e.session.clone(), e.at);
                session.language = e.language.clone();
                session.arm = e.arm.clone();
                if let Some(arm) = &e.arm {
                    self.count(arm, |counters| counters.sessions += 1);
                }
                self.set_session(session, hlc);
                Ok(())
            }
            Event::ProductViewed(e) => {
                self.with_session(&e.session, e.at, hlc, |session| session.view(&e.sku));
                Ok(())
            }
            Event::BasketChanged(e) => {
                let adds = e.quantity.thousandths > 0;
                self.with_session(&e.session, e.at, hlc, |session| session.set_quantity(&e.sku, e.quantity));
                if let Some(arm) = e.arm.as_ref().filter(|_| adds) {
                    self.count(arm, |counters| counters.adds += 1);
                }
                Ok(())
            }
            Event::CustomerNamed(e) => {
                self.with_session(&e.session, e.at, hlc, |session| session.name_customer(e));
                Ok(())
            }
            Event::CouponEntered(e) => {
                self.with_session(&e.session, e.at, hlc, |session| session.set_coupon(&e.code, e.entered));
                Ok(())
            }
            Event::ItemsShown(e) => {
                if let Some(arm) = &e.arm {
                    self.count(arm, |counters| counters.impressions += e.skus.len() as u64);
                }
                Ok(())
            }
            Event::ItemClicked(e) => {
                if let Some(arm) = &e.arm {
                    self.count(arm, |counters| counters.clicks += 1);
                }
                Ok(())
            }
            Event::SessionEnded(e) => self.end_session(&e.session, seq),
            Event::Searched(_)
            | Event::NodeStarted(_)
            | Event::NodeStopped(_)
            | Event::StateRebuilt(_)
            | Event::JournalQuarantined(_)
            | Event::ImportFinished(_)
            | Event::MqttPublished(_)
            | Event::MqttSessionOpened(_)
            | Event::MqttSessionClosed(_)
            | Event::MqttSessionEnded(_)
            | Event::MqttSubscribed(_)
            | Event::MqttUnsubscribed(_)
            | Event::MqttReleased(_)
            | Event::MqttSent(_)
            | Event::MqttReceived(_)
            | Event::MqttDelivered(_)
            | Event::DeviceAnnounced(_)
            | Event::DeviceApproved(_)
            | Event::DeviceRetired(_)
            | Event::DevicePlaced(_)
            | Event::DeviceConnection(_)
            | Event::DeviceFaulted(_)
            | Event::SettingsDesired(_)
            | Event::SettingsReported(_)
            | Event::CommandSent(_)
            | Event::CommandEnded(_)
            | Event::ReadingsTaken(_)
            | Event::TagsRead(_)
            | Event::CodeScanned(_)
            | Event::AnomalyOpened(_)
            | Event::AnomalyClosed(_)
            | Event::StockMoved(_)
            | Event::PlaceCounted(_)
            | Event::TaskOpened(_)
            | Event::TaskClosed(_)
            | Event::UnitDefined(_)
            | Event::ExcursionOpened(_)
            | Event::ExcursionAcknowledged(_)
            | Event::ExcursionClosed(_)
            | Event::PluginInstalled(_)
            | Event::PluginRemoved(_)
            | Event::PluginKept(_)
            | Event::PluginFailed(_)
            | Event::PluginRecovered(_)
            | Event::PluginActed(_)
            | Event::PluginReacted(_)
            | Event::ErasureRequested(_)
            | Event::ErasureAdvanced(_)
            | Event::Unknown { .. } => Ok(()),
        };
        Ok(outcome)
    }

    fn set_product(&mut self, product: Product) {
        self.shop.prices_as_of = self.shop.prices_as_of.max(Some(product.priced_at));
        self.products.insert(product.sku.clone());
        self.shop.products.insert(product.sku.clone(), Arc::new(product));
    }

    fn with_product(
        &mut self,
        sku: &Sku,
        change: impl FnOnce(&Product) -> Option<Product>,
    ) -> Result<(), WithoutEffect> {
        let before = self.shop.products.get(sku).ok_or(WithoutEffect)?;
        let after = change(before).ok_or(WithoutEffect)?;
        if before.in_stock() != after.in_stock() {
            self.shop.stock_version += 1;
        }
        self.set_product(after);
        Ok(())
    }

    /// Keeps a product from being sold, or lets it be sold again. One that is not on offer is so when it comes back.
    fn suppress(&mut self, event: &ProductSuppressed) {
        let sku = &event.sku;
        let before = self.shop.suppressed.get(sku);
        let suppressed = Suppressed::after(before, event);
        if suppressed.as_ref() == before {
            return;
        }
        if let Some(suppressed) = &suppressed {
            self.writes.put(Tree::Suppressed, sku.as_str(), suppressed);
            self.shop.suppressed.insert(sku.clone(), suppressed.clone());
        } else {
            self.writes.remove(Tree::Suppressed, sku.as_str());
            self.shop.suppressed.remove(sku);
        }
        // Where it is not on offer there is nothing to do now.
        let _ = self.with_product(sku, |product| Some(Product { suppressed, ..product.clone() }));
    }

    fn move_stock(&mut self, sku: &Sku, delta: Option<Quantity>, at: Timestamp) -> Result<(), WithoutEffect> {
        let delta = delta.ok_or(WithoutEffect)?;
        self.with_product(sku, |product| product.moved(delta, at))
    }

    /// Lines of products that are not listed change nothing: there is no book to keep for them.
    fn move_lines(
        &mut self,
        lines: &[SaleLine],
        at: Timestamp,
        sign: impl Fn(Quantity) -> Option<Quantity>,
    ) -> Result<(), WithoutEffect> {
        let mut outcome = Ok(());
        for line in lines {
            if !self.shop.products.contains_key(&line.sku) {
                continue;
            }
            // Every line has its effect, also after one that has none.
            outcome = self.move_stock(&line.sku, sign(line.quantity), at).and(outcome);
        }
        outcome
    }

    fn mark_lines(
        &mut self,
        source: &SourceName,
        document: &DocumentId,
        lines: &[SaleLine],
    ) -> Result<(), IndexError> {
        let key = imports::key(source, document);
        let mut set: LineSet = self.row(Tree::Documents, &key)?.unwrap_or_default();
        for line in lines {
            set.insert(line.line);
        }
        self.writes.put(Tree::Documents, key, &set);
        Ok(())
    }

    fn keep_receipt(&mut self, receipt: &Receipt) -> Result<(), IndexError> {
        let document = receipt.document.as_str();
        if self.row::<Receipt>(Tree::Receipts, document.as_bytes())?.is_none() {
            self.shop.counts.receipts += 1;
        }
        self.writes.put(Tree::Receipts, document, receipt);
        if let Some(key) = &receipt.idempotency_key {
            self.writes.put(Tree::Keys, key.as_str(), &document);
        }
        Ok(())
    }

    fn remember(&mut self, visit: Option<Visit>) {
        let Some(visit) = visit else { return };
        self.writes.put(Tree::History, visit.key(), &visit);
        self.shop.counts.history += 1;
        self.shop.recent.push_back(Arc::new(visit));
        if self.shop.recent.len() > RECENT_MAX {
            self.shop.recent.pop_front();
        }
    }

    fn count(&mut self, arm: &Name, change: impl FnOnce(&mut ArmCounters)) {
        let known = self.shop.experiments.get(arm).copied();
        if known.is_none() && self.shop.experiments.len() >= ARMS_MAX {
            return;
        }
        let mut counters = known.unwrap_or_default();
        change(&mut counters);
        self.shop.experiments.insert(arm.clone(), counters);
        self.arms.insert(arm.clone());
    }

    fn set_session(&mut self, mut session: Session, hlc: Hlc) {
        if let Some(before) = self.shop.sessions.get(&session.id) {
            self.shop.by_touch.remove(&(before.touched_ms, session.id.clone()));
        }
        session.touched_ms = hlc.ms();
        self.shop.by_touch.insert((session.touched_ms, session.id.clone()));
        self.sessions.insert(session.id.clone());
        self.shop.sessions.insert(session.id.clone(), Arc::new(session));
    }

    /// Changes a session; one that is not open (it expired) begins again with this event.
    fn with_session(&mut self, id: &SessionId, at: Timestamp, hlc: Hlc, change: impl FnOnce(&mut Session)) {
        let before = self.shop.sessions.get(id).map(|session| session.as_ref().clone());
        let mut session = before.unwrap_or_else(|| Session::new(id.clone(), at));
        session.last_at = session.last_at.max(at);
        change(&mut session);
        self.set_session(session, hlc);
    }

    fn end_session(&mut self, id: &SessionId, seq: u64) -> Result<(), WithoutEffect> {
        let session = self.shop.sessions.remove(id).ok_or(WithoutEffect)?;
        self.shop.by_touch.remove(&(session.touched_ms, id.clone()));
        self.sessions.insert(id.clone());
        self.remember(Visit::new(seq, session.started_at, VisitKind::Browse, session.viewed.iter()));
        Ok(())
    }

    /// Ends sessions that nobody touched for too long.
    fn expire(&mut self, record: &Record) {
        let deadline = record.hlc.ms().saturating_sub(self.config.session_ttl_ms);
        while self.shop.by_touch.get_min().is_some_and(|(touched, _)| *touched < deadline) {
            self.end_oldest(record.seq);
        }
    }

    /// Ends the sessions untouched longest where there are too many.
    fn make_room(&mut self, seq: u64) {
        while self.shop.by_touch.len() > self.config.sessions_max {
            self.end_oldest(seq);
        }
    }

    fn end_oldest(&mut self, seq: u64) {
        if let Some((touched, id)) = self.shop.by_touch.get_min().cloned() {
            self.shop.by_touch.remove(&(touched, id.clone()));
            // Every session in the order of touches is open, so this has its effect.
            let _ = self.end_session(&id, seq);
        }
    }

    /// Removes the oldest rows beyond the bounds.
    fn prune(&mut self) -> Result<(), IndexError> {
        let surplus = self.shop.counts.history.saturating_sub(self.config.history_max);
        for key in self.oldest(Tree::History, surplus)? {
            self.writes.remove(Tree::History, key);
            self.shop.counts.history -= 1;
        }
        let surplus = self.shop.counts.receipts.saturating_sub(self.config.receipts_max);
        for key in self.oldest(Tree::Receipts, surplus)? {
            if let Some(key) =
                self.row::<Receipt>(Tree::Receipts, &key)?.and_then(|receipt| receipt.idempotency_key)
            {
                self.writes.remove(Tree::Keys, key.as_str());
            }
            self.writes.remove(Tree::Receipts, key);
            self.shop.counts.receipts -= 1;
        }
        Ok(())
    }

    fn oldest(&self, tree: Tree, surplus: u64) -> Result<Vec<Vec<u8>>, IndexError> {
        if surplus == 0 {
            return Ok(Vec::new());
        }
        self.index.first_keys(tree, usize::try_from(surplus).unwrap_or(usize::MAX))
    }

    /// A row as this batch leaves it.
    fn row<T>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>, IndexError>
    where
        T: for<'b> minicbor::Decode<'b, ()>,
    {
        match self.writes.get(tree, key) {
            Some(None) => Ok(None),
            Some(Some(bytes)) => minicbor::decode(bytes).map(Some).map_err(|error| IndexError::Row {
                tree: crate::index::name(tree),
                reason: error.to_string(),
            }),
            None => self.index.get(tree, key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of the broker's, which changes no row.
    fn of_others(seq: u64, bytes: usize) -> Record {
        let kind = *OTHERS_KINDS.start();
        Record { seq, hlc: Hlc::default(), kind, payload: vec![0; bytes].into() }
    }

    #[test]
    fn the_index_is_not_left_behind_by_more_than_a_start_can_read_again_quickly() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), 1 << 20).unwrap();
        let config = Config::default();
        let mut behind = Unwritten::default();
        for (seq, bytes, written) in [(1, 1, false), (2, 64 << 20, true), (3, 1, false)] {
            let mut batch = Batch::new(Shop::default(), &index, &config);
            batch.apply(&of_others(seq, bytes)).unwrap();
            behind = batch.commit([0; 16], behind).unwrap().1;
            assert_eq!(behind == Unwritten::default(), written, "record {seq}");
        }
        assert_eq!(index.meta().unwrap().unwrap().applied, 2);
    }
}
