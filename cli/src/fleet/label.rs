//! `fleet label STORE country=de pilot= size-`: as Kubernetes has it. `region` is the store's own word, and the hub refuses it.

use super::{
    ask::{Ask, Body, Method, path},
    desk::Desk,
    view::{Column, Shape, fields},
};
use crate::{Ended, Usage};
use anyhow::Result;
use serde_json::{Map, Value, json};

const LABELS: [Column; 2] =
    [Column("store", &["/store"], Shape::Text), Column("labels", &["/labels"], Shape::Labels)];

/// `fleet label`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aisle fleet label berlin-12 country=de size=s\n  \
                        aisle fleet label berlin-12 pilot= size-      # `pilot` without a value; `size` is removed")]
pub(crate) struct Args {
    /// The store
    #[arg(value_name = "STORE")]
    store: String,
    /// `KEY=VALUE` sets a label, `KEY-` removes it
    #[arg(value_name = "LABEL", required = true)]
    labels: Vec<String>,
}

/// Sets and removes them, all at once.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    let body = change(&args.labels)?;
    let path = format!("{}/labels", path("/v1/stores", &[&args.store])?);
    let ask = Ask { body: Body::Json(body), ..Ask::new(Method::Patch, path) };
    desk.done(&ask, |answer| fields(&LABELS, answer))
}

fn change(labels: &[String]) -> Result<Value, Usage> {
    let (mut set, mut remove) = (Map::new(), Vec::new());
    for label in labels {
        let known = match (label.split_once('='), label.strip_suffix('-')) {
            (Some((key, value)), _) => {
                set.insert(key.to_owned(), json!(value)).is_some() || remove.iter().any(|gone| gone == key)
            }
            (None, Some(key)) => {
                remove.push(key.to_owned());
                set.contains_key(key)
            }
            (None, None) => {
                return Err(Usage(format!(
                    "`{label}` says neither what to set nor what to remove\nhint: `{label}=VALUE`, `{label}=` for a label without a value, `{label}-` to remove it"
                )));
            }
        };
        if known {
            return Err(Usage(format!("`{label}` says something of a label that was named before")));
        }
    }
    Ok(json!({ "set": set, "remove": remove }))
}

#[cfg(test)]
mod tests {
    use super::change;
    use serde_json::json;

    #[test]
    fn labels_are_set_and_removed_at_once() {
        let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
        let change_of = |all: &[&str]| change(&labels(all));
        assert_eq!(
            change_of(&["region=eu", "pilot=", "size-"]).unwrap(),
            json!({ "set": { "region": "eu", "pilot": "" }, "remove": ["size"] })
        );
        assert!(change_of(&["pilot"]).is_err());
        assert!(change_of(&["a=1", "a-"]).is_err());
        assert!(change_of(&["a-", "a=1"]).is_err());
        assert!(change_of(&["a=1", "a=2"]).is_err());
    }
}
