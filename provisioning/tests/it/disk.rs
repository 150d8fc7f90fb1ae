//! A disk whose power can be cut before, in and after every step.
//!
//! Bytes are on it when a write has returned. Names are on it in the order in which they were given, but only after the folder was synced: after a
//! cut any number of the last ones may be missing.

use aisle_provisioning::disk::{Access, Disk};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

type Files = BTreeMap<PathBuf, (Vec<u8>, bool)>;

#[derive(Debug, Clone)]
enum Naming {
    Put(PathBuf, Vec<u8>, bool),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug, Default)]
struct Inside {
    now: Files,
    synced: Files,
    since: Vec<Naming>,
    steps: usize,
    cut_at: Option<usize>,
}

#[derive(Debug, Default)]
pub struct CutDisk(Mutex<Inside>);

fn name(files: &mut Files, naming: &Naming) {
    match naming {
        Naming::Put(path, bytes, private) => {
            files.insert(path.clone(), (bytes.clone(), *private));
        }
        Naming::Rename(from, to) => {
            if let Some(file) = files.remove(from) {
                files.insert(to.clone(), file);
            }
        }
        Naming::Remove(path) => {
            files.remove(path);
        }
    }
}

impl CutDisk {
    /// The power goes at this step, counted from 0.
    pub fn cut_at(self, step: usize) -> Self {
        self.0.lock().unwrap().cut_at = Some(step);
        self
    }

    pub fn steps(&self) -> usize {
        self.0.lock().unwrap().steps
    }

    pub fn was_cut(&self) -> bool {
        let inside = self.0.lock().unwrap();
        inside.cut_at.is_some_and(|at| inside.steps > at)
    }

    /// How many names may be missing after a cut.
    pub fn unsynced(&self) -> usize {
        self.0.lock().unwrap().since.len()
    }

    /// What is found when the power is back and so many of the last names are missing.
    pub fn after_cut(&self, missing: usize) -> Self {
        let inside = self.0.lock().unwrap();
        let mut files = inside.synced.clone();
        let kept = inside.since.len() - missing;
        for naming in &inside.since[..kept] {
            name(&mut files, naming);
        }
        Self(Mutex::new(Inside { now: files.clone(), synced: files, ..Inside::default() }))
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().now.keys().map(|path| path.display().to_string()).collect()
    }

    pub fn are_keys_private(&self) -> bool {
        let inside = self.0.lock().unwrap();
        inside.now.iter().all(|(path, (_, private))| {
            let path = path.display().to_string();
            *private || !(path.contains(".key.pem") || path.contains("claim"))
        })
    }

    fn step(&self, naming: Option<Naming>) -> io::Result<()> {
        let mut inside = self.0.lock().unwrap();
        let step = inside.steps;
        inside.steps += 1;
        match inside.cut_at {
            Some(at) if step > at => return Err(io::Error::other("there is no power")),
            Some(at) if step == at => {
                // In the middle of a write: half of it, under a name that may be there or not.
                if let Some(Naming::Put(path, bytes, private)) = naming {
                    let torn = Naming::Put(path, bytes[..bytes.len() / 2].to_vec(), private);
                    inside.since.push(torn);
                }
                return Err(io::Error::other("the power is gone"));
            }
            _ => {}
        }
        if let Some(naming) = naming {
            name(&mut inside.now, &naming);
            inside.since.push(naming);
        }
        Ok(())
    }
}

impl Disk for CutDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inside = self.0.lock().unwrap();
        inside.now.get(path).map(|(bytes, _)| bytes.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.lock().unwrap();
        let inside = inside.now.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    fn make_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
        self.step(Some(Naming::Put(path.to_owned(), bytes.to_vec(), access == Access::Private)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Some(Naming::Rename(from.to_owned(), to.to_owned())))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.0.lock().unwrap().now.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.step(Some(Naming::Remove(path.to_owned())))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(None)?;
        let mut inside = self.0.lock().unwrap();
        let (kept, synced): (Vec<_>, Vec<_>) = inside.since.drain(..).partition(|naming| {
            let (Naming::Put(path, ..) | Naming::Remove(path) | Naming::Rename(_, path)) = naming;
            path.parent() != Some(folder)
        });
        inside.since = kept;
        for naming in synced {
            name(&mut inside.synced, &naming);
        }
        Ok(())
    }
}
