//! What is looked up in the catalogue by something else than the product's number: an inverted index over the names,
//! the categories, the newest. Built from one snapshot, never changed after.

use crate::catalogue::text::tokens;
use aisle_event::{Name, Sku};
use aisle_state::Shop;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// The most tokens of one query that count; the rest is ignored.
const QUERY_TOKENS_MAX: usize = 16;
/// The most products that the list of the newest holds.
const NEWEST_MAX: usize = 200;
/// The most products that the list of what sells holds.
const POPULAR_MAX: usize = 200;

/// The index of one version of the catalogue.
#[derive(Default)]
pub(crate) struct Index {
    /// The version of the catalogue that it was built from.
    pub(crate) version: u64,
    /// Products in the order of results that match equally well: what sells most first, then by name.
    docs: Vec<Sku>,
    /// Tokens in order, each with the products whose name has it.
    words: Vec<(Box<str>, Vec<u32>)>,
    /// Numbers that name one product: GTINs, and SKUs without regard to case.
    numbers: HashMap<Box<str>, u32>,
    categories: BTreeMap<Name, Vec<Sku>>,
    newest: Vec<Sku>,
    popular: Vec<Sku>,
}

impl Index {
    pub(crate) fn build(shop: &Shop) -> Self {
        let mut sold: HashMap<&Sku, u32> = HashMap::new();
        for sku in shop.recent.iter().flat_map(|visit| &visit.items) {
            *sold.entry(sku).or_default() += 1;
        }
        let mut products: Vec<_> = shop.products.values().collect();
        products.sort_by_cached_key(|product| {
            (Reverse(sold.get(&product.sku).copied().unwrap_or(0)), product.name.as_str().to_lowercase())
        });
        let mut words: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        let mut numbers = HashMap::new();
        let mut categories: BTreeMap<Name, Vec<Sku>> = BTreeMap::new();
        for (doc, product) in (0_u32..).zip(&products) {
            tokens(product.name.as_str(), |token| {
                let docs = match words.get_mut(token) {
                    Some(docs) => docs,
                    None => words.entry(token.into()).or_default(),
                };
                if docs.last() != Some(&doc) {
                    docs.push(doc);
                }
            });
            numbers.insert(product.sku.as_str().to_lowercase().into(), doc);
            if let Some(gtin) = product.gtin {
                numbers.insert(gtin.to_gtin14().into(), doc);
            }
            if let Some(category) = &product.category {
                categories.entry(category.clone()).or_default().push(product.sku.clone());
            }
        }
        let popular = products
            .iter()
            .filter(|product| sold.contains_key(&product.sku))
            .take(POPULAR_MAX)
            .map(|product| product.sku.clone())
            .collect();
        let docs = products.iter().map(|product| product.sku.clone()).collect();
        products.sort_by_key(|product| Reverse(product.listed_at));
        let newest = products.iter().take(NEWEST_MAX).map(|product| product.sku.clone()).collect();
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort_unstable();
        Self { version: shop.catalogue_version, docs, words, numbers, categories, newest, popular }
    }

    /// Products for a query, best first: a number that is exactly this, then by how many of the words match. The last
    /// word may be unfinished. Half of the words have to match.
    pub(crate) fn search(&self, query: &str) -> Vec<&Sku> {
        let mut terms = Vec::new();
        tokens(query, |token| {
            if terms.len() < QUERY_TOKENS_MAX {
                terms.push(token.to_owned());
            }
        });
        let mut matched = vec![0_u8; self.docs.len()];
        for (at, term) in terms.iter().enumerate() {
            let before: Vec<u8> = matched.clone();
            let is_last = at + 1 == terms.len();
            for docs in self.postings(term, is_last) {
                for &doc in docs {
                    if let (Some(count), Some(base)) =
                        (matched.get_mut(doc as usize), before.get(doc as usize))
                    {
                        *count = base + 1;
                    }
                }
            }
        }
        let least = terms.len().div_ceil(2).max(1);
        let mut found: Vec<(usize, &Sku)> = matched
            .iter()
            .zip(&self.docs)
            .filter(|(count, _)| usize::from(**count) >= least)
            .map(|(count, sku)| (usize::from(*count), sku))
            .collect();
        found.sort_by_key(|(count, _)| Reverse(*count));
        let mut skus: Vec<&Sku> = found.into_iter().map(|(_, sku)| sku).collect();
        if let Some(exact) = self.number(query.trim()) {
            skus.retain(|sku| *sku != exact);
            skus.insert(0, exact);
        }
        skus
    }

    /// The product whose number is this: its SKU in any case, or its GTIN in any length.
    fn number(&self, text: &str) -> Option<&Sku> {
        let doc = self.numbers.get(text.to_lowercase().as_str()).or_else(|| {
            let gtin: aisle_event::Gtin = text.parse().ok()?;
            self.numbers.get(gtin.to_gtin14().as_str())
        })?;
        self.docs.get(*doc as usize)
    }

    /// The postings of a word, and of every word that begins with it where it may be unfinished.
    fn postings(&self, term: &str, unfinished: bool) -> impl Iterator<Item = &[u32]> {
        let start = self.words.partition_point(|(word, _)| word.as_ref() < term);
        self.words
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(
                move |(word, _)| if unfinished { word.starts_with(term) } else { word.as_ref() == term },
            )
            .map(|(_, docs)| docs.as_slice())
    }

    /// The categories and how many products each has, in alphabetical order.
    pub(crate) fn categories(&self) -> impl Iterator<Item = (&Name, usize)> {
        self.categories.iter().map(|(name, skus)| (name, skus.len()))
    }

    /// The products of a category, what sells most first.
    pub(crate) fn category(&self, name: &str) -> Option<&[Sku]> {
        self.categories.get(name).map(Vec::as_slice)
    }

    /// Every product, what sells most first.
    pub(crate) fn all(&self) -> &[Sku] {
        &self.docs
    }

    /// The newest products, newest first.
    pub(crate) fn newest(&self) -> &[Sku] {
        &self.newest
    }

    /// What sold lately, most first.
    pub(crate) fn popular(&self) -> &[Sku] {
        &self.popular
    }
}
