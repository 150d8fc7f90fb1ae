//! Stock positions: looked at, corrected by a count, followed by a move.

use super::{
    Answer, Shared, answer,
    authorized::Authorized,
    page::PageParams,
    refused::{act, by, quantity},
};
use crate::admin::view::{
    Page, described_page,
    stock::{CountBody, MoveBody, PositionView},
};
use aisle_event::{Quantity, Sku};
use aisle_inventory::position::Position;
use aisle_kiosk::{
    request::{Json, Params, Problem, Segment},
    staff::{Action, Floor as _},
};

described_page!(PositionPage, Page_StockPosition, PositionView);

/// Lists positions in order of their products' numbers.
#[utoipa::path(
    get, path = "/v1/admin/positions", tag = "administration", operation_id = "listPositions",
    security(("token" = [])), params(PageParams),
    responses(
        (status = 200, description = "A page of positions.", body = PositionPage),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    admin: Authorized,
    Params(params): Params<PageParams>,
) -> Result<Answer<Page<PositionView>>, Problem> {
    let asked = params.asked()?;
    let view = admin.floor.view();
    let found = view.positions.positions().filter(|position| position.sku.as_str() > asked.after);
    let found = found.take(asked.find).map(|position| shown(&admin, &position)).collect();
    Ok(answer(asked.page(found, |position: &PositionView| &position.sku)))
}

/// How much of a product is where, on what that rests, and why.
#[utoipa::path(
    get, path = "/v1/admin/positions/{sku}", tag = "administration", operation_id = "getPosition",
    security(("token" = [])), params(("sku" = String, Path, description = "The product's number.", min_length = 1)),
    responses(
        (status = 200, description = "The position.", body = PositionView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was ever counted, delivered, weighed or read of it.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized, Segment(sku): Segment) -> Result<Answer<PositionView>, Problem> {
    position(&admin, &sku).map(answer)
}

/// Says how much somebody counted in a place.
#[utoipa::path(
    post, path = "/v1/admin/positions/{sku}/counts", tag = "administration", operation_id = "countStock",
    security(("token" = [])), params(("sku" = String, Path, description = "The product's number.", min_length = 1)),
    request_body(content = CountBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The position; the count is durable.", body = PositionView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The shop has no such product.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn count(
    admin: Authorized,
    Segment(sku): Segment,
    Json(body): Json<CountBody>,
) -> Result<Answer<PositionView>, Problem> {
    let by = by(body.by.as_deref())?;
    let (sku, quantity) = amount(&admin, &sku, body.quantity)?;
    let action = Action::Count { sku: sku.clone(), place: body.place, quantity };
    admin.floor.act(action, by).await.map_err(act)?;
    position(&admin, sku.as_str()).map(answer)
}

/// Says how much somebody carried from one place to another.
#[utoipa::path(
    post, path = "/v1/admin/positions/{sku}/moves", tag = "administration", operation_id = "moveStock",
    security(("token" = [])), params(("sku" = String, Path, description = "The product's number.", min_length = 1)),
    request_body(content = MoveBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The position; the move is durable.", body = PositionView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The shop has no such product, or nothing is known of where it is.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn carry(
    admin: Authorized,
    Segment(sku): Segment,
    Json(body): Json<MoveBody>,
) -> Result<Answer<PositionView>, Problem> {
    let by = by(body.by.as_deref())?;
    if body.from == body.to {
        return Err(Problem::field("to", "is where the goods are already"));
    }
    let (sku, quantity) = amount(&admin, &sku, body.quantity)?;
    if quantity.thousandths == 0 {
        return Err(Problem::field("quantity", "is 0, which is no move"));
    }
    let action = Action::Move { sku: sku.clone(), from: body.from, to: body.to, quantity };
    admin.floor.act(action, by).await.map_err(act)?;
    position(&admin, sku.as_str()).map(answer)
}

fn amount(admin: &Shared, sku: &str, units: f64) -> Result<(Sku, Quantity), Problem> {
    let sku = Sku::new(sku).map_err(|error| Problem::field("sku", error.to_string()))?;
    let quantity = quantity(admin, &sku, "quantity", units)?;
    Ok((sku, quantity))
}

fn position(admin: &Shared, sku: &str) -> Result<PositionView, Problem> {
    let known = Sku::new(sku).ok().and_then(|sku| admin.floor.view().positions.position(&sku));
    known.map(|position| shown(admin, &position)).ok_or_else(|| {
        let detail = format!(
            "nothing was ever counted, delivered, weighed or read of `{sku}`\nhint: count it: `aisle-node stock count {sku} shelf QUANTITY`"
        );
        Problem::unknown_position(detail).with("sku", "has no position")
    })
}

fn shown(admin: &Shared, position: &Position) -> PositionView {
    let shop = admin.floor.shop();
    let product = shop.product(position.sku.as_str());
    let name = product.map(|product| product.name.to_string());
    PositionView::of(position, name, product.is_some_and(|product| product.in_stock()))
}
