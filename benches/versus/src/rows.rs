//! The table of what is measured: operations and recordings, by the size of their values.

use std::path::Path;
use std::rc::Rc;

use crate::contenders::{COUNT, Entry, on_each, on_each_shared};
use crate::replay::{Replay, Source};
use crate::threads::{Threaded, processors};
use crate::warm_up;
use crate::workloads::operation::Operation;

/// Something measured on values of one size, on every contender that can do it.
pub(crate) struct Row {
    /// What is measured.
    pub(crate) task: String,
    /// The size of a value.
    pub(crate) bytes: usize,
    /// Where its bodies come from.
    origin: Origin,
}

/// The bodies of a row.
pub(crate) struct Bodies {
    /// The most values that are alive at once, in all contenders together.
    pub(crate) alive: usize,
    /// The number of operations that one iteration of a body measures.
    pub(crate) elements: usize,
    /// The number of iterations before each block, and in it, at least.
    pub(crate) warm_up: u64,
    /// Whether several threads go through them.
    pub(crate) threaded: bool,
    /// The body of every contender, or why there is none.
    pub(crate) entries: [Entry; COUNT],
}

/// The bodies of some task on every contender.
type OnEach<T> = fn(&T) -> [Entry; COUNT];

impl Bodies {
    fn new(alive: usize, elements: usize, entries: [Entry; COUNT]) -> Self {
        let able = entries.iter().flatten().filter(|entry| entry.is_ok()).count();
        Self { alive: alive * able, elements, warm_up: 0, threaded: false, entries }
    }
}

enum Origin {
    Operation(Operation, OnEach<Operation>),
    Recording(Source, OnEach<Replay>),
    Threaded(Threaded, OnEach<Threaded>),
}

impl Row {
    /// The row's name, which filters match.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}B", self.task, self.bytes)
    }

    /// The row's bodies, with at most `most` values alive at once where that can be chosen, or the
    /// reason to leave it out. Recordings are read here and not before.
    ///
    /// # Errors
    ///
    /// The line of a recording that is not as it should be.
    pub(crate) fn bodies(
        &self,
        most: usize,
        data: Option<&Path>,
    ) -> Result<Result<Bodies, String>, String> {
        match self.origin {
            Origin::Operation(operation, on_each) => {
                let operation = operation.at_most(most);
                let mut bodies =
                    Bodies::new(operation.count(), operation.elements(), on_each(&operation));
                bodies.warm_up = warm_up::of(operation);
                if matches!(operation, Operation::Create(_)) {
                    // A pool that is made and dropped is gone when the next contender has its turn.
                    bodies.alive = operation.count();
                }
                Ok(Ok(bodies))
            }
            Origin::Recording(source, on_each) => {
                let Some(data) = data else {
                    return Ok(Err("no folder of data, see --help".to_owned()));
                };
                let Some(path) = source.find(data) else {
                    return Ok(Err(format!("{} has no such file", data.display())));
                };
                let program = Rc::new(source.read(&path, self.bytes)?);
                let (alive, elements) = (program.places(), program.steps().len());
                Ok(Ok(Bodies::new(alive, elements, on_each(&Replay(program)))))
            }
            Origin::Threaded(threaded, on_each) => {
                if threaded.threads > processors() {
                    return Ok(Err("there are fewer processors than threads".to_owned()));
                }
                let threaded = threaded.at_most(most);
                let (alive, elements) = (threaded.count(), threaded.elements());
                let bodies = Bodies::new(alive, elements, on_each(&threaded));
                Ok(Ok(Bodies { threaded: true, warm_up: threaded.warm_up(), ..bodies }))
            }
        }
    }
}

/// The rows of all sizes.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        rows.extend([
            of_operation::<1>(operation),
            of_operation::<4>(operation),
            of_operation::<8>(operation),
            of_operation::<32>(operation),
            of_operation::<128>(operation),
        ]);
    }
    rows.extend([
        of_recording::<8>(Source::Aapl),
        of_recording::<8>(Source::Amzn),
        of_recording::<8>(Source::Cme),
        of_recording::<17>(Source::Sqlite3),
        of_recording::<7>(Source::Cc1plus),
        of_recording::<2>(Source::Espresso),
    ]);
    for threaded in Threaded::all(processors()) {
        rows.extend([
            of_threads(threaded, 4, on_each_shared::<4, Threaded>),
            of_threads(threaded, 8, on_each_shared::<8, Threaded>),
        ]);
    }
    rows
}

/// The row of an operation on values of `WORDS` words.
fn of_operation<const WORDS: usize>(operation: Operation) -> Row {
    Row {
        task: operation.name(),
        bytes: WORDS * size_of::<u64>(),
        origin: Origin::Operation(operation, on_each::<WORDS, Operation>),
    }
}

/// The row of a recording of values of `WORDS` words.
fn of_recording<const WORDS: usize>(source: Source) -> Row {
    Row {
        task: source.name().to_owned(),
        bytes: WORDS * size_of::<u64>(),
        origin: Origin::Recording(source, on_each::<WORDS, Replay>),
    }
}

/// The row of what threads do with values of some words.
fn of_threads(threaded: Threaded, words: usize, on_each: OnEach<Threaded>) -> Row {
    Row {
        task: threaded.name(),
        bytes: words * size_of::<u64>(),
        origin: Origin::Threaded(threaded, on_each),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::contenders::Kind;
    use crate::measure::Pace;
    use crate::{contenders, measure};

    /// Every operation, of tiny counts, with every contender: nothing fails, and all are timed.
    #[test]
    fn every_contender_does_every_operation_or_says_why_not() {
        for row in all() {
            let Ok(Ok(bodies)) = row.bodies(20, None) else { continue };
            for (entry, contender) in bodies.entries.iter().zip(contenders::ALL) {
                match entry {
                    None => {}
                    Some(Ok(workload)) => {
                        let figures = measure::measure(&[workload], bodies.elements, Pace::ONCE);
                        assert!(
                            figures[0].minimum.is_finite(),
                            "{} {}",
                            row.name(),
                            contender.name
                        );
                    }
                    Some(Err(unable)) => {
                        let expected = match contender.kind {
                            Kind::OursWithOptions => contenders::AS_WITHOUT_OPTIONS,
                            kind if kind.frees() => "no pool to make",
                            _ => "never frees",
                        };
                        assert_eq!(*unable, expected, "{} {}", row.name(), contender.name);
                    }
                }
            }
        }
    }

    #[test]
    fn what_picks_among_many_is_warmed_up() {
        for row in all() {
            let Ok(Ok(bodies)) = row.bodies(usize::MAX, None) else { continue };
            let many = ["random_replace_100k", "alloc_test", "mt_replace_100k_1t"];
            let few = ["pair", "fill_free_random_100k", "mt_pass_1000_2t"];
            if many.contains(&row.task.as_str()) {
                assert!(bodies.warm_up >= 1_000_000, "{}", row.name());
            } else if few.contains(&row.task.as_str()) {
                assert_eq!(bodies.warm_up, 0, "{}", row.name());
            }
        }
    }

    #[test]
    fn names_are_different() {
        let names: HashSet<String> = all().iter().map(Row::name).collect();
        assert_eq!(names.len(), all().len());
    }
}
