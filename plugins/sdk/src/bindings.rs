//! What `wit-bindgen` makes of `plugins/wit`: the types once, and the exports of each world.
//!
//! Every world speaks of the same Rust types, so that one plugin can export several hooks.
#![allow(missing_docs, unsafe_code, clippy::all, reason = "generated")]

/// What a plugin may ask, and the types.
pub mod host {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package aisle:sdk;
            world host {
                import aisle:plugin/types@0.1.0;
                import aisle:plugin/pricing-types@0.1.0;
                import aisle:plugin/promotion-types@0.1.0;
                import aisle:plugin/ranking-types@0.1.0;
                import aisle:plugin/replenishment-types@0.1.0;
                import aisle:plugin/reaction-types@0.1.0;
                import aisle:plugin/log@0.1.0;
                import aisle:plugin/clock@0.1.0;
                import aisle:plugin/random@0.1.0;
                import aisle:plugin/catalog@0.1.0;
                import aisle:plugin/stock@0.1.0;
                import aisle:plugin/kv@0.1.0;
            }
        ",
        world: "aisle:sdk/host",
        generate_all,
        additional_derives: [PartialEq, Clone],
    });
}

macro_rules! world {
    ($module:ident, $world:literal, $types:literal, $path:path, $macro:literal) => {
        /// The export of one world.
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                with: {
                    "aisle:plugin/types@0.1.0": crate::bindings::host::aisle::plugin::types,
                    "aisle:plugin/log@0.1.0": crate::bindings::host::aisle::plugin::log,
                    "aisle:plugin/clock@0.1.0": crate::bindings::host::aisle::plugin::clock,
                    "aisle:plugin/random@0.1.0": crate::bindings::host::aisle::plugin::random,
                    "aisle:plugin/catalog@0.1.0": crate::bindings::host::aisle::plugin::catalog,
                    "aisle:plugin/stock@0.1.0": crate::bindings::host::aisle::plugin::stock,
                    "aisle:plugin/kv@0.1.0": crate::bindings::host::aisle::plugin::kv,
                    $types: $path,
                },
                pub_export_macro: true,
                export_macro_name: $macro,
            });
        }
    };
}

world!(
    pricing,
    "aisle:plugin/pricing",
    "aisle:plugin/pricing-types@0.1.0",
    crate::bindings::host::aisle::plugin::pricing_types,
    "export_pricing"
);
world!(
    promotion,
    "aisle:plugin/promotion",
    "aisle:plugin/promotion-types@0.1.0",
    crate::bindings::host::aisle::plugin::promotion_types,
    "export_promotion"
);
world!(
    ranking,
    "aisle:plugin/ranking",
    "aisle:plugin/ranking-types@0.1.0",
    crate::bindings::host::aisle::plugin::ranking_types,
    "export_ranking"
);
world!(
    replenishment,
    "aisle:plugin/replenishment",
    "aisle:plugin/replenishment-types@0.1.0",
    crate::bindings::host::aisle::plugin::replenishment_types,
    "export_replenishment"
);
world!(
    reaction,
    "aisle:plugin/reaction",
    "aisle:plugin/reaction-types@0.1.0",
    crate::bindings::host::aisle::plugin::reaction_types,
    "export_reaction"
);
