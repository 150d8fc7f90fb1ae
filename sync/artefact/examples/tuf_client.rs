//! The client as the public suite `tuf-conformance` asks for it (its CLIENT-CLI.md): `init`, `refresh`, `download`, over plain HTTP.
//!
//! `cargo xtask conformance` builds it and runs the suite.
//!
//! It is judged by the machine's clock, which the suite sets; a node passes its trusted time in. What we do not read (a target without SHA-256) is named
//! in `tuf_client.xfails`, which the suite looks for beside the entry point.
#![allow(clippy::print_stderr, reason = "it is a command, and says why it ends")]

use aisle_artefact::{Client, Limits, Source, client::Found, content::Verified, source::SourceError};
use aisle_event::Timestamp;
use clap::{Parser, Subcommand};
use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use ureq::Agent;

/// How long the suite's server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    metadata_dir: PathBuf,
    #[arg(long)]
    metadata_url: Option<String>,
    #[arg(long = "target-name")]
    target_names: Vec<String>,
    #[arg(long)]
    target_base_url: Option<String>,
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init { trusted_root: PathBuf },
    Refresh,
    Download,
}

/// Files by HTTP.
struct Http {
    agent: Agent,
    base: String,
}

impl Http {
    fn new(base: &str) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned() }
    }
}

impl Source for Http {
    fn fetch(&mut self, name: &str, _: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        match self.agent.get(format!("{}/{name}", self.base)).call() {
            Ok(answer) => Ok(Box::new(answer.into_body().into_reader())),
            Err(ureq::Error::StatusCode(404)) => Err(SourceError::NotFound),
            Err(error) => Err(SourceError::Io(io::Error::other(error))),
        }
    }
}

fn download(found: &Found, file: &str, base: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let name: String = found.path().chars().map(|c| if c == '/' { '_' } else { c }).collect();
    let path = folder.join(name);
    let verified = |reader: &mut dyn Read, writer: &mut dyn io::Write| {
        io::copy(&mut Verified::new(reader, found.bytes(), found.sha256(), None), writer)
    };
    let is_there = File::open(&path).is_ok_and(|mut there| verified(&mut there, &mut io::sink()).is_ok());
    if is_there {
        return Ok(());
    }
    let beside = path.with_extension("part");
    let mut source = Http::new(base);
    let mut fetched = source.fetch(file, found.bytes())?;
    let taken = File::create(&beside).and_then(|mut part| verified(&mut fetched, &mut part));
    if let Err(error) = taken {
        fs::remove_file(&beside)?;
        return Err(error.into());
    }
    Ok(fs::rename(&beside, &path)?)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    if let Command::Init { trusted_root } = &arguments.command {
        Client::init(&arguments.metadata_dir, &fs::read(trusted_root)?, limits)?;
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = Timestamp(i64::try_from(now)?);
    let url = arguments.metadata_url.as_deref().ok_or("`--metadata-url` is missing")?;
    let mut source = Http::new(url);
    let mut client = Client::open(&arguments.metadata_dir, limits)?;
    client.refresh(&mut source, now)?;
    if let Command::Download = arguments.command {
        let base = arguments.target_base_url.as_deref().ok_or("`--target-base-url` is missing")?;
        let folder = arguments.target_dir.as_deref().ok_or("`--target-dir` is missing")?;
        for name in &arguments.target_names {
            let found = client.find(name, &mut source, now)?;
            let file = if client.is_consistent() { found.file() } else { found.path().to_owned() };
            download(&found, &file, base, folder)?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let error = match run(&Arguments::parse()) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(because) = cause {
        eprintln!("  because: {because}");
        cause = because.source();
    }
    ExitCode::FAILURE
}
