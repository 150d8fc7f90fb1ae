//! Recommendations for a place on the kiosk. The hot path: one snapshot, one lookup of the model, no copies.

use crate::{
    api::{
        json,
        views::{RecommendationView, RecommendationsView},
    },
    app::App,
    engine::Ask,
    http::{
        extract::{Params, Segment, choice, number},
        problem::Problem,
    },
    plugins::Place,
    shopping,
    strings::Language,
};
use aisle_event::shopper::Slot;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// The places that recommendations stand in, by their names in addresses.
const PLACES: &[(&str, Place)] = &[
    ("home", Place::Home),
    ("product", Place::Product),
    ("basket", Place::Basket),
    ("substitute", Place::Substitute),
];
/// The places on the kiosk that impressions are counted for, by their names in addresses.
pub(super) const SLOTS: &[(&str, Slot)] =
    &[("home", Slot::Home), ("product", Slot::Product), ("basket", Slot::Basket)];
/// The languages of the kiosk, by their names in addresses.
pub(super) const LANGUAGES: &[(&str, Language)] = &[("en", Language::English), ("zh", Language::Chinese)];

/// A place on the kiosk: the first page, beside one product, beside the basket.
#[derive(utoipa::ToSchema)]
#[schema(as = Slot, rename_all = "lowercase")]
#[expect(dead_code, reason = "gives the schema; the event's own slot is read")]
pub(super) enum SlotView {
    Home,
    Product,
    Basket,
}

/// Where recommendations stand: the first page, beside one product, beside the basket, in place of a product that is out of stock.
#[derive(utoipa::ToSchema)]
#[schema(as = Place, rename_all = "lowercase")]
#[expect(dead_code, reason = "gives the schema; the plugins' own place is read")]
pub(super) enum PlaceView {
    Home,
    Product,
    Basket,
    Substitute,
}

/// A language of the kiosk.
#[derive(utoipa::ToSchema)]
#[schema(as = Language)]
#[expect(dead_code, reason = "gives the schema; the pages' own language is read")]
pub(super) enum LanguageView {
    #[schema(rename = "en")]
    English,
    #[schema(rename = "zh")]
    Chinese,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RecommendParams {
    /// For the shopper of this session: what they looked at and chose counts.
    #[param(min_length = 1, max_length = 64, nullable = false)]
    session: Option<String>,
    /// The product that is being looked at, or that is out of stock.
    #[param(min_length = 1, max_length = 64, nullable = false)]
    sku: Option<String>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 50, default = 8, nullable = false)]
    count: Option<String>,
    /// The language of the reasons.
    #[param(value_type = LanguageView, inline, required = false)]
    lang: Option<String>,
}

/// Recommends products.
#[utoipa::path(
    get, path = "/v1/recommendations/{slot}", tag = "recommendations", operation_id = "recommend",
    params(("slot" = inline(PlaceView), Path, description = "The place on the kiosk. In place of a product that is \
            out of stock there is something only where a plugin knows what is like it."), RecommendParams),
    responses(
        (status = 200, description = "Recommendations, best first.", body = RecommendationsView),
        (status = 404, description = "The session is not open or the product is not on offer.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn recommend(
    State(app): State<App>,
    Segment(slot): Segment,
    Params(params): Params<RecommendParams>,
) -> Result<Response, Problem> {
    let place = choice("slot", &slot, PLACES)?;
    let count = number("count", params.count.as_deref(), &(1..=50), 8)?;
    let language =
        params.lang.as_deref().map_or(Ok(Language::English), |lang| choice("lang", lang, LANGUAGES))?;
    let shop = app.shop();
    let session = params.session.as_deref().map(|id| shopping::open(&shop, id)).transpose()?;
    let product = params.sku.as_deref().map(|sku| shopping::offered(&shop, sku, "sku")).transpose()?;
    let index = app.catalogue.present(&app, &shop).await;
    let session = session.map(AsRef::as_ref);
    let ask = Ask { place, session, sku: product.map(|product| &product.sku), count, now: app.now() };
    let picks = app.engine.pick(&app, &shop, &index, &ask).await;
    let items = picks
        .items
        .iter()
        .map(|pick| RecommendationView {
            product: pick.product.into(),
            rung: pick.rung,
            reason: pick.why.words(&shop, language.strings(), &app.config.store_name),
        })
        .collect();
    let view = RecommendationsView {
        items,
        rung: picks.rung,
        degraded: picks.degraded,
        as_of: picks.as_of,
        model: picks.model,
        arm: session.and_then(|session| session.arm.as_ref()),
    };
    Ok(json(StatusCode::OK, &view))
}
