//! The first page: what this shop recommends, and its categories.

use crate::{
    app::App,
    pages::{
        layout::{self, Page},
        parts,
        visitor::Visitor,
    },
    plugins::Place,
    text,
};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::html;

/// `GET /`. A kiosk at rest shows this page without a session: one begins with the first touch.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let strings = visitor.language.strings();
    let index = app.catalogue.index(&app, &visitor.shop).await;
    let content = if visitor.shop.products.is_empty() {
        html! {
            div.empty {
                h1 { (strings.empty_shop) }
                p { (strings.empty_shop_hint) }
            }
        }
    } else {
        let picks = parts::picks(&app, &visitor, Place::Home, None).await;
        let heading = if visitor.session.is_some() { strings.for_you } else { strings.popular_now };
        html! {
            h1 { (strings.welcome) }
            p.lead { (strings.welcome_hint) }
            (parts::recommendations(&app, &visitor, &picks, Place::Home, heading))
            section aria-labelledby="categories" {
                h2 #categories { (strings.categories) }
                ul.categories {
                    li { a.button href="/category" { (strings.all_products) span.size { ((strings.products_count)(visitor.shop.products.len())) } } }
                    @for (name, size) in index.categories() {
                        li {
                            a.button href=(format!("/category/{}", text::encoded(name.as_str()))) {
                                (name) span.size { ((strings.products_count)(size)) }
                            }
                        }
                    }
                }
            }
        }
    };
    layout::answer(&app, &visitor, StatusCode::OK, &Page::new(strings.home, content))
}
