//! A calm picture for products that have none: initials on a colour that the category decides.
//!
//! The same product always gets the same tile, so shoppers recognise it.

use aisle_state::Product;
use maud::{Markup, html};

/// The tile of a product, as an image without meaning: the name stands beside it.
pub(super) fn tile(product: &Product) -> Markup {
    let name = product.name.as_str();
    let group = hash(product.category.as_ref().map_or(name, |category| category.as_str()));
    let own = hash(name);
    let hue = group % 360;
    let (x, y, r) = (own % 160, (own >> 8) % 120, 28 + (own >> 16) % 30);
    html! {
        svg.tile viewBox="0 0 160 120" aria-hidden="true" focusable="false" {
            rect width="160" height="120" fill=(format!("hsl({hue} 42% 90%)")) {}
            circle cx=(x) cy=(y) r=(r) fill=(format!("hsl({hue} 45% 82%)")) {}
            circle cx=(160 - x) cy=(120 - y) r=(r / 2) fill=(format!("hsl({} 45% 85%)", (hue + 40) % 360)) {}
            text x="80" y="76" text-anchor="middle" font-size="44" font-weight="600" fill=(format!("hsl({hue} 40% 24%)")) {
                (initials(name))
            }
        }
    }
}

/// The first letters of the first two words, or the first ideograph.
fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
    let Some(first) = words.next() else { return "•".into() };
    let second = words.next().filter(|_| first.is_ascii());
    [Some(first), second].into_iter().flatten().flat_map(char::to_uppercase).collect()
}

/// FNV-1a of Fowler, Noll and Vo, 32 bits, with its high bits folded onto its low ones.
fn hash(text: &str) -> u32 {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_come_from_the_first_two_words() {
        assert_eq!(initials("white hanging heart"), "WH");
        assert_eq!(initials("6 RIBBONS"), "6R");
        assert_eq!(initials("绿茶 杯"), "绿");
        assert_eq!(initials("éclair"), "É");
        assert_eq!(initials("***"), "•");
    }
}
