//! Feedback: what a shopper saw, touched and bought, from clients that show the shop in their own way.

use crate::{
    amount::Amount,
    api::{
        json,
        recommendations::{SLOTS, SlotView},
        views::RecordedView,
    },
    app::App,
    checkout,
    http::{
        extract::{JsonBytes, Segment, choice, parse},
        problem::Problem,
    },
    shopping::{self, Change},
};
use aisle_event::{
    Event, Sku,
    shopper::{ItemClicked, ItemsShown, ProductViewed, Rung},
};
use aisle_state::{Session, Shop};
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

/// The most products in one event.
const SKUS_MAX: usize = 50;
/// The rungs, by their names in bodies.
const RUNGS: &[(&str, Rung)] = &[
    ("session-neighbours", Rung::SessionNeighbours),
    ("item-to-item", Rung::ItemToItem),
    ("popular", Rung::Popular),
    ("rules", Rung::Rules),
    ("catalogue", Rung::Catalogue),
];

/// Gives a `kind` field the one value that it may hold.
macro_rules! kind {
    ($($name:ident $text:tt;)+) => {$(
        #[derive(Deserialize, ToSchema)]
        enum $name {
            #[serde(rename = $text)]
            Only,
        }
    )+};
}

kind! {
    ViewKind "view";
    ClickKind "click";
    ImpressionKind "impression";
    AddKind "add";
    PurchaseKind "purchase";
}

/// What happened.
#[derive(Deserialize)]
struct AnyKind {
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    View,
    Click,
    Impression,
    Add,
    Purchase,
}

/// A product's page was opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ViewEvent, example = json!({ "kind": "view", "sku": "85123A" }))]
struct View {
    #[schema(inline)]
    #[serde(rename = "kind")]
    _kind: ViewKind,
    /// The product's number.
    #[schema(min_length = 1, max_length = 64)]
    sku: String,
}

/// A recommendation was touched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClickEvent, example = json!({ "kind": "click", "sku": "85123A", "slot": "home", "position": 0 }))]
struct Click {
    #[schema(inline)]
    #[serde(rename = "kind")]
    _kind: ClickKind,
    /// The product's number.
    #[schema(min_length = 1, max_length = 64)]
    sku: String,
    #[schema(value_type = SlotView)]
    slot: String,
    /// Its place in the list, from 0.
    #[schema(value_type = u32, minimum = 0, maximum = 49)]
    position: Position,
}

/// Recommendations came into view.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImpressionEvent, example = json!({ "kind": "impression", "skus": ["85123A"], "slot": "home", "rung": "popular" }))]
struct Impression {
    #[schema(inline)]
    #[serde(rename = "kind")]
    _kind: ImpressionKind,
    /// The products' numbers, best first.
    #[schema(min_items = 1, max_items = 50)]
    skus: Vec<String>,
    #[schema(value_type = SlotView)]
    slot: String,
    #[schema(value_type = super::views::RungView)]
    rung: String,
}

/// Something was put into the basket, on top of what is there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddEvent, example = json!({ "kind": "add", "sku": "85123A", "quantity": 1 }))]
struct Add {
    #[schema(inline)]
    #[serde(rename = "kind")]
    _kind: AddKind,
    /// The product's number.
    #[schema(min_length = 1, max_length = 64)]
    sku: String,
    /// One unit unless it says otherwise.
    #[serde(default = "one")]
    quantity: Amount,
}

/// One of each was paid at a till that reports no sales of its own. What is in the kiosk's basket is paid by checkout.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PurchaseEvent, example = json!({ "kind": "purchase", "skus": ["85123A"] }))]
struct Purchase {
    #[schema(inline)]
    #[serde(rename = "kind")]
    _kind: PurchaseKind,
    /// The products' numbers.
    #[schema(min_items = 1, max_items = 50)]
    skus: Vec<String>,
}

/// One thing that happened.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = FeedbackEvent)]
#[expect(
    dead_code,
    reason = "gives the schema; each kind is read by itself, so that a refusal names its field"
)]
enum Feedback {
    View(View),
    Click(Click),
    Impression(Impression),
    Add(Add),
    Purchase(Purchase),
}

/// A place in a list of recommendations: a whole number, also when it is written as `1.0`.
struct Position(u32);

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = Amount::deserialize(deserializer)?;
        amount
            .whole()
            .filter(|position| (*position as usize) < SKUS_MAX)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("is no whole number from 0 to 49"))
    }
}

const fn one() -> Amount {
    Amount::ONE
}

/// Records what a shopper did.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/events", tag = "sessions", operation_id = "recordEvent",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64)),
    request_body(content = Feedback, content_type = "application/json"),
    responses(
        (status = 201, description = "It is recorded and durable.", body = RecordedView),
        (status = 404, description = "The session is not open or a product is not on offer.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The product is out of stock or not sold in this quantity, or the basket is full.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn record(
    State(app): State<App>,
    Segment(session): Segment,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, Problem> {
    let seq = match parse::<AnyKind>(&bytes)?.kind {
        Kind::Add => {
            let body: Add = parse(&bytes)?;
            let seq = shopping::change(&app, &session, &body.sku, Change::Add(body.quantity)).await?;
            // Adding nothing changes nothing; the answer names what is durable already.
            seq.unwrap_or_else(|| app.journal.durable())
        }
        kind => {
            let _open = app.locks.change(&session).await;
            let shop = app.shop();
            let event = event(&app, &shop, &kind, &bytes, &session)?;
            app.commit(&[event]).await?
        }
    };
    Ok(json(StatusCode::CREATED, &RecordedView { seq }))
}

fn event(app: &App, shop: &Shop, kind: &Kind, bytes: &[u8], session: &str) -> Result<Event, Problem> {
    let at = app.now();
    let open = || shopping::open(shop, session).map(AsRef::as_ref);
    Ok(match kind {
        Kind::View => {
            let body: View = parse(bytes)?;
            let sku = shopping::offered(shop, &body.sku, "sku")?.sku.clone();
            ProductViewed { session: open()?.id.clone(), sku, at, unknown: Default::default() }.into()
        }
        Kind::Click => {
            let body: Click = parse(bytes)?;
            let slot = choice("slot", &body.slot, SLOTS)?;
            let session: &Session = open()?;
            ItemClicked {
                session: session.id.clone(),
                slot,
                sku: shopping::offered(shop, &body.sku, "sku")?.sku.clone(),
                position: body.position.0,
                arm: session.arm.clone(),
                at,
                unknown: Default::default(),
            }
            .into()
        }
        Kind::Impression => {
            let body: Impression = parse(bytes)?;
            let (slot, rung) = (choice("slot", &body.slot, SLOTS)?, choice("rung", &body.rung, RUNGS)?);
            let session: &Session = open()?;
            ItemsShown {
                session: session.id.clone(),
                slot,
                skus: offered(shop, &body.skus)?
                    .map(|product| product.map(|product| product.sku.clone()))
                    .collect::<Result<Vec<Sku>, _>>()?,
                rung,
                arm: session.arm.clone(),
                at,
                unknown: Default::default(),
            }
            .into()
        }
        Kind::Purchase | Kind::Add => {
            let body: Purchase = parse(bytes)?;
            let products = offered(shop, &body.skus)?.collect::<Result<Vec<_>, _>>()?;
            checkout::paid_elsewhere(open()?, &products, at)?.into()
        }
    })
}

/// The products of a bounded list, each checked at its place.
fn offered<'a>(
    shop: &'a Shop,
    skus: &'a [String],
) -> Result<impl Iterator<Item = Result<&'a aisle_state::Product, Problem>>, Problem> {
    if skus.is_empty() || skus.len() > SKUS_MAX {
        return Err(Problem::field("skus", format!("does not hold 1 to {SKUS_MAX} products")));
    }
    let product = |(at, sku): (usize, &'a String)| {
        shopping::offered(shop, sku, format!("skus[{at}]")).map(AsRef::as_ref)
    };
    Ok(skus.iter().enumerate().map(product))
}
