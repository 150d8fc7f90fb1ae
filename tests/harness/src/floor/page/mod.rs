//! The page that one interferes from: doors are opened, shelves emptied, sensors unplugged, and the staff board has to notice.
//!
//! Beside a hub it shows how the stores stand to it, and cuts the line ([`hub`]).
//!
//! Everything on it is a form, so it works without scripts; the script keeps the truth beside the buttons up to date.
//! Guards: what a form names must be on this floor; nothing else can be asked for.

mod hub;

use super::{Home, Scene};
use crate::hub::Sight;
use aisle_device::{
    floor::Place,
    simulator::{SimHandle, Watched},
};
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use std::{collections::BTreeSet, io, sync::Arc};
use tokio::net::TcpListener;

/// A door stays open for so long unless somebody closes it, in milliseconds.
const OPEN_MS: u64 = 10 * 60_000;

/// What the page works with. Clones share it.
#[derive(Clone)]
pub(super) struct Page(Arc<Shared>);

struct Shared {
    floor: SimHandle,
    scene: Scene,
    staff: String,
    pin: String,
    sight: Option<Sight>,
}

/// What was just done, to be said.
#[derive(Deserialize)]
struct Did {
    did: Option<String>,
}

impl Page {
    pub(super) fn new(floor: SimHandle, scene: Scene, home: &Home, sight: Option<Sight>) -> Self {
        let (staff, pin) = (format!("{}/staff", home.url), home.pin.clone());
        Self(Arc::new(Shared { floor, scene, staff, pin, sight }))
    }
}

/// Serves the page for as long as it is polled.
pub(super) async fn serve(page: Page, listener: TcpListener) -> io::Result<()> {
    let router = Router::new()
        .route("/", get(show))
        .route("/style.css", get(|| file("text/css", include_str!("page.css"))))
        .route("/script.js", get(|| file("text/javascript", include_str!("page.js"))))
        .route("/units/{unit}/{act}", post(unit))
        .route("/shelves/{sku}/{act}", post(shelf))
        .route("/devices/{device}/{act}", post(device))
        .route("/line/{act}", post(line))
        .with_state(page);
    axum::serve(listener, router).await
}

async fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

async fn unit(State(page): State<Page>, Path((unit, act)): Path<(String, String)>) -> Response {
    let floor = &page.0.floor;
    match act.as_str() {
        "open" => answer(floor.open_door(&unit, OPEN_MS), "opened"),
        "close" => answer(floor.close_door(&unit), "closed"),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn shelf(State(page): State<Page>, Path((sku, act)): Path<(String, String)>) -> Response {
    let floor = &page.0.floor;
    if !page.0.scene.items().any(|item| item.sku == sku) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match act.as_str() {
        "empty" if floor.empty_shelf(&sku) > 0 => answer(true, "emptied"),
        "empty" => answer(true, "was-empty"),
        // Whoever is asked for it by the board says there that it is done; it is not entered twice.
        "fill" if floor.fill_shelf(&sku, false) > 0 => answer(true, "filled"),
        "fill" => answer(true, "no-more"),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn device(State(page): State<Page>, Path((device, act)): Path<(String, String)>) -> Response {
    match act.as_str() {
        "unplug" => answer(page.0.floor.plug(&device, false), "unplugged"),
        "plug" => answer(page.0.floor.plug(&device, true), "plugged"),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn line(State(page): State<Page>, Path(act): Path<String>) -> Response {
    let Some(Sight { lines, .. }) = &page.0.sight else { return StatusCode::NOT_FOUND.into_response() };
    match act.as_str() {
        "cut" => {
            lines.cut();
            answer(true, "cut")
        }
        "mend" => {
            lines.mend();
            answer(true, "mended")
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(known: bool, did: &str) -> Response {
    if known {
        Redirect::to(&format!("/?did={did}")).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

fn said(did: &str) -> Option<&'static str> {
    Some(match did {
        "opened" => "The door is open. It gets warm in there.",
        "closed" => "The door is closed.",
        "emptied" => "One shopper took it all. It is paid for in a few minutes.",
        "was-empty" => "There was nothing on that shelf.",
        "filled" => "The shelf is filled from the backroom.",
        "no-more" => "The shelf has no room, or the backroom has none.",
        "unplugged" => "The device is off the network.",
        "plugged" => "The device is back on the network.",
        "cut" => "The line to the hub is cut. Shoppers notice nothing.",
        "mended" => "The line is back. The hub catches up.",
        _ => return None,
    })
}

/// What the page shows of the floor, in one look.
struct Truth {
    /// Units: name, temperature, whether the door is open.
    units: Vec<(String, f64, bool)>,
    /// Shelves: number, pieces on it, pieces in the backroom.
    shelves: Vec<(String, i64, i64)>,
}

async fn show(State(page): State<Page>, Query(did): Query<Did>) -> Response {
    let shared = &page.0;
    let truth = shared.floor.with_floor(|floor| {
        let config = floor.config();
        let units = config.units.iter().map(|unit| {
            let celsius = floor.unit_celsius(&unit.name).unwrap_or_default();
            (unit.name.clone(), celsius, floor.door_is_open(&unit.name))
        });
        let pieces = |sku: &str, place| floor.truth(sku, place);
        let shelves = config.items.iter().map(|item| {
            let (shelf, backroom) = (pieces(&item.sku, Place::Shelf), pieces(&item.sku, Place::Backroom));
            (item.sku.clone(), shelf, backroom)
        });
        Truth { units: units.collect(), shelves: shelves.collect() }
    });
    let Some(truth) = truth else { return StatusCode::NOT_FOUND.into_response() };
    let unplugged = shared.floor.unplugged();
    let did = did.did.as_deref().and_then(said);
    let progress = shared.floor.progress();
    let content = html! {
        header {
            h1 { "The shop floor" }
            p {
                "Do something here and see it on the "
                a href=(shared.staff) target="board" { "staff board" }
                ". Its PIN is " b.pin { (shared.pin) } "."
            }
            p #devices.calm data-live { (progress.connected) " of " (progress.devices) " devices are connected." }
            p #said role="status" data-live { @if let Some(did) = did { (did) } }
        }
        main {
            @if let Some(sight) = &shared.sight { (hub::section(sight)) }
            section aria-labelledby="units" {
                h2 #units { "Fridges, freezers and the hot counter" }
                ul { @for (name, celsius, open) in &truth.units { (unit_row(shared, name, *celsius, *open, &unplugged)) } }
            }
            section aria-labelledby="shelves" {
                h2 #shelves { "Shelves" }
                ul { @for (sku, shelf, backroom) in &truth.shelves { (shelf_row(shared, sku, *shelf, *backroom, &unplugged)) } }
            }
        }
    };
    Html(whole(&content).into_string()).into_response()
}

fn unit_row(shared: &Shared, name: &str, celsius: f64, open: bool, unplugged: &BTreeSet<String>) -> Markup {
    html! {
        li {
            div.what {
                h3 { (name) }
                p.truth id=(format!("unit-{name}")) data-live {
                    (format!("{celsius:.1} °C")) ", door " @if open { b { "open" } } @else { "closed" }
                }
            }
            div.acts {
                (button(&format!("/units/{name}/open"), "Open the door", name, true))
                (button(&format!("/units/{name}/close"), "Close it", name, false))
                @for device in watching(shared, |watched| matches!(watched, Watched::Unit { name: of } if of == name)) {
                    (plug(&device, unplugged))
                }
            }
        }
    }
}

fn shelf_row(shared: &Shared, sku: &str, shelf: i64, backroom: i64, unplugged: &BTreeSet<String>) -> Markup {
    let name = shared.scene.name(sku);
    html! {
        li {
            div.what {
                h3 { (name) }
                p.truth id=(format!("shelf-{sku}")) data-live { b { (shelf) } " on the shelf, " (backroom) " in the backroom" }
            }
            div.acts {
                (button(&format!("/shelves/{sku}/empty"), "Empty it", name, true))
                (button(&format!("/shelves/{sku}/fill"), "Bring goods back", name, false))
                @for device in watching(shared, |watched| matches!(watched, Watched::Item { sku: of, .. } if of == sku)) {
                    (plug(&device, unplugged))
                }
            }
        }
    }
}

/// The first sensors of something; labels and plugs say nothing that anybody would miss.
fn watching(shared: &Shared, is_it: impl Fn(&Watched) -> bool) -> Vec<String> {
    use aisle_device::simulator::Model::{FridgeTemperature, ShelfScale};
    let devices = shared.floor.devices().into_iter();
    let sensors = devices.filter(|device| matches!(device.model, FridgeTemperature | ShelfScale));
    sensors.filter(|device| device.watches.as_ref().is_some_and(&is_it)).map(|device| device.id).collect()
}

fn plug(device: &str, unplugged: &BTreeSet<String>) -> Markup {
    let is_out = unplugged.contains(device);
    html! {
        span id=(format!("plug-{device}")) data-live {
            @if is_out { (button(&format!("/devices/{device}/plug"), "Plug the sensor in", device, false)) }
            @else { (button(&format!("/devices/{device}/unplug"), "Unplug the sensor", device, false)) }
        }
    }
}

fn button(to: &str, label: &str, of: &str, is_main: bool) -> Markup {
    html! {
        form action=(to) method="post" {
            button.main[is_main] type="submit" aria-label=(format!("{label}: {of}")) { (label) }
        }
    }
}

fn whole(content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "The shop floor · Aisle" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
            }
            body { (content) }
        }
    }
}
