//! `aisle model`: a model's folder, `model.toml` and `model.onnx`, tried as a node tries it, and made into what headquarters signs.
//!
//! Not here: what a card says and what a trial is (`aisle-model`); signing, which is the hub's (`aisle-hub artefact add model …`).

use crate::{Ended, output};
use aisle_content::ModelPackage;
use aisle_model::{
    Card, Depth, Refusal, Report,
    card::CARD_BYTES_MAX,
    onnx::{self, ONNX_BYTES_MAX},
    process::{self, PACKAGE_BYTES_MAX},
};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde::Serialize;
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

const CARD: &str = "model.toml";
const GRAPH: &str = "model.onnx";

/// What can be done with a model.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Try a model as a node does before it puts it in place: it loads, its cases come out, and it is quick enough
    #[command(
        after_help = "Examples:\n  aisle model check ranker/\n  aisle model check ranker-1.0.0.model --json"
    )]
    Check(CheckArgs),
    /// Make a model's folder into the file that headquarters signs and stores fetch
    #[command(
        after_help = "Example:\n  aisle model pack ranker/ --out ranker-1.0.0.model\n  aisle-hub artefact add model ranker 1.0.0 ranker-1.0.0.model"
    )]
    Pack(PackArgs),
    /// Try the package that comes in by standard input: what `check` asks of a process of its own
    #[command(hide = true)]
    Try {
        /// How long it takes is not looked at
        #[arg(long)]
        again: bool,
    },
}

/// `model check`
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// A folder with `model.toml` and `model.onnx`, or what `pack` made of it
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    subject: PathBuf,
    /// Leave out how long it takes: for a machine that has nothing of a store's
    #[arg(long)]
    untimed: bool,
}

/// `model pack`
#[derive(Debug, clap::Args)]
pub(crate) struct PackArgs {
    /// The folder with `model.toml` and `model.onnx`
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where to write it [default: ID-VERSION.model]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Packed {
    file: PathBuf,
    id: String,
    version: String,
    bytes: usize,
    hash: String,
}

/// Does it.
pub(crate) fn run(command: &ModelCommand, json: bool) -> Result<Ended> {
    match command {
        ModelCommand::Check(args) => check(args, json),
        ModelCommand::Pack(args) => pack(args, json),
        ModelCommand::Try { again } => {
            let depth = if *again { Depth::Again } else { Depth::Whole };
            process::child(io::stdin().lock(), io::stdout().lock(), depth)?;
            Ok(Ended::Well)
        }
    }
}

fn bounded(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read `{}`", path.display()))?;
    if bytes.len() > bytes_max {
        bail!("`{}` is longer than {bytes_max} bytes", path.display());
    }
    Ok(bytes)
}

fn folder(path: &Path) -> Result<ModelPackage> {
    let card = path.join(CARD);
    let text = String::from_utf8(bounded(&card, CARD_BYTES_MAX)?);
    let text = text.with_context(|| format!("`{}` is no text", card.display()))?;
    Ok(ModelPackage { card: text, onnx: bounded(&path.join(GRAPH), ONNX_BYTES_MAX)? })
}

fn pack(args: &PackArgs, json: bool) -> Result<Ended> {
    let package = folder(&args.folder)?;
    let card = Card::parse(&package.card)?;
    onnx::look(&package.onnx)?.is_as(&card)?;
    let bytes = package.encode();
    let named = || PathBuf::from(format!("{}-{}.model", card.id, card.version));
    let file = args.out.clone().unwrap_or_else(named);
    fs::write(&file, &bytes).with_context(|| format!("cannot write `{}`", file.display()))?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let packed = Packed { file, id: card.id, version: card.version, bytes: bytes.len(), hash };
    if json {
        output::json(&packed)?;
    } else {
        let Packed { file, id, version, bytes, hash } = packed;
        output::line(format!("{}  {bytes} bytes  {hash}", file.display()))?;
        let file = file.display();
        output::line(format!("hint: aisle-hub artefact add model {id} {version} {file}"))?;
    }
    Ok(Ended::Well)
}

fn check(args: &CheckArgs, json: bool) -> Result<Ended> {
    let package = if args.subject.is_dir() {
        folder(&args.subject)?.encode()
    } else {
        bounded(&args.subject, PACKAGE_BYTES_MAX)?
    };
    let depth = if args.untimed { Depth::Again } else { Depth::Whole };
    let program = process::this_program();
    let tried = process::try_out(&program, &["model", "try"].map(OsStr::new), &package, depth);
    if json {
        let as_json: Result<&Report, &Refusal> = tried.as_ref();
        output::json(&as_json.map_or_else(
            |refusal| serde_json::json!({ "passed": false, "is_final": refusal.is_final, "reason": refusal.text }),
            |report| serde_json::json!({ "passed": true, "report": report }),
        ))?;
        return Ok(if tried.is_ok() { Ended::Well } else { Ended::Failed });
    }
    match tried {
        Ok(report) => {
            let Report { id, version, nodes, cases, runs, p99_us, p99_us_max } = report;
            output::line(format!("{id} {version} passes: {cases} cases, {nodes} steps"))?;
            if runs > 0 {
                let (took, may) = (output::micros(p99_us), output::micros(p99_us_max));
                output::line(format!("  99 of 100 of {runs} runs within {took}; its card allows {may}"))?;
            }
            Ok(Ended::Well)
        }
        Err(refusal) => {
            output::line(format!("refused: {}", output::plain(&refusal.text)))?;
            Ok(Ended::Failed)
        }
    }
}
