//! Catalogues and prices that are ordered: files that become events of the journal, only where something differs.
//!
//! A catalogue lists what is new or described otherwise, and ends the listing of what the catalogue before had and this one has not; what came by other ways stays. Its
//! prices are those of new products. Prices are those of products that the shop has; lines of others are passed over. A product that the prices before named and these
//! do not gets back what it cost before. Of each product that a file names it is kept what it was ([`originals`]): taking the last file away puts back those alone, and only
//! where nobody else has changed them since. So the way back is the file before; before the first one, the shop as it was.
//!
//! Who has set what is told by the file that goes, or where its bytes are lost by what is kept of it ([`mod@made`]). Where both are lost all of it is taken for the file's, and the
//! log says so: an order may end because its prices are wrong, and what comes back is what the shop itself had before.
//!
//! Not here: the form ([`mod@file`]), what differs ([`mod@line`]), the shop (`aisle-state`). Guards invariant 1: what was put in place is in the journal when this answers.

mod file;
mod line;
mod made;
mod originals;

use super::before::Before;
use crate::{import::submit::Submitter, store::Store};
use aisle_artefact::Kind as Listing;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_event::{Currency, Event, Sku};
use aisle_fleet::{Kind, Slot, converge::Trouble};
use file::{Listed, Priced};
use line::{Line, Turn};
use originals::Originals;
use std::{collections::BTreeMap, fmt::Display, sync::Arc};

pub(super) struct Goods {
    kind: Kind,
    store: Arc<Store>,
    currency: Currency,
    before: Before,
}

impl Goods {
    pub(super) const fn new(kind: Kind, store: Arc<Store>, currency: Currency, before: Before) -> Self {
        Self { kind, store, currency, before }
    }

    fn read<L: Line>(&self, bytes: &[u8]) -> Result<BTreeMap<Sku, L>, Trouble> {
        L::read(bytes, self.currency).map_err(|error| never(error.to_string()))
    }

    /// What went. For a file that was good once and is not any more, or is not here, speaks what is kept of the one in place.
    fn gone<L: Line>(&self, slot: &Slot, gone: Option<&Piece>) -> Option<BTreeMap<Sku, L>> {
        let read = gone.and_then(|gone| L::read(&gone.bytes, self.currency).ok());
        // Without originals nothing is in place: what is left then is of before another build took it away.
        let is_in_place = || Originals::<L>::is_kept(&self.before, slot);
        read.or_else(|| is_in_place().then(|| made::read(&self.before, slot)).flatten())
    }

    /// Puts a file in the place of the one before, which may be asked for again after a kill.
    fn put<L: Line>(&self, slot: &Slot, bytes: &[u8], gone: Option<&Piece>) -> Outcome {
        let (file, gone) = (self.read::<L>(bytes)?, self.gone::<L>(slot, gone));
        self.store.state.catch_up().map_err(|error| of_journal(&error))?;
        let shop = self.store.state.shop();
        let mut kept = Originals::open(&self.before, slot, self.currency, gone.as_ref())
            .map_err(|error| of_disk(&error))?;
        if gone.is_none() && kept.rows().any(|(sku, _)| !file.contains_key(sku)) {
            say_unknown(slot);
        }
        kept.note(&shop, &file, gone.as_ref());
        kept.keep(&self.before, slot).map_err(|error| of_disk(&error))?;
        made::unknown(&self.before, slot).map_err(|error| of_disk(&error))?;
        let turn = Turn { shop: &shop, gone: gone.as_ref(), kept: &kept, at: self.store.now() };
        self.submit(&L::changed(&turn, &file))?;
        kept.let_go(&file);
        kept.keep(&self.before, slot).map_err(|error| of_disk(&error))?;
        if let Err(error) = made::keep(&self.before, slot, &file) {
            // It is in place, and its own bytes say the same.
            tracing::warn!(%slot, "what it says is not kept a second time: {error}");
        }
        Ok(())
    }

    /// Takes the last file away.
    fn put_back<L: Line>(&self, slot: &Slot, gone: Option<&Piece>) -> Outcome {
        let gone = self.gone::<L>(slot, gone);
        self.store.state.catch_up().map_err(|error| of_journal(&error))?;
        let kept = Originals::<L>::open(&self.before, slot, self.currency, gone.as_ref())
            .map_err(|error| of_disk(&error))?;
        if gone.is_none() && kept.rows().next().is_some() {
            say_unknown(slot);
        }
        let shop = self.store.state.shop();
        let turn = Turn { shop: &shop, gone: gone.as_ref(), kept: &kept, at: self.store.now() };
        self.submit(&L::put_back(&turn))?;
        Originals::<L>::forget(&self.before, slot).map_err(|error| of_disk(&error))?;
        made::forget(&self.before, slot).map_err(|error| of_disk(&error))
    }

    fn submit(&self, events: &[Event]) -> Outcome {
        let stopped = |error: anyhow::Error| of_journal(&format!("{error:#}"));
        let mut submit = Submitter::new(&self.store.journal);
        events.iter().try_for_each(|event| submit.push(event)).map_err(stopped)?;
        submit.settle().map_err(stopped)?;
        self.store.state.catch_up().map_err(|error| of_journal(&error))
    }
}

/// Somebody has to look: a price that was set at the board since may be gone.
fn say_unknown(slot: &Slot) {
    tracing::warn!(
        %slot,
        "the file that goes cannot be read any more, so all that it may have named is again what it was before it, also where somebody else has changed it since"
    );
}

fn of_journal(error: &dyn Display) -> Trouble {
    not_now(format!("the journal: {error}"))
}

fn of_disk(error: &std::io::Error) -> Trouble {
    not_now(format!("the shop as it was: {error}"))
}

impl Applier for Goods {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn bytes_max(&self) -> u64 {
        if self.kind == Kind::Prices { Listing::Prices.bytes_max() } else { Listing::Catalogue.bytes_max() }
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        if self.kind != Kind::Prices {
            return self.read::<Listed>(&piece.bytes).map(drop);
        }
        let (shop, prices) = (self.store.state.shop(), self.read::<Priced>(&piece.bytes)?);
        if !shop.products.is_empty() && !prices.keys().any(|sku| shop.product(sku.as_str()).is_some()) {
            return Err(not_now("it prices nothing that this shop sells"));
        }
        Ok(())
    }

    fn activate(&self, piece: &Piece, before: Option<&Piece>) -> Outcome {
        self.revert(&piece.slot, before, Some(piece))
    }

    fn revert(&self, slot: &Slot, from: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        match (to, self.kind == Kind::Prices) {
            (Some(to), true) => self.put::<Priced>(slot, &to.bytes, from),
            (Some(to), false) => self.put::<Listed>(slot, &to.bytes, from),
            (None, true) => self.put_back::<Priced>(slot, from),
            (None, false) => self.put_back::<Listed>(slot, from),
        }
    }

    fn remove(&self, slot: &Slot, from: Option<&Piece>) -> Outcome {
        self.revert(slot, from, None)
    }
}

#[cfg(test)]
mod tests;
