//! The pieces of one product: each has a serial number and is in exactly one place.

use super::{Place, config::ItemConfig, draw::Draw};

/// One piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) serial: u32,
    /// On whose shelf it lies when it is misplaced.
    pub(super) onto: usize,
}

/// All pieces of a product, and what the shop's records say of them.
#[derive(Debug)]
pub(super) struct Goods {
    pub(super) config: ItemConfig,
    pub(super) shelf: Vec<Piece>,
    pub(super) backroom: Vec<Piece>,
    pub(super) misplaced: Vec<Piece>,
    pub(super) carried: u32,
    /// What the shop's records say is in the shop.
    pub(super) book: i64,
    /// Pieces ordered and not yet here.
    pub(super) ordered: i64,
    /// Somebody is about to fill the shelf.
    pub(super) filling: bool,
    serials: u32,
}

impl Goods {
    pub(super) fn new(config: &ItemConfig) -> Self {
        let mut goods = Self {
            config: config.clone(),
            shelf: Vec::new(),
            backroom: Vec::new(),
            misplaced: Vec::new(),
            carried: 0,
            book: i64::from(config.shelf_start) + i64::from(config.backroom_start),
            ordered: 0,
            filling: false,
            serials: 0,
        };
        goods.shelf = goods.make(config.shelf_start);
        goods.backroom = goods.make(config.backroom_start);
        goods
    }

    /// New pieces, from the supplier.
    pub(super) fn make(&mut self, pieces: u32) -> Vec<Piece> {
        let first = self.serials + 1;
        self.serials = self.serials.wrapping_add(pieces);
        (first..=self.serials).map(|serial| Piece { serial, onto: 0 }).collect()
    }

    pub(super) fn at(&self, place: Place) -> &Vec<Piece> {
        match place {
            Place::Shelf => &self.shelf,
            Place::Backroom => &self.backroom,
        }
    }

    /// Takes so many pieces from the shelf, any of them; fewer when there are not so many.
    pub(super) fn take_from_shelf(&mut self, pieces: usize, draw: &mut Draw) -> Vec<Piece> {
        take(&mut self.shelf, pieces, draw)
    }

    /// Takes so many pieces from the backroom.
    pub(super) fn take_from_backroom(&mut self, pieces: usize, draw: &mut Draw) -> Vec<Piece> {
        take(&mut self.backroom, pieces, draw)
    }

    pub(super) fn weight_g(&self, pieces: &[Piece]) -> f64 {
        pieces.iter().map(|piece| self.piece_g(*piece)).sum()
    }

    /// A piece weighs the same all its life: its deviation is made from its serial number, as the sum of four uniform
    /// parts of a hash (standard deviation √(4/12)).
    pub(super) fn piece_g(&self, piece: Piece) -> f64 {
        let hash = mix(u64::from(piece.serial));
        let sum: f64 = [0, 16, 32, 48].iter().map(|shift| f64::from((hash >> shift) as u16) / 65_536.0).sum();
        self.config.unit_weight_g * (1.0 + self.config.weight_spread * (sum - 2.0) * 3_f64.sqrt())
    }
}

fn take(from: &mut Vec<Piece>, pieces: usize, draw: &mut Draw) -> Vec<Piece> {
    (0..pieces.min(from.len())).map(|_| from.swap_remove(draw.below(from.len()))).collect()
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
pub(super) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
