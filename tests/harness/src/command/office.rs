//! The hub of `with --hub`: a store calls it, and headquarters has said one of everything: labels, a group, a filter, an override, a rollout that is under way.
//!
//! Not here: the store's own node and the tool ([`super::with`]). Guards: the hub is gone with this.

use aisle_harness::hub::{
    Approval, Call, Desk, Headquarters, HubError, HubOptions, HubUnderTest, Member, Person,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};
use tokio::{task::spawn_blocking, time::sleep};

/// The store that calls it.
const STORE: &str = "store-1";
/// What is rolled out to its node: how devices are to be set.
const RULES: &str =
    "[[rules]]\nname = \"scales\"\nwho = \"model=shelf-scale-2\"\n[rules.settings]\ninterval_s = 60\n";
const ROLLOUT: &str = "slower";
/// What headquarters says besides.
const WORDS: &str = "group: { name: pilots, who: pilot, says: { minimums: { plugin/multi-buy: '1.0' } } }\n---\n\
                     filter: { name: european, who: region=eu }\n---\n\
                     override: { store: store-1, why: it stays as it is }\n---\n";
/// The longest that the store or the rollout is waited for.
const WAIT_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The hub and what its store needs to call it.
pub(super) struct Office {
    hub: HubUnderTest,
    member: Member,
}

impl Office {
    /// Starts the hub and has the box of its store claim itself. That one's data lies in `data`, and no node runs on it yet.
    pub(super) async fn open(data: &Path) -> Result<Self> {
        let data = data.to_owned();
        let opening = spawn_blocking(move || {
            let options = HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() };
            let hub = HubUnderTest::start(options)?;
            hub.sign_artefacts()?;
            let call = Call { quic_port: hub.quic().port(), tls_port: hub.tls().port() };
            let member = Member::invite(&hub, STORE, call)?;
            member.enrol(&data)?;
            Ok::<_, HubError>(Self { hub, member })
        });
        Ok(opening.await.context("the hub's start was cut short")??)
    }

    /// What the configuration of the store's node has to say.
    pub(super) fn config(&self) -> String {
        format!("[store]\nid = \"{STORE}\"\n{}", self.member.config)
    }

    /// Waits until the store, whose node runs by now, has sent something, and has headquarters say its words.
    pub(super) async fn fill(&self) -> Result<()> {
        let (desk, begun) = (Desk::at(&self.hub)?, Instant::now());
        while desk.cursors(STORE).await?.is_empty() {
            if begun.elapsed() >= WAIT_MAX {
                bail!("the store has sent its hub nothing within {} s", WAIT_MAX.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
        let (headquarters, rules) = (self.hub.headquarters()?, self.hub.folder().join("settings.toml"));
        let saying = spawn_blocking(move || say(&headquarters, &rules));
        saying.await.context("headquarters was cut short")?
    }

    /// Where it answers people.
    pub(super) fn url(&self) -> String {
        self.hub.url()
    }

    /// The token of whoever runs it.
    pub(super) fn token(&self) -> Result<String> {
        Ok(self.hub.token()?)
    }

    /// Makes sure that it still runs, and stops it in order.
    pub(super) fn close(mut self) -> Result<()> {
        self.hub.check()?;
        let status = self.hub.stop()?;
        if !status.success() {
            bail!("the hub stopped with {status}; its last lines:\n{}", self.hub.logs().join("\n"));
        }
        Ok(())
    }
}

fn say(headquarters: &Headquarters, rules: &Path) -> Result<()> {
    fs::write(rules, RULES).with_context(|| format!("cannot write `{}`", rules.display()))?;
    let signed = headquarters.sign_as("device-settings", "shelves", "1.0.0", rules)?;
    let rollout = format!(
        "rollout:\n  rollout: {ROLLOUT}\n  why: batteries\n  who: '*'\n  set:\n    device-settings/shelves: \
         {{ version: {}, hash: {}, bytes: {} }}\n  waves:\n    - {{ name: all }}\n",
        signed.version, signed.blake3, signed.bytes
    );
    headquarters.fleet(Person::Olga, &["label", STORE, "pilot="])?;
    headquarters.apply(Person::Olga, &format!("{WORDS}{rollout}"))?;
    let begun = Instant::now();
    while !headquarters.urge(ROLLOUT)? {
        if begun.elapsed() >= WAIT_MAX {
            bail!("the rollout `{ROLLOUT}` has not begun within {} s", WAIT_MAX.as_secs());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
