//! `aisle plugin new`: a plugin's folder, complete, with cases that pass.

use super::{name, template::Template};
use crate::output;
use aisle_plugin_host::Hook;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Which SDK a plugin gets where none is at hand on this machine.
const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the SDK lies beside the sources that this command was built from.
const SDK_BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/sdk");

/// `plugin new`
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "aisle plugin new NAME --hook HOOK\n       aisle plugin new HOOK NAME",
    after_help = "Example:\n  aisle plugin new my-offer --hook promotion && cd my-offer && aisle plugin test"
)]
pub(crate) struct Args {
    /// Name of the plugin: a-z, 0-9 and `-`. The hook may stand before it
    #[arg(value_names = ["HOOK", "NAME"], num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// What it is for: pricing, promotion, ranking, replenishment or reaction
    #[arg(long)]
    hook: Option<Hook>,
    /// The folder to make [default: NAME]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Folder of `aisle-plugin-sdk` [default: the one beside the sources of this command, else the published version]
    #[arg(long, value_name = "DIR", env = "AISLE_PLUGIN_SDK")]
    sdk: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    name: String,
    hook: Hook,
    directory: PathBuf,
    files: Vec<String>,
}

/// Makes it.
pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let (hook, name) = asked(args)?;
    let name =
        name::check(name).map_err(|why| super::usage(format!("`{name}` is no name for a plugin: {why}")))?;
    let template = Template::of(hook).with_context(|| format!("there is no template for `{hook}`"))?;
    let directory = args.path.clone().unwrap_or_else(|| PathBuf::from(&name));
    let sdk = Sdk::find(args.sdk.as_deref())?;
    let mut files = template.files(&name, &sdk.dependency()?);
    files.extend(sdk.lock().map(|lock| (String::from("Cargo.lock"), lock)));
    fs::create_dir(&directory).map_err(|error| refused(&directory, error))?;
    if let Err(error) = write(&directory, &files) {
        // Half a plugin is worse than none; what cannot be removed either is named by the error that follows.
        drop(fs::remove_dir_all(&directory));
        return Err(error);
    }
    let made = Made { name, hook, directory, files: files.into_iter().map(|(path, _)| path).collect() };
    if json {
        return Ok(output::json(&made)?);
    }
    output::line(format!("{}: a plugin for the hook `{hook}`", made.directory.display()))?;
    for file in &made.files {
        output::line(format!("  {file}"))?;
    }
    Ok(output::line(format!("next: cd {} && aisle plugin test", made.directory.display()))?)
}

/// Hook and name, from either form.
fn asked(args: &Args) -> Result<(Hook, &str)> {
    match (&args.words[..], args.hook) {
        ([name], Some(hook)) => Ok((hook, name)),
        ([hook, name], None) => match hook.parse() {
            Ok(hook) => Ok((hook, name)),
            Err(error) => Err(super::usage(format!("{error}"))),
        },
        ([_, _], Some(_)) => Err(super::usage("the hook is given twice, before the name and with `--hook`")),
        _ => Err(super::usage(
            "which hook is it for?\nhint: `--hook` with pricing, promotion, ranking, replenishment or reaction",
        )),
    }
}

fn refused(directory: &Path, error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let directory = directory.display();
        anyhow::anyhow!(
            "`{directory}` is there already, and nothing was changed\nhint: another name, or another folder with `--path`"
        )
    } else {
        anyhow::Error::new(error).context(format!("cannot make `{}`", directory.display()))
    }
}

fn write(directory: &Path, files: &[(String, String)]) -> Result<()> {
    for (path, text) in files {
        let file = directory.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}

/// The SDK that a plugin depends on.
enum Sdk {
    /// In a folder.
    Folder(PathBuf),
    /// As it was published.
    Published,
}

impl Sdk {
    fn find(given: Option<&Path>) -> Result<Self> {
        let beside = Path::new(SDK_BESIDE);
        let folder = match given {
            Some(given) if !is_sdk(given) => bail!(
                "`--sdk`: `{}` is not the folder of `aisle-plugin-sdk`\nhint: in the sources of Aisle it is `plugins/sdk`",
                given.display()
            ),
            Some(given) => given,
            None if is_sdk(beside) => beside,
            None => return Ok(Self::Published),
        };
        let folder = folder.canonicalize().with_context(|| format!("cannot read `{}`", folder.display()))?;
        Ok(Self::Folder(folder))
    }

    /// As it stands in a `Cargo.toml`.
    fn dependency(&self) -> Result<String> {
        let Self::Folder(folder) = self else { return Ok(format!("\"{SDK_VERSION}\"")) };
        let folder = folder.to_str().with_context(|| format!("`{}` is not UTF-8", folder.display()))?;
        Ok(format!("{{ path = {} }}", toml::Value::from(folder)))
    }

    /// The versions of everything that the first-party plugins beside it are built with: what was built here once builds again
    /// without a network. Cargo drops from it what this plugin does not use.
    fn lock(&self) -> Option<String> {
        let Self::Folder(folder) = self else { return None };
        fs::read_to_string(folder.parent()?.join("guests/Cargo.lock")).ok()
    }
}

fn is_sdk(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|text| text.contains("name = \"aisle-plugin-sdk\""))
}
