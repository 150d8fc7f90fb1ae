//! `KEY=VALUE` of a command line as JSON.

use anyhow::bail;
use serde_json::{Map, Value};

/// Pairs as an object: whole numbers, numbers, true and false as such; anything else, and what is in quotes, as text.
pub(super) fn object(pairs: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut object = Map::new();
    for pair in pairs {
        let Some((key, text)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            bail!("`{pair}` is no KEY=VALUE\nhint: for example `interval_s=60`");
        };
        if object.insert(key.to_owned(), value(text)).is_some() {
            bail!("`{key}` is given twice");
        }
    }
    Ok(object)
}

fn value(text: &str) -> Value {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(quoted) = quoted {
        return quoted.into();
    }
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(number)) if number.is_finite() => number.into(),
            _ => text.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::object;
    use serde_json::{Value, json};

    #[test]
    fn values_are_taken_as_what_they_look_like() {
        let pairs = ["a=1", "b=1.5", "c=true", "d=slow", "e=\"1\"", "f=", "g=x=y", "h=inf"].map(String::from);
        let expected = json!({
            "a": 1, "b": 1.5, "c": true, "d": "slow", "e": "1", "f": "", "g": "x=y", "h": "inf"
        });
        assert_eq!(Value::Object(object(&pairs).unwrap()), expected);
    }

    #[test]
    fn what_is_no_pair_or_comes_twice_is_refused() {
        assert!(object(&["a".into()]).is_err());
        assert!(object(&["=1".into()]).is_err());
        assert!(object(&["a=1".into(), "a=2".into()]).is_err());
    }
}
