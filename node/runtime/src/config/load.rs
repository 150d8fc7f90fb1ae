//! Gathers the settings from their sources and names the source of what is wrong.

use crate::config::{Config, ConfigError, RawConfig, overlay::Overlay, raw::refused};
use aisle_service::Credentials;
use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Data, Env, Format, Serialized, Toml},
    value::{Dict, Map},
};
use std::path::{Path, PathBuf};

const DEFAULT_FILE: &str = "aisle.toml";
/// Variables with the prefix of settings that are options of the command line.
const NOT_SETTINGS: [&str; 2] = ["data", "config"];
/// How alike a key must be to be suggested (Jaro-Winkler similarity).
const ALIKE_MIN: f64 = 0.75;

/// How what headquarters sets is called, in errors too.
pub(super) const HEADQUARTERS: &str = "headquarters' settings";

/// What headquarters sets, under a name of its own.
struct OfHeadquarters(Data<Toml>);

impl Provider for OfHeadquarters {
    fn metadata(&self) -> Metadata {
        Metadata::named(HEADQUARTERS)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        self.0.data()
    }
}

/// The configuration of a node that begins: what it does not come up with is taken back.
pub(crate) fn load_for_start(file: Option<&Path>, overlay: Overlay) -> Result<Config, ConfigError> {
    let mut overlay = overlay;
    loop {
        match look(file, overlay.text()) {
            Ok((mut config, _)) => {
                config.overlay = overlay;
                return Ok(config);
            }
            // Without any it is the store's own error.
            Err(error) if overlay.text().is_none() => return Err(error),
            Err(error) if look(file, None).is_err() => return Err(error),
            Err(error) => overlay = overlay.give_up(&error.to_string()),
        }
    }
}

/// The configuration for a command: what headquarters sets is passed over where it cannot be used, and nothing is changed.
pub(crate) fn load(file: Option<&Path>, overlay: Overlay) -> Result<Config, ConfigError> {
    let looked = look(file, overlay.text());
    let (mut config, _) = looked.or_else(|_| look(file, None))?;
    config.overlay = overlay;
    Ok(config)
}

/// Reads, merges and checks; with who says what.
pub(crate) fn look(file: Option<&Path>, overlay: Option<&str>) -> Result<(Config, Figment), ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(RawConfig::default()));
    if let Some(text) = overlay.filter(|text| !text.is_empty()) {
        figment = figment.merge(OfHeadquarters(Toml::string(text)));
    }
    for path in files(file)? {
        figment = figment.merge(Toml::file_exact(path));
    }
    let environment =
        Env::prefixed("AISLE_").ignore(&NOT_SETTINGS).filter(|key| key.as_str().contains("__")).split("__");
    let figment = figment.merge(environment).select(Profile::Default);
    let mut raw: RawConfig = figment.extract().map_err(|error| explain(&error))?;
    let main = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    let beside = main.parent().unwrap_or_else(|| Path::new(""));
    find_secrets(&mut raw, &Credentials::from_environment(beside))?;
    let mut config = raw.resolve()?;
    config.file = file.map(Path::to_owned);
    Ok((config, figment))
}

/// Puts the file in the place of each secret that is named `credential:NAME`.
fn find_secrets(raw: &mut RawConfig, credentials: &Credentials) -> Result<(), ConfigError> {
    for (key, setting) in raw.secrets() {
        if let Some(file) = credentials.find(setting).map_err(|error| refused(&key, &error))? {
            *setting = file;
        }
    }
    Ok(())
}

/// The main file, where there is one, and `conf.d/*.toml` beside it by name.
fn files(file: Option<&Path>) -> Result<Vec<PathBuf>, ConfigError> {
    let main = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    let unreadable = |path: &Path, reason: &dyn std::fmt::Display| ConfigError::Read {
        path: path.display().to_string(),
        reason: reason.to_string(),
    };
    let mut files = Vec::new();
    match std::fs::metadata(main) {
        Ok(metadata) if metadata.is_file() => files.push(main.to_owned()),
        Ok(_) => return Err(unreadable(main, &"it is not a file")),
        Err(error) if file.is_some() => return Err(unreadable(main, &error)),
        Err(_) => {}
    }
    let beside = main.parent().unwrap_or_else(|| Path::new("")).join("conf.d");
    if let Ok(entries) = std::fs::read_dir(&beside) {
        let mut more: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        more.sort();
        files.extend(more);
    }
    Ok(files)
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
