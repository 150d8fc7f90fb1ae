//! What `wasmtime` makes of `plugins/wit`.
#![expect(missing_docs, reason = "generated from the WIT, which has the documentation")]

wasmtime::component::bindgen!({
    inline: "
        package aisle:host@0.1.0;
        world all {
            import aisle:plugin/log@0.1.0;
            import aisle:plugin/clock@0.1.0;
            import aisle:plugin/random@0.1.0;
            import aisle:plugin/catalog@0.1.0;
            import aisle:plugin/stock@0.1.0;
            import aisle:plugin/kv@0.1.0;
            import aisle:plugin/pricing-types@0.1.0;
            import aisle:plugin/promotion-types@0.1.0;
            import aisle:plugin/ranking-types@0.1.0;
            import aisle:plugin/replenishment-types@0.1.0;
            import aisle:plugin/reaction-types@0.1.0;
        }
    ",
    path: "../wit",
    world: "aisle:host/all",
    imports: { default: trappable },
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
