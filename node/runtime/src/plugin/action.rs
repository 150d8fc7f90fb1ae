//! What a plugin wants done, as events: alerts, prices, labels, tasks, suppressions.
//!
//! Not here: which plugin is asked and when (`react`). Guards invariant 6: a plugin has only so much done within an hour.

use super::fold::View;
use aisle_event::{
    Day, Event, Money, Name, Sku, Text, Timestamp, Unknown,
    inventory::{TaskKind, TaskOpened},
    plugin::{PluginActed, PluginAction, ProductSuppressed},
    stock::PriceChanged,
};
use aisle_inventory::task;
use aisle_plugin_host::types::{Action, OpenTask};
use aisle_state::{Product, Shop};

/// An hour.
pub(super) const HOUR_MS: u64 = 3_600_000;
/// How sure a plugin is of a task that it opens.
const SURE_PERMILLE: u16 = 1000;

/// What is known when actions are carried out.
pub(super) struct Scene<'a> {
    pub(super) plugins: &'a View,
    pub(super) shop: &'a Shop,
    pub(super) tasks: &'a task::View,
    pub(super) now: Timestamp,
    pub(super) per_hour_max: u32,
    /// The happening's record: what makes the names of tasks unique.
    pub(super) seq: u64,
    /// The day that began, where that is what happens: records and days have names of their own.
    pub(super) day: Option<Day>,
    /// The cold chain unit that the happening is about.
    pub(super) unit: Option<Name>,
}

/// What is to be done, gathered over all plugins that react to one thing.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) events: Vec<Event>,
    /// Texts for the labels of products.
    labels: Vec<(Sku, Text)>,
    /// Actions that were not carried out: beyond a bound, or about nothing that there is.
    pub(super) dropped: u64,
    /// What tasks were opened about.
    tasks: Vec<task::About>,
}

impl Gathered {
    /// Adds what a plugin wants.
    pub(super) fn add(&mut self, scene: &Scene<'_>, plugin: &Name, version: &Name, actions: Vec<Action>) {
        let known = scene.plugins.plugin(plugin.as_str());
        let acted = known.map_or(0, |known| {
            known.acted.iter().filter(|acted| scene.now.ms_since(acted.at) < HOUR_MS).count()
        });
        let mut left = (scene.per_hour_max as usize).saturating_sub(acted);
        let mut suppressed = false;
        for action in actions {
            // What is held back from shoppers is held back as a whole: all of an answer's count as one action.
            let is_one_more = !(suppressed && matches!(action, Action::Suppress(_)));
            if left == 0 && is_one_more {
                self.dropped += 1;
                continue;
            }
            let suppresses = matches!(action, Action::Suppress(_));
            match self.carried(scene, plugin, version, action) {
                Carried::Out => {
                    left -= usize::from(is_one_more);
                    suppressed |= suppresses;
                }
                Carried::Already => {}
                Carried::Not => self.dropped += 1,
            }
        }
    }

    /// Texts for the labels of products, with the prices that these have once everything is done that was asked for.
    pub(super) fn labels(&self, shop: &Shop) -> Vec<(Sku, Text, Money)> {
        let priced = self.labels.iter().filter_map(|(sku, text)| {
            let product = shop.product(sku.as_str())?;
            let price = Money::new(self.price(product), product.price.currency);
            Some((sku.clone(), text.clone(), price))
        });
        priced.collect()
    }

    fn carried(&mut self, scene: &Scene<'_>, plugin: &Name, version: &Name, action: Action) -> Carried {
        let at = scene.now;
        let mut acted = PluginActed {
            plugin: plugin.clone(),
            version: version.clone(),
            action: PluginAction::Alert,
            sku: None,
            unit: scene.unit.clone(),
            text: Text::default(),
            urgent: false,
            at,
            unknown: Unknown::default(),
        };
        match action {
            Action::Alert(alert) => {
                acted.text = super::live::text(&alert.text);
                acted.urgent = alert.urgent;
            }
            Action::SetPrice(wanted) => {
                let Some(product) = scene.shop.product(&wanted.sku) else { return Carried::Not };
                if self.price(product) == wanted.price {
                    return Carried::Already;
                }
                let sku = product.sku.clone();
                let price = Money::new(wanted.price, product.price.currency);
                let unknown = Unknown::default();
                self.events
                    .push(PriceChanged { sku: sku.clone(), price, at, valid_until: None, unknown }.into());
                (acted.action, acted.sku, acted.unit) = (PluginAction::Price, Some(sku), None);
                acted.text = super::live::text(&wanted.reason);
            }
            Action::SetLabel(wanted) => {
                let Some(product) = scene.shop.product(&wanted.sku) else { return Carried::Not };
                let text = super::live::text(&wanted.text);
                self.labels.push((product.sku.clone(), text.clone()));
                (acted.action, acted.sku, acted.unit) =
                    (PluginAction::Label, Some(product.sku.clone()), None);
                acted.text = text;
            }
            Action::OpenTask(wanted) => {
                acted.action = PluginAction::Task;
                acted.text = super::live::text(&wanted.text);
                match self.task(scene, plugin, &wanted, &mut acted) {
                    Carried::Out => {}
                    other => return other,
                }
            }
            Action::Suppress(wanted) => {
                let Some(product) = scene.shop.product(&wanted.sku) else { return Carried::Not };
                let until =
                    (wanted.seconds > 0).then(|| at.saturating_add_ms(i64::from(wanted.seconds) * 1000));
                // Each holds for itself: what others hold back stays so for as long as they want.
                if until.is_none() && !self.holds(product, plugin) {
                    return Carried::Already;
                }
                let (sku, reason) = (product.sku.clone(), super::live::text(&wanted.reason));
                let (plugin, unknown) = (plugin.clone(), Unknown::default());
                let event = ProductSuppressed {
                    sku: sku.clone(),
                    until,
                    reason: reason.clone(),
                    plugin,
                    at,
                    unknown,
                };
                self.events.push(event.into());
                (acted.action, acted.sku, acted.unit) = (PluginAction::Suppress, Some(sku), None);
                acted.text = reason;
            }
        }
        self.events.push(acted.into());
        Carried::Out
    }

    /// What a product costs once the plugins that were asked before have had it their way.
    fn price(&self, product: &Product) -> i64 {
        let set = |event: &Event| match event {
            Event::PriceChanged(set) if set.sku == product.sku => Some(set.price.minor),
            _ => None,
        };
        self.events.iter().rev().find_map(set).unwrap_or(product.price.minor)
    }

    /// Whether a plugin holds a product back once what was asked for before is done.
    fn holds(&self, product: &Product, plugin: &Name) -> bool {
        let said = |event: &Event| match event {
            Event::ProductSuppressed(said) if said.sku == product.sku && said.plugin == *plugin => {
                Some(said.until.is_some())
            }
            _ => None,
        };
        let before = || product.suppressed.as_ref().is_some_and(|held| held.is_by(plugin));
        self.events.iter().rev().find_map(said).unwrap_or_else(before)
    }

    /// A task about a product or a unit. One that is about neither, or that there is no room for, is shown as an alert is.
    fn task(
        &mut self,
        scene: &Scene<'_>,
        plugin: &Name,
        wanted: &OpenTask,
        acted: &mut PluginActed,
    ) -> Carried {
        let sku = match &wanted.sku {
            Some(sku) => match scene.shop.product(sku) {
                Some(product) => Some(product.sku.clone()),
                None => return Carried::Not,
            },
            None => None,
        };
        let unit = wanted.unit.as_ref().and_then(|unit| Name::new(unit).ok());
        let about = match (&sku, &unit) {
            (Some(sku), _) => task::About::Sku(sku.clone()),
            (None, Some(unit)) => task::About::Unit(unit.clone()),
            (None, None) => return Carried::Out,
        };
        (acted.sku, acted.unit) = (sku.clone(), if sku.is_some() { None } else { unit.clone() });
        let kind = TaskKind::Plugin;
        let is_open = scene.tasks.open.iter().any(|task| task.kind == kind && task.about == about);
        if is_open
            || self.tasks.contains(&about)
            || scene.tasks.is_settled(kind, &about, SURE_PERMILLE, scene.now)
        {
            return Carried::Already;
        }
        if scene.tasks.plugin_tasks_open() + self.tasks.len() >= task::PLUGIN_TASKS_OPEN_MAX {
            // The words alone must say what it is about.
            if !acted.text.contains(about.as_str()) {
                acted.text = super::live::text(&format!("{}: {}", about.as_str(), acted.text.as_str()));
            }
            (acted.sku, acted.unit) = (None, None);
            return Carried::Out;
        }
        let why: String = acted.text.chars().filter(|c| !c.is_control()).collect();
        let day = scene.day.map_or_else(String::new, |day| format!(":day-{}", day.0));
        let name = format!("{kind}:{plugin}:{}{day}:{}", scene.seq, self.tasks.len());
        let (Ok(task), Ok(why)) = (Name::new(name), Name::new(why.trim())) else { return Carried::Not };
        self.tasks.push(about);
        let event = TaskOpened {
            task,
            kind,
            sku,
            unit: acted.unit.clone(),
            device: None,
            quantity: None,
            confidence_permille: SURE_PERMILLE,
            why,
            at: scene.now,
            unknown: Unknown::default(),
        };
        self.events.push(event.into());
        Carried::Out
    }
}

/// What became of an action.
enum Carried {
    /// It is done with the events that were added.
    Out,
    /// It is so already.
    Already,
    /// It is about nothing that there is.
    Not,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::fold::{ActedAt, Installed, Known};
    use aisle_event::{Currency, Unit};
    use aisle_plugin_host::types::{Alert, SetLabel, SetPrice, Suppress};
    use aisle_state::{Product, Stock, Suppressed};
    use std::sync::Arc;

    const NOW: Timestamp = Timestamp(10 * HOUR_MS.cast_signed());

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn shop() -> Shop {
        let mut shop = Shop::default();
        let product = Product {
            sku: Sku::new("JAM-1").unwrap(),
            name: name("Plum jam"),
            price: Money::new(425, Currency::GBP),
            unit: Unit::Each,
            gtin: None,
            category: None,
            listed_at: NOW,
            priced_at: NOW,
            price_valid_until: None,
            stock: Stock::Unknown,
            sensed: None,
            expires: None,
            suppressed: None,
        };
        shop.products.insert(product.sku.clone(), Arc::new(product));
        shop
    }

    fn known(acted: Vec<ActedAt>) -> View {
        let current = Installed {
            version: name("1.0.0"),
            hash: name("hash"),
            manifest_hash: name("manifest"),
            seq: 1,
            at: Timestamp(0),
            by: None,
            denies: Vec::new(),
        };
        let known = Known {
            current,
            previous: None,
            since: 1,
            kept: Default::default(),
            history: Default::default(),
            failing: Default::default(),
            acted: acted.into(),
        };
        View { plugins: [(name("cold-chain"), Arc::new(known))].into(), ..View::default() }
    }

    fn gathered(view: &View, per_hour_max: u32, actions: Vec<Action>) -> Gathered {
        gathered_in(&shop(), view, per_hour_max, actions)
    }

    fn gathered_in(shop: &Shop, view: &View, per_hour_max: u32, actions: Vec<Action>) -> Gathered {
        let (tasks, mut gathered) = (task::View::default(), Gathered::default());
        let scene = scene(shop, view, &tasks, per_hour_max);
        gathered.add(&scene, &name("cold-chain"), &name("1.0.0"), actions);
        gathered
    }

    fn scene<'a>(shop: &'a Shop, plugins: &'a View, tasks: &'a task::View, per_hour_max: u32) -> Scene<'a> {
        let unit = Some(name("dairy-1"));
        Scene { plugins, shop, tasks, now: NOW, per_hour_max, seq: 7, day: None, unit }
    }

    /// The shop with its product held back by another plugin, for a hundred seconds.
    fn recalled() -> (Shop, Suppressed) {
        let mut shop = shop();
        let jam = shop.products.values().next().unwrap();
        let suppressed = Suppressed {
            until: NOW.saturating_add_ms(100_000),
            reason: Text::default(),
            plugin: name("recall"),
            since: NOW,
            others: Vec::new(),
        };
        let held = Product { suppressed: Some(suppressed.clone()), ..(**jam).clone() };
        shop.products.insert(held.sku.clone(), Arc::new(held));
        (shop, suppressed)
    }

    fn suppress(seconds: u32) -> Action {
        Action::Suppress(Suppress { sku: "JAM-1".into(), seconds, reason: "too warm".into() })
    }

    fn alert() -> Action {
        Action::Alert(Alert { text: "too warm".into(), urgent: true })
    }

    fn price(sku: &str, price: i64) -> Action {
        Action::SetPrice(SetPrice { sku: sku.into(), price, reason: "soon over".into() })
    }

    #[test]
    fn each_action_is_done_and_said_to_be_in_one_go() {
        let suppress = Suppress { sku: "JAM-1".into(), seconds: 60, reason: "too warm".into() };
        let task = OpenTask { sku: None, unit: Some("dairy-1".into()), text: "look".into() };
        let actions = vec![alert(), price("JAM-1", 300), Action::Suppress(suppress), Action::OpenTask(task)];
        let gathered = gathered(&View::default(), 10, actions);
        let names: Vec<&str> = gathered.events.iter().map(Event::name).collect();
        assert_eq!(
            names,
            [
                "PluginActed",
                "PriceChanged",
                "PluginActed",
                "ProductSuppressed",
                "PluginActed",
                "TaskOpened",
                "PluginActed"
            ]
        );
        assert!(gathered.events.iter().any(|event| matches!(event, Event::ProductSuppressed(it) if it.until == Some(NOW.saturating_add_ms(60_000)))));
        assert_eq!(gathered.dropped, 0);
    }

    #[test]
    fn what_is_so_already_or_about_nothing_there_is_is_not_done() {
        let free = Suppress { sku: "JAM-1".into(), seconds: 0, reason: "good again".into() };
        let actions = vec![price("JAM-1", 425), Action::Suppress(free), price("GONE", 1)];
        let gathered = gathered(&View::default(), 10, actions);
        assert_eq!((gathered.events.len(), gathered.dropped), (0, 1));
    }

    #[test]
    fn a_plugin_has_only_so_much_done_within_an_hour() {
        let acted = |hours: u64| ActedAt {
            at: NOW.saturating_add_ms(-(hours * HOUR_MS).cast_signed()),
            suppressed: false,
        };
        let view = known(vec![acted(2), acted(0)]);
        let gathered = gathered(&view, 3, vec![alert(), alert(), alert(), alert()]);
        assert_eq!((gathered.events.len(), gathered.dropped), (2, 2), "one of the last hour counts");
    }

    #[test]
    fn all_that_one_answer_holds_back_is_one_action() {
        let suppress = || Suppress { sku: "JAM-1".into(), seconds: 60, reason: "too warm".into() };
        let actions = vec![Action::Suppress(suppress()), Action::Suppress(suppress()), alert()];
        let gathered = gathered(&View::default(), 1, actions);
        assert_eq!((gathered.events.len(), gathered.dropped), (4, 1), "the alert is one too many");
    }

    #[test]
    fn what_another_plugin_holds_back_longer_stays_held_back() {
        let (shop, _) = recalled();
        // The shorter one is said, too: it is what is left when the longer one is let go of.
        for (seconds, events) in [(0, 0), (60, 2), (200, 2)] {
            let gathered = gathered_in(&shop, &View::default(), 10, vec![suppress(seconds)]);
            assert_eq!((gathered.events.len(), gathered.dropped), (events, 0), "{seconds} s");
        }
    }

    #[test]
    fn a_product_that_one_plugin_lets_go_of_and_another_holds_in_the_same_happening_is_held() {
        let (shop, suppressed) = recalled();
        let (tasks, view, mut gathered) = (task::View::default(), View::default(), Gathered::default());
        let scene = scene(&shop, &view, &tasks, 10);
        gathered.add(&scene, &name("recall"), &name("1.0.0"), vec![suppress(0)]);
        gathered.add(&scene, &name("cold-chain"), &name("1.0.0"), vec![suppress(60)]);
        let mut after = Some(suppressed);
        for event in &gathered.events {
            if let Event::ProductSuppressed(event) = event {
                after = Suppressed::after(after.as_ref(), event);
            }
        }
        let after = after.map(|held| (held.plugin, held.until));
        assert_eq!(after, Some((name("cold-chain"), NOW.saturating_add_ms(60_000))));
    }

    #[test]
    fn what_an_answer_holds_back_it_can_let_go_of() {
        let gathered = gathered(&View::default(), 10, vec![suppress(60), suppress(0), suppress(0)]);
        assert_eq!((gathered.events.len(), gathered.dropped), (4, 0), "the third is so already");
    }

    #[test]
    fn a_label_shows_the_price_that_the_product_has_once_all_is_done() {
        let label = SetLabel { sku: "JAM-1".into(), text: "Last ones".into() };
        let actions = vec![price("JAM-1", 400), Action::SetLabel(label), price("JAM-1", 300)];
        let labels = gathered(&View::default(), 10, actions).labels(&shop());
        let (sku, text) = (Sku::new("JAM-1").unwrap(), Text::new("Last ones").unwrap());
        assert_eq!(labels, [(sku, text, Money::new(300, Currency::GBP))]);
    }

    #[test]
    fn a_task_that_there_is_no_room_for_is_told_as_an_alert_is() {
        let task = |number: usize| {
            let unit = Some(format!("unit-{number}"));
            Action::OpenTask(OpenTask { sku: None, unit, text: "look".into() })
        };
        let actions = (0..=task::PLUGIN_TASKS_OPEN_MAX).map(task);
        let gathered = gathered(&View::default(), 100, actions.collect());
        let opened = gathered.events.iter().filter(|event| matches!(event, Event::TaskOpened(_))).count();
        assert_eq!((opened, gathered.dropped), (task::PLUGIN_TASKS_OPEN_MAX, 0));
        let Some(Event::PluginActed(told)) = gathered.events.last() else { unreachable!() };
        assert_eq!((told.action, &told.sku, &told.unit), (PluginAction::Task, &None, &None));
        assert_eq!(told.text.as_str(), "unit-12: look");
    }
}
