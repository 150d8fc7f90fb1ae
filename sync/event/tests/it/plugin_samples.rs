//! The examples of what plugins do, and of what a shopper brings to their offers.

use super::{AT, known, line, name, pence, session, sku, text};
use aisle_event::{
    Blob, CustomerRef, Day, DocumentId, Event, LotId, Quantity, SourceName,
    plugin::{
        PluginActed, PluginAction, PluginFailed, PluginHook, PluginInstalled, PluginKept, PluginReacted,
        PluginRecovered, PluginRemoved, PluginWrite, ProductSuppressed,
    },
    sale::{Adjustment, AdjustmentKind, Points, Repriced, SaleLine, SaleRecorded},
    shopper::{CouponEntered, CustomerNamed},
    stock::StockReceived,
};

fn adjustment(line: Option<u32>, kind: AdjustmentKind, minor: i64) -> Adjustment {
    Adjustment {
        line,
        kind,
        amount: pence(minor),
        plugin: name("multi-buy"),
        version: name("1.2.0"),
        reason: text("3 for 2"),
        unknown: known(),
    }
}

fn repriced_line() -> SaleLine {
    let repriced = Repriced {
        list_price: pence(300),
        plugin: name("fresh-markdown"),
        version: name("0.3.1"),
        reason: text("Best before tomorrow"),
        unknown: known(),
    };
    SaleLine { repriced: Some(repriced), ..line(1) }
}

fn points() -> Points {
    Points {
        count: 15,
        plugin: name("loyalty"),
        version: name("1.0.0"),
        reason: text("1 point a pound"),
        unknown: known(),
    }
}

#[rustfmt::skip]
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    vec![
        ("customer_named", CustomerNamed { session: session(), customer: Some(CustomerRef::new("c-17850").unwrap()), tier: Some(name("gold")), at: AT, unknown: known() }.into()),
        ("customer_named.minimal", CustomerNamed { session: session(), customer: None, tier: None, at: AT, unknown: known() }.into()),
        ("coupon_entered", CouponEntered { session: session(), code: name("SPRING-10"), entered: true, at: AT, unknown: known() }.into()),
        ("sale_recorded.with_offers", SaleRecorded { source: SourceName::new("kiosk").unwrap(), document: DocumentId::new("K-0002").unwrap(), lines: vec![repriced_line(), line(2)], at: AT, session: Some(session()), customer: Some(CustomerRef::new("c-17850").unwrap()), country: None, idempotency_key: Some(name("5d20")), arm: None, adjustments: vec![adjustment(Some(1), AdjustmentKind::Discount, 510), adjustment(Some(2), AdjustmentKind::BasketDiscount, 100), adjustment(Some(1), AdjustmentKind::TakeBack, -10), adjustment(None, AdjustmentKind::BasketDiscount, 1)], points: vec![points()], unknown: known() }.into()),
        ("stock_received.with_date", StockReceived { sku: sku("85123A"), quantity: Quantity::each(48), lot: Some(LotId::new("L2311").unwrap()), at: AT, expires: Some(Day(15_309)), unknown: known() }.into()),
        ("plugin_installed", PluginInstalled { plugin: name("multi-buy"), version: name("1.2.0"), hash: name("af1349b9f5f9a1a6a0404dea36dcc949"), manifest_hash: name("0b1f"), at: AT, by: Some(name("Ana")), denies: Vec::new(), unknown: known() }.into()),
        ("plugin_installed.denies", PluginInstalled { plugin: name("price-floor"), version: name("1.0.0"), hash: name("af13"), manifest_hash: name("0b1f"), at: AT, by: None, denies: vec![PluginHook::Pricing, PluginHook::Promotion], unknown: known() }.into()),
        ("plugin_installed.minimal", PluginInstalled { plugin: name("multi-buy"), version: name("1.2.0"), hash: name("af13"), manifest_hash: name("0b1f"), at: AT, by: None, denies: Vec::new(), unknown: known() }.into()),
        ("plugin_removed", PluginRemoved { plugin: name("multi-buy"), at: AT, by: Some(name("Ana")), unknown: known() }.into()),
        ("plugin_removed.minimal", PluginRemoved { plugin: name("multi-buy"), at: AT, by: None, unknown: known() }.into()),
        ("plugin_kept", PluginKept { plugin: name("coupon"), writes: vec![PluginWrite { key: text("used:SPRING-10:c-17850"), value: Some(Blob(vec![1, 255].into())), unknown: known() }, PluginWrite { key: text("old"), value: None, unknown: known() }], at: AT, unknown: known() }.into()),
        ("plugin_kept.minimal", PluginKept { plugin: name("coupon"), writes: vec![], at: AT, unknown: known() }.into()),
        ("plugin_failed", PluginFailed { plugin: name("multi-buy"), version: name("1.2.0"), hook: PluginHook::Promotion, reason: text("out of fuel after 2000000"), in_a_row: 5, at: AT, unknown: known() }.into()),
        ("plugin_recovered", PluginRecovered { plugin: name("multi-buy"), version: name("1.2.0"), hook: PluginHook::Reaction, at: AT, unknown: known() }.into()),
        ("plugin_acted", PluginActed { plugin: name("cold-chain"), version: name("1.0.0"), action: PluginAction::Task, sku: Some(sku("MILK-1L")), unit: Some(name("fridge 7")), text: text("Move the milk to fridge 8"), urgent: true, at: AT, unknown: known() }.into()),
        ("plugin_acted.minimal", PluginActed { plugin: name("fresh-markdown"), version: name("1.0.0"), action: PluginAction::Label, sku: None, unit: None, text: text(""), urgent: false, at: AT, unknown: known() }.into()),
        ("plugin_reacted", PluginReacted { through: 4711, day: Some(Day(15_309)), at: AT, unknown: known() }.into()),
        ("plugin_reacted.minimal", PluginReacted { through: 0, day: None, at: AT, unknown: known() }.into()),
        ("product_suppressed", ProductSuppressed { sku: sku("MILK-1L"), until: Some(AT.saturating_add_ms(3_600_000)), reason: text("Too warm for two hours"), plugin: name("cold-chain"), at: AT, unknown: known() }.into()),
        ("product_suppressed.minimal", ProductSuppressed { sku: sku("MILK-1L"), until: None, reason: text("Checked"), plugin: name("cold-chain"), at: AT, unknown: known() }.into()),
    ]
}
