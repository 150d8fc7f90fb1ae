//! Scenarios that come with the simulator.

use super::{Scenario, ScenarioError};

/// A scenario that comes with the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub toml: &'static str,
}

/// All of them.
pub const BUILTIN: &[Builtin] = &[
    Builtin { name: "shop-floor-60", toml: include_str!("../../../scenarios/shop-floor-60.toml") },
    Builtin { name: "five-hundred", toml: include_str!("../../../scenarios/five-hundred.toml") },
    Builtin { name: "faults", toml: include_str!("../../../scenarios/faults.toml") },
];

/// The built-in scenario of a name.
///
/// # Errors
/// When there is none of that name.
pub fn builtin(name: &str) -> Result<Scenario, ScenarioError> {
    match BUILTIN.iter().find(|builtin| builtin.name == name) {
        Some(builtin) => Scenario::parse(builtin.toml),
        None => Err(ScenarioError::Unknown {
            name: name.to_owned(),
            known: BUILTIN.iter().map(|builtin| format!("`{}`", builtin.name)).collect::<Vec<_>>().join(", "),
        }),
    }
}
