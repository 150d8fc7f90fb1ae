//! `aisle-node claim` and `aisle-node status`: numbered steps, each failure with its code, its cause and what to do.
//!
//! A node that runs is told over its administration and goes on by itself; without one the command does the work. Interrupted at any point, the same command goes on.
//! Exit codes: 0 the box is a node of its store; 1 it is not, and the code says why; 130 interrupted.

use super::{note_what_mqtt_shows, setup};
use crate::{
    admin::{
        place,
        remote::{Remote, duration},
        view::enrolment::{ClaimBody, EnrolmentView},
    },
    cli::{Node, enrol::ClaimArgs},
    config::Config,
    output,
};
use aisle_enrolment::{Fault, FaultReport, Stage, Standing, Status, hub_address, step::Mark, with_root};
use aisle_provisioning::{
    claim::{ClaimInput, HubAddress, LinkError},
    code::Code,
    fingerprint::Fingerprint,
};
use anyhow::{Context, anyhow, bail};
use axum::http::Method;
use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, time::sleep};

/// How often a node that runs is asked how far it is.
const POLL: Duration = Duration::from_millis(300);
/// How long a node may take to start anew once it is claimed.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// What was typed.
struct Asked {
    claim: Option<ClaimInput>,
    hub: Option<HubAddress>,
}

impl Asked {
    fn read(args: &ClaimArgs) -> anyhow::Result<Self> {
        let of_claim = |error: LinkError| anyhow!(Fault::of(error.code(), &error));
        let claim = args.claim.as_deref().map(str::parse::<ClaimInput>).transpose().map_err(of_claim)?;
        let hub = args.hub.as_deref().map(hub_address).transpose()?;
        let root = args.root_fingerprint.as_deref().map(str::parse::<Fingerprint>).transpose();
        let root = root.context("`--root-fingerprint` cannot be used")?;
        if root.is_some() && hub.is_none() && !matches!(claim, Some(ClaimInput::Link(_))) {
            bail!("`--root-fingerprint` needs `--hub`\nhint: both stand on the slip");
        }
        Ok(Self { claim: claim.map(|claim| with_root(claim, hub.as_ref(), root)), hub })
    }
}

/// Runs `claim`.
pub(crate) fn run(
    args: &ClaimArgs,
    data: &Path,
    config: &Config,
    json: bool,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    let asked = Asked::read(args)?;
    let is_running = args.node.url.is_some() || place::find(data).is_ok();
    let status = if is_running {
        let remote = Remote::find(data, args.node.url.as_deref())?;
        runtime.block_on(tell(&remote, args, &asked, json))?
    } else {
        runtime.block_on(work(data, config, args, asked, json))?
    };
    if json {
        output::json(&status)?;
    } else if status.is_claimed() {
        output::line(format!("this box is {}", status.identity.as_deref().unwrap_or("a node of its store")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says each step once for each mark it gets.
struct Shown {
    json: bool,
    told: Vec<(usize, Mark)>,
    fault: Option<FaultReport>,
}

impl Shown {
    const fn new(json: bool) -> Self {
        Self { json, told: Vec::new(), fault: None }
    }

    fn show(&mut self, status: &Status) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let count = status.steps.len();
        for step in status.steps.iter().filter(|step| step.mark != Mark::Open) {
            let key = (step.number, step.mark);
            if self.told.contains(&key) {
                continue;
            }
            self.told.push(key);
            let word = match step.mark {
                Mark::Open | Mark::Doing => "…   ",
                Mark::Done => "done",
                Mark::Failed => "FAIL",
            };
            let detail = step.detail.as_deref().map(|detail| format!(": {}", output::plain(detail)));
            output::line(format!(
                "{}/{count}  {word}  {}{}",
                step.number,
                step.title,
                detail.unwrap_or_default()
            ))?;
        }
        if status.fault != self.fault {
            if let Some(fault) = status.fault.as_ref().filter(|fault| fault.passing) {
                let FaultReport { code, title, detail, next_step, .. } = fault;
                let detail =
                    if detail.is_empty() { String::new() } else { format!(" ({})", output::plain(detail)) };
                output::line(format!("      {code} {title}{detail}"))?;
                output::line(format!("           -> {next_step}"))?;
            }
            self.fault.clone_from(&status.fault);
        }
        Ok(())
    }
}

/// The claim without a node that runs.
async fn work(
    data: &Path,
    config: &Config,
    args: &ClaimArgs,
    asked: Asked,
    json: bool,
) -> anyhow::Result<Status> {
    let (enrolment, worker) = aisle_enrolment::open(setup(data, config))?;
    let before = enrolment.status();
    if before.is_claimed() && !args.anew {
        return already(before, asked.claim.is_some());
    }
    let mut shown = Shown::new(json);
    let mut status = enrolment.watch();
    let working = worker.claim_to_the_end(asked.claim, asked.hub);
    tokio::pin!(working);
    let ended = loop {
        tokio::select! {
            biased;
            Ok(()) = status.changed() => {
                let now = status.borrow_and_update().clone();
                shown.show(&now)?;
            }
            ended = &mut working => break ended,
        }
    };
    shown.show(&enrolment.status())?;
    ended?;
    let store = enrolment.status().store.unwrap_or_else(|| config.store.to_string());
    note_what_mqtt_shows(data, &store).context("cannot note what the broker shows")?;
    Ok(enrolment.status())
}

fn already(status: Status, is_claiming: bool) -> anyhow::Result<Status> {
    if is_claiming {
        let name = status.identity.unwrap_or_default();
        bail!(
            "this box is `{name}` already\nhint: `--anew` claims it again; it keeps what it has until that is through"
        );
    }
    Ok(status)
}

/// The claim by a node that runs.
async fn tell(remote: &Remote, args: &ClaimArgs, asked: &Asked, json: bool) -> anyhow::Result<Status> {
    let before = status_of(remote).await?;
    if before.is_claimed() && !args.anew {
        return already(before, asked.claim.is_some());
    }
    match &asked.claim {
        Some(claim) => {
            let body = ClaimBody {
                claim: claim.to_text().to_string(),
                hub: asked.hub.as_ref().map(ToString::to_string),
                root: None,
                anew: args.anew,
            };
            remote.tell(Method::POST, "/v1/admin/enrolment", &body).await?;
        }
        None if before.stage == Stage::Claiming => {
            remote.tell(Method::POST, "/v1/admin/enrolment/try", &()).await?;
        }
        None => bail!(Fault::new(Code::CodeIncomplete, "there is no claim to go on with")),
    }
    if args.no_wait {
        return status_of(remote).await;
    }
    let mut shown = Shown::new(json);
    let mut gone_since: Option<Instant> = None;
    loop {
        match status_of(remote).await {
            Ok(status) => {
                gone_since = None;
                shown.show(&status)?;
                if let Some(fault) = status.fault.as_ref().filter(|fault| !fault.passing) {
                    let code = fault.code.parse().unwrap_or(Code::NotInThisState);
                    bail!(Fault::new(code, &fault.detail));
                }
                let is_new = status.claimed > 0 || status.not_before_ms != before.not_before_ms;
                if status.is_claimed() && status.steps.iter().all(|step| step.mark == Mark::Done) && is_new {
                    return Ok(status);
                }
            }
            // It starts anew with its identity.
            Err(error) => {
                let since = *gone_since.get_or_insert_with(Instant::now);
                if since.elapsed() > STARTS_WITHIN {
                    return Err(error);
                }
            }
        }
        sleep(POLL).await;
    }
}

async fn status_of(remote: &Remote) -> anyhow::Result<Status> {
    let view: EnrolmentView = remote.get("/v1/admin/enrolment").await?;
    let why = || anyhow!("{}", view.problem.as_deref().unwrap_or("the node's own keys cannot be read"));
    view.status.clone().ok_or_else(why)
}

/// Runs `status`.
pub(crate) async fn status(node: &Node, data: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let remote = Remote::find(data, node.url.as_deref())?;
    let view: EnrolmentView = remote.get("/v1/admin/enrolment").await?;
    if json {
        output::json(&view)?;
    } else {
        print(&view)?;
    }
    let is_whole = view.problem.is_none() && view.status.as_ref().is_some_and(Status::is_whole);
    Ok(crate::success_or_failed(is_whole))
}

fn print(view: &EnrolmentView) -> anyhow::Result<()> {
    let row = |name: &str, text: &str| output::line(format!("{name:<12} {}", output::plain(text)));
    if let Some(problem) = &view.problem {
        row("problem", problem)?;
    }
    if let Some(status) = &view.status {
        let stage = match status.stage {
            Stage::Unclaimed => "nobody has claimed this box",
            Stage::Claiming => "a claim is under way",
            Stage::Active => "active",
            Stage::Renewing => "active, the next certificate is under way",
            Stage::Recovering => "its certificate has run out; it asks for a new one",
        };
        row("stage", stage)?;
        let standing = match status.standing {
            Standing::Good => None,
            Standing::Suspended => Some("suspended"),
            Standing::Banned => Some("banned"),
            Standing::Unknown => Some("not known to the hub any more"),
        };
        for (name, text) in [
            ("standing", standing),
            ("identity", status.identity.as_deref()),
            ("serial", status.serial.as_deref()),
            ("key", status.key.as_deref()),
            ("hub", status.hub.as_deref()),
        ] {
            if let Some(text) = text {
                row(name, text)?;
            }
        }
        let now = crate::store::wall_clock().0;
        let until = |at: i64| duration(u64::try_from(at.saturating_sub(now) / 1_000).unwrap_or(0));
        if let Some(renew) = status.renew_at_ms {
            row("renewal", &format!("in {}", until(renew)))?;
        }
        if let Some(fault) = &status.fault {
            row("last fault", &format!("{} {} {}", fault.code, fault.title, fault.detail))?;
            row("", &fault.next_step)?;
        }
        if let Some(next) = status.next_try_ms {
            row("next try", &format!("in {}", until(next)))?;
        }
    }
    output::line("")?;
    let rows: Vec<[String; 3]> = view
        .horizon
        .items
        .iter()
        .map(|item| {
            let days = item.days.map_or_else(|| "-".to_owned(), |days| format!("{days:.1}"));
            [item.name.clone(), days, item.said.clone()]
        })
        .collect();
    output::table(["runs out", "days", ""], &rows)?;
    Ok(())
}
