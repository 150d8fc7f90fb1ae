//! What holders of keys need: keys, looking at drafts, signing them; and drafts as files.
//!
//! None of it wants a hub or a configuration: it runs on a machine without a network. Not here: what drafts are made of ([`super::artefact`]).
//! Guards: no file is written over but a draft by the same draft with more signatures.

use crate::{
    cli::{ArtefactCommand, Common, KeyCommand, PassphraseArgs},
    output,
};
use aisle_artefact::{Draft, repository::DRAFT_BYTES_MAX};
use aisle_hub::{
    artefacts::{ceremony::file_name, keys, online::OnlineKeys},
    config::PassphraseSource,
};
use anyhow::{Context, bail};
use serde_json::json;
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// What needs no hub. False when the command needs one.
pub(crate) fn offline(common: &Common, command: &ArtefactCommand) -> anyhow::Result<bool> {
    match command {
        ArtefactCommand::Key(KeyCommand::New { out, passphrase }) => {
            let source = source(passphrase)?;
            let passphrase = keys::passphrase(source.as_ref(), true, "new passphrase for the key")?;
            let made = keys::make(out, &passphrase)?;
            let digits = made.public.digits().unwrap_or_default();
            if common.json {
                let file = made.public_file.display().to_string();
                output::json(&json!({ "public": digits, "id": made.public.id().to_string(), "file": file }))?;
                return Ok(true);
            }
            output::line(format!("public half  {digits}"))?;
            output::line(format!("its name     {}", made.public.id()))?;
            output::line(format!(
                "it is in `{}`: hand it over, and read it aloud",
                made.public_file.display()
            ))?;
            output::line("keep the passphrase on paper, in another place than the key")?;
        }
        ArtefactCommand::Key(KeyCommand::Online { out }) => {
            if out.exists() {
                bail!(
                    "`{}` is there already\nhint: nothing is written over; choose another name",
                    out.display()
                );
            }
            let (snapshot, timestamp) = OnlineKeys::read_or_make(out)?.public();
            let names = [snapshot, timestamp].map(|key| key.id().to_string());
            if common.json {
                output::json(&json!({ "snapshot": names.first(), "timestamp": names.last() }))?;
                return Ok(true);
            }
            output::line(format!("made; their names: {}", names.join(", ")))?;
        }
        ArtefactCommand::Show { draft } => show(common, draft)?,
        ArtefactCommand::Sign { key, passphrase, draft: path } => {
            let mut draft = read(path)?;
            let source = source(passphrase)?;
            let passphrase = keys::passphrase(source.as_ref(), false, "passphrase of the key")?;
            let key = keys::open(key, &passphrase)?;
            draft.sign(&key);
            replace(path, &draft)?;
            let signed = format!("{} version {} is signed by {}", draft.role(), draft.version(), key.id());
            if common.json {
                let by: Vec<String> = draft.signed_by().iter().map(ToString::to_string).collect();
                output::json(
                    &json!({ "role": draft.role().to_string(), "version": draft.version(), "signed_by": by }),
                )?;
                return Ok(true);
            }
            output::line(signed)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn source(given: &PassphraseArgs) -> anyhow::Result<Option<PassphraseSource>> {
    let Some(text) = &given.passphrase else { return Ok(None) };
    let source = PassphraseSource::from_text(text, Path::new(""));
    let wrong = || format!("`--passphrase` is `{text}`\nhint: `file:PATH`, `credential:NAME` or `prompt`");
    source.with_context(wrong).map(Some)
}

/// Reads a draft, which may be anybody's.
pub(super) fn read(path: &Path) -> anyhow::Result<Draft> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read the draft `{}`", path.display()))?;
    // One more, so that what is too long is seen.
    file.take(DRAFT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read the draft `{}`", path.display()))?;
    Draft::read(&bytes).with_context(|| format!("`{}`", path.display()))
}

pub(super) fn replace(path: &Path, draft: &Draft) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(&draft.write().map_err(std::io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write the draft `{}`", path.display()))
}

/// Writes drafts into a folder, over nothing. Gives their files.
pub(super) fn write(folder: &Path, drafts: &[Draft]) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let paths: Vec<PathBuf> = drafts.iter().map(|draft| folder.join(file_name(draft.role()))).collect();
    if let Some(path) = paths.iter().find(|path| path.exists()) {
        bail!(
            "`{}` is there already\nhint: nothing is written over; name another folder with `--out`, or move it away",
            path.display()
        );
    }
    for (draft, path) in drafts.iter().zip(&paths) {
        let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
            file.write_all(&draft.write().map_err(std::io::Error::other)?)?;
            file.sync_all()
        });
        written.with_context(|| format!("cannot write the draft `{}`", path.display()))?;
    }
    Ok(paths)
}

fn show(common: &Common, path: &Path) -> anyhow::Result<()> {
    let draft = read(path)?;
    let summary = draft.summary()?;
    let signed_by: Vec<String> = draft.signed_by().iter().map(ToString::to_string).collect();
    if common.json {
        return Ok(output::json(&json!({
            "role": draft.role().to_string(), "version": draft.version(), "expires_at_ms": draft.expires().0,
            "says": summary, "signed_by": signed_by,
        }))?);
    }
    for line in summary {
        output::line(line)?;
    }
    for key in signed_by {
        output::line(format!(
            "signed in the name of {key}; whether that counts is seen when it is published"
        ))?;
    }
    Ok(())
}
