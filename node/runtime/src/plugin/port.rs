//! The plugins as the kiosk's port: baskets that are shown and sold, lists that are ranked.
//!
//! Not here: what comes first and how offers add up (`aisle_plugin_host::chain`), what the kiosk checks again (`aisle-kiosk`).
//! Guards that what a plugin keeps about a sale is known before the next sale is priced: a coupon is good once.

use super::{
    Plugins,
    fold::View,
    kept_events,
    live::{Asked, Live, Missing, OF_BASKETS, Picked, Runner},
    shop::{Snapshot, position},
};
use aisle_event::{Event, Money, Name, Text, Timestamp, Unknown, sale::AdjustmentKind};
use aisle_kiosk::plugins::{
    self as port, Adjustment, Basket, Denied, Hold, Later, List, NewPrice, Offers, Place, Points, Refusal,
    Selling, Why,
};
use aisle_plugin_host::{
    Call, Failure, Hook, Input, OnFailure, Output, Scene, Stamp,
    chain::{self, Effect, Member, Priced},
    types::{self, Candidate, Line, RankingInput, Setting, Slot},
};
use std::sync::Arc;
use tokio::{runtime::Handle, sync::OwnedMutexGuard};

/// One version that is asked at one hook, in one scene.
struct Asking<'a> {
    plugins: &'a Plugins,
    runner: Arc<Runner>,
    hook: Hook,
    scene: Scene,
    /// What the installed version wants when there is no answer, whichever version is asked.
    denies: bool,
    instead: Option<Box<Asking<'a>>>,
}

/// What the calls of one answer have in common.
struct Common {
    now: Timestamp,
    snapshot: Arc<Snapshot>,
    view: Arc<View>,
}

impl Common {
    fn scene(&self, plugins: &Plugins, runner: &Runner) -> Scene {
        let known = self.view.plugins.get(runner.plugin.id());
        let kv = known.map(|known| known.kept.0.clone()).unwrap_or_default();
        Scene { now: self.now.0, seed: plugins.seed(), shop: self.snapshot.clone(), kv }
    }

    fn asking<'a>(&self, plugins: &'a Plugins, hook: Hook, picked: Picked) -> Asking<'a> {
        let alone = |runner: Arc<Runner>| {
            let scene = self.scene(plugins, &runner);
            Asking { plugins, runner, hook, scene, denies: picked.denies, instead: None }
        };
        let instead = picked.instead.map(|runner| Box::new(alone(runner)));
        Asking { instead, ..alone(picked.runner) }
    }
}

impl Member for Asking<'_> {
    fn stamp(&self) -> &Stamp {
        self.runner.plugin.stamp()
    }

    fn order(&self) -> i32 {
        self.runner.plugin.manifest().order
    }

    fn has(&self, hook: Hook) -> bool {
        self.hook == hook
    }

    fn on_failure(&self) -> OnFailure {
        if self.denies { OnFailure::Deny } else { self.runner.plugin.manifest().on_failure }
    }

    fn settings(&self) -> &[Setting] {
        &self.runner.plugin.manifest().settings
    }

    fn call(&self, input: &Arc<Input>) -> Arc<Call> {
        self.plugins.call(&self.runner, &self.scene, input, Timestamp(self.scene.now))
    }

    fn last_good(&self) -> Option<&dyn Member> {
        self.instead.as_deref().map(|instead| -> &dyn Member { instead })
    }
}

impl Plugins {
    fn common(
        &self,
        shop: &Arc<aisle_state::Shop>,
        now: Timestamp,
        currency: aisle_event::Currency,
    ) -> Common {
        let snapshot = Arc::new(self.0.window.snapshot(shop, now, currency));
        Common { now, snapshot, view: self.view() }
    }

    /// Asks every plugin for what a basket costs.
    fn priced(&self, live: &Live, basket: &Basket) -> Result<Priced, Denied> {
        let common = self.common(&basket.shop, basket.now, basket.currency);
        let now_ms = self.0.ticks.ms();
        let mut members = Vec::new();
        for hook in OF_BASKETS {
            let Asked { picked, missing } = live.ask(hook, now_ms);
            if let Some(missing) = missing {
                let Missing { plugin, reason, passing } = missing;
                return Err(Denied { plugin, reason: text(reason), passing });
            }
            members.extend(picked.into_iter().map(|picked| common.asking(self, hook, picked)));
        }
        let line = |line: &port::Line| Line {
            number: line.number,
            product: common.snapshot.of(&line.product),
            quantity: line.quantity.thousandths,
            unit_price: line.product.price.minor,
        };
        let of_chain = chain::Basket {
            context: self.0.window.context(basket.now, basket.currency),
            customer: basket.customer.as_ref().map(|customer| types::Customer {
                token: customer.token.to_string(),
                tier: customer.tier.as_ref().map(ToString::to_string),
            }),
            coupons: basket.coupons.iter().map(ToString::to_string).collect(),
            lines: basket.lines.iter().map(line).collect(),
        };
        let members: Vec<&dyn Member> = members.iter().map(|member| -> &dyn Member { member }).collect();
        let priced = chain::price(&of_chain, &members);
        match priced.denied.first() {
            None => Ok(priced),
            Some(denied) => {
                let failure = priced.calls.iter().rev().filter(|made| made.plugin == denied.plugin);
                let failure = failure.filter_map(|made| made.call.outcome.as_ref().err()).next();
                let passing = matches!(failure, Some(Failure::Busy { .. } | Failure::Timeout { .. }));
                Err(Denied { plugin: name(&denied.plugin.id), reason: text(&denied.reason), passing })
            }
        }
    }

    fn keeps(live: &Live) -> bool {
        let chains = OF_BASKETS.iter().flat_map(|hook| live.chain(*hook));
        let mut versions =
            chains.flat_map(|slot| [slot.current.as_ref().ok(), slot.previous.as_ref()]).flatten();
        versions.any(|runner| runner.keeps_of_baskets())
    }
}

impl port::Plugins for Plugins {
    fn prices(&self) -> bool {
        let live = self.0.live.load();
        OF_BASKETS.iter().any(|hook| !live.chain(*hook).is_empty())
    }

    fn denies(&self) -> bool {
        let live = self.0.live.load();
        OF_BASKETS.iter().any(|hook| live.denies(*hook))
    }

    fn price(&self, basket: &Basket) -> Result<Offers, Denied> {
        self.priced(&self.live(), basket).map(|priced| offers(&priced, basket))
    }

    fn sell<'a>(&'a self, basket: &'a Basket) -> Later<'a, Result<Selling, Denied>> {
        Box::pin(async move {
            let live = self.live();
            // Without anything that keeps something, sales need not wait for each other.
            let guard =
                if Self::keeps(&live) { Some(self.0.selling.clone().lock_owned().await) } else { None };
            let priced = self.priced(&live, basket)?;
            let kept = priced.calls.iter().filter(|made| !made.call.writes.is_empty());
            let events: Vec<Event> = kept
                .flat_map(|made| kept_events(&name(&made.plugin.id), &made.call.writes, basket.now))
                .collect();
            // A sale of which nothing is kept leaves the next one as it would be.
            let guard = guard.filter(|_| !events.is_empty());
            let hold = Box::new(Held { plugins: self.clone(), runtime: Handle::current(), guard });
            Ok(Selling { offers: offers(&priced, basket), events, hold })
        })
    }

    fn ranks(&self, _: Place) -> bool {
        !self.0.live.load().chain(Hook::Ranking).is_empty()
    }

    fn rank(&self, list: &List) -> Option<Vec<port::Ranked>> {
        let currency = self.0.window.currency();
        let common = self.common(&list.shop, list.now, currency);
        let candidate = |candidate: &port::Candidate| Candidate {
            product: common.snapshot.of(&candidate.product),
            position: position(&candidate.product),
            score_permille: candidate.score_permille,
            pinned: candidate.pinned,
        };
        let all: Vec<Candidate> = list.candidates.iter().map(candidate).collect();
        // Places in `list`, in the order that the plugins made so far.
        let mut order: Vec<port::Ranked> =
            (0..all.len()).map(|candidate| port::Ranked { candidate, reason: None }).collect();
        let mut is_changed = false;
        for picked in self.live().ask(Hook::Ranking, self.0.ticks.ms()).picked {
            let candidates = order.iter().filter_map(|ranked| all.get(ranked.candidate).cloned());
            let mut input = RankingInput {
                context: self.0.window.context(list.now, currency),
                slot: slot(list.place),
                subject: list.subject.as_ref().map(|product| common.snapshot.of(product)),
                basket: list.basket.iter().map(ToString::to_string).collect(),
                candidates: candidates.collect(),
                count: u32::try_from(list.count).unwrap_or(u32::MAX),
            };
            for runner in [Some(&picked.runner), picked.instead.as_ref()].into_iter().flatten() {
                input.context.settings.clone_from(&runner.plugin.manifest().settings);
                let asked = Arc::new(Input::Ranking(input.clone()));
                let call = self.call(runner, &common.scene(self, runner), &asked, list.now);
                if let Ok(Output::Ranking(ranked)) = &call.outcome {
                    order = ranked.iter().filter_map(|ranked| again(&order, ranked)).collect();
                    is_changed = true;
                    break;
                }
            }
        }
        is_changed.then_some(order)
    }
}

/// A place of an answer, as a place in the list that the first plugin was given.
fn again(order: &[port::Ranked], ranked: &types::Ranked) -> Option<port::Ranked> {
    let before = order.get(ranked.candidate as usize)?;
    let reason = ranked.reason.as_deref().map(text).or_else(|| before.reason.clone());
    Some(port::Ranked { candidate: before.candidate, reason })
}

/// What a sale has to itself until what plugins keep of it is known.
struct Held {
    plugins: Plugins,
    runtime: Handle,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Hold for Held {
    fn committed(self: Box<Self>, last: u64) {
        let Held { plugins, runtime, guard } = *self;
        if let Some(guard) = guard {
            runtime.spawn(async move {
                // A follower that has stopped takes the node down; no sale is priced by what it knew.
                if plugins.0.follower.wait_applied(last).await.is_ok() {
                    drop(guard);
                } else {
                    std::mem::forget(guard);
                }
            });
        }
    }
}

fn offers(priced: &Priced, basket: &Basket) -> Offers {
    let money = |minor| Money::new(minor, basket.currency);
    let why = |plugin: &Stamp, reason: &str| Why {
        plugin: name(&plugin.id),
        version: name(&plugin.version.to_string()),
        reason: text(reason),
    };
    let mut offers = Offers::default();
    for adjusted in &priced.adjustments {
        let why = why(&adjusted.plugin, &adjusted.reason);
        let mut adjust = |line, kind, minor| {
            if minor != 0 {
                let Why { plugin, version, reason } = why.clone();
                let (line, amount, unknown) = (Some(line), money(minor), Unknown::default());
                offers.adjustments.push(Adjustment { line, kind, amount, plugin, version, reason, unknown });
            }
        };
        match &adjusted.effect {
            Effect::Price { line, to, .. } => {
                offers.prices.retain(|before| before.line != *line);
                offers.prices.push(NewPrice { line: *line, unit_price: money(*to), why });
            }
            Effect::LineDiscount { line, amount } => adjust(*line, AdjustmentKind::Discount, *amount),
            Effect::BasketDiscount { shares, .. } => {
                shares
                    .iter()
                    .for_each(|share| adjust(share.line, AdjustmentKind::BasketDiscount, share.amount));
            }
            Effect::TakeBack { line, amount } => adjust(*line, AdjustmentKind::TakeBack, -*amount),
        }
    }
    // A price that came back to the catalogue's is none.
    offers.prices.retain(|new| {
        let line = basket.lines.iter().find(|line| line.number == new.line);
        line.is_some_and(|line| line.product.price != new.unit_price)
    });
    offers.refusals = priced
        .refusals
        .iter()
        .map(|refused| Refusal { line: refused.line, why: why(&refused.plugin, &refused.reason) })
        .collect();
    let points = |points: &chain::EarnedPoints| {
        let Why { plugin, version, reason } = why(&points.plugin, &points.reason);
        Points { count: points.count, plugin, version, reason, unknown: Unknown::default() }
    };
    offers.points = priced.points.iter().map(points).collect();
    offers
}

const fn slot(place: Place) -> Slot {
    match place {
        Place::Home => Slot::Home,
        Place::Product => Slot::Product,
        Place::Basket => Slot::Basket,
        Place::Substitute => Slot::Substitute,
    }
}

fn text(text: &str) -> Text {
    super::live::text(text)
}

/// An id or a version: both are short, and checked with the manifest.
fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|_| unnamed())
}

#[expect(clippy::expect_used, reason = "the text is a constant and short enough")]
fn unnamed() -> Name {
    Name::new("unknown").expect("a constant")
}
