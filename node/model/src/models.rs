//! What is in force: a model for each name, swapped in one step.
//!
//! Who asks takes the model that is in force at that moment and keeps it to the end of the run, whatever is swapped meanwhile; an old one goes with the last who
//! asks it. Not here: what a model is, how it came. Guards: there are [`MODELS_MAX`] at most, and a name that is not there is an answer and not a wait.

use crate::{
    engine::{Inputs, Loaded, Outputs, RunError},
    telemetry::Telemetry,
};
use aisle_fleet::Health;
use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// The most models that are in force at once.
pub const MODELS_MAX: usize = 8;

/// A model in force.
#[derive(Debug)]
struct Active {
    loaded: Loaded,
    hash: String,
    health: Mutex<Health>,
}

type ByName = BTreeMap<String, Arc<Active>>;

#[derive(Debug)]
struct Inner {
    active: ArcSwap<ByName>,
    /// Held while something is changed.
    changing: Mutex<()>,
    telemetry: Telemetry,
}

/// The models in force. Clones share them.
#[derive(Debug, Clone)]
pub struct Models(Arc<Inner>);

/// There are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MODELS_MAX} models in force already")]
pub struct TooMany;

/// A model was not asked, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There is none of that name.
    #[error("there is no model `{name}` in force")]
    Unknown {
        /// The name.
        name: String,
    },
    /// It did not answer.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A model in force, to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of its package, in hexadecimal digits.
    pub hash: String,
    /// What goes in, with its shape.
    pub inputs: Vec<String>,
    /// What comes out, with its shape.
    pub outputs: Vec<String>,
    /// What its card allows, in microseconds.
    pub p99_us_max: u64,
    /// How it has done since it was put in force, or the node started.
    pub health: Health,
}

impl Models {
    /// None yet. Nothing that runs models is set up.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let telemetry = Telemetry::register(registry);
        Self(Arc::new(Inner { active: ArcSwap::default(), changing: Mutex::default(), telemetry }))
    }

    /// Every metric of models with an example, for a reference.
    pub fn describe(registry: &mut Registry) {
        let telemetry = Telemetry::register(registry);
        telemetry.loaded([("example", "1.0.0")].into_iter());
        telemetry.ran("example", 1, true, true);
    }

    /// Puts a model in the place of the one of this name. `hash` is that of its package. What is known of how the one before did goes
    /// with it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn activate(&self, name: &str, hash: &str, loaded: Loaded) -> Result<(), TooMany> {
        self.change(|models| {
            if !models.contains_key(name) && models.len() >= MODELS_MAX {
                return Err(TooMany);
            }
            let (hash, health) = (hash.to_owned(), Mutex::default());
            models.insert(name.to_owned(), Arc::new(Active { loaded, hash, health }));
            Ok(())
        })
    }

    /// Takes a model away. False where there was none.
    pub fn remove(&self, name: &str) -> bool {
        self.change(|models| models.remove(name).is_some())
    }

    fn change<T>(&self, change: impl FnOnce(&mut ByName) -> T) -> T {
        let _one = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models = ByName::clone(&self.0.active.load());
        let done = change(&mut models);
        self.0
            .telemetry
            .loaded(models.iter().map(|(name, model)| (name.as_str(), model.loaded.card().version.as_str())));
        self.0.active.store(Arc::new(models));
        done
    }

    /// The hash of the package that is in force under a name.
    #[must_use]
    pub fn runs(&self, name: &str) -> Option<String> {
        self.0.active.load().get(name).map(|model| model.hash.clone())
    }

    /// Asks the model of a name. It takes a thread for as long as the run takes.
    ///
    /// # Errors
    /// When there is none, or it does not answer.
    pub fn run(&self, name: &str, inputs: &Inputs) -> Result<Outputs, AskError> {
        let model = self.0.active.load().get(name).cloned();
        let model = model.ok_or_else(|| AskError::Unknown { name: name.to_owned() })?;
        let begun = Instant::now();
        let answer = model.loaded.run(inputs);
        let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        // Who asks for what the card does not let in has not asked the model.
        if !matches!(answer, Err(RunError::Input { .. })) {
            let is_late = us > model.loaded.card().p99_us_max;
            let mut health = model.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.calls = health.calls.saturating_add(1);
            health.took.add(us);
            if answer.is_err() || is_late {
                health.errors = health.errors.saturating_add(1);
            }
            drop(health);
            self.0.telemetry.ran(name, us, answer.is_err(), is_late);
        }
        Ok(answer?)
    }

    /// How the model of a name has done, where the package of this hash is in force.
    #[must_use]
    pub fn health(&self, name: &str, hash: &str) -> Option<Health> {
        let active = self.0.active.load();
        let model = active.get(name).filter(|model| model.hash == hash)?;
        Some(model.health.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// All of them, by name.
    #[must_use]
    pub fn view(&self) -> Vec<ModelView> {
        let active = self.0.active.load();
        let views = active.iter().map(|(name, model)| {
            let card = model.loaded.card();
            ModelView {
                name: name.clone(),
                version: card.version.clone(),
                hash: model.hash.clone(),
                inputs: card.inputs.iter().map(ToString::to_string).collect(),
                outputs: card.outputs.iter().map(ToString::to_string).collect(),
                p99_us_max: card.p99_us_max,
                health: model.health.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            }
        });
        views.collect()
    }

    /// What somebody wrote down, as the input of a model.
    ///
    /// # Errors
    /// When there is no such model, or it is none that its card lets in.
    pub fn inputs(&self, name: &str, given: &BTreeMap<String, crate::Given>) -> Result<Inputs, AskError> {
        let model = self.0.active.load().get(name).cloned();
        let model = model.ok_or_else(|| AskError::Unknown { name: name.to_owned() })?;
        let card = model.loaded.card();
        let mut inputs = Inputs::new();
        for (name, given) in given {
            let wrong = |reason: String| RunError::Input { input: name.clone(), reason };
            let port = card.inputs.iter().find(|port| port.name == *name);
            let port = port.ok_or_else(|| wrong("is no input of the model".into()))?;
            inputs.insert(name.clone(), given.read(port.element).map_err(wrong)?);
        }
        Ok(inputs)
    }
}
