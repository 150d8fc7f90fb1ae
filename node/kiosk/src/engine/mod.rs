//! The one place that knows the recommender: it is asked with a snapshot of the shop, plugins may put its answer in another order
//! ([`rank`]), and its reasons become words.
//!
//! Guards: a product that the snapshot does not offer, or knows to be out of stock, is never recommended.

mod rank;

use crate::{
    app::App,
    catalogue::Index,
    plugins::{Place, Plugins},
    strings::Strings,
};
use aisle_event::{
    Name, SessionId, Sku, Text, Timestamp,
    shopper::{Rung, Slot},
};
use aisle_recommend::{COUNT_MAX, Reason, Recommender, Request, Shelf};
use aisle_state::{Product, Session, Shop};
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(crate) use aisle_recommend::lift;

/// How many times as many candidates as are shown plugins are given to rank.
const CANDIDATES_FOR_EACH: usize = 3;

/// The recommender as the kiosk uses it, and the plugins that rank its answers.
pub(crate) struct Engine {
    recommender: Arc<Recommender>,
    plugins: Option<Arc<dyn Plugins>>,
    ranking: Arc<Semaphore>,
}

/// For whom and where.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) place: Place,
    pub(crate) session: Option<&'a Session>,
    /// The product that is being looked at, or that is out of stock.
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
#[derive(Clone)]
pub(crate) struct Pick<'a> {
    pub(crate) product: &'a Product,
    pub(crate) rung: Rung,
    pub(crate) why: Why,
    score: f64,
}

/// Why a product is recommended.
#[derive(Clone)]
pub(crate) enum Why {
    /// The recommender's reason.
    Reason(Reason),
    /// It is like a product that is out of stock.
    InsteadOf(Sku),
    /// A plugin's own words.
    Words(Text),
}

/// The slot that impressions of a place are counted under.
pub(crate) const fn slot(place: Place) -> Slot {
    match place {
        Place::Home => Slot::Home,
        Place::Product | Place::Substitute => Slot::Product,
        Place::Basket => Slot::Basket,
    }
}

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
    pub(crate) fn new(recommender: Arc<Recommender>, plugins: Option<Arc<dyn Plugins>>) -> Self {
        Self { recommender, plugins, ranking: Arc::new(Semaphore::new(rank::RANKING_MAX)) }
    }

    /// The arm of a new session, as `experiment/arm`, where an experiment runs.
    pub(crate) fn arm(&self, session: &SessionId) -> Option<Name> {
        let experiment = self.recommender.settings().experiment.as_ref()?;
        experiment.label(experiment.assign(session)?)
    }

    /// True while plugins have a say in what stands in a place.
    pub(crate) fn ranks(&self, place: Place) -> bool {
        self.plugins.as_ref().is_some_and(|plugins| plugins.ranks(place))
    }

    /// Chooses what to show from what a snapshot offers. In the place of a product that is out of stock only plugins have a say.
    pub(crate) async fn pick<'a>(
        &self,
        app: &App,
        shop: &'a Arc<Shop>,
        index: &Index,
        ask: &Ask<'_>,
    ) -> Picks<'a> {
        match self.plugins.as_ref().filter(|plugins| plugins.ranks(ask.place)) {
            Some(plugins) => {
                let more = (ask.count * CANDIDATES_FOR_EACH).min(COUNT_MAX);
                let picks = self.recommended(shop, index, &Ask { count: more, ..*ask });
                self.ranked(app, plugins, shop, index, ask, picks).await
            }
            None if ask.place == Place::Substitute => self.recommended(shop, index, ask).with(Vec::new()),
            None => self.recommended(shop, index, ask),
        }
    }

    /// What the recommender chooses.
    fn recommended<'a>(&self, shop: &'a Shop, index: &Index, ask: &Ask<'_>) -> Picks<'a> {
        let session = ask.session;
        let basket = basket(session);
        let arm = session.and_then(|session| session.arm.as_ref());
        let request = Request {
            slot: slot(ask.place),
            viewed: session.map_or(&[], |session| session.viewed.as_slice()),
            product: ask.sku,
            basket: &basket,
            count: ask.count,
            at: ask.now,
            arm: arm.and_then(|label| self.recommender.settings().experiment.as_ref()?.arm(label)),
        };
        let answer = self.recommender.recommend(&request, &ShopShelf { shop, index });
        let pick = |item: &aisle_recommend::Item| {
            let product = shop.product(item.sku.as_str()).filter(|product| product.in_stock())?;
            let why = Why::Reason(item.reason.clone());
            Some(Pick { product, rung: item.rung, why, score: item.score })
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

/// The products of a session's basket.
fn basket(session: Option<&Session>) -> Vec<Sku> {
    session.map(|session| session.basket.iter().map(|line| line.sku.clone()).collect()).unwrap_or_default()
}

impl<'a> Picks<'a> {
    /// The same answer with other items.
    fn with(self, items: Vec<Pick<'a>>) -> Self {
        Self { items, ..self }
    }
}

impl Why {
    /// In words. A product that is no longer on offer has no name to give.
    pub(crate) fn words(&self, shop: &Shop, strings: &Strings, store: &str) -> String {
        let name = |sku: &Sku| shop.product(sku.as_str()).map(|product| product.name.as_str());
        let reason = match self {
            Self::Words(words) => return words.to_string(),
            Self::InsteadOf(sku) => {
                return name(sku).map_or_else(|| strings.in_the_shop.to_owned(), strings.instead_of);
            }
            Self::Reason(reason) => reason,
        };
        match reason {
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
