//! Money, quantities, GTINs and ids: exact or refused.

use aisle_event::{
    Currency, Day, Event, Gtin, InvalidMoney, Money, Quantity, Sku, Timestamp, Unit, quantity, sale,
};
use proptest::prelude::*;

fn jpy() -> Currency {
    "JPY".parse().unwrap()
}

proptest! {
    #[test]
    fn money_reads_what_it_prints(minor in any::<i32>(), currency in prop::sample::select(vec!["GBP", "JPY", "KWD"])) {
        let money = Money::new(minor.into(), currency.parse().unwrap());
        let text = money.to_string();
        let number = text.strip_suffix(&format!(" {currency}")).unwrap();
        prop_assert_eq!(Money::parse(number, money.currency).unwrap(), money);
    }

    #[test]
    fn no_text_panics_a_parser(text in ".{0,30}") {
        let _ = Money::parse(&text, Currency::GBP);
        let _ = Quantity::parse_pieces(&text);
        let _ = text.parse::<Gtin>();
        let _ = text.parse::<Currency>();
        let _ = Sku::new(&text);
    }
}

#[test]
fn money_keeps_every_decimal_or_refuses() {
    assert_eq!(Money::parse("2.5", Currency::GBP).unwrap().minor, 250);
    assert_eq!(Money::parse("-11062.06", Currency::GBP).unwrap().minor, -1_106_206);
    assert_eq!(Money::parse("2.500", Currency::GBP).unwrap().minor, 250);
    assert_eq!(Money::parse("120", jpy()).unwrap().minor, 120);
    assert!(matches!(Money::parse("0.001", Currency::GBP), Err(InvalidMoney::Decimals { found: 3, .. })));
    assert!(matches!(Money::parse("1.5", jpy()), Err(InvalidMoney::Decimals { .. })));
    for text in ["", ".", "-", "1,5", "1e3", "NaN", "£2", " 2"] {
        assert!(matches!(Money::parse(text, Currency::GBP), Err(InvalidMoney::Number(_))), "{text}");
    }
    assert!(matches!(Money::parse("99999999999999999999", Currency::GBP), Err(InvalidMoney::TooLarge(_))));
}

#[test]
fn sums_never_mix_currencies_or_units_or_wrap() {
    let pound = Money::new(100, Currency::GBP);
    assert_eq!(pound.checked_add(Money::new(100, jpy())), None);
    assert_eq!(pound.checked_add(Money::new(i64::MAX, Currency::GBP)), None);
    assert_eq!(Quantity::each(1).checked_add(Quantity::zero(Unit::Kilogram)), None);
}

#[test]
fn a_weighed_price_is_rounded_half_away_from_zero() {
    let price = |thousandths, minor| {
        Quantity { thousandths, unit: Unit::Kilogram }.price(Money::new(minor, Currency::GBP)).unwrap().minor
    };
    assert_eq!(price(1250, 199), 249);
    assert_eq!(price(500, 1), 1);
    assert_eq!(price(-500, 1), -1);
    assert_eq!(price(499, 1), 0);
}

proptest! {
    #[test]
    fn what_something_costs_is_its_price_wherever_that_fits(thousandths in any::<i64>(), minor in any::<i64>()) {
        let cost = quantity::cost(minor, thousandths);
        match (Quantity { thousandths, unit: Unit::Each }).price(Money::new(minor, Currency::GBP)) {
            Some(price) => prop_assert_eq!(cost, price.minor),
            None => prop_assert_eq!(cost, if (minor < 0) == (thousandths < 0) { i64::MAX } else { i64::MIN }),
        }
    }
}

#[test]
fn a_total_needs_lines_of_one_currency() {
    assert_eq!(sale::total(&[]), None);
}

#[test]
fn what_was_paid_is_the_lines_less_what_came_off() {
    let samples = crate::samples::samples();
    let sale = samples.into_iter().find_map(|(name, event)| match event {
        Event::SaleRecorded(sale) if name == "sale_recorded.with_offers" => Some(sale),
        _ => None,
    });
    let mut sale = sale.unwrap();
    assert_eq!(sale::total(&sale.lines), Some(Money::new(3060, Currency::GBP)));
    assert_eq!(sale.total(), Some(Money::new(3060 - 510 - 100 + 10 - 1, Currency::GBP)));
    sale.adjustments[0].amount = Money::new(i64::MIN, Currency::GBP);
    assert_eq!(sale.total(), None, "it does not fit");
    sale.adjustments[0].amount = Money::new(1, Currency::EUR);
    assert_eq!(sale.total(), None, "currencies differ");
}

#[test]
fn a_day_is_that_of_utc_and_ends_at_midnight_also_before_1970() {
    for (ms, day) in
        [(0, 0), (86_399_999, 0), (86_400_000, 1), (-1, -1), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN)]
    {
        assert_eq!(Timestamp(ms).day(), Day(day), "{ms}");
    }
}

#[test]
fn a_gtin_is_checked_by_its_last_digit_in_every_length() {
    for good in ["96385074", "036000291452", "4006381333931", "04006381333931"] {
        assert!(good.parse::<Gtin>().is_ok(), "{good}");
    }
    assert_eq!("4006381333931".parse::<Gtin>().unwrap().to_gtin14(), "04006381333931");
    let error = "4006381333932".parse::<Gtin>().unwrap_err();
    assert_eq!(error.to_string(), "`4006381333932` is no GTIN: its check digit is 2, computed 1");
    assert!("400638133393".parse::<Gtin>().is_err());
}

#[test]
fn an_id_holds_no_control_character_and_no_outer_space() {
    for bad in ["", " a", "a ", "a\nb", "a\0", &"x".repeat(65)] {
        assert!(Sku::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(Sku::new("BANK CHARGES").unwrap().as_str(), "BANK CHARGES");
}

#[test]
fn time_stops_at_its_ends() {
    assert_eq!(Timestamp(i64::MAX).saturating_add_ms(1), Timestamp(i64::MAX));
    assert_eq!(Timestamp(0).ms_since(Timestamp(5)), 0);
}
