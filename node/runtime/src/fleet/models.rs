//! Models that are ordered: `model/NAME`, as a package of card and graph.
//!
//! One is tried in a process of its own before it is put in place, and again before it is loaded at each start: another version of the node may be unable to run what ran before, and must
//! find that out where it hurts nobody. Not here: what a trial is, and what runs (`aisle-model`).
//! Guards: nothing that was not tried by this build is loaded into the node; what is refused leaves what runs as it is.

use aisle_artefact::Kind as Listed;
use aisle_content::ModelPackage;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_fleet::{ContentHash, Health, Kind, Slot, converge::Trouble};
use aisle_model::{
    Card, Depth, Loaded, Models, Refusal, Report,
    process::{self, PACKAGE_BYTES_MAX},
};
use std::{ffi::OsStr, io, process::ExitCode};

/// How a package is tried.
pub(super) type Trial = fn(&[u8], Depth) -> Result<Report, Refusal>;

pub(super) struct OfModels {
    models: Models,
    trial: Trial,
}

/// Tries a package in a process of its own, which is this program.
pub(super) fn in_a_process(package: &[u8], depth: Depth) -> Result<Report, Refusal> {
    process::try_out(&process::this_program(), &[OsStr::new("try-model")], package, depth)
}

/// What that process does.
pub(crate) fn child(again: bool) -> anyhow::Result<ExitCode> {
    let depth = if again { Depth::Again } else { Depth::Whole };
    process::child(io::stdin().lock(), io::stdout().lock(), depth)?;
    Ok(ExitCode::SUCCESS)
}

fn told(refusal: Refusal) -> Trouble {
    Trouble { is_final: refusal.is_final, text: refusal.text }
}

/// The name under which a package is in force. It is the model that was ordered.
fn named(piece: &Piece) -> Result<&str, Trouble> {
    let Piece { slot, release, bytes } = piece;
    let name = slot.name().ok_or_else(|| never("a model is named `model/<id>`"))?;
    let package = ModelPackage::decode(bytes).map_err(|error| never(error.to_string()))?;
    let card = Card::parse(&package.card).map_err(|error| never(error.to_string()))?;
    if card.id != name {
        return Err(never(format!("the package is of the model `{}`", card.id)));
    }
    if card.version != release.version.as_str() {
        return Err(never(format!("the package is of version {}", card.version)));
    }
    Ok(name)
}

impl OfModels {
    pub(super) const fn new(models: Models, trial: Trial) -> Self {
        Self { models, trial }
    }

    fn put(&self, piece: &Piece) -> Outcome {
        let (name, hash) = (named(piece)?, piece.release.hash.to_string());
        if self.models.runs(name).as_ref() == Some(&hash) {
            return Ok(());
        }
        let loaded = Loaded::load(&piece.bytes).map_err(|error| never(error.to_string()))?;
        self.models.activate(name, &hash, loaded).map_err(|error| never(error.to_string()))
    }

    fn try_again(&self, piece: &Piece) -> Outcome {
        (self.trial)(&piece.bytes, Depth::Again).map(drop).map_err(told)
    }
}

impl Applier for OfModels {
    fn kind(&self) -> Kind {
        Kind::Model
    }

    fn bytes_max(&self) -> u64 {
        Listed::Model.bytes_max().min(PACKAGE_BYTES_MAX as u64)
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        named(piece)?;
        let report = (self.trial)(&piece.bytes, Depth::Whole).map_err(told)?;
        let Report { cases, p99_us, p99_us_max, .. } = report;
        tracing::info!(slot = %piece.slot, cases, p99_us, p99_us_max, "the model passed its trial");
        Ok(())
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.put(piece)
    }

    /// What ran before was tried when it came, but maybe by another build.
    fn revert(&self, slot: &Slot, _: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        let Some(piece) = to else { return self.remove(slot, None) };
        let done = self.try_again(piece).and_then(|()| self.put(piece));
        // What goes must not stay for that.
        done.inspect_err(|_| drop(self.remove(slot, None)))
    }

    fn remove(&self, slot: &Slot, _: Option<&Piece>) -> Outcome {
        let name = slot.name().ok_or_else(|| not_now("a model is named `model/<id>`"))?;
        self.models.remove(name);
        Ok(())
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&self, piece: &Piece) -> Outcome {
        if self.models.runs(named(piece)?).as_ref() == Some(&piece.release.hash.to_string()) {
            return Ok(());
        }
        self.try_again(piece).and_then(|()| self.put(piece))
    }

    fn health(&self, slot: &Slot, hash: &ContentHash) -> Option<Health> {
        self.models.health(slot.name()?, &hash.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::{Needs, Release};
    use aisle_model::{Inputs, Tensor, Values, example, trial};
    use prometheus_client::registry::Registry;

    fn piece(version: &str, package: &ModelPackage) -> Piece {
        let bytes = package.encode();
        let (hash, length) = (ContentHash::of(&bytes), bytes.len() as u64);
        let release =
            Release { version: version.parse().unwrap(), hash, bytes: length, needs: Needs::default() };
        Piece { slot: "model/ranker".parse().unwrap(), release, bytes }
    }

    fn appliers() -> (OfModels, Models) {
        let models = Models::new(&mut Registry::default());
        (OfModels::new(models.clone(), trial::run), models)
    }

    fn answer(models: &Models) -> Option<f32> {
        let ones = Tensor::new(vec![1, 4], Values::F32(vec![1.0; 4])).unwrap();
        let found = models.run("ranker", &Inputs::from([("x".to_owned(), ones)])).ok()?;
        match found["y"].values() {
            Values::F32(values) => values.first().copied(),
            _ => None,
        }
    }

    #[test]
    fn a_model_comes_is_swapped_goes_back_and_is_taken_away() {
        let (of_models, models) = appliers();
        let slot: Slot = "model/ranker".parse().unwrap();
        let one = piece("1.0.0", &example::good("ranker", "1.0.0", 0.0));
        let two = piece("2.0.0", &example::good("ranker", "2.0.0", 5.0));
        for piece in [&one, &one] {
            of_models.smoke_test(piece).unwrap();
            of_models.activate(piece, None).unwrap();
            assert_eq!(answer(&models), Some(10.0));
        }
        assert_eq!(of_models.health(&slot, &one.release.hash).unwrap().calls, 2, "it is the same one still");
        of_models.activate(&two, Some(&one)).unwrap();
        assert_eq!(answer(&models), Some(15.0));
        assert_eq!(of_models.health(&slot, &one.release.hash), None);
        of_models.revert(&slot, Some(&two), Some(&one)).unwrap();
        assert_eq!(answer(&models), Some(10.0));
        of_models.revert(&slot, Some(&one), None).unwrap();
        of_models.remove(&slot, None).unwrap();
        assert_eq!(answer(&models), None);
    }

    #[test]
    fn what_ran_before_a_start_runs_after_it_unless_this_build_cannot_run_it() {
        let (of_models, models) = appliers();
        of_models.resume(&piece("1.0.0", &example::good("ranker", "1.0.0", 0.0))).unwrap();
        assert_eq!(answer(&models), Some(10.0));
        let (of_models, models) = appliers();
        let trouble = of_models.resume(&piece("1.0.0", &example::wrong("ranker", "1.0.0"))).unwrap_err();
        assert!(trouble.is_final && trouble.text.contains("expected 11"), "it is told: {trouble:?}");
        assert_eq!(answer(&models), None);
    }

    #[test]
    fn what_is_not_the_model_that_was_ordered_is_given_up_and_touches_nothing() {
        let (of_models, models) = appliers();
        of_models.activate(&piece("1.0.0", &example::good("ranker", "1.0.0", 0.0)), None).unwrap();
        let cases = [
            ("2.0.0", example::wrong("ranker", "2.0.0"), "expected 11"),
            ("2.0.0", example::good("other", "2.0.0", 1.0), "of the model `other`"),
            ("2.0.0", example::good("ranker", "3.0.0", 1.0), "of version 3.0.0"),
            ("2.0.0", ModelPackage { card: "nonsense = [".into(), onnx: Vec::new() }, "model.toml"),
        ];
        for (version, package, words) in cases {
            let trouble = of_models.smoke_test(&piece(version, &package)).unwrap_err();
            assert!(trouble.is_final && trouble.text.contains(words), "no `{words}`: {trouble:?}");
        }
        assert_eq!(answer(&models), Some(10.0));
    }
}
