//! Gathers the settings from their sources and names the source of what is wrong.

use super::{Config, ConfigError, RawConfig};
use aisle_service::Credentials;
use figment::{
    Figment, Profile,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use std::path::Path;

const DEFAULT_FILE: &str = "hub.toml";
/// Variables with the prefix of settings that are options of the command line, or name the program to those who start it.
const NOT_SETTINGS: [&str; 3] = ["config", "token", "bin"];
/// How alike a key must be to be suggested (Jaro-Winkler similarity).
const ALIKE_MIN: f64 = 0.75;

/// Reads, merges and checks. Without a file, `hub.toml` is read where there is one.
///
/// # Errors
/// When a file cannot be read, a key is not known, or a value cannot be right.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(RawConfig::default()));
    let main = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    match std::fs::metadata(main) {
        Ok(metadata) if metadata.is_file() => figment = figment.merge(Toml::file_exact(main)),
        Ok(_) => return Err(unreadable(main, &"it is not a file")),
        Err(error) if file.is_some() => return Err(unreadable(main, &error)),
        Err(_) => {}
    }
    let environment = Env::prefixed("AISLE_HUB_").ignore(&NOT_SETTINGS).split("__");
    let mut raw: RawConfig =
        figment.merge(environment).select(Profile::Default).extract().map_err(|error| explain(&error))?;
    // Paths are meant from where the file lies.
    let beside = main.parent().unwrap_or_else(|| Path::new(""));
    find_secrets(&mut raw, &Credentials::from_environment(beside))?;
    Config::resolve(raw, beside)
}

/// Puts the file in the place of each secret that is named `credential:NAME`.
fn find_secrets(raw: &mut RawConfig, credentials: &Credentials) -> Result<(), ConfigError> {
    for (key, setting) in raw.secrets() {
        let found = credentials.find(Path::new(setting.as_str())).map_err(|error| ConfigError::Value {
            origin: "configuration".into(),
            key: key.into(),
            reason: error.to_string(),
        })?;
        if let Some(file) = found {
            // Files are named by text here, as settings name them.
            *setting = file.to_string_lossy().into_owned();
        }
    }
    Ok(())
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Read { path: path.display().to_string(), reason: reason.to_string() }
}

fn explain(error: &figment::Error) -> ConfigError {
    let origin = match &error.metadata {
        Some(metadata) => match &metadata.source {
            Some(source) => source.to_string(),
            None => metadata.name.to_string(),
        },
        None => "configuration".into(),
    };
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(field, known) => {
            // The path ends with the field where the value came from a file, and before it where it did not.
            let ends_with_it = error.path.last() == Some(field);
            let key = if ends_with_it {
                path
            } else {
                error.path.iter().chain([field]).cloned().collect::<Vec<_>>().join(".")
            };
            let nearest = known
                .iter()
                .map(|candidate| (strsim::jaro_winkler(field, candidate), candidate))
                .filter(|(alike, _)| *alike >= ALIKE_MIN)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"));
            ConfigError::UnknownKey { origin, key, nearest }
        }
        kind if path.is_empty() => ConfigError::Read { path: origin, reason: kind.to_string() },
        kind => ConfigError::Value { origin, key: path, reason: kind.to_string() },
    }
}
