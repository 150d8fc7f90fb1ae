//! The one place that knows the recommender: it is asked with a snapshot of the shop, and its reasons become words.
//!
//! Guards: a product that the snapshot does not offer, or knows to be out of stock, is never recommended.

use crate::{catalogue::Index, strings::Strings};
use aisle_event::{
    Name, SessionId, Sku, Timestamp,
    shopper::{Rung, Slot},
};
use aisle_recommend::{Reason, Recommender, Request, Shelf};
use aisle_state::{Product, Session, Shop};
use std::sync::Arc;

pub(crate) use aisle_recommend::lift;

/// The recommender as the kiosk uses it.
pub(crate) struct Engine(Arc<Recommender>);

/// For whom and where.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) slot: Slot,
    pub(crate) session: Option<&'a Session>,
    /// The product that is being looked at.
    pub(crate) sku: Option<&'a Sku>,
    pub(crate) count: usize,
    pub(crate) now: Timestamp,
}

/// Recommendations, best first.
pub(crate) struct Picks<'a> {
    pub(crate) items: Vec<Pick<'a>>,
    pub(crate) rung: Rung,
    pub(crate) degraded: bool,
    pub(crate) as_of: Timestamp,
    pub(crate) model: u64,
}

/// One recommendation.
pub(crate) struct Pick<'a> {
    pub(crate) product: &'a Product,
    pub(crate) rung: Rung,
    pub(crate) why: Why,
}

/// Why a product is recommended.
pub(crate) struct Why(Reason);

/// A snapshot as the recommender sees it.
struct ShopShelf<'a> {
    shop: &'a Shop,
    index: &'a Index,
}

impl Shelf for ShopShelf<'_> {
    fn offered(&self, sku: &Sku) -> bool {
        self.shop.product(sku.as_str()).is_some_and(|product| product.in_stock())
    }

    fn version(&self) -> u64 {
        // Neither ever falls, so the sum changes when either does.
        self.shop.catalogue_version + self.shop.stock_version
    }

    fn newest(&self) -> impl Iterator<Item = &Sku> {
        self.index.newest().iter()
    }

    fn category(&self, sku: &Sku) -> Option<&str> {
        self.shop.product(sku.as_str())?.category.as_ref().map(Name::as_str)
    }
}

impl Engine {
    pub(crate) const fn new(recommender: Arc<Recommender>) -> Self {
        Self(recommender)
    }

    /// The arm of a new session, as `experiment/arm`, where an experiment runs.
    pub(crate) fn arm(&self, session: &SessionId) -> Option<Name> {
        let experiment = self.0.settings().experiment.as_ref()?;
        experiment.label(experiment.assign(session)?)
    }

    /// Chooses what to show from what a snapshot offers.
    pub(crate) fn pick<'a>(&self, shop: &'a Shop, index: &Index, ask: &Ask<'_>) -> Picks<'a> {
        let session = ask.session;
        let basket: Vec<Sku> = session
            .map(|session| session.basket.iter().map(|line| line.sku.clone()).collect())
            .unwrap_or_default();
        let arm = session.and_then(|session| session.arm.as_ref());
        let request = Request {
            slot: ask.slot,
            viewed: session.map_or(&[], |session| session.viewed.as_slice()),
            product: ask.sku,
            basket: &basket,
            count: ask.count,
            at: ask.now,
            arm: arm.and_then(|label| self.0.settings().experiment.as_ref()?.arm(label)),
        };
        let answer = self.0.recommend(&request, &ShopShelf { shop, index });
        let pick = |item: &aisle_recommend::Item| {
            let product = shop.product(item.sku.as_str()).filter(|product| product.in_stock())?;
            Some(Pick { product, rung: item.rung, why: Why(item.reason.clone()) })
        };
        Picks {
            items: answer.items.iter().filter_map(pick).collect(),
            rung: answer.rung,
            degraded: answer.degraded,
            as_of: answer.as_of,
            model: answer.model,
        }
    }
}

impl Why {
    /// In words. A product that is no longer on offer has no name to give.
    pub(crate) fn words(&self, shop: &Shop, strings: &Strings, store: &str) -> String {
        let name = |sku: &Sku| shop.product(sku.as_str()).map(|product| product.name.as_str());
        match &self.0 {
            Reason::GoesWith { with } => {
                name(with).map_or_else(|| strings.in_the_shop.to_owned(), strings.bought_with)
            }
            Reason::ViewedNext { after, .. } => {
                name(after).map_or_else(|| strings.went_on.to_owned(), strings.went_on_from)
            }
            Reason::PopularNow { .. } => strings.popular_at_this_hour.to_owned(),
            Reason::Pinned | Reason::Chosen => (strings.chosen_by)(store),
            Reason::New => strings.new_in_shop.to_owned(),
        }
    }
}
