//! The ends of threads and of values on threads:
//!
//! - What a thread keeps in locals of its own may be given back, and more be taken, after the
//!   thread has given its number up, while a thread that has the same number now is at work.
//! - A destructor that panics on another thread, or a thread that ends by a panic, loses no slot.
//! - A destructor may use the pool that its value is in, from any thread.

use std::cell::RefCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, LazyLock};
use std::thread;

use typed_pool::SyncPool;

use crate::support::{Tally, panic_message};
use crate::sync_support::{Handle, Words, check_quiet, rounds, size};

/// Uses a pool for a while as one of those do that are about to end or have just begun.
fn work<const N: usize>(pool: &SyncPool<Words<N>>, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut held = Vec::new();
    for _ in 0..size(300, 10) {
        held.push(pool.alloc(Words::new(rng.u64(..))));
        if rng.bool() {
            held.swap_remove(rng.usize(..held.len()));
        }
    }
}

/// A point that threads wait for each other at without a local of theirs.
#[derive(Debug, Default)]
struct Gate(AtomicUsize);

impl Gate {
    fn open(&self) {
        self.0.store(1, Release);
    }

    fn pass(&self) {
        while self.0.load(Acquire) == 0 {
            thread::yield_now();
        }
    }
}

static OF_LOCALS: LazyLock<SyncPool<Words<4>>> = LazyLock::new(|| SyncPool::bounded(3000));

/// What a thread keeps in a local.
struct Kept {
    handles: Vec<Handle<'static, Words<4>>>,
    ending: Arc<Gate>,
    go_on: Arc<Gate>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.ending.open();
        self.go_on.pass();
        work(&OF_LOCALS, 1);
        self.handles.clear();
        work(&OF_LOCALS, 2);
    }
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Ends a thread that has a handle in a local; `local_first` says whether it used the local before
/// it used the pool, and so, where locals are dropped last in, first out, drops it after the
/// number.
fn end_with_handles_in_a_local(local_first: bool) {
    let pool = &*OF_LOCALS;
    let (ending, go_on) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
    let gates = (Arc::clone(&ending), Arc::clone(&go_on));
    let ended = thread::spawn(move || {
        if local_first {
            KEPT.with(|kept| assert!(kept.borrow().is_none()));
        }
        let handles = (0..50).map(|id| pool.alloc(Words::new(id))).collect();
        let kept = Kept { handles, ending: gates.0, go_on: gates.1 };
        KEPT.with(|local| *local.borrow_mut() = Some(kept));
    });
    ending.pass();
    let begun: Vec<_> = (0..2)
        .map(|seed| {
            let go_on = Arc::clone(&go_on);
            thread::spawn(move || {
                // This thread has a number now, maybe that of the one that ends.
                let first = pool.alloc(Words::new(seed));
                go_on.open();
                work(pool, seed);
                first.check();
            })
        })
        .collect();
    begun.into_iter().for_each(|thread| thread.join().unwrap());
    ended.join().unwrap();
    assert!(pool.is_empty(), "{} slots were lost", pool.len());
    pool.check_invariants();
}

#[test]
fn handles_in_locals_end_with_their_thread() {
    for _ in 0..rounds(20, 1) {
        end_with_handles_in_a_local(true);
        end_with_handles_in_a_local(false);
    }
}

#[test]
fn destructors_that_panic_on_other_threads_return_their_slots() {
    let tally = &Tally::default();
    // As many as live at once: a slot that is lost is missed.
    let pool = &SyncPool::bounded(12);
    for round in 0..rounds(3, 1) as u64 {
        let bombs: Vec<_> = (0..12).map(|id| pool.alloc(tally.bomb(12 * round + id))).collect();
        let mut bombs = bombs.into_iter();
        thread::scope(|scope| {
            for _ in 0..4 {
                let three: Vec<_> = bombs.by_ref().take(3).collect();
                scope.spawn(move || {
                    for bomb in three {
                        assert!(panic_message(|| drop(bomb)).contains("panics"));
                    }
                });
            }
        });
        assert_eq!(tally.live(), 0);
        check_quiet(pool);
    }
}

#[test]
fn a_thread_that_ends_by_a_panic_gives_back_what_it_held() {
    let tally = &Tally::default();
    let pool = &SyncPool::bounded(20);
    for _ in 0..rounds(3, 1) {
        let sent: Vec<_> = (0..10).map(|id| pool.alloc(tally.value(id))).collect();
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let _more: Vec<_> = (0..10).map(|id| pool.alloc(tally.value(id))).collect();
                let _first = &sent[0];
                panic!("the thread ends");
            });
            assert!(thread.join().is_err());
        });
        assert_eq!(tally.live(), 0);
        check_quiet(pool);
    }
}

#[test]
fn constructors_that_panic_on_other_threads_leave_the_slot_vacant() {
    let pool = &SyncPool::<Words<2>>::bounded(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                for id in 0..5 {
                    panic_message(|| pool.alloc_with(|| panic!("no value")));
                    drop(pool.try_alloc(Words::new(id)).expect("two threads, two slots"));
                }
            });
        }
    });
    check_quiet(pool);
}

/// A value whose destructor fills and empties the pool it is in.
struct Busy<'p> {
    pool: &'p SyncPool<Busy<'p>>,
    depth: u32,
    child: Option<Handle<'p, Busy<'p>>>,
    words: Words<3>,
}

impl<'p> Busy<'p> {
    fn new(pool: &'p SyncPool<Self>, depth: u32, child: Option<Handle<'p, Self>>) -> Self {
        Self { pool, depth, child, words: Words::new(u64::from(depth)) }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.words.check();
        if let Some(depth) = self.depth.checked_sub(1) {
            let leaf = self.pool.alloc(Busy::new(self.pool, 0, self.child.take()));
            let mut more: Vec<_> =
                (0..3).map(|_| self.pool.alloc(Busy::new(self.pool, depth, None))).collect();
            self.pool.reserve(10);
            more.push(leaf);
        }
    }
}

#[test]
fn destructors_use_their_own_pool_on_many_threads() {
    let pool = SyncPool::new();
    let depth = size(4, 2) as u32;
    for _ in 0..rounds(10, 1) {
        thread::scope(|scope| {
            for _ in 0..4 {
                let child = pool.alloc(Busy::new(&pool, depth, None));
                let sent = pool.alloc(Busy::new(&pool, depth, Some(child)));
                let pool = &pool;
                scope.spawn(move || {
                    drop(pool.alloc(Busy::new(pool, depth, None)));
                    drop(sent);
                });
            }
        });
        check_quiet(&pool);
    }
}
