//! `export!`: what makes a type the plugin.

/// Exports the hooks of a type: `export!(MyPlugin: Promotion, Pricing)`. Once in a plugin.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($hook:ident),+ $(,)?) => {
        $($crate::export!(@ $plugin $hook);)+
    };
    (@ $plugin:ident Pricing) => {
        $crate::bindings::pricing::export_pricing!($plugin with_types_in $crate::bindings::pricing);
    };
    (@ $plugin:ident Promotion) => {
        $crate::bindings::promotion::export_promotion!($plugin with_types_in $crate::bindings::promotion);
    };
    (@ $plugin:ident Ranking) => {
        $crate::bindings::ranking::export_ranking!($plugin with_types_in $crate::bindings::ranking);
    };
    (@ $plugin:ident Replenishment) => {
        $crate::bindings::replenishment::export_replenishment!($plugin with_types_in $crate::bindings::replenishment);
    };
    (@ $plugin:ident Reaction) => {
        $crate::bindings::reaction::export_reaction!($plugin with_types_in $crate::bindings::reaction);
    };
}
