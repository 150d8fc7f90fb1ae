//! The catalogue: what stands on the shelves, with names, prices, barcodes and how well it sells.

use super::{
    assortment::{BRANDS, CATEGORIES, Category, Range},
    mission::MISSIONS,
    plan::{Plan, PlanError},
};
use aisle_event::{Currency, Gtin, Money, Name, Sku};
use rand::{
    Rng, RngExt, SeedableRng,
    seq::{IndexedRandom, SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;

/// An article's place in its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ArticleId(usize);

impl ArticleId {
    /// Its place as a number, for what is kept beside the catalogue in the same order.
    pub(crate) const fn index(self) -> usize {
        self.0
    }
}

/// Something the shop sells.
#[derive(Debug)]
pub(crate) struct Article {
    pub(crate) sku: Sku,
    pub(crate) name: Name,
    pub(crate) gtin: Option<Gtin>,
    pub(crate) category: &'static Category,
    pub(crate) category_name: Name,
    pub(crate) range: Range,
    /// Its usual price for one unit.
    pub(crate) price: Money,
    /// Its part of all that is sold, over an even year.
    pub(crate) demand: f64,
    /// The day it is first offered on.
    pub(crate) listed_day: u32,
    /// The first day on which it is no longer offered.
    pub(crate) delisted_day: Option<u32>,
    /// What people often take along with it.
    pub(crate) companions: Vec<ArticleId>,
}

impl Article {
    pub(crate) fn is_listed(&self, day: u32) -> bool {
        self.listed_day <= day && self.delisted_day.is_none_or(|delisted| day < delisted)
    }
}

/// The articles of one category, so that one can be drawn by weight.
#[derive(Debug)]
struct Shelf {
    articles: Vec<ArticleId>,
    /// The sum of the weights up to and with each article.
    cumulative: Vec<f64>,
}

impl Shelf {
    /// The article at a part (0 to 1) of the shelf's whole weight.
    fn at(&self, part: f64) -> Option<ArticleId> {
        let whole = self.cumulative.last()?;
        let place = self.cumulative.partition_point(|sum| *sum <= part * whole);
        self.articles.get(place).or(self.articles.last()).copied()
    }
}

/// All articles.
#[derive(Debug)]
pub(crate) struct Catalogue {
    articles: Vec<Article>,
    shelves: Vec<Shelf>,
}

impl Catalogue {
    pub(crate) fn generate(plan: &Plan) -> Result<Self, PlanError> {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        let mut catalogue = Self { articles: Vec::with_capacity(plan.products), shelves: Vec::new() };
        for (category, count) in CATEGORIES.iter().zip(split(plan.products)?) {
            catalogue.stock_shelf(category, count, plan, &mut rng);
        }
        catalogue.introduce(&mut rng);
        Ok(catalogue)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ArticleId> + use<> {
        (0..self.articles.len()).map(ArticleId)
    }

    #[expect(clippy::indexing_slicing, reason = "an id is only made by this catalogue, which never shrinks")]
    pub(crate) fn article(&self, id: ArticleId) -> &Article {
        &self.articles[id.0]
    }

    /// The shelf's article at a part (0 to 1) of its weight.
    pub(crate) fn at(&self, category: usize, part: f64) -> Option<ArticleId> {
        self.shelves.get(category)?.at(part)
    }

    /// Every shelf's articles, in the order of the categories.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = &[ArticleId]> {
        self.shelves.iter().map(|shelf| shelf.articles.as_slice())
    }

    fn stock_shelf(&mut self, category: &'static Category, count: usize, plan: &Plan, rng: &mut ChaCha8Rng) {
        let mut ranks: Vec<usize> = (1..=count).collect();
        ranks.shuffle(rng);
        let shares: f64 = CATEGORIES.iter().map(|category| category.share).sum();
        let whole: f64 = (1..=count).map(popularity).sum();
        let mut shelf = Shelf { articles: Vec::with_capacity(count), cumulative: Vec::with_capacity(count) };
        let mut sum = 0.0;
        for (name, rank) in index::sample(rng, category.names(), count).into_iter().zip(ranks) {
            let id = ArticleId(self.articles.len());
            sum += popularity(rank);
            shelf.articles.push(id);
            shelf.cumulative.push(sum);
            let demand = category.share / shares * popularity(rank) / whole;
            self.articles.extend(article(id, category, name, demand, plan, rng));
        }
        self.shelves.push(shelf);
    }

    /// Gives each article its companions: articles of its own range from categories that share a mission with it.
    fn introduce(&mut self, rng: &mut ChaCha8Rng) {
        let companions: Vec<Vec<ArticleId>> =
            self.articles.iter().map(|article| self.companions_of(article, rng)).collect();
        for (article, companions) in self.articles.iter_mut().zip(companions) {
            article.companions = companions;
        }
    }

    fn companions_of(&self, article: &Article, rng: &mut impl Rng) -> Vec<ArticleId> {
        let mates: Vec<usize> = MISSIONS
            .iter()
            .filter(|mission| mission.wants.len() < 8)
            .filter(|mission| mission.wants.iter().any(|(name, _)| *name == article.category.name))
            .flat_map(|mission| mission.wants)
            .filter(|(name, _)| *name != article.category.name)
            .filter_map(|(name, _)| category_index(name))
            .collect();
        let mut companions: Vec<ArticleId> = (0..12)
            .filter_map(|_| self.at(*mates.choose(rng)?, rng.random()))
            .filter(|mate| self.article(*mate).range == article.range)
            .take(3)
            .collect();
        companions.sort_unstable();
        companions.dedup();
        companions
    }
}

/// Where a category stands among [`CATEGORIES`].
pub(crate) fn category_index(name: &str) -> Option<usize> {
    CATEGORIES.iter().position(|category| category.name == name)
}

/// Zipf's law, flattened: the best seller sells some tens of times as often as the slowest.
fn popularity(rank: usize) -> f64 {
    (rank as f64 + 2.0).powf(-0.9)
}

/// How many products each category gets: by share, at least one, and exactly `products` in all.
fn split(products: usize) -> Result<Vec<usize>, PlanError> {
    let shares: f64 = CATEGORIES.iter().map(|category| category.share).sum();
    let room = |category: &Category| category.names() as f64 / category.share;
    let products_max = CATEGORIES.iter().map(room).fold(f64::INFINITY, f64::min) * shares;
    let products_max = products_max as usize - CATEGORIES.len();
    if products < CATEGORIES.len() || products > products_max {
        return Err(PlanError::Products { products, products_min: CATEGORIES.len(), products_max });
    }
    let spare = (products - CATEGORIES.len()) as f64;
    let (mut given, mut upto) = (0, 0.0);
    Ok(CATEGORIES
        .iter()
        .map(|category| {
            upto += category.share;
            let due = (spare * upto / shares).round() as usize;
            let count = 1 + due - given;
            given = due;
            count
        })
        .collect())
}

fn article(
    id: ArticleId,
    category: &'static Category,
    name: usize,
    demand: f64,
    plan: &Plan,
    rng: &mut ChaCha8Rng,
) -> Option<Article> {
    let (rest, size) = (name / category.sizes.len(), name % category.sizes.len());
    let (rest, variant) = (rest / category.variants.len(), rest % category.variants.len());
    let (brand, noun) = (rest / category.nouns.len(), rest % category.nouns.len());
    let brand = BRANDS.get(brand)?;
    let (variant, noun, pack) =
        (category.variants.get(variant)?, category.nouns.get(noun)?, category.sizes.get(size)?);
    let base = f64::from(rng.random_range(category.pence.0..=category.pence.1));
    let pence = base * brand.range.price_factor() * (1.0 + 0.7 * size as f64);
    // One in 25 is new within the last third of the days; one in 100 goes during them.
    let days = plan.days;
    let is_new = rng.random_bool(0.04) && days > 3;
    let goes = !is_new && rng.random_bool(0.01) && days > 3;
    Some(Article {
        sku: Sku::new(format!("{}", 100_000 + id.0)).ok()?,
        name: Name::new(format!("{} {variant} {noun}, {pack}", brand.name)).ok()?,
        gtin: gtin(id.0),
        category,
        category_name: Name::new(category.name).ok()?,
        range: brand.range,
        price: Money::new(shelf_price(pence), Currency::GBP),
        demand,
        listed_day: if is_new { rng.random_range(days * 2 / 3..days) } else { 0 },
        delisted_day: goes.then(|| rng.random_range(days * 2 / 3..days)),
        companions: Vec::new(),
    })
}

/// A price as shops write it: below two pounds to five pence, above to a nine at the end.
pub(crate) fn shelf_price(pence: f64) -> i64 {
    let pence = pence.round().max(20.0) as i64;
    if pence < 200 { (pence + 2) / 5 * 5 } else { (pence + 5) / 10 * 10 - 1 }
}

/// A GTIN-13 from the numbers that GS1 leaves to shops for their own use (prefix 2).
pub(crate) fn gtin(number: usize) -> Option<Gtin> {
    let body = format!("2{:011}", number * 7 + 4_000_000);
    let sum: u32 = body
        .chars()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .filter_map(|(c, w)| Some(c.to_digit(10)? * w))
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10).parse().ok()
}
