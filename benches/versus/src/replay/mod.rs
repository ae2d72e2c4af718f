//! What happened to the objects of a real program, replayed on a heap.
//!
//! Everything that a recording needs to be understood (its format, its keys, the sizes of orders)
//! is resolved beforehand. What is left, and measured, is a row of steps on numbered places, so
//! that next to the heap there is one `Vec` of handles.

mod cme;
mod lines;
mod lobster;
mod mtr;
mod program;
mod sources;

pub(crate) use program::Program;
pub(crate) use sources::Source;

use std::cell::LazyCell;
use std::rc::Rc;

use crate::contenders::{AS_WITHOUT_OPTIONS, Entry, Task};
use crate::heap::{Frees, Heap, Shared};
use crate::live::Places;
use crate::workloads::operation::Unable;
use crate::workloads::{Run, Workload, timed};
use program::Action;

/// A program, to be replayed on a contender.
pub(crate) struct Replay(pub(crate) Rc<Program>);

impl<const WORDS: usize> Task<WORDS> for Replay {
    fn on_pool<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        let program = Rc::clone(&self.0);
        Ok(Box::new(move |run| replay::<WORDS, H>(&program, run)))
    }

    fn on_options<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        Err(AS_WITHOUT_OPTIONS)
    }

    fn on_ours_shared<H: Shared<WORDS>>(&self) -> Entry {
        None
    }

    fn on_allocator<H: Frees<WORDS>>(&self) -> Result<Workload, Unable> {
        <Self as Task<WORDS>>::on_pool::<H>(self)
    }

    fn on_arena<H: Heap<WORDS>>(&self) -> Result<Workload, Unable> {
        Err("never frees")
    }
}

/// Measured: the steps of a program, from no values to no values.
fn replay<const WORDS: usize, H: Frees<WORDS>>(program: &Program, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(program.places()));
    let mut places = None;
    run(&mut |iterations| {
        let places = places.get_or_insert_with(|| Places::<WORDS, H>::new(&heap, program.places()));
        timed(|| {
            for seed in 0..iterations {
                for step in program.steps() {
                    let place = step.place();
                    match step.action() {
                        Action::Add => places.put(place, seed),
                        Action::Touch => places.touch(place, seed),
                        Action::End => places.free(place),
                    }
                }
            }
        })
    });
}
