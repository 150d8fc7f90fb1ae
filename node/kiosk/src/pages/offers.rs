//! What plugins make of a basket, as shoppers read it: prices struck through, amounts off, points, coupons. Each stands there with its
//! reason, and with the plugin and the version that decided it, for whoever is asked about it at the counter.

use crate::{claims::CODE_CHARS_MAX, strings::Strings, text};
use aisle_event::{
    Money, Name,
    sale::{Adjustment, AdjustmentKind, Points},
};
use maud::{Markup, html};

/// The price of one unit, after the usual one where it is another.
pub(super) fn unit_price(usual: Option<Money>, now: Money, strings: &Strings) -> Markup {
    html! {
        @if let Some(usual) = usual {
            span.hidden { (strings.usual_price) ": " } s { (text::money(usual)) } " "
            span.hidden { (strings.price_now) ": " } b { (text::money(now)) }
        } @else {
            (text::money(now))
        }
    }
}

/// Why something is as it is, and small behind it who decided that.
pub(super) fn why(reason: &str, plugin: &Name, version: &Name) -> Markup {
    html! { (reason) " " span.by { (plugin) " " (version) } }
}

/// Amounts off, each with its reason; nothing at all when there are none.
pub(super) fn amounts<'a>(label: &str, amounts: impl IntoIterator<Item = (&'a Adjustment, Money)>) -> Markup {
    // A share of nothing is nothing to read.
    let amounts: Vec<_> = amounts.into_iter().filter(|(_, amount)| amount.minor != 0).collect();
    html! {
        @if !amounts.is_empty() {
            ul.offers aria-label=(label) {
                @for (it, amount) in amounts {
                    li {
                        span { (why(it.reason.as_str(), &it.plugin, &it.version)) } " "
                        span.off { (signed(amount)) }
                    }
                }
            }
        }
    }
}

/// What comes off one line alone, or is put on it again.
pub(super) fn of_line(adjustments: &[Adjustment], line: u32) -> impl Iterator<Item = (&Adjustment, Money)> {
    let of_line = adjustments
        .iter()
        .filter(move |it| it.line == Some(line) && it.kind != AdjustmentKind::BasketDiscount);
    of_line.map(|it| (it, it.amount))
}

/// What comes off the basket as a whole: the lines' shares of one offer together, in the order of their first.
pub(super) fn of_basket(adjustments: &[Adjustment]) -> impl Iterator<Item = (&Adjustment, Money)> {
    let mut offers: Vec<(&Adjustment, Money)> = Vec::new();
    let of_basket =
        adjustments.iter().filter(|it| it.line.is_none() || it.kind == AdjustmentKind::BasketDiscount);
    for it in of_basket {
        match offers.iter_mut().find(|(first, _)| is_same_offer(first, it)) {
            Some((_, sum)) => *sum = sum.checked_add(it.amount).unwrap_or(*sum),
            None => offers.push((it, it.amount)),
        }
    }
    offers.into_iter()
}

fn is_same_offer(one: &Adjustment, other: &Adjustment) -> bool {
    (&one.plugin, &one.version, &one.reason) == (&other.plugin, &other.version, &other.reason)
}

/// How the total changes.
fn signed(off: Money) -> String {
    let change = text::money(Money { minor: off.minor.saturating_neg(), ..off });
    if off.minor < 0 { format!("+{change}") } else { change.replacen('-', "−", 1) }
}

/// Points, each with its reason.
pub(super) fn points(points: &[Points], words: fn(u32) -> String) -> Markup {
    html! {
        @for points in points {
            p.points {
                (words(points.count)) " · " (why(points.reason.as_str(), &points.plugin, &points.version))
            }
        }
    }
}

/// The coupons of a basket, and a form for another one.
pub(super) fn coupons(entered: &[Name], fault: Option<&str>, strings: &Strings) -> Markup {
    html! {
        section.coupons aria-labelledby="coupons" {
            h2 #coupons { (strings.coupons) }
            @if !entered.is_empty() {
                ul {
                    @for code in entered {
                        li {
                            form action="/coupon" method="post" {
                                input type="hidden" name="code" value=(code);
                                b { (code) } " "
                                button.quiet type="submit" name="change" value="remove"
                                    aria-label=((strings.remove_named)(code.as_str())) { (strings.remove) }
                            }
                        }
                    }
                }
            }
            form.coupon action="/coupon" method="post" {
                label for="coupon" { (strings.coupon) }
                input #coupon type="text" name="code" maxlength=(CODE_CHARS_MAX) pattern=(r"[A-Za-z0-9\-]+") autocomplete="off"
                    autocapitalize="characters" spellcheck="false" required aria-invalid=[fault.map(|_| "true")]
                    aria-describedby=(if fault.is_some() { "coupon-fault coupon-hint" } else { "coupon-hint" });
                button type="submit" name="change" value="enter" { (strings.enter_coupon) }
                p #coupon-hint.small { (strings.coupon_hint) }
                @if let Some(fault) = fault { p #coupon-fault.warn role="alert" { (fault) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::Currency;

    #[test]
    fn what_comes_off_is_below_zero_and_what_is_taken_back_above() {
        assert_eq!(signed(Money::new(250, Currency::GBP)), "−£2.50");
        assert_eq!(signed(Money::new(-50, Currency::GBP)), "+£0.50");
    }
}
