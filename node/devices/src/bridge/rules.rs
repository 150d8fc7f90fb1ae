//! Which messages cross a bridge, and under which topics.
//!
//! A rule has a *source* (the pattern that is subscribed to) and a *target* (the pattern that its messages come out under).
//! Within one direction sources are disjoint, so one message has one rule. By 3.1.1, which can neither leave out a client's own
//! messages nor carry a trail, nothing that one direction brings may be what the other fetches.

use super::config::{Config, InvalidConfig, Rule, Version, refuse};
use aisle_broker::{
    packet::QoS,
    topic::{Filter, Limits, patterns_overlap},
};

/// One rule of one direction, ready for use.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// What is subscribed to on the side that messages come from.
    pub source: Filter,
    /// At most how surely.
    pub qos: QoS,
    strip: String,
    prefix: String,
}

/// The rules of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes(pub Vec<Route>);

impl Routes {
    /// From the other broker to the node's own.
    pub(super) fn inward(config: &Config) -> Result<Self, InvalidConfig> {
        Self::new("in", &config.inward, |rule| (&rule.prefix_remote, &rule.prefix_local))
    }

    /// From the node's own broker to the other.
    pub(super) fn outward(config: &Config) -> Result<Self, InvalidConfig> {
        Self::new("out", &config.outward, |rule| (&rule.prefix_local, &rule.prefix_remote))
    }

    fn new(
        list: &str,
        rules: &[Rule],
        sides: impl Fn(&Rule) -> (&String, &String),
    ) -> Result<Self, InvalidConfig> {
        let mut routes = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let at = |key: &str| format!("{list}[{index}].{key}");
            let (strip, prefix) = sides(rule);
            check_text(at, rule)?;
            let parse = |text: String| {
                Filter::parse(&text, &Limits::default()).map_err(|error| InvalidConfig {
                    field: at("filter"),
                    reason: format!("`{text}` {error}"),
                    hint: "a filter is levels with `/` between them; `+` is one level, a last `#` is all below",
                })
            };
            let source = parse(format!("{strip}{}", rule.filter))?;
            let target = parse(format!("{prefix}{}", rule.filter))?;
            if target.text().starts_with('$') {
                let reason = format!("its messages would come out as `{}`", target.text());
                return refuse(
                    &at("filter"),
                    reason,
                    "only a broker itself publishes below `$`; give a prefix",
                );
            }
            let Some(qos) = rule.qos() else {
                return refuse(&at("qos"), format!("{} is no QoS", rule.qos), "a QoS is 0, 1 or 2");
            };
            routes.push(Route { source, qos, strip: strip.clone(), prefix: prefix.clone() });
        }
        Ok(Self(routes))
    }

    /// The topic under which a message comes out, and at most how surely; none when no rule is for it.
    pub(super) fn map(&self, topic: &str) -> Option<(String, QoS)> {
        let route = self.0.iter().find(|route| route.source.matches(topic))?;
        let rest = topic.strip_prefix(&route.strip)?;
        let target = format!("{}{rest}", route.prefix);
        (!target.is_empty()).then_some((target, route.qos))
    }
}

fn check_text(at: impl Fn(&str) -> String, rule: &Rule) -> Result<(), InvalidConfig> {
    for (key, prefix) in [("prefix_remote", &rule.prefix_remote), ("prefix_local", &rule.prefix_local)] {
        if prefix.contains(['+', '#', '\0']) {
            let hint = "a prefix is the beginning of a topic; wildcards go into `filter`";
            return refuse(&at(key), format!("`{prefix}` has a wildcard or U+0000 in it"), hint);
        }
    }
    let shared = [&rule.filter, &rule.prefix_remote, &rule.prefix_local]
        .into_iter()
        .any(|text| text.starts_with("$share"));
    if shared {
        let hint = "subscribe to the topics themselves; a bridge fetches each message once";
        return refuse(&at("filter"), "a bridge does not share its subscriptions".into(), hint);
    }
    Ok(())
}

/// Checks the rules of a bridge, each alone and all together.
pub(super) fn check(config: &Config) -> Result<(), InvalidConfig> {
    let (inward, outward) = (Routes::inward(config)?, Routes::outward(config)?);
    if inward.0.is_empty() && outward.0.is_empty() {
        return refuse("in", "there is neither an `in` nor an `out` rule".into(), "say which messages cross");
    }
    disjoint("in", &inward)?;
    disjoint("out", &outward)?;
    if config.version == Version::V311 { no_circle(config) } else { Ok(()) }
}

fn disjoint(list: &str, routes: &Routes) -> Result<(), InvalidConfig> {
    for (index, route) in routes.0.iter().enumerate() {
        let overlaps = |other: &Route| patterns_overlap(route.source.text(), other.source.text());
        if let Some(other) = routes.0.iter().take(index).position(overlaps) {
            let reason =
                format!("`{}` overlaps with `{list}[{other}]`: a message would cross twice", route.source);
            return refuse(
                &format!("{list}[{index}].filter"),
                reason,
                "make one rule of the two, or narrow one",
            );
        }
    }
    Ok(())
}

fn no_circle(config: &Config) -> Result<(), InvalidConfig> {
    for (i, inward) in config.inward.iter().enumerate() {
        for (o, outward) in config.outward.iter().enumerate() {
            let pattern = |prefix: &str, rule: &Rule| format!("{prefix}{}", rule.filter);
            let sides = [
                (
                    "at the other broker",
                    pattern(&inward.prefix_remote, inward),
                    pattern(&outward.prefix_remote, outward),
                ),
                ("here", pattern(&inward.prefix_local, inward), pattern(&outward.prefix_local, outward)),
            ];
            for (side, comes, goes) in sides {
                if patterns_overlap(&comes, &goes) {
                    let reason = format!(
                        "`out[{o}]` (`{goes}`) overlaps with `in[{i}]` (`{comes}`) {side}: messages would go in a circle"
                    );
                    let hint = "use `version = \"5\"`, or give the two directions different prefixes";
                    return refuse(&format!("out[{o}]"), reason, hint);
                }
            }
        }
    }
    Ok(())
}
