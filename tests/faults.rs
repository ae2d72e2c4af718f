//! Threads that stop by a panic between any two steps of an operation (the points of
//! `src/fault.rs`, which are there with `--cfg typed_pool_faults` alone), one step after the other:
//!
//! - No other thread waits for ever, whatever the one that stopped had locked or was about to give.
//! - What lives is what it was, and no slot is in two places: what is allocated afterwards overlaps
//!   nothing, and every invariant holds but that bits may lack their tokens and hints.
//! - A stopped thread strands at most the slots that it was moving; its magazine goes to the next
//!   thread. Up to these the pool is filled again, and no further than its capacity.
//! - The pool can be dropped.
//!
//! It is a program of its own, since the checks of a process in which a thread has stopped let
//! tokens and hints be missing.
#![cfg(all(typed_pool_faults, feature = "std"))]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use typed_pool::__private::{Stopped, go_on, stop_after};

#[path = "it/sync_support.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod sync_support;

/// How long what follows a stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is tried just now, and since when.
static NOW: Mutex<Option<(String, Instant)>> = Mutex::new(None);

/// One test at a time: a thread that begins has the number, and the magazine, of the one before.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
                let now = NOW.lock().unwrap();
                if let Some((what, _)) = now.as_ref().filter(|now| now.1.elapsed() > PATIENCE) {
                    eprintln!("thread 'faults' panicked at a wait for ever: {what}");
                    process::exit(101);
                }
            }
        });
    });
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `act`, which stops after `steps` steps; returns whether it came to its end before.
fn stopped_after(steps: usize, act: impl FnOnce()) -> bool {
    stop_after(steps);
    let ended = catch_unwind(AssertUnwindSafe(act));
    let had_still_to_stop = go_on();
    match ended {
        Ok(()) => {
            assert!(had_still_to_stop, "a panic of the pool is caught by nobody");
            true
        }
        Err(payload) if payload.is::<Stopped>() => false,
        Err(payload) => resume_unwind(payload),
    }
}

/// Runs `round` with every number of steps, until it says that it came to its end.
fn at_every_step(what: &str, round: impl FnMut(usize) -> bool + Send) {
    // The thread that has the turn has no number that would become vacant at some time.
    let _turn = turn();
    thread::scope(|scope| scope.spawn(|| run_rounds(what, round)).join())
        .unwrap_or_else(|payload| resume_unwind(payload));
}

fn run_rounds(what: &str, mut round: impl FnMut(usize) -> bool) {
    let mut steps = 0;
    loop {
        let now = format!("{what}, stopped after {steps} steps");
        *NOW.lock().unwrap() = Some((now.clone(), Instant::now()));
        let ended = catch_unwind(AssertUnwindSafe(|| round(steps))).unwrap_or_else(|payload| {
            eprintln!("{now}");
            *NOW.lock().unwrap() = None;
            resume_unwind(payload)
        });
        if ended {
            break;
        }
        steps += 1;
    }
    *NOW.lock().unwrap() = None;
    println!("{what}: {steps} steps");
    assert!(steps > 0, "no point was passed");
}

/// The pools for one thread, which goes on by itself.
#[path = "faults"]
mod local {
    type Pool<T> = typed_pool::Pool<T>;
    type SizeClassPool = typed_pool::SizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, typed_pool::MemoryPool>;

    mod steps;

    /// The most slots that are on their way at once: those of a run.
    fn moving(_magazine: usize) -> usize {
        1024
    }

    /// Runs what stops, and afterwards what does not.
    fn elsewhere<R>(run: impl FnOnce() -> R) -> R {
        run()
    }

    /// The number of slots that a bounded pool has.
    fn slots<T>(pool: &Pool<T>) -> usize {
        pool.capacity()
    }

    /// A pool that gives chunks back by itself.
    fn giving_back<T>() -> Pool<T> {
        Pool::builder().release_empty_chunks(true).build()
    }

    /// Moves values out of sparse chunks.
    fn compact<'p, T>(pool: &'p Pool<T>, handles: &mut [PoolBox<'p, T>]) {
        pool.compact(handles);
    }
}

/// The pools for many threads, where others go on.
#[expect(clippy::duplicate_mod, reason = "what they hold is held for both kinds of pools")]
#[path = "faults"]
mod sync {
    use std::panic::resume_unwind;
    use std::thread;

    type Pool<T> = typed_pool::SyncPool<T>;
    type SizeClassPool = typed_pool::SyncSizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, typed_pool::SyncMemoryPool>;

    mod steps;

    /// The most slots that are on their way at once: those of a magazine, one more, and a word.
    fn moving(magazine: usize) -> usize {
        magazine + 1 + usize::BITS as usize
    }

    /// Runs on a thread that begins, and ends altogether.
    fn elsewhere<R: Send>(run: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// The number of slots that a bounded pool has, those that came with magazines included.
    fn slots<T>(pool: &Pool<T>) -> usize {
        pool.reserved_slots()
    }

    /// None gives chunks back by itself.
    fn giving_back<T>() -> Pool<T> {
        Pool::new()
    }

    /// Moves values to denser places, one by one.
    fn compact<T>(_: &Pool<T>, handles: &mut [PoolBox<'_, T>]) {
        handles.iter_mut().for_each(|handle| _ = PoolBox::relocate(handle));
    }
}
