//! `aisle fleet`: what the console does, for a terminal and for scripts. A client of the hub's HTTP interface and nothing else.
//!
//! ```text
//! arguments ─> At: which hub, which token ─> Desk ─> a verb: Ask ─> Hub ─> Answer ─> table, fields, JSON
//! ```
//!
//! One file for each thing that it is about, with its verbs in it. Shared: [`at`] and [`profile`] (which hub, which token), [`ask`], [`hub`], [`again`] (a request and
//! its way), [`problem`] and [`error`] (refusals and exit codes), [`desk`] and [`view`] (answers for people).
//!
//! Not here: rules (`aisle-fleet`; what a hub refuses it refuses to everybody), rights. Guards: what a console says and what this says come from the same answers.

mod again;
mod alert;
mod apply;
mod approval;
mod artefact;
mod ask;
mod at;
mod audit;
mod claim;
mod content;
mod desk;
mod device;
mod diff;
mod documents;
mod enrolment;
mod error;
mod group;
mod hub;
mod label;
mod login;
mod me;
mod member;
mod overrule;
mod people;
mod policy;
mod problem;
mod profile;
mod proof;
mod relay;
mod rollout;
mod search;
mod sign_in;
mod store;
mod time;
mod token;
mod totals;
mod view;
mod watch;

pub(crate) use at::At;
pub(crate) use error::FleetError;

use crate::Ended;
use anyhow::Result;
use clap::Subcommand;
use desk::Desk;

/// `fleet`
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:\n  \
                  0  done\n  \
                  1  the hub refused, or it failed\n  \
                  2  wrong use: arguments, files, no hub named, no token\n  \
                  3  no hub answers\n  \
                  4  nothing is done yet: another person has to agree\n  \
                  5  `diff` found differences\n  \
                  6  `rollout watch`: it stopped, went back or was ended\n\n\
                  Examples:\n  \
                  aisle fleet login --hub https://hub.example --name ada\n  \
                  aisle fleet nodes --filter 'region=eu, version<1.4'\n  \
                  aisle fleet rollout watch multi-buy-1-4\n  \
                  aisle fleet stores --json --show-request")]
pub(crate) struct Args {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    command: FleetCommand,
}

/// What can be done with a fleet.
#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Sign in at a hub, and keep a token for this machine
    Login(login::Args),
    /// Revoke this machine's token, and forget the hub
    Logout(login::LogoutArgs),
    /// Show the hubs that this machine knows
    Profiles,
    /// Show who you are to the hub, and what you may; your sessions, password and tokens
    Me(me::Args),
    /// Show how many stores are so and so, and how much there is
    Totals,
    /// Look for stores, nodes, contents, policies and erasures by a part of what they are called
    Search(search::Args),
    /// List what wants to be looked at: what the hub refused, forks, what nodes refuse to run
    Alerts(desk::Paging),
    /// List stores
    Stores(store::ListArgs),
    /// Show a store: health, nodes, what they should run, what they run, and why not
    Show(store::ShowArgs),
    /// Show what a store is to run by its manifest, and what its nodes report
    Manifest(proof::One),
    /// List the receipts of a store's log
    Receipts(proof::ReceiptsArgs),
    /// Show what a store's gate let out, field by field
    Fields(proof::One),
    /// List the erasures that a store was asked for
    Erasures(proof::ListArgs),
    /// List nodes as the rules see them: labels, version, phase
    Nodes(member::ListArgs),
    /// List devices with what became of the settings that headquarters ordered for them
    Devices(device::ListArgs),
    /// Set and remove labels of a store
    Label(label::Args),
    /// Groups of nodes, and what they should have
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Saved filters
    #[command(subcommand)]
    Filter(group::FilterCommand),
    /// What holds for one store or one box, whatever groups and rollouts say
    #[command(subcommand)]
    Override(overrule::OverrideCommand),
    /// Releases on their way through waves of stores
    #[command(subcommand)]
    Rollout(rollout::RolloutCommand),
    /// Signed artefacts, and the metadata that vouches for them
    #[command(subcommand)]
    Artefact(artefact::ArtefactCommand),
    /// List contents that nodes may fetch
    Contents(content::ListArgs),
    /// Show a content: how it fares, and shorter ways to it
    Content(content::ShowArgs),
    /// List policies, and who follows each
    Policies(desk::Paging),
    /// One policy, and another one that is published
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// List how far the stores' logs have gone on to a hub above
    Relay(desk::Paging),
    /// List hubs that may speak for stores here
    Relays(desk::Paging),
    /// Claims: how a box gets in
    #[command(subcommand)]
    Claim(claim::ClaimCommand),
    /// Boxes that ask to come in, and what is decided about them
    #[command(subcommand)]
    Enrolment(enrolment::EnrolmentCommand),
    /// People, and what they may
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// Tokens of programs
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Requests that want another person
    #[command(subcommand)]
    Approvals(approval::ApprovalCommand),
    /// What was done, by whom, and what was refused
    Audit(audit::Args),
    /// Make the fleet as documents say: groups, overrides, filters, rollouts
    Apply(apply::Args),
    /// Show what `apply` would change, and change nothing
    Diff(apply::DiffArgs),
}

/// Does it.
pub(crate) fn run(args: &Args, json: bool) -> Result<Ended> {
    let command = match &args.command {
        FleetCommand::Login(own) => return login::run(own, &args.at, json),
        FleetCommand::Logout(own) => return login::forget(own, &args.at, json),
        FleetCommand::Profiles => return login::profiles(json),
        command => command,
    };
    let desk = Desk { hub: args.at.hub()?, json };
    match command {
        FleetCommand::Login(_) | FleetCommand::Logout(_) | FleetCommand::Profiles => Ok(Ended::Well),
        FleetCommand::Me(own) => me::run(own, &desk),
        FleetCommand::Totals => totals::show(&desk),
        FleetCommand::Search(own) => search::run(own, &desk),
        FleetCommand::Alerts(own) => alert::list(own, &desk),
        FleetCommand::Stores(own) => store::list(own, &desk),
        FleetCommand::Show(own) => store::show(own, &desk),
        FleetCommand::Manifest(own) => proof::manifest(own, &desk),
        FleetCommand::Receipts(own) => proof::receipts(own, &desk),
        FleetCommand::Fields(own) => proof::fields(own, &desk),
        FleetCommand::Erasures(own) => proof::erasures(own, &desk),
        FleetCommand::Nodes(own) => member::list(own, &desk),
        FleetCommand::Devices(own) => device::list(own, &desk),
        FleetCommand::Label(own) => label::run(own, &desk),
        FleetCommand::Group(own) => group::run(own, &desk),
        FleetCommand::Filter(own) => group::filter(own, &desk),
        FleetCommand::Override(own) => overrule::run(own, &desk),
        FleetCommand::Rollout(own) => rollout::run(own, &desk),
        FleetCommand::Artefact(own) => artefact::run(own, &desk),
        FleetCommand::Contents(own) => content::list(own, &desk),
        FleetCommand::Content(own) => content::show(own, &desk),
        FleetCommand::Policies(own) => policy::list(own, &desk),
        FleetCommand::Policy(own) => policy::run(own, &desk),
        FleetCommand::Relay(own) => relay::stores(own, &desk),
        FleetCommand::Relays(own) => relay::hubs(own, &desk),
        FleetCommand::Claim(own) => claim::run(own, &desk),
        FleetCommand::Enrolment(own) => enrolment::run(own, &desk),
        FleetCommand::People(own) => people::run(own, &desk),
        FleetCommand::Token(own) => token::run(own, &desk),
        FleetCommand::Approvals(own) => approval::run(own, &desk),
        FleetCommand::Audit(own) => audit::run(own, &desk),
        FleetCommand::Apply(own) => apply::run(own, &desk),
        FleetCommand::Diff(own) => apply::diff(own, &desk),
    }
}
