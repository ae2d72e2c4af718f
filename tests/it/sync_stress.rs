//! Workloads by which allocators for many threads are judged, on one pool that all threads share:
//!
//! - A slot is never two threads' at once: each word of each value is checked when the value ends.
//! - When all is quiet, every slot is in one place, and `len` is exact.
//! - A pool that is bounded by what can be in flight never refuses.
//! - What threads leave behind serves those that come after them: memory does not grow with the
//!   number of threads that there have been.
//!
//! The workloads are described in D. Leijen's mimalloc-bench: mstress, larson, xmalloc-test, mleak.

use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};
use std::time::Duration;

use typed_pool::{PoolBox, SyncMemoryPool, SyncPool};

use crate::sync_support::{Handle, Words, check_quiet, rounds, size};

/// The shared places of [`mstress`], through which threads exchange values.
struct Exchange<'p, T> {
    places: Vec<AtomicPtr<T>>,
    pool: &'p SyncPool<T>,
}

impl<'p, T> Exchange<'p, T> {
    fn new(pool: &'p SyncPool<T>, places: usize) -> Self {
        let places = (0..places).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Self { places, pool }
    }

    /// Puts a value, if there is one, in the place of another, if there is one.
    fn swap(&self, place: usize, value: Option<Handle<'p, T>>) -> Option<Handle<'p, T>> {
        let value = value.map_or(ptr::null_mut(), |handle| PoolBox::into_raw(handle).as_ptr());
        // AcqRel: of what the thread did to the value, the one that gets it is to see everything.
        let other = NonNull::new(self.places[place].swap(value, AcqRel))?;
        assert!(!self.pool.is_empty());
        // SAFETY: the address came from `into_raw` of a handle of this pool, and it was in this
        // place alone.
        Some(unsafe { PoolBox::from_raw(other) })
    }
}

/// Allocates, keeps, frees and exchanges at random.
fn mstress<'p, const N: usize>(exchange: &Exchange<'p, Words<N>>, seed: u64, allocations: usize) {
    let pool = exchange.pool;
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut data, mut retained) = (Vec::new(), Vec::new());
    let (mut left, mut retain) = (allocations, allocations / 2);
    while left > 0 || retain > 0 {
        if left > 0 && (retain == 0 || rng.bool()) {
            left -= 1;
            data.push(Some(pool.alloc(Words::new(rng.u64(..)))));
        } else {
            retain -= 1;
            retained.push(pool.alloc_with(|| Words::new(rng.u64(..))));
        }
        if rng.u8(..100) < 66 && !data.is_empty() {
            let index = rng.usize(..data.len());
            drop(data[index].take());
        }
        if rng.u8(..100) < 25 && !data.is_empty() {
            let index = rng.usize(..data.len());
            let mine = data[index].take();
            mine.iter().for_each(|words| words.check());
            data[index] = exchange.swap(rng.usize(..exchange.places.len()), mine);
        }
    }
}

fn run_mstress<const N: usize>(pool: SyncPool<Words<N>>, allocations: usize) {
    let exchange = Exchange::new(&pool, size(1000, 10));
    for round in 0..rounds(25, 2) {
        thread::scope(|scope| {
            for thread in 0..size(4, 2) {
                let seed = round as u64 * 100 + thread as u64;
                let exchange = &exchange;
                scope.spawn(move || mstress(exchange, seed, allocations * (thread % 2 + 1)));
            }
        });
        // Every tenth time the values on their way end between the threads, as they do at the end.
        if round % 10 == 0 {
            (0..exchange.places.len()).for_each(|place| drop(exchange.swap(place, None)));
            check_quiet(&pool);
        } else {
            pool.check_invariants();
        }
    }
    (0..exchange.places.len()).for_each(|place| drop(exchange.swap(place, None)));
    check_quiet(&pool);
}

/// Orderings too weak: what one thread did to a value, the next one that has its slot sees.
#[test]
fn mstress_of_small_values() {
    run_mstress::<1>(SyncPool::new(), size(2000, 20));
}

#[test]
fn mstress_of_large_values_goes_by_way_of_the_bitmaps() {
    // A magazine of eight slots.
    run_mstress::<1100>(SyncPool::with_capacity(10), size(150, 4));
}

#[test]
fn mstress_of_a_bounded_pool() {
    // As many as all threads together and the exchange can hold.
    let allocations = size(2000, 10);
    run_mstress::<4>(SyncPool::bounded(9 * allocations + size(1000, 10)), allocations);
}

/// Replaces values at random, then leaves them to a thread that does the same.
fn larson<'s, 'p: 's>(
    scope: &'s Scope<'s, '_>,
    pool: &'p SyncPool<Words<5>>,
    mut held: Vec<Handle<'p, Words<5>>>,
    heirs: usize,
) {
    let mut rng = fastrand::Rng::with_seed(heirs as u64);
    for _ in 0..size(2000, 20) {
        let index = rng.usize(..held.len());
        // The old value ends first, as it does in the place of a new one.
        drop(held.swap_remove(index));
        held.push(pool.alloc(Words::new(rng.u64(..))));
    }
    if heirs > 0 {
        scope.spawn(move || larson(scope, pool, held, heirs - 1));
    }
}

#[test]
fn larson_with_bleeding_threads() {
    let (threads, live) = (size(4, 2), size(1000, 5));
    // No thread has more than it has inherited, so the pool never refuses.
    let pool = SyncPool::bounded(threads * live);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (pool, heirs) = (&pool, rounds(30, 1));
            scope.spawn(move || {
                let id = |index| (thread * live + index) as u64;
                let held = (0..live).map(|index| pool.alloc(Words::new(id(index)))).collect();
                larson(scope, pool, held, heirs);
            });
        }
    });
    check_quiet(&pool);
}

/// Sends batches of values from `producers` threads to `consumers` threads, `batches` of `batch`
/// values in flight at most, through a pool that is bounded by as many.
fn xmalloc(producers: usize, consumers: usize, batches: usize, batch: usize) {
    let pool = SyncPool::bounded(batches * batch);
    let sent = rounds(60, 2);
    // Vectors go round: only who has got an empty one fills it.
    let (empty, empties) = mpsc::channel();
    let (full, fulls) = mpsc::channel();
    (0..batches).for_each(|_| empty.send(Vec::with_capacity(batch)).unwrap());
    let (empties, fulls) = (&Mutex::new(empties), &Mutex::new(fulls));
    // A thread that fails takes its vectors with it: the others are not to wait for ever.
    let patience = Duration::from_secs(100);
    let next = |queue: &Mutex<Receiver<Vec<_>>>| queue.lock().unwrap().recv_timeout(patience);
    thread::scope(|scope| {
        for producer in 0..producers {
            let (pool, full): (_, Sender<Vec<Handle<'_, Words<2>>>>) = (&pool, full.clone());
            scope.spawn(move || {
                for round in 0..sent {
                    let mut values = next(empties).unwrap();
                    values.extend((0..batch).map(|index| {
                        let id = (producer * sent + round) * batch + index;
                        // The pool has no more slots than can be in flight: it must have one.
                        pool.try_alloc(Words::new(id as u64)).expect("a vacant slot")
                    }));
                    full.send(values).unwrap();
                }
            });
        }
        drop(full);
        for _ in 0..consumers {
            let empty = empty.clone();
            scope.spawn(move || {
                // These threads never allocate.
                while let Ok(mut values) = next(fulls) {
                    values.clear();
                    // Producers that have sent all they had do not wait for empty vectors.
                    let _ = empty.send(values);
                }
            });
        }
    });
    check_quiet(&pool);
}

#[test]
fn xmalloc_never_refuses_what_can_be_in_flight() {
    xmalloc(1, 1, 4, size(1000, 10));
    xmalloc(2, 1, size(100, 10), size(50, 2));
    xmalloc(1, 3, size(10, 3), size(300, 5));
    xmalloc(2, 2, 2, 1);
}

/// A block, on its way to the thread that gives it back.
struct Sent(NonNull<u8>);

// SAFETY: a block is raw memory of a pool that is shared, and goes to one thread alone.
unsafe impl Send for Sent {}

/// A thread that looks for a block in the magazine of another, which is at work, does not find what
/// was there before.
#[test]
fn a_block_is_not_called_vacant_for_where_it_was() {
    let pool = &SyncMemoryPool::new(8, 64).unwrap();
    let ((send, receive), (send_back, receive_back)) = (mpsc::channel(), mpsc::channel());
    thread::scope(|scope| {
        for (sender, receiver) in [(send, receive_back), (send_back, receive)] {
            scope.spawn(move || {
                for _ in 0..rounds(5000, 60) {
                    // What this thread has taken out, the next that it gets is put in place of.
                    sender.send(Sent(pool.allocate().expect("few are in flight"))).unwrap();
                    let Sent(block) = receiver.recv().unwrap();
                    // SAFETY: 1. the block is this thread's, who does not use it. 2. It is
                    // occupied.
                    assert_eq!(unsafe { pool.try_deallocate(block) }, Ok(()));
                }
            });
        }
    });
    assert!(pool.is_empty());
    pool.check_invariants();
}

/// As [`xmalloc`], a block at a time, by way of `allocate` and `try_deallocate`.
#[test]
fn blocks_that_change_threads_are_known_wherever_they_are_given_back() {
    let capacity = 16;
    let pool = &SyncMemoryPool::new(8, capacity).unwrap();
    let (permit, permits) = mpsc::channel();
    (0..capacity).for_each(|_| permit.send(()).unwrap());
    let permits = &Mutex::new(permits);
    let (sender, receiver) = mpsc::channel();
    let receiver = &Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..2 {
            let sender = sender.clone();
            scope.spawn(move || {
                for id in 0..rounds(2000, 20) as u64 {
                    permits.lock().unwrap().recv().unwrap();
                    let block = pool.allocate().expect("no more than `capacity` are in flight");
                    // SAFETY: the block has eight bytes, aligned to as many, and is this thread's.
                    unsafe { block.cast::<u64>().write(id) };
                    sender.send((id, Sent(block))).unwrap();
                }
            });
            let permit = permit.clone();
            scope.spawn(move || {
                loop {
                    // The guard goes before the block does.
                    let next = receiver.lock().unwrap().recv();
                    let Ok((id, Sent(block))) = next else { break };
                    // SAFETY: the other thread wrote it and gave it away.
                    assert_eq!(unsafe { block.cast::<u64>().read() }, id);
                    // SAFETY: 1. the block is this thread's, who does not use it any more. 2. It is
                    // occupied.
                    assert_eq!(unsafe { pool.try_deallocate(block) }, Ok(()));
                    let _ = permit.send(());
                }
            });
        }
        drop(sender);
    });
    assert!(pool.is_empty());
    pool.check_invariants();
}
