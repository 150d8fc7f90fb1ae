//! One full and one minimal example of every event type. The golden vectors are made from them.

#[path = "device_samples.rs"]
mod devices;
#[path = "plugin_samples.rs"]
mod plugins;

use aisle_event::{
    Blob, CustomerRef, DeviceId, DocumentId, Event, LotId, Money, Name, Quantity, SessionId, Sku, SourceName,
    Text, Timestamp, Unit, Unknown,
    erasure::{ErasureAdvanced, ErasureRequested, ErasureStep},
    mqtt::{
        MqttDelivered, MqttDelivery, MqttProperties, MqttPublished, MqttQos, MqttReceived, MqttReleased,
        MqttSent, MqttSessionClosed, MqttSessionEnd, MqttSessionEnded, MqttSessionOpened, MqttSubscribed,
        MqttSubscription, MqttUnsubscribed, MqttWill,
    },
    operation::{ImportFinished, JournalQuarantined, NodeStarted, NodeStopped, StateRebuilt, StopReason},
    sale::{ReturnRecorded, SaleLine, SaleRecorded},
    shopper::{
        BasketChanged, EndReason, ItemClicked, ItemsShown, ProductViewed, Rung, Searched, SessionEnded,
        SessionStarted, Slot,
    },
    stock::{
        AdjustReason, PriceChanged, ProductDelisted, ProductListed, StockAdjusted, StockCounted,
        StockReceived,
    },
};

const AT: Timestamp = Timestamp(1_322_746_200_000);

fn known() -> Unknown {
    Unknown::default()
}

fn session() -> SessionId {
    SessionId::new("7f3a9c").unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn pence(minor: i64) -> Money {
    Money::new(minor, aisle_event::Currency::GBP)
}

fn line(number: u32) -> SaleLine {
    SaleLine {
        line: number,
        sku: sku("85123A"),
        quantity: Quantity::each(6),
        unit_price: pence(255),
        repriced: None,
        unknown: known(),
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn properties() -> Option<MqttProperties> {
    Some(MqttProperties {
        text: Some(true),
        expiry_s: Some(3600),
        content_type: Some(text("text/plain")),
        response_topic: Some(text("answers")),
        correlation_data: Some(Blob(vec![0, 255].into())),
        user: vec![text("unit"), text("celsius")],
        unknown: known(),
    })
}

fn delivery(origin: Option<u64>) -> MqttDelivery {
    MqttDelivery { seq: 4711, origin, packet_id: origin.map(|_| 9), unknown: known() }
}

/// Every sample under the name of its golden file.
#[rustfmt::skip]
pub fn samples() -> Vec<(&'static str, Event)> {
    let arm = || Some(name("ranking/neighbours"));
    let mut samples: Vec<(&'static str, Event)> = vec![
        ("session_started", SessionStarted { session: session(), kiosk: Some(DeviceId::new("kiosk-2").unwrap()), language: Some(name("zh")), at: AT, arm: arm(), unknown: known() }.into()),
        ("session_started.minimal", SessionStarted { session: session(), kiosk: None, language: None, at: AT, arm: None, unknown: known() }.into()),
        ("product_viewed", ProductViewed { session: session(), sku: sku("85123A"), at: AT, unknown: known() }.into()),
        ("items_shown", ItemsShown { session: session(), slot: Slot::Basket, skus: vec![sku("71053"), sku("84406B")], rung: Rung::ItemToItem, arm: arm(), at: AT, unknown: known() }.into()),
        ("items_shown.minimal", ItemsShown { session: session(), slot: Slot::Home, skus: vec![], rung: Rung::Popular, arm: None, at: AT, unknown: known() }.into()),
        ("item_clicked", ItemClicked { session: session(), slot: Slot::Product, sku: sku("71053"), position: 3, arm: arm(), at: AT, unknown: known() }.into()),
        ("item_clicked.minimal", ItemClicked { session: session(), slot: Slot::Product, sku: sku("71053"), position: 0, arm: None, at: AT, unknown: known() }.into()),
        ("basket_changed", BasketChanged { session: session(), sku: sku("BANANA"), quantity: Quantity { thousandths: 1250, unit: Unit::Kilogram }, at: AT, arm: arm(), unknown: known() }.into()),
        ("basket_changed.minimal", BasketChanged { session: session(), sku: sku("71053"), quantity: Quantity::zero(Unit::Each), at: AT, arm: None, unknown: known() }.into()),
        ("searched", Searched { session: session(), terms: name("tea light"), hits: 12, at: AT, unknown: known() }.into()),
        ("session_ended", SessionEnded { session: session(), reason: EndReason::Idle, at: AT, unknown: known() }.into()),
        ("sale_recorded", SaleRecorded { source: SourceName::new("kiosk").unwrap(), document: DocumentId::new("K-0001").unwrap(), lines: vec![line(1), line(2)], at: AT, session: Some(session()), customer: Some(CustomerRef::new("17850").unwrap()), country: Some(name("United Kingdom")), idempotency_key: Some(name("5d1f")), arm: arm(), adjustments: vec![], points: vec![], unknown: known() }.into()),
        ("sale_recorded.minimal", SaleRecorded { source: SourceName::new("online-retail").unwrap(), document: DocumentId::new("536365").unwrap(), lines: vec![], at: AT, session: None, customer: None, country: None, idempotency_key: None, arm: None, adjustments: vec![], points: vec![], unknown: known() }.into()),
        ("return_recorded", ReturnRecorded { source: SourceName::new("online-retail").unwrap(), document: DocumentId::new("C536379").unwrap(), lines: vec![line(1)], at: AT, customer: Some(CustomerRef::new("14527").unwrap()), country: Some(name("France")), unknown: known() }.into()),
        ("return_recorded.minimal", ReturnRecorded { source: SourceName::new("online-retail").unwrap(), document: DocumentId::new("C536379").unwrap(), lines: vec![], at: AT, customer: None, country: None, unknown: known() }.into()),
        ("product_listed", ProductListed { sku: sku("85123A"), name: name("White hanging heart"), price: pence(255), unit: Unit::Each, gtin: Some("4006381333931".parse().unwrap()), category: Some(name("Decoration")), at: AT, unknown: known() }.into()),
        ("product_listed.minimal", ProductListed { sku: sku("85123A"), name: name("White hanging heart"), price: pence(255), unit: Unit::Metre, gtin: None, category: None, at: AT, unknown: known() }.into()),
        ("price_changed", PriceChanged { sku: sku("85123A"), price: pence(295), at: AT, valid_until: Some(AT.saturating_add_ms(86_400_000)), unknown: known() }.into()),
        ("price_changed.minimal", PriceChanged { sku: sku("85123A"), price: pence(295), at: AT, valid_until: None, unknown: known() }.into()),
        ("stock_counted", StockCounted { sku: sku("85123A"), on_hand: Quantity::each(14), at: AT, unknown: known() }.into()),
        ("stock_received", StockReceived { sku: sku("85123A"), quantity: Quantity::each(48), lot: Some(LotId::new("L2311").unwrap()), at: AT, expires: None, unknown: known() }.into()),
        ("stock_received.minimal", StockReceived { sku: sku("85123A"), quantity: Quantity::each(48), lot: None, at: AT, expires: None, unknown: known() }.into()),
        ("stock_adjusted", StockAdjusted { sku: sku("85123A"), delta: Quantity::each(-2), reason: AdjustReason::Damaged, at: AT, unknown: known() }.into()),
        ("product_delisted", ProductDelisted { sku: sku("85123A"), at: AT, unknown: known() }.into()),
        ("node_started", NodeStarted { version: name("0.1.0"), at: AT, cut_bytes: 512, unknown: known() }.into()),
        ("node_stopped", NodeStopped { reason: StopReason::Requested, at: AT, unknown: known() }.into()),
        ("state_rebuilt", StateRebuilt { reason: name("it is not there"), from_seq: 1, at: AT, unknown: known() }.into()),
        ("journal_quarantined", JournalQuarantined { segment: name("00000000000000000001.seg"), offset: 4096, first_seq: 17, records: 2, at: AT, unknown: known() }.into()),
        ("import_finished", ImportFinished { source: SourceName::new("online-retail").unwrap(), rows: 541_909, accepted: 530_000, present: 0, rejected: 11_909, at: AT, unknown: known() }.into()),
        ("mqtt_published", MqttPublished { topic: text("aisle/v1/store-1/fridge-7/telemetry/celsius"), payload: Blob(b"3.9".as_slice().into()), qos: MqttQos::ExactlyOnce, retain: true, client: text("fridge-7"), packet_id: Some(17), properties: properties(), will: Some(true), unknown: known() }.into()),
        ("mqtt_published.minimal", MqttPublished { topic: text("a"), payload: Blob::default(), qos: MqttQos::AtLeastOnce, retain: false, client: text("c"), packet_id: None, properties: None, will: None, unknown: known() }.into()),
        ("mqtt_session_opened", MqttSessionOpened { client: text("fridge-7"), device: Some(text("fridge-7")), clean_start: true, expiry_s: 86_400, will: Some(MqttWill { topic: text("status"), payload: Blob(b"gone".as_slice().into()), qos: MqttQos::AtLeastOnce, retain: true, delay_s: Some(30), properties: properties(), unknown: known() }), unknown: known() }.into()),
        ("mqtt_session_opened.minimal", MqttSessionOpened { client: text("fridge-7"), device: None, clean_start: false, expiry_s: u32::MAX, will: None, unknown: known() }.into()),
        ("mqtt_session_closed", MqttSessionClosed { client: text("fridge-7"), expiry_s: Some(60), will_discarded: true, opened: None, unknown: known() }.into()),
        ("mqtt_session_closed.of_an_opening", MqttSessionClosed { client: text("fridge-7"), expiry_s: None, will_discarded: false, opened: Some(1_700), unknown: known() }.into()),
        ("mqtt_session_closed.minimal", MqttSessionClosed { client: text("fridge-7"), expiry_s: None, will_discarded: false, opened: None, unknown: known() }.into()),
        ("mqtt_session_ended", MqttSessionEnded { client: text("fridge-7"), reason: MqttSessionEnd::Expired, opened: None, unknown: known() }.into()),
        ("mqtt_session_ended.of_an_opening", MqttSessionEnded { client: text("fridge-7"), reason: MqttSessionEnd::Expired, opened: Some(1_700), unknown: known() }.into()),
        ("mqtt_subscribed", MqttSubscribed { client: text("label-3"), id: Some(4), filters: vec![MqttSubscription { filter: text("aisle/v1/+/label-3/#"), qos: MqttQos::AtLeastOnce, options: 5, unknown: known() }], unknown: known() }.into()),
        ("mqtt_subscribed.minimal", MqttSubscribed { client: text("label-3"), id: None, filters: vec![], unknown: known() }.into()),
        ("mqtt_unsubscribed", MqttUnsubscribed { client: text("label-3"), filters: vec![text("a/#"), text("b")], unknown: known() }.into()),
        ("mqtt_released", MqttReleased { client: text("fridge-7"), packet_ids: vec![17, 18], unknown: known() }.into()),
        ("mqtt_sent", MqttSent { client: text("label-3"), deliveries: vec![delivery(Some(1)), delivery(None)], unknown: known() }.into()),
        ("mqtt_received", MqttReceived { client: text("label-3"), deliveries: vec![delivery(None)], unknown: known() }.into()),
        ("mqtt_delivered", MqttDelivered { client: text("label-3"), deliveries: vec![delivery(None)], unknown: known() }.into()),
        ("erasure_requested", ErasureRequested { erasure: name("e-1"), entry: Blob(b"\xa1\x00\x00".as_slice().into()), at: AT, reason: Some(name("asked at the desk")), unknown: known() }.into()),
        ("erasure_requested.minimal", ErasureRequested { erasure: name("e-1"), entry: Blob::default(), at: AT, reason: None, unknown: known() }.into()),
        ("erasure_advanced", ErasureAdvanced { erasure: name("e-1"), step: ErasureStep::KeyDestroyed, entry: Blob(b"\xa1\x00\x01".as_slice().into()), at: AT, unknown: known() }.into()),
    ];
    samples.extend(devices::samples());
    samples.extend(plugins::samples());
    samples
}
