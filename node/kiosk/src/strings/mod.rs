//! Every text of the pages, in every language of the kiosk.
//!
//! One struct, one constant for each language: a text that is missing does not compile.

mod en;
mod zh;

use axum::http::{HeaderMap, header};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// British English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Every language, in the order in which they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// As in BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// Its name in addresses, cookies and forms.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Its texts.
    pub(crate) const fn strings(self) -> &'static Strings {
        match self {
            Self::English => &en::STRINGS,
            Self::Chinese => &zh::STRINGS,
        }
    }

    /// The language with a code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The one that a browser likes best (RFC 9110, section 12.5.4), English when it likes neither.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::English);
        let accepted =
            headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        for range in accepted.split(',').take(16) {
            let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let quality: f32 = quality.trim().trim_start_matches("q=").parse().unwrap_or(0.0);
            // Thousandths, which is what the header can carry.
            let quality = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
            if let Some(language) = Self::from_code(&primary).filter(|_| quality > best.0) {
                best = (quality, language);
            }
        }
        best.1
    }
}

/// The texts of the pages in one language.
pub(crate) struct Strings {
    /// The language's name in itself.
    pub(crate) language: &'static str,
    pub(crate) choose_language: &'static str,
    pub(crate) skip_to_content: &'static str,
    pub(crate) home: &'static str,
    pub(crate) main_menu: &'static str,
    pub(crate) welcome: &'static str,
    pub(crate) welcome_hint: &'static str,
    pub(crate) search: &'static str,
    pub(crate) search_label: &'static str,
    pub(crate) search_placeholder: &'static str,
    pub(crate) results: fn(usize, &str) -> String,
    pub(crate) nothing_found: fn(&str) -> String,
    pub(crate) nothing_found_hint: &'static str,
    pub(crate) more_results_hint: fn(usize) -> String,
    pub(crate) popular_now: &'static str,
    pub(crate) for_you: &'static str,
    pub(crate) goes_with_this: &'static str,
    pub(crate) goes_with_basket: &'static str,
    pub(crate) categories: &'static str,
    pub(crate) all_products: &'static str,
    pub(crate) products_count: fn(usize) -> String,
    pub(crate) previous_page: &'static str,
    pub(crate) next_page: &'static str,
    pub(crate) page_of: fn(usize, usize) -> String,
    pub(crate) pages: &'static str,
    pub(crate) empty_shop: &'static str,
    pub(crate) empty_shop_hint: &'static str,
    pub(crate) in_stock: &'static str,
    pub(crate) few_left: fn(&str) -> String,
    pub(crate) out_of_stock: &'static str,
    pub(crate) stock_unknown: &'static str,
    pub(crate) article: fn(&str) -> String,
    pub(crate) price_since: fn(&str) -> String,
    pub(crate) price_may_have_changed: &'static str,
    pub(crate) prices_as_of: fn(&str) -> String,
    pub(crate) per_unit: fn(aisle_event::Unit) -> &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) quantity_of: fn(&str) -> String,
    pub(crate) add_to_basket: &'static str,
    pub(crate) basket: &'static str,
    pub(crate) basket_with: fn(usize) -> String,
    pub(crate) basket_empty: &'static str,
    pub(crate) basket_empty_hint: &'static str,
    pub(crate) one_more_of: fn(&str) -> String,
    pub(crate) one_less_of: fn(&str) -> String,
    pub(crate) remove: &'static str,
    pub(crate) remove_named: fn(&str) -> String,
    pub(crate) not_offered_any_more: fn(&str) -> String,
    pub(crate) not_for_sale: &'static str,
    pub(crate) instead: &'static str,
    pub(crate) instead_of: fn(&str) -> String,
    pub(crate) usual_price: &'static str,
    pub(crate) price_now: &'static str,
    pub(crate) offers: &'static str,
    pub(crate) points: fn(u32) -> String,
    pub(crate) points_given: fn(u32) -> String,
    pub(crate) coupon: &'static str,
    pub(crate) coupons: &'static str,
    pub(crate) coupon_hint: &'static str,
    pub(crate) coupon_refused: &'static str,
    pub(crate) coupons_full: &'static str,
    pub(crate) enter_coupon: &'static str,
    pub(crate) without_offers: &'static str,
    pub(crate) not_payable: &'static str,
    pub(crate) total_changed: &'static str,
    pub(crate) total_changed_hint: &'static str,
    pub(crate) total: &'static str,
    pub(crate) pay: &'static str,
    pub(crate) keep_shopping: &'static str,
    pub(crate) leave: &'static str,
    pub(crate) thanks: &'static str,
    pub(crate) thanks_hint: &'static str,
    pub(crate) receipt: fn(&str) -> String,
    pub(crate) closes_in: fn(u32) -> String,
    pub(crate) done: &'static str,
    pub(crate) still_there: &'static str,
    pub(crate) still_there_hint: &'static str,
    pub(crate) seconds: &'static str,
    pub(crate) i_am_here: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) not_found_hint: &'static str,
    pub(crate) product_gone: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) busy: &'static str,
    pub(crate) busy_hint: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) failed_hint: &'static str,
    pub(crate) conflict: &'static str,
    pub(crate) conflict_hint: &'static str,
    pub(crate) back_to_start: &'static str,
    pub(crate) back_to_basket: &'static str,
    pub(crate) bought_with: fn(&str) -> String,
    pub(crate) went_on_from: fn(&str) -> String,
    pub(crate) went_on: &'static str,
    pub(crate) popular_at_this_hour: &'static str,
    pub(crate) chosen_by: fn(&str) -> String,
    pub(crate) new_in_shop: &'static str,
    pub(crate) in_the_shop: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_browsers_favourite_language_is_spoken() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,zh;q=0.9", Language::English),
            ("de, fr;q=0.9", Language::English),
            ("de, zh;q=0.2, en;q=0.1", Language::Chinese),
            ("zh;q=NaN", Language::English),
            ("", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(header));
            assert_eq!(Language::accepted(&headers), expected, "{header}");
        }
    }
}
