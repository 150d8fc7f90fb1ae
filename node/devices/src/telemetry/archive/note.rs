//! What is told of files: that they were damaged, and that the system refuses them.
//!
//! Not here: what is done about it. Guards that a list for people stays short, says nothing twice, and says of no file that it is
//! refused when it is not any more.

/// So many notes are kept; the oldest go.
const NOTES_MAX: usize = 32;

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// What was in the file, or in a part of it. Nothing changes that.
    Damage,
    /// The system refused it when minutes were kept or removed. That is over when they are.
    Keeping,
    /// The system refused it when somebody asked for minutes. That is over when they were read.
    Asking,
}

impl About {
    /// What may be over.
    pub(super) const REFUSALS: [Self; 2] = [Self::Keeping, Self::Asking];
}

#[derive(Debug)]
struct Note {
    file: String,
    about: About,
    what: String,
}

/// The latest notes.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Note>);

impl Notes {
    /// Tells something of a file. What is tried again and again is told once, with what was wrong the last time.
    pub(super) fn add(&mut self, file: String, about: About, what: String) {
        let known = self.0.iter().position(|note| {
            note.file == file && note.about == about && (about != About::Damage || note.what == what)
        });
        match known.and_then(|place| self.0.get_mut(place)) {
            Some(note) => note.what = what,
            None => {
                if self.0.len() >= NOTES_MAX {
                    self.0.remove(0);
                }
                self.0.push(Note { file, about, what });
            }
        }
    }

    /// What was told of a file is over.
    pub(super) fn take_back(&mut self, file: &str, over: &[About]) {
        self.0.retain(|note| note.file != file || !over.contains(&note.about));
    }

    /// In words, the oldest first.
    pub(super) fn told(&self) -> Vec<String> {
        self.0.iter().map(|note| format!("`{}`: {}", note.file, note.what)).collect()
    }
}
