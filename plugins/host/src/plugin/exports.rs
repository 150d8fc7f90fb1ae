//! Where in a component its hooks are. Names and types are looked at once, when it is loaded.

use super::State;
use crate::{
    hook::Hook,
    types::{
        Action, Adjustment, NewPrice, OrderLine, PricingInput, PromotionInput, Ranked, RankingInput,
        ReactionInput, ReplenishmentInput, Unable,
    },
};
use wasmtime::component::{ComponentExportIndex, InstancePre, types::ComponentItem};

/// What a hook's function gives back.
pub(crate) type Answer<T> = (Result<Vec<T>, Unable>,);

/// The exports of a component, by hook.
#[derive(Default)]
pub(crate) struct Exports([Option<ComponentExportIndex>; Hook::ALL.len()]);

impl Exports {
    /// Looks for a hook.
    pub(crate) fn find(&mut self, hook: Hook, instance: &InstancePre<State>) -> Result<(), String> {
        let name = hook.function();
        let (item, index) = instance
            .component()
            .get_export(None, name)
            .ok_or_else(|| format!("the component does not export `{name}`"))?;
        let ComponentItem::ComponentFunc(function) = item else {
            return Err(format!("`{name}` is no function"));
        };
        let types = instance.instance_type();
        let checked = match hook {
            Hook::Pricing => function.typecheck::<(&PricingInput,), Answer<NewPrice>>(&types),
            Hook::Promotion => function.typecheck::<(&PromotionInput,), Answer<Adjustment>>(&types),
            Hook::Ranking => function.typecheck::<(&RankingInput,), Answer<Ranked>>(&types),
            Hook::Replenishment => function.typecheck::<(&ReplenishmentInput,), Answer<OrderLine>>(&types),
            Hook::Reaction => function.typecheck::<(&ReactionInput,), Answer<Action>>(&types),
        };
        checked.map_err(|error| format!("`{name}` has another type: {error:#}"))?;
        if let Some(place) = self.0.get_mut(hook as usize) {
            *place = Some(index);
        }
        Ok(())
    }

    /// Where a hook is.
    pub(crate) fn get(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        self.0.get(hook as usize)?.as_ref()
    }
}
