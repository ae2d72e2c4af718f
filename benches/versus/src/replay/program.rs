//! Steps on numbered places, and how a recording becomes some.

use std::collections::HashMap;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A value is put into the place.
    Add,
    /// The value in the place is written to.
    Touch,
    /// The value in the place is freed.
    End,
}

/// An action and its place, in four bytes: a program is read from memory while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step(u32);

impl Step {
    fn new(action: Action, place: u32) -> Self {
        assert!(place < u32::MAX / 4, "a place has 30 bits");
        Self(place << 2 | action as u32)
    }

    #[inline]
    pub(crate) fn action(self) -> Action {
        match self.0 & 3 {
            0 => Action::Add,
            1 => Action::Touch,
            _ => Action::End,
        }
    }

    #[inline]
    pub(crate) fn place(self) -> usize {
        (self.0 >> 2) as usize
    }
}

/// Steps that begin and end with no values.
///
/// A place is used again once its value has ended, so there are no more of them than values alive
/// at once, and the `Vec` of handles takes as little of the cache as it can.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    steps: Vec<Step>,
    places: usize,
}

impl Program {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The number of places, which is the most values that are alive at once.
    pub(crate) fn places(&self) -> usize {
        self.places
    }
}

/// Writes a program down, given events by the keys of a recording.
#[derive(Default)]
pub(crate) struct Recorder {
    steps: Vec<Step>,
    places: HashMap<u64, u32>,
    vacant: Vec<u32>,
    made: u32,
}

impl Recorder {
    /// Whether a value of this key is alive.
    pub(crate) fn has(&self, key: u64) -> bool {
        self.places.contains_key(&key)
    }

    /// Begins a value; says whether there was none of this key.
    pub(crate) fn add(&mut self, key: u64) -> bool {
        if self.has(key) {
            return false;
        }
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.made += 1;
            self.made - 1
        });
        self.places.insert(key, place);
        self.steps.push(Step::new(Action::Add, place));
        true
    }

    /// Writes to a value, if it is alive.
    pub(crate) fn touch(&mut self, key: u64) {
        if let Some(&place) = self.places.get(&key) {
            self.steps.push(Step::new(Action::Touch, place));
        }
    }

    /// Ends a value, if it is alive.
    pub(crate) fn end(&mut self, key: u64) {
        if let Some(place) = self.places.remove(&key) {
            self.steps.push(Step::new(Action::End, place));
            self.vacant.push(place);
        }
    }

    /// Ends all values that are alive, in the order of their keys, which recordings number upwards.
    pub(crate) fn end_all(&mut self) {
        let mut keys: Vec<u64> = self.places.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            self.end(key);
        }
    }

    /// The program. What is still alive ends with it.
    pub(crate) fn finish(mut self) -> Program {
        self.end_all();
        Program { steps: self.steps, places: self.made as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_what_they_are_made_of() {
        for action in [Action::Add, Action::Touch, Action::End] {
            for place in [0, 1, 77, u32::MAX / 4 - 1] {
                let step = Step::new(action, place);
                assert_eq!((step.action(), step.place()), (action, place as usize));
            }
        }
    }

    #[test]
    fn places_are_used_again_and_everything_ends() {
        let mut recorder = Recorder::default();
        assert!(recorder.add(10));
        assert!(recorder.add(11));
        assert!(!recorder.add(11));
        recorder.end(10);
        recorder.end(10);
        recorder.touch(10);
        assert!(recorder.add(12));
        recorder.touch(12);
        let program = recorder.finish();
        let steps: Vec<_> = program.steps().iter().map(|s| (s.action(), s.place())).collect();
        let expected = [
            (Action::Add, 0),
            (Action::Add, 1),
            (Action::End, 0),
            (Action::Add, 0),
            (Action::Touch, 0),
            (Action::End, 1),
            (Action::End, 0),
        ];
        assert_eq!(steps, expected);
        assert_eq!(program.places(), 2);
    }
}
