//! The rows that an event adds to an aggregate: one, or one for each item of the list that the aggregate is made of.

use crate::{cbor, policy::AggregateRule, shape::Shape, vocabulary::Path};
use aisle_event::{Money, Quantity};
use minicbor::{Decoder, data::Type};

/// A row, checked and ready to count.
pub(super) struct Row {
    /// The time of the event, in milliseconds.
    pub(super) at: i64,
    /// The contributor's value, as its bytes.
    pub(super) each: Vec<u8>,
    /// A CBOR list of the keys, then one of the sums' units.
    pub(super) group: Vec<u8>,
    /// What the row adds to each sum, within bounds.
    pub(super) amounts: Vec<i64>,
}

/// The rows of an event; a row that lacks something, or has something that is not what its definition says, is left out.
pub(super) fn rows(rule: &AggregateRule, payload: &[u8]) -> Vec<Row> {
    let wanted: Vec<Path> = [rule.time, rule.each]
        .into_iter()
        .chain(rule.keys.iter().map(|(path, _)| *path))
        .chain(rule.sums.iter().map(|(path, _)| *path))
        .collect();
    values(&wanted, payload).unwrap_or_default().iter().filter_map(|values| row(rule, values)).collect()
}

type Values<'b> = Vec<Option<&'b [u8]>>;

/// The wanted values of each row, in the order in which they are wanted.
fn values<'b>(wanted: &[Path], payload: &'b [u8]) -> Option<Vec<Values<'b>>> {
    let mut decoder = Decoder::new(payload);
    let mut top: Values<'b> = vec![None; wanted.len()];
    let mut items: Option<Vec<Values<'b>>> = None;
    for _ in 0..decoder.map().ok()?? {
        let number = decoder.u64().ok()?;
        if wanted.iter().any(|path| matches!(path.numbers(), [first, _] if *first == number)) {
            let many = if decoder.datatype().ok()? == Type::Array { decoder.array().ok()?? } else { 1 };
            let mut found = Vec::new();
            for _ in 0..many {
                let mut item: Values<'b> = vec![None; wanted.len()];
                for _ in 0..decoder.map().ok()?? {
                    let inner = decoder.u64().ok()?;
                    let value = cbor::span(&mut decoder)?;
                    take(wanted, &[number, inner], value, &mut item);
                }
                found.push(item);
            }
            items = Some(found);
        } else {
            let value = cbor::span(&mut decoder)?;
            take(wanted, &[number], value, &mut top);
        }
    }
    let Some(items) = items else { return Some(vec![top]) };
    let with_top =
        |item: Values<'b>| item.into_iter().zip(&top).map(|(inner, above)| inner.or(*above)).collect();
    Some(items.into_iter().map(with_top).collect())
}

fn take<'b>(wanted: &[Path], numbers: &[u64], value: &'b [u8], into: &mut Values<'b>) {
    for (slot, path) in into.iter_mut().zip(wanted) {
        if path.numbers() == numbers && path.shape().admits(value) {
            *slot = Some(value);
        }
    }
}

fn row(rule: &AggregateRule, values: &Values<'_>) -> Option<Row> {
    let mut values = values.iter().copied();
    let at = cbor::only(values.next()??)?;
    let each = values.next()??.to_vec();
    let mut group = Vec::new();
    cbor::put_array(&mut group, rule.keys.len() as u64);
    for (path, form) in &rule.keys {
        let value = values.next()??;
        match form {
            Some(form) => group.extend(form.apply(path.shape(), value)?),
            None => group.extend_from_slice(value),
        }
    }
    cbor::put_array(&mut group, rule.sums.len() as u64);
    let mut amounts = Vec::with_capacity(rule.sums.len());
    for (path, at_most) in &rule.sums {
        let value = values.next()??;
        let amount = match path.shape() {
            Shape::Money => {
                let money: Money = cbor::only(value)?;
                cbor::put_str(&mut group, money.currency.as_str());
                money.minor
            }
            Shape::Quantity => {
                let quantity: Quantity = cbor::only(value)?;
                cbor::write(&mut group, |encoder| drop(encoder.encode(quantity.unit)));
                quantity.thousandths
            }
            _ => {
                cbor::write(&mut group, |encoder| drop(encoder.null()));
                cbor::only(value)?
            }
        };
        amounts.push(amount.clamp(-at_most, *at_most));
    }
    Some(Row { at, each, group, amounts })
}
