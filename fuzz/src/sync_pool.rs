//! The typed pool that threads share. They take turns, so that a history is the same each time it
//! is played: what one holds, another drops, and threads end and begin. Now and then all go at
//! once.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{self, Scope, ScopedJoinHandle};

use arbitrary::{Arbitrary, Result, Unstructured};
use typed_pool::SyncMemoryPool;

use self::history::{Behaviour, Handle, History, Ledger, Operation, Value};

#[expect(clippy::duplicate_mod, reason = "both kinds of pools do the same")]
#[path = "history.rs"]
mod history;

type Pool<T> = typed_pool::SyncPool<T>;
type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, SyncMemoryPool>;

/// Whether a bounded pool admits as many values as its capacity says, and no more.
const EXACT: bool = false;

/// How many threads there are at a time.
const THREADS: usize = 3;

/// The number of bytes of the largest values. They lie on the stacks of threads more than once, and
/// the sanitizer takes its time to look at large ones.
const LARGEST: usize = 70_000;

/// Gives back what is vacant, where that can be done while handles live.
fn trim<T>(pool: &Pool<T>) -> Option<usize> {
    // Pages go, if anything does, and chunks stay.
    pool.trim();
    None
}

/// A pool that gives chunks back by itself: none that is shared does.
fn giving_back<T>() -> Pool<T> {
    Pool::new()
}

/// As [`trim`], as long as as many slots stay: not while handles live.
fn shrink_to<T>(_: &Pool<T>, _: usize) -> Option<usize> {
    None
}

/// Moves values to denser places, one by one.
fn compact<'a, 'p: 'a, T: 'a>(_: &Pool<T>, handles: impl Iterator<Item = &'a mut PoolBox<'p, T>>) {
    for handle in handles {
        PoolBox::relocate(handle);
    }
}

/// Gives back what is vacant.
fn trim_alone<T>(pool: &mut Pool<T>) -> usize {
    let before = pool.stats().bytes_reserved;
    pool.shrink_to_fit();
    before - pool.stats().bytes_reserved
}

/// Plays the history that `data` stands for.
pub fn run(data: &[u8]) {
    history::run(data);
}

/// Whose turn it is, and what else threads do.
#[derive(Arbitrary, Debug)]
enum Next {
    Turn(u8),
    /// The thread ends, and another takes its place.
    Replace(u8),
    /// All allocate so many values at once, and drop every second.
    AllAtOnce(u8),
}

/// What a thread is told.
enum Task<'h, 'p, A, const N: usize> {
    Turn(&'h mut History<'p, A, N>, Operation),
    Race(Race<'p, A, N>),
}

/// What it answers.
enum Answer<'h, 'p, A, const N: usize> {
    Turned(&'h mut History<'p, A, N>),
    Raced(Vec<Handle<'p, A, N>>),
}

/// A part of what all threads do at once.
struct Race<'p, A, const N: usize> {
    pool: &'p Pool<Value<'p, A, N>>,
    ledger: &'p Ledger,
    count: usize,
    barrier: Arc<Barrier>,
}

impl<'p, A, const N: usize> Race<'p, A, N> {
    /// Allocates, drops every second value, and keeps the others.
    fn run(&self) -> Vec<Handle<'p, A, N>> {
        self.barrier.wait();
        let mut kept = Vec::new();
        for number in 0..self.count {
            let value = Value::new(self.pool, self.ledger, Behaviour::Quiet);
            if let Ok(handle) = self.pool.try_alloc(value)
                && number % 2 == 0
            {
                kept.push(handle);
            }
        }
        kept
    }
}

/// A thread, as long as it is told what to do.
struct Worker<'s, 'h, 'p, A, const N: usize> {
    tasks: Sender<Task<'h, 'p, A, N>>,
    answers: Receiver<Answer<'h, 'p, A, N>>,
    thread: ScopedJoinHandle<'s, ()>,
}

impl<'s, 'h, 'p, A: Send, const N: usize> Worker<'s, 'h, 'p, A, N>
where
    'h: 's,
    'p: 's,
    A: 's,
{
    fn start(scope: &'s Scope<'s, '_>) -> Self {
        let (tasks, received) = channel();
        let (answer, answers) = channel();
        let work = move || {
            for task in received {
                let answered = answer.send(match task {
                    Task::Turn(history, operation) => {
                        let history: &mut History<'p, A, N> = history;
                        history.turn(&operation);
                        Answer::Turned(history)
                    }
                    Task::Race(race) => Answer::Raced(race.run()),
                });
                if answered.is_err() {
                    return;
                }
            }
        };
        Self { tasks, answers, thread: scope.spawn(work) }
    }

    fn tell(&self, task: Task<'h, 'p, A, N>) {
        self.tasks.send(task).unwrap_or_else(|_| panic!("a thread has died"));
    }

    fn answer(&self) -> Answer<'h, 'p, A, N> {
        self.answers.recv().expect("a thread has died")
    }

    /// Waits until the thread has ended, with all that it does at its end.
    fn end(self) {
        drop(self.tasks);
        self.thread.join().expect("a thread has died");
    }
}

fn drive<'p, A: Send, const N: usize>(
    history: &mut History<'p, A, N>,
    input: &mut Unstructured,
) -> Result<()> {
    thread::scope(|scope| {
        let start = || Worker::start(scope);
        let mut workers: [Worker<'_, '_, 'p, A, N>; THREADS] = std::array::from_fn(|_| start());
        let played = play(history, input, &mut workers, start);
        // The scope waits for what the threads run here, and not for what they do at their end.
        workers.into_iter().for_each(Worker::end);
        played
    })
}

fn play<'s, 'h, 'p, A: Send, const N: usize>(
    mut history: &'h mut History<'p, A, N>,
    input: &mut Unstructured,
    workers: &mut [Worker<'s, 'h, 'p, A, N>; THREADS],
    start: impl Fn() -> Worker<'s, 'h, 'p, A, N>,
) -> Result<()> {
    while !input.is_empty() {
        match Next::arbitrary(input)? {
            Next::Turn(number) => {
                let Some(operation) = history.next(input)? else { break };
                let worker = &workers[usize::from(number) % THREADS];
                worker.tell(Task::Turn(history, operation));
                match worker.answer() {
                    Answer::Turned(back) => history = back,
                    Answer::Raced(_) => unreachable!("it was told to do something else"),
                }
            }
            Next::Replace(number) => {
                let place = &mut workers[usize::from(number) % THREADS];
                std::mem::replace(place, start()).end();
            }
            Next::AllAtOnce(count) => {
                let (pool, ledger) = (history.pool, history.ledger);
                let room = history.has_room();
                let count = if room { history::cut::<N>(count.into()) } else { 0 };
                let barrier = Arc::new(Barrier::new(THREADS));
                for worker in &*workers {
                    let barrier = Arc::clone(&barrier);
                    worker.tell(Task::Race(Race { pool, ledger, count, barrier }));
                }
                for worker in &*workers {
                    match worker.answer() {
                        Answer::Raced(kept) => kept.into_iter().for_each(|h| history.hold(h)),
                        Answer::Turned(_) => unreachable!("it was told to do something else"),
                    }
                }
                history.check();
            }
        }
    }
    Ok(())
}
