//! What goes by hand: a bundle that is taken, a root that is begun with, and batches that are brought out.
//!
//! What is given to a node that runs lies in its data (`fleet/given.bundle`, `fleet/given.root.json`), put there by the command as the node's own user; so it may
//! come from a stick that the node's unit does not see, and be of any length. Not here: what is believed of it (`aisle-converge`).

use super::read_root;
use crate::admin::view::fleet::CourierView;
use aisle_artefact::{
    ArtefactId,
    bundle::{Limits, up},
};
use aisle_converge::{Fleet, fleet::words};
use aisle_event::LogClass;
use aisle_journal::RealIo;
use aisle_outbox::batches;
use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The bundle that was given last.
#[derive(Clone, Default)]
pub(crate) struct Given(Arc<Mutex<Option<CourierView>>>);

impl Given {
    /// Where a bundle is put.
    pub(crate) fn bundle(data: &Path) -> PathBuf {
        aisle_converge::fleet::folder(data).join("given.bundle")
    }

    /// Where a root is put.
    pub(crate) fn root(data: &Path) -> PathBuf {
        aisle_converge::fleet::folder(data).join("given.root.json")
    }

    /// What became of it.
    pub(crate) fn view(&self) -> Option<CourierView> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// False when one is read already.
    pub(crate) fn begin(&self) -> bool {
        let mut view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if view.as_ref().is_some_and(|view| view.running) {
            return false;
        }
        *view = Some(CourierView { running: true, ..CourierView::default() });
        true
    }

    pub(crate) fn end(&self, view: CourierView) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
    }
}

/// Takes a bundle, and removes it: what it brought is kept elsewhere.
pub(crate) fn apply(fleet: &Fleet, path: &Path) -> CourierView {
    let failed = |failed: String| CourierView { failed: Some(failed), ..CourierView::default() };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return failed(format!("cannot read `{}`: {error}", path.display())),
    };
    let applied = fleet.courier(BufReader::new(file));
    // One that stays only takes room until the next one.
    let _ = fs::remove_file(path);
    let (applied, ordered) = match applied {
        Ok(applied) => applied,
        Err(error) => return failed(words(&error)),
    };
    let names = |ids: &[ArtefactId]| ids.iter().map(ToString::to_string).collect();
    let (generation, order_refused) = match ordered {
        None => (None, None),
        Some(Ok(generation)) => (Some(generation), None),
        Some(Err(why)) => (None, Some(why)),
    };
    CourierView {
        running: false,
        failed: None,
        generation,
        order_refused,
        taken: names(&applied.taken),
        had: names(&applied.had),
        unwanted: names(&applied.unwanted),
        older: applied.is_older,
    }
}

/// Begins to trust a root.
///
/// # Errors
/// Why not, for people.
pub(crate) fn trust(fleet: &Fleet, path: &Path) -> Result<bool, String> {
    let root = read_root(path)?;
    let _ = fs::remove_file(path);
    fleet.trust(&root).map_err(|error| words(&error))
}

/// Puts a file where the node looks for it.
pub(super) fn give(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("the node's data has a folder for it")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let unreadable = || format!("cannot read `{}`", from.display());
    let mut source = File::open(from).with_context(unreadable)?;
    let mut file = File::create(to).with_context(|| format!("cannot write `{}`", to.display()))?;
    std::io::copy(&mut source, &mut file).with_context(unreadable)?;
    file.sync_all().with_context(|| format!("cannot write `{}`", to.display()))
}

/// What was brought out.
#[derive(Debug, serde::Serialize)]
pub(super) struct Exported {
    /// How many batches.
    pub(super) batches: u64,
    /// How many events are in them.
    pub(super) events: u64,
}

/// Writes the batches that are kept in the outbox to a region into a new file, the most valuable class first.
pub(super) fn export(outbox: &Path, from: &str, to: &Path) -> anyhow::Result<Exported> {
    let mut found = Vec::new();
    let mut events = 0_u64;
    for class in LogClass::ALL {
        // Of a class that was not begun yet there is no directory.
        if !outbox.join(format!("p{}", class.number())).is_dir() {
            continue;
        }
        let unreadable = || format!("cannot read the {class} log in `{}`", outbox.display());
        for batch in batches(outbox, Arc::new(RealIo), class).with_context(unreadable)? {
            let batch = batch.with_context(unreadable)?;
            let header = batch.header();
            let (first, last) = (header.first_seq, header.end().seq);
            let name = format!("{}/{}/{first}-{last}", header.class, HEXLOWER.encode(&header.epoch.0));
            events += last.saturating_sub(first).saturating_add(1);
            found.push((name, batch.bytes().clone()));
        }
    }
    if found.is_empty() {
        bail!("nothing waits in `{}`\nhint: batches are sealed while the node runs", outbox.display());
    }
    let unwritable = || format!("cannot write `{}`", to.display());
    if to.exists() {
        bail!("`{}` is there already\nhint: name another file; nothing is written over", to.display());
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&part);
    let writer = BufWriter::new(file.with_context(unwritable)?);
    let (mut writer, exported) = up::export(writer, from, up::START, found, &Limits::default())?;
    writer.flush().with_context(unwritable)?;
    writer.get_ref().sync_all().with_context(unwritable)?;
    fs::rename(&part, to).with_context(unwritable)?;
    Ok(Exported { batches: exported.entries, events })
}
