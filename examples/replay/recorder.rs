//! Turns the events of a trace into a program, and refuses those that make no sense.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::lines::Mismatch;
use crate::program::{ALIGN, Action, MAX_PLACE, Program, Step, Tally};

/// What one line of a trace says, without its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Allocate { id: u64, size: usize },
    AllocateZeroed { id: u64, size: usize },
    AllocateAligned { id: u64, align: usize, size: usize },
    Resize { id: u64, size: usize },
    Free { id: u64 },
    ThreadEnds,
}

#[derive(Clone, Copy, Debug)]
struct Alive {
    place: u32,
    size: usize,
}

/// Writes a program down.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    alive: FxHashMap<u64, Alive>,
    threads: FxHashSet<u32>,
    vacant: Vec<u32>,
    places: u32,
    live_bytes: usize,
    steps: Vec<Step>,
    aligns: Vec<u8>,
    ids: Vec<u64>,
    tally: Tally,
}

impl Recorder {
    /// Takes in an event of a thread, or says what is wrong with it.
    pub(crate) fn add(&mut self, thread: u32, event: Event) -> Result<(), Mismatch> {
        match event {
            Event::Allocate { id, size } => self.begin(Action::Allocate, id, size)?,
            Event::AllocateZeroed { id, size } => self.begin(Action::AllocateZeroed, id, size)?,
            Event::AllocateAligned { id, align, size } => {
                // What every object has needs no look at a table.
                if align == ALIGN {
                    self.begin(Action::Allocate, id, size)?;
                } else {
                    self.begin(Action::AllocateAligned, id, size)?;
                    self.aligns.push(align.ilog2() as u8);
                }
            }
            Event::Resize { id, size } => {
                let alive = self.alive.get_mut(&id).ok_or_else(|| not_alive(id))?;
                self.live_bytes = self.live_bytes - alive.size + size;
                alive.size = size;
                self.steps.push(Step::new(Action::Resize, alive.place, size));
            }
            Event::Free { id } => self.end(id)?,
            Event::ThreadEnds => {}
        }
        self.threads.insert(thread);
        self.tally.events += 1;
        self.tally.peak_live_objects = self.tally.peak_live_objects.max(self.alive.len());
        self.tally.peak_live_bytes = self.tally.peak_live_bytes.max(self.live_bytes);
        Ok(())
    }

    fn begin(&mut self, action: Action, id: u64, size: usize) -> Result<(), Mismatch> {
        let Entry::Vacant(entry) = self.alive.entry(id) else {
            return Err(Mismatch::new("an object that is not alive", format!("{id}, which is")));
        };
        let place = match self.vacant.pop() {
            Some(place) => place,
            None if self.places > MAX_PLACE => {
                let most = format!("at most {} objects alive at once", MAX_PLACE as usize + 1);
                return Err(Mismatch::new(most, "one more".to_owned()));
            }
            None => {
                self.places += 1;
                self.places - 1
            }
        };
        entry.insert(Alive { place, size });
        self.live_bytes += size;
        self.steps.push(Step::new(action, place, size));
        self.ids.push(id);
        self.tally.objects += 1;
        Ok(())
    }

    fn end(&mut self, id: u64) -> Result<(), Mismatch> {
        let Alive { place, size } = self.alive.remove(&id).ok_or_else(|| not_alive(id))?;
        self.live_bytes -= size;
        self.steps.push(Step::new(Action::Free, place, 0));
        self.vacant.push(place);
        Ok(())
    }

    /// The program. What is still alive is freed at its end, in the order of the ids, which traces
    /// number upwards.
    pub(crate) fn finish(mut self) -> Program {
        let mut ids: Vec<u64> = self.alive.keys().copied().collect();
        ids.sort_unstable();
        self.tally.threads = self.threads.len();
        self.tally.live_at_end = ids.len();
        for id in ids {
            self.end(id).expect("the object is alive");
        }
        Program::new(self.steps, self.aligns, self.ids, self.tally)
    }
}

fn not_alive(id: u64) -> Mismatch {
    Mismatch::new("an object that is alive", format!("{id}, which is not"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(events: &[Event]) -> Program {
        let mut recorder = Recorder::default();
        for &event in events {
            recorder.add(0, event).unwrap();
        }
        recorder.finish()
    }

    #[test]
    fn places_are_used_again_and_every_object_ends() {
        let program = recorded(&[
            Event::Allocate { id: 10, size: 100 },
            Event::AllocateZeroed { id: 11, size: 20 },
            Event::Free { id: 10 },
            Event::AllocateAligned { id: 12, align: 64, size: 30 },
            Event::Resize { id: 12, size: 50 },
            Event::ThreadEnds,
        ]);
        let steps: Vec<_> =
            program.steps().iter().map(|step| (step.action(), step.place(), step.size())).collect();
        let expected = [
            (Action::Allocate, 0, 100),
            (Action::AllocateZeroed, 1, 20),
            (Action::Free, 0, 0),
            (Action::AllocateAligned, 0, 30),
            (Action::Resize, 0, 50),
            (Action::Free, 1, 0),
            (Action::Free, 0, 0),
        ];
        assert_eq!(steps, expected);
        assert_eq!((program.places(), program.traced()), (2, 5));
        assert_eq!((program.aligns(), program.ids()), (&[6][..], &[10, 11, 12][..]));
        let tally = Tally {
            events: 6,
            objects: 3,
            threads: 1,
            peak_live_objects: 2,
            peak_live_bytes: 120,
            live_at_end: 2,
        };
        assert_eq!(*program.tally(), tally);
    }

    #[test]
    fn there_are_no_more_places_than_objects_alive_at_once() {
        let (mut rng, mut alive) = (fastrand::Rng::with_seed(5), Vec::new());
        let mut events = Vec::new();
        for id in 0..1_000 {
            events.push(Event::Allocate { id, size: 8 });
            alive.push(id);
            while alive.len() > 50 || rng.u8(..4) == 0 && !alive.is_empty() {
                let id = alive.swap_remove(rng.usize(..alive.len()));
                events.push(Event::Free { id });
            }
        }
        let program = recorded(&events);
        assert_eq!(program.places(), program.tally().peak_live_objects);
        assert_eq!(program.places(), 51);
    }

    #[test]
    fn what_does_not_fit_what_is_alive_is_refused() {
        let mut recorder = Recorder::default();
        recorder.add(0, Event::Allocate { id: 1, size: 8 }).unwrap();
        let mut refused = |event| {
            let Mismatch { expected, found } = recorder.add(0, event).unwrap_err();
            format!("expected {expected}, found {found}")
        };
        let twice = "expected an object that is not alive, found 1, which is";
        assert_eq!(refused(Event::AllocateZeroed { id: 1, size: 8 }), twice);
        assert_eq!(refused(Event::AllocateAligned { id: 1, align: 16, size: 8 }), twice);
        let never = "expected an object that is alive, found 2, which is not";
        assert_eq!(refused(Event::Free { id: 2 }), never);
        assert_eq!(refused(Event::Resize { id: 2, size: 8 }), never);
        assert_eq!(recorder.finish().steps().len(), 2);
    }
}
