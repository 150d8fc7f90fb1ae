//! The releases of the demo: headquarters signs two versions of a plugin and rolls them out in waves. The good one goes from the pilot store to all; the
//! bad one is stopped by its first wave and goes back by itself.
//!
//! All of it by the commands that people use, which are printed for whoever wants to look on. Not here: the rules (`aisle-fleet`), who may do what (the hub).
//! Guards: what the demo says of a rollout is what the hub says.

use super::screen;
use aisle_harness::{
    hub::{Going, Headquarters, HubUnderTest, Person, Signed},
    node,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

/// A version counts as good after ten seconds and a few calls: nobody looks at a demo for a quarter of an hour.
pub(super) const CONFIG: &str = "[artefacts]\nwatch_s = 10\ncalls_min = 5\n";
/// The plugin.
const PLUGIN: &str = "multi-buy";
/// Its settings, as its other installation in the demo has them.
const MANIFEST: &str = include_str!("offers/multi-buy.toml");
/// How long stores sell before the first rollout begins.
const BEFORE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest that a rollout is looked at.
const LOOKS_MAX: u32 = 900;

/// What is rolled out: the rollout, the version, what for, and what the manifest says besides.
const RELEASES: [(&str, &str, &str, &str); 2] = [
    ("offers-1-1", "1.1.0", "three for two for everybody", ""),
    // So little fuel that it runs out over a basket.
    (
        "offers-1-2",
        "1.2.0",
        "the same, and nobody has noticed that it gives up",
        "\n[limits]\nfuel_max = 1\n",
    ),
];

/// The releases under way. Ended when this goes.
pub(super) struct Releases {
    telling: JoinHandle<()>,
}

/// What headquarters needs: the hub's people, the component, a folder.
struct Desk {
    headquarters: Headquarters,
    component: PathBuf,
    scratch: PathBuf,
}

impl Releases {
    /// Begins when the stores have sold for a moment. `None` where there is no component, which is said.
    pub(super) async fn start(
        hub: &HubUnderTest,
        pilot: &str,
        stopped: watch::Receiver<bool>,
    ) -> Result<Option<Self>> {
        let Some(component) = component() else {
            screen::line("nothing is rolled out: there is no plugin; `cargo xtask plugins` builds them");
            return Ok(None);
        };
        let headquarters = hub.headquarters()?;
        let scratch = hub.folder().join("releases");
        let desk = Desk { headquarters, component, scratch };
        screen::line(format_args!(
            "headquarters is Olga, who writes rollouts, and Omar, who agrees to them; to look on:\n           {}",
            desk.headquarters.typed("rollout list")
        ));
        let pilot = pilot.to_owned();
        let telling = tokio::spawn(async move {
            if let Err(error) = desk.roll_out(&pilot, stopped).await {
                screen::line(format_args!("nothing more is rolled out: {error:#}"));
            }
        });
        Ok(Some(Self { telling }))
    }

    /// True when both have come to their end.
    pub(super) fn are_over(&self) -> bool {
        self.telling.is_finished()
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

fn component() -> Option<PathBuf> {
    let named = std::env::var_os("AISLE_PLUGINS_DIR").map(PathBuf::from);
    let folder = named.or_else(|| Some(node::binary().ok()?.parent()?.parent()?.join("plugins")))?;
    Some(folder.join(format!("{PLUGIN}.wasm"))).filter(|file| file.is_file())
}

fn document(rollout: &str, why: &str, signed: &Signed) -> String {
    let Signed { version, blake3, bytes } = signed;
    format!(
        "rollout:\n  rollout: {rollout}\n  why: {why}\n  who: '*'\n  set:\n    plugin/{PLUGIN}: {{ version: {version}, hash: {blake3}, bytes: {bytes} }}\n  \
         waves:\n    - {{ name: pilot, who: pilot }}\n    - {{ name: rest }}\n  gates: {{ calls_min: 5 }}\n"
    )
}

impl Desk {
    async fn roll_out(&self, pilot: &str, mut stopped: watch::Receiver<bool>) -> Result<()> {
        let work = async {
            sleep(BEFORE).await;
            let label = ["label".to_owned(), pilot.to_owned(), "pilot=".to_owned()];
            self.ask(move |headquarters| {
                let words: Vec<&str> = label.iter().map(String::as_str).collect();
                headquarters.fleet(Person::Olga, &words).map(drop)
            })
            .await?;
            for release in RELEASES {
                self.follow(pilot, release).await?;
            }
            Ok(())
        };
        tokio::select! {
            done = work => done,
            _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
        }
    }

    /// Asks the hub on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Headquarters) -> Result<T, aisle_harness::hub::HubError> + Send + 'static,
    ) -> Result<T> {
        let headquarters = self.headquarters.clone();
        Ok(spawn_blocking(move || ask(&headquarters))
            .await
            .context("a question to the hub was cut short")??)
    }

    async fn follow(
        &self,
        pilot: &str,
        release: (&'static str, &'static str, &'static str, &'static str),
    ) -> Result<()> {
        let (rollout, version, why, more) = release;
        let folder = self.folder(version, more)?;
        let signed = self.ask(move |hq| hq.sign(PLUGIN, version, &folder)).await?;
        screen::line(format_args!(
            "rollout {rollout}: `{PLUGIN}` {version} is signed and goes to {pilot} first, then to all stores"
        ));
        let text = document(rollout, why, &signed);
        self.ask(move |hq| hq.apply(Person::Olga, &text).map(drop)).await?;
        let (mut told, mut phase) = (0, String::new());
        let mut is_begun = false;
        for _ in 0..LOOKS_MAX {
            is_begun = is_begun || self.ask(move |hq| hq.urge(rollout)).await?;
            let going = self.ask(move |hq| hq.going(rollout)).await?;
            Self::tell(rollout, &going, &mut told, &mut phase);
            if matches!(going.phase.as_str(), "done" | "finished" | "rolled-back" | "aborted") {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        screen::line(format_args!("rollout {rollout}: it is {phase} still; nobody looks at it any longer"));
        Ok(())
    }

    /// What has happened since the last look.
    fn tell(rollout: &str, going: &Going, told: &mut usize, phase: &mut String) {
        for what in going.history.get(*told..).unwrap_or_default() {
            screen::line(format_args!("rollout {rollout}: {what}"));
        }
        *told = going.history.len();
        if *phase != going.phase {
            phase.clone_from(&going.phase);
            let why = if going.why.is_empty() { String::new() } else { format!(" ({})", going.why) };
            screen::line(format_args!("rollout {rollout}: {phase}{why}"));
            if phase == "rolling-back" {
                for cause in &going.causes {
                    screen::line(format_args!("rollout {rollout}: {cause}"));
                }
            }
        }
    }

    /// A version as a folder that the hub takes.
    fn folder(&self, version: &str, more: &str) -> Result<PathBuf> {
        let folder = self.scratch.join(version);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let manifest = MANIFEST.replace("version = \"1.0.0\"", &format!("version = \"{version}\""));
        // Tables of a manifest may stand in any order.
        write(&folder.join("plugin.toml"), format!("{manifest}{more}").as_bytes())?;
        let component = fs::read(&self.component)
            .with_context(|| format!("cannot read `{}`", self.component.display()))?;
        write(&folder.join("plugin.wasm"), &component)?;
        Ok(folder)
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write `{}`", file.display()))
}
