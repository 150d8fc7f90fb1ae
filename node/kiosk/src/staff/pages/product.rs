//! One product: how much there is where, what that rests on, why, and the forms that say better.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, marked, percent, product_address},
};
use crate::{
    app::App,
    http::{extract::Segment, problem::Problem},
    staff::{
        Action,
        desk::Desk,
        detail::{PlaceRow, PositionPage, SourceRow},
        form::{Reason, Sent, Trouble},
        visit::Colleague,
    },
};
use aisle_event::{Name, Sku, Unit, device::Place};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

/// What a product is counted in.
pub(super) fn unit(desk: &Desk, sku: &Sku) -> Unit {
    unit_in(&desk.app, sku)
}

fn unit_in(app: &App, sku: &Sku) -> Unit {
    app.shop().product(sku.as_str()).map_or(Unit::Each, |product| product.unit)
}

/// `GET /staff/products/{sku}`.
pub(super) async fn show(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(sku): Segment,
) -> Result<Response, Problem> {
    page(&desk, &colleague, &sku, None)
}

fn page(
    desk: &Desk,
    colleague: &Colleague,
    sku: &str,
    trouble: Option<(&Trouble, &Sent)>,
) -> Result<Response, Problem> {
    let board = desk.floor.board();
    let shop = desk.app.shop();
    let offered = shop.product(sku);
    let position = desk.floor.position(sku);
    let known = position.as_ref().map(|position| position.product.sku.clone());
    let sku = known.or_else(|| offered.map(|product| product.sku.clone())).ok_or_else(|| {
        Problem::unknown_product(format!("the shop has no product `{sku}`")).with("sku", "is not known")
    })?;
    let known_name = position.as_ref().and_then(|position| position.product.name.as_ref());
    let name = known_name.or_else(|| offered.map(|product| &product.name)).map_or(sku.as_str(), Name::as_str);
    let unit = position
        .as_ref()
        .and_then(|position| position.places.first())
        .map_or_else(|| unit_in(&desk.app, &sku), |place| place.estimate.value.unit);
    let eye = Eye::of(colleague);
    let words = eye.words;
    let content = html! {
        p.sub { (sku) }
        (eye.outcome(trouble.map(|(trouble, _)| trouble)))
        section aria-labelledby="stock-title" {
            h2 #stock-title { (words.stock) }
            div #stock data-live="stock" {
                @match &position {
                    Some(position) => (stock(eye, position)),
                    None => p.empty { (words.no_stock) },
                }
            }
        }
        (count_form(eye, &sku, unit, trouble))
        (carry_form(eye, &sku, unit, trouble))
    };
    let status = trouble.map_or(StatusCode::OK, |(trouble, _)| trouble.status);
    Ok(layout::answer(desk, colleague, &board, status, &Page { tab: Tab::Products, title: name, content }))
}

fn stock(eye: Eye<'_>, position: &PositionPage) -> Markup {
    let words = eye.words;
    html! {
        ul.facts {
            li { b { (if position.sellable { words.sellable } else { words.not_sellable }) } }
            li { (words.empty_shelf) ": " b { ((words.chance)(&percent(position.empty_permille))) } }
            li { (words.phantom) ": " b { ((words.chance)(&percent(position.phantom_permille))) } }
            li.trust { (eye.ago(position.as_of)) }
        }
        div.cards {
            @for place in &position.places { (place_card(eye, place)) }
        }
    }
}

fn place_card(eye: Eye<'_>, place: &PlaceRow) -> Markup {
    let words = eye.words;
    let name = (words.place)(place.place);
    html! {
        article.card {
            (eye.estimate(name, place.estimate))
            (interval(place))
            @if !place.sources.is_empty() {
                h3 { (words.sources) }
                (shares(&place.sources))
                ul.sources {
                    @for (at, source) in place.sources.iter().enumerate() { (source_row(eye, at, source)) }
                }
            }
            @if !place.why.is_empty() {
                h3 { (words.why) }
                @for why in &place.why { p.why { (eye.english(why)) } }
            }
        }
    }
}

fn source_row(eye: Eye<'_>, at: usize, source: &SourceRow) -> Markup {
    let words = eye.words;
    html! {
        li {
            (swatch(at))
            span {
                b { ((words.source)(source.source)) }
                @if let Some(says) = source.says { " " ((words.source_says)(&says.to_string())) }
                span.trust { (eye.ago(source.as_of)) span.sep { " · " } ((words.source_part)(&percent(source.weight_permille))) }
            }
        }
    }
}

/// How many sources are told apart by colour.
const COLOURS: usize = 6;

fn swatch(at: usize) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" aria-hidden="true" focusable="false" {
            rect class=(format!("share-{}", at % COLOURS)) width="10" height="10" rx="2" {}
        }
    }
}

/// The part of each source, side by side. The list below says the same in words.
fn shares(sources: &[SourceRow]) -> Markup {
    let starts = sources.iter().scan(0_u32, |end, source| {
        let start = *end;
        *end += u32::from(source.weight_permille.min(1000));
        Some(start)
    });
    html! {
        svg.shares viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (at, (start, source)) in starts.zip(sources).enumerate() {
                rect class=(format!("share-{}", at % COLOURS)) x=(start) width=(source.weight_permille.min(1000)) height="60" {}
            }
        }
    }
}

/// The estimate within its bounds, on a scale from nothing. The words above say the same.
fn interval(place: &PlaceRow) -> Markup {
    let estimate = place.estimate;
    let most = estimate.high.thousandths.max(1);
    // Whole thousandths of the width; i128 because a quantity may be anything.
    let x = |thousandths: i64| (i128::from(thousandths.clamp(0, most)) * 1000 / i128::from(most)) as i64;
    let (low, value, high) =
        (x(estimate.low.thousandths), x(estimate.value.thousandths), x(estimate.high.thousandths));
    html! {
        svg.interval viewBox="-20 0 1040 80" aria-hidden="true" focusable="false" {
            line.axis x1="0" y1="40" x2="1000" y2="40" {}
            line.span x1=(low) y1="40" x2=(high) y2="40" {}
            circle.at cx=(value) cy="40" r="20" {}
        }
    }
}

fn places(eye: Eye<'_>, id: &str, name: &str, chosen: Place) -> Markup {
    html! {
        select id=(id) name=(name) {
            @for place in Place::ALL { option value=(place.as_str()) selected[*place == chosen] { ((eye.words.place)(*place)) } }
        }
    }
}

fn amount(eye: Eye<'_>, id: &str, name: &str, unit: Unit, trouble: Option<(&Trouble, &Sent)>) -> Markup {
    let wrong = trouble.filter(|(trouble, _)| trouble.field.as_deref() == Some(name));
    let written = trouble.and_then(|(_, sent)| sent.get(name));
    let about = format!("{id}-about");
    let label = match unit {
        Unit::Each => String::new(),
        unit => format!(" ({unit})"),
    };
    html! {
        div.field {
            label for=(id) { ((eye.words.amount)(&label)) }
            input id=(id) name=(name) value=[written] inputmode=(if unit == Unit::Each { "numeric" } else { "decimal" })
                autocomplete="off" maxlength="12" required aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| &about)];
            @if let Some((trouble, _)) = wrong { p.hint id=(about) { strong.wrong { (eye.reason(&trouble.reason)) } } }
        }
    }
}

fn count_form(eye: Eye<'_>, sku: &Sku, unit: Unit, trouble: Option<(&Trouble, &Sent)>) -> Markup {
    let words = eye.words;
    html! {
        section aria-labelledby="count-title" {
            h2 #count-title { (words.count) }
            form.card action=(product_address(sku)) method="post" {
                (marked())
                p.hint { (words.count_hint) }
                div.pair {
                    div.field { label for="count-place" { (words.where_) } (places(eye, "count-place", "place", Place::Shelf)) }
                    (amount(eye, "count-quantity", "count", unit, trouble))
                }
                div.buttons { button.primary type="submit" name="do" value="count" { (words.save_count) } }
            }
        }
    }
}

fn carry_form(eye: Eye<'_>, sku: &Sku, unit: Unit, trouble: Option<(&Trouble, &Sent)>) -> Markup {
    let words = eye.words;
    html! {
        section aria-labelledby="carry-title" {
            h2 #carry-title { (words.carry) }
            form.card action=(product_address(sku)) method="post" {
                (marked())
                div.pair {
                    div.field { label for="carry-from" { (words.carry_from) } (places(eye, "carry-from", "from", Place::Backroom)) }
                    div.field { label for="carry-to" { (words.carry_to) } (places(eye, "carry-to", "to", Place::Shelf)) }
                }
                (amount(eye, "carry-quantity", "quantity", unit, trouble))
                div.buttons { button type="submit" name="do" value="move" { (words.save_carry) } }
            }
        }
    }
}

/// `POST /staff/products/{sku}`.
pub(super) async fn act(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(sku): Segment,
    sent: Sent,
) -> Result<Response, Problem> {
    let unknown =
        || Problem::unknown_product(format!("the shop has no product `{sku}`")).with("sku", "is not known");
    let position = desk.floor.position(&sku);
    let known = position.as_ref().map(|position| position.product.sku.clone());
    let known = known
        .or_else(|| desk.app.shop().product(&sku).map(|product| product.sku.clone()))
        .ok_or_else(unknown)?;
    let unit = position
        .and_then(|position| position.places.first().map(|place| place.estimate.value.unit))
        .unwrap_or_else(|| unit(&desk, &known));
    let wanted = sent.must("do")?;
    let read = match wanted {
        "count" => read_count(&sent, &known, unit),
        "move" => read_move(&sent, &known, unit),
        _ => return Err(Problem::field("do", "is none of count, move")),
    };
    let did = if wanted == "count" { "counted" } else { "moved" };
    let done = match read {
        Ok(action) => desk.act(action, colleague.name.clone(), sent.mark()).await?.map_err(Trouble::from),
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok(()) => Ok(colleague.person.see_other(&format!("{}?did={did}", product_address(&known)))),
        Err(trouble) => page(&desk, &colleague, &sku, Some((&trouble, &sent))),
    }
}

fn read_count(sent: &Sent, sku: &Sku, unit: Unit) -> Result<Action, Trouble> {
    Ok(Action::Count {
        sku: sku.clone(),
        place: sent.place("place")?,
        quantity: sent.must_quantity("count", unit)?,
    })
}

fn read_move(sent: &Sent, sku: &Sku, unit: Unit) -> Result<Action, Trouble> {
    let (from, to) = (sent.place("from")?, sent.place("to")?);
    if from == to {
        return Err(Trouble::new("to", Reason::SamePlace));
    }
    let quantity = sent.must_quantity("quantity", unit)?;
    if quantity.thousandths == 0 {
        return Err(Trouble::new("quantity", Reason::Nothing));
    }
    Ok(Action::Move { sku: sku.clone(), from, to, quantity })
}
