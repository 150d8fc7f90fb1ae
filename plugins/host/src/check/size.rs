//! How large an input is, about as it will lie in the plugin's memory.

use crate::{
    call::{position_bytes, product_bytes},
    types::{Candidate, Context, Customer, Demand, Given, Happening, Input, Line, Setting},
};

/// About how many bytes an input takes.
pub(crate) fn input_bytes(input: &Input) -> usize {
    context(input.context())
        + match input {
            Input::Pricing(input) => customer(input.customer.as_ref()) + sum(&input.lines, line),
            Input::Promotion(input) => {
                customer(input.customer.as_ref())
                    + sum(&input.lines, line)
                    + sum(&input.coupons, text)
                    + sum(&input.so_far, |given| given.plugin.len() + size_of::<Given>())
            }
            Input::Ranking(input) => {
                sum(&input.candidates, candidate)
                    + sum(&input.basket, text)
                    + input.subject.as_ref().map_or(0, product_bytes)
            }
            Input::Replenishment(input) => sum(&input.demands, demand),
            Input::Reaction(input) => happening(&input.happening),
        }
}

fn sum<T>(items: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    items.iter().map(bytes).sum()
}

#[expect(clippy::ptr_arg, reason = "the items of a list of texts are `String`s")]
fn text(text: &String) -> usize {
    text.len() + size_of::<String>()
}

fn context(context: &Context) -> usize {
    let setting = |setting: &Setting| setting.key.len() + setting.value.len() + size_of::<Setting>();
    size_of::<Context>() + context.store.len() + context.currency.len() + sum(&context.settings, setting)
}

fn customer(customer: Option<&Customer>) -> usize {
    customer.map_or(0, |customer| customer.token.len() + customer.tier.as_ref().map_or(0, String::len))
}

fn line(line: &Line) -> usize {
    product_bytes(&line.product) + size_of::<Line>()
}

fn candidate(candidate: &Candidate) -> usize {
    product_bytes(&candidate.product)
        + candidate.position.as_ref().map_or(0, position_bytes)
        + size_of::<Candidate>()
}

fn demand(demand: &Demand) -> usize {
    product_bytes(&demand.product) + size_of::<Demand>()
}

fn happening(happening: &Happening) -> usize {
    size_of::<Happening>()
        + match happening {
            Happening::StockChanged(it) => it.sku.len(),
            Happening::GoodsReceived(it) => it.sku.len() + it.lot.as_ref().map_or(0, String::len),
            Happening::Excursion(it) => it.name.len() + it.unit.len() + sum(&it.skus, text),
            Happening::Anomaly(it) => it.device.len() + it.stream.len(),
            Happening::DayBegan => 0,
        }
}
