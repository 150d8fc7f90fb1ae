//! The same sale as most would send it: JSON with the names of its fields.

use super::trade::Sale;
use serde_json::{Value, json};

/// One sale.
pub(super) fn sale(seq: usize, Sale { event, .. }: &Sale) -> Value {
    let lines: Vec<Value> = event
        .lines
        .iter()
        .map(|line| {
            json!({
                "line": line.line,
                "sku": line.sku.as_str(),
                "quantity": line.quantity.thousandths as f64 / 1000.0,
                "unit_price": { "minor": line.unit_price.minor, "currency": line.unit_price.currency.to_string() },
            })
        })
        .collect();
    let mut sale = json!({
        "store": super::member::STORE,
        "seq": seq,
        "type": "SaleRecorded",
        "at_ms": event.at.0,
        "source": event.source.as_str(),
        "document": event.document.as_str(),
        "lines": lines,
    });
    if let (Some(customer), Some(fields)) = (&event.customer, sale.as_object_mut()) {
        fields.insert("customer".into(), customer.as_str().into());
    }
    sale
}

/// Bodies of so many sales each, compressed.
pub(super) fn batches(sales: &[Sale], batch: usize) -> std::io::Result<Vec<Vec<u8>>> {
    const LEVEL: i32 = 3;
    let numbered: Vec<(usize, &Sale)> = (1..).zip(sales).collect();
    let body = |batch: &[(usize, &Sale)]| {
        let all: Vec<Value> = batch.iter().map(|(seq, one)| sale(*seq, one)).collect();
        zstd::bulk::compress(Value::Array(all).to_string().as_bytes(), LEVEL)
    };
    numbered.chunks(batch.max(1)).map(body).collect()
}
