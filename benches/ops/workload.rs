//! The bodies that are measured, each written once for every heap.
//!
//! A body is a function that goes through its operation a number of times and says how long the
//! part took that its row is named for. It comes wrapped in a [`Workload`], which keeps what the
//! body works on (a heap, and handles that borrow it) alive around all of its calls. Nothing is
//! set up before the first call, so that a row that is filtered out costs nothing.

use std::cell::LazyCell;
use std::hint::black_box;
use std::time::{Duration, Instant};
use std::vec::Drain;

use fastrand::Rng;

use crate::heap::{Frees, Heap, Value};

/// Goes through an operation as often as it is told; returns the time of the measured part.
pub(crate) type Body<'b> = dyn FnMut(u64) -> Duration + 'b;

/// What a workload gives its body to, once.
pub(crate) type Run<'r> = &'r mut dyn FnMut(&mut Body<'_>);

/// A body for a number of values, and what it works on.
pub(crate) type Workload = fn(usize, Run<'_>);

/// Every heap meets the same random numbers, in every run.
const SEED: u64 = 0x5eed;

/// How often the handles that are iterated over have been thinned out and filled up before.
const CHURN_ROUNDS: usize = 10;

/// Runs `work` and measures it.
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Puts `count` values into `heap`. The handles go to a `Vec` with room for them, which no heap can
/// do without, and `black_box` gets to see them, so every value is written.
///
/// It is not inlined, so that all workloads run the same machine code.
#[inline(never)]
fn fill<'h, const WORDS: usize, H: Heap<WORDS>>(
    heap: &'h H,
    count: usize,
    handles: &mut Vec<H::Handle<'h>>,
) {
    handles.extend((0..count as u64).map(|seed| heap.put(Value::new(seed))));
    black_box(handles);
}

/// An empty `Vec` of handles on one heap, made into one for handles on another. A `Vec` collects
/// from its own iterator in place: its memory is not new to the processor when the next fill is
/// measured.
fn recycled<A, B>(mut handles: Vec<A>) -> Vec<B> {
    handles.clear();
    handles.into_iter().map(|_| unreachable!()).collect()
}

/// Measured: one value put in and its handle dropped.
pub(crate) fn pair<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    run(&mut |iterations| {
        let heap: &H = &heap;
        timed(|| {
            for seed in 0..iterations {
                let handle = heap.put(Value::new(seed));
                black_box::<&Value<WORDS>>(&handle);
            }
        })
    });
}

/// Measured: `count` values put into a heap that has held as many before, the last time just now.
///
/// An arena cannot be emptied. Its successor is made between two fills, unmeasured and with room
/// for all values. It lies in the memory of its predecessor as long as the global allocator keeps
/// that, which `settle_global_allocator` sees to. All heaps thus write memory that they have
/// written before, and the row compares the work, not page faults.
pub(crate) fn fill_warm<const WORDS: usize, H: Heap<WORDS>>(count: usize, run: Run<'_>) {
    fill_again::<WORDS, H>(count, H::emptied, run);
}

/// Measured: `count` values put into a heap that was just made with room for them. Its memory
/// comes from the global allocator, which got it back from the last such heap.
pub(crate) fn fill_fresh<const WORDS: usize, H: Heap<WORDS>>(count: usize, run: Run<'_>) {
    let renewed = |heap, count| {
        drop(heap);
        H::with_room(count)
    };
    fill_again::<WORDS, H>(count, renewed, run);
}

/// Measures fills of a heap that goes through `renew` after each, once all handles are dropped.
fn fill_again<const WORDS: usize, H: Heap<WORDS>>(
    count: usize,
    renew: impl Fn(H, usize) -> H,
    run: Run<'_>,
) {
    let mut state = None;
    run(&mut |iterations| {
        let (mut heap, mut spare) =
            state.take().unwrap_or_else(|| (H::with_room(count), Vec::with_capacity(count)));
        let mut total = Duration::ZERO;
        for iteration in 0..=iterations {
            let mut handles: Vec<H::Handle<'_>> = recycled::<H::Handle<'static>, _>(spare);
            assert!(handles.capacity() >= count, "the memory is used again");
            let time = timed(|| fill(&heap, count, &mut handles));
            // The first fill is there for what it leaves in the caches, where the work of others
            // was before.
            if iteration > 0 {
                total += time;
            }
            spare = recycled(handles);
            heap = renew(heap, count);
        }
        state = Some((heap, spare));
        total
    });
}

/// Measured: `count` values put in, and their handles dropped in the same order.
pub(crate) fn fill_and_free_fifo<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    fill_and_free::<WORDS, H>(count, |handles| handles.for_each(drop), run);
}

/// Measured: `count` values put in, and their handles dropped in the opposite order.
pub(crate) fn fill_and_free_lifo<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    fill_and_free::<WORDS, H>(count, |handles| handles.rev().for_each(drop), run);
}

/// Measures fills and what `free` does to their handles.
fn fill_and_free<const WORDS: usize, H: Frees<WORDS>>(
    count: usize,
    free: impl Fn(Drain<'_, H::Handle<'_>>),
    run: Run<'_>,
) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut handles = Vec::new();
    run(&mut |iterations| {
        handles.reserve(count);
        timed(|| {
            for _ in 0..iterations {
                fill(&*heap, count, &mut handles);
                free(handles.drain(..));
            }
        })
    });
}

/// Measured: `count` values put in, and their handles dropped in random order. Each fill meets what
/// the last one's frees left. That the handles are shuffled in between is not measured.
pub(crate) fn fill_and_free_random<const WORDS: usize, H: Frees<WORDS>>(
    count: usize,
    run: Run<'_>,
) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut handles = Vec::new();
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        handles.reserve(count);
        (0..iterations)
            .map(|_| {
                let filled = timed(|| fill(&*heap, count, &mut handles));
                rng.shuffle(&mut handles);
                filled + timed(|| handles.drain(..).for_each(drop))
            })
            .sum()
    });
}

/// Measured: half of `count` values put in, into the gaps that a random half left. Choosing and
/// dropping that half is not.
pub(crate) fn refill_random_half<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut handles = Vec::new();
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        if handles.is_empty() {
            fill(&*heap, count, &mut handles);
        }
        (0..iterations)
            .map(|_| {
                rng.shuffle(&mut handles);
                handles.truncate(count - count / 2);
                timed(|| fill(&*heap, count / 2, &mut handles))
            })
            .sum()
    });
}

/// Measured: `count` handles dropped in random order. That `count` values are put in before, and
/// their handles shuffled, is not.
pub(crate) fn free_random<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut handles = Vec::new();
    run(&mut |iterations| {
        handles.reserve(count);
        (0..iterations)
            .map(|_| {
                fill(&*heap, count, &mut handles);
                Rng::with_seed(SEED).shuffle(&mut handles);
                timed(|| handles.drain(..).for_each(drop))
            })
            .sum()
    });
}

/// Measured: one of `count` values replaced, picked at random. The new one is put in before the
/// handle of the old one is dropped, as an assignment does it. Picking, a few instructions, is
/// measured as well.
pub(crate) fn replace_random<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count + 1));
    let mut handles = Vec::new();
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let heap: &H = &heap;
        if handles.is_empty() {
            fill(heap, count, &mut handles);
        }
        let handles = handles.as_mut_slice();
        let time = timed(|| {
            for seed in 0..iterations {
                handles[rng.usize(..handles.len())] = heap.put(Value::new(seed));
            }
        });
        black_box(handles);
        time
    });
}

/// Measured: the first word read of each of `count` values, in the order of their handles in a
/// `Vec`, after churn: again and again a tenth of the values, picked at random, was freed and as
/// many new ones were put in.
pub(crate) fn iterate_churned<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut handles = Vec::new();
    run(&mut |iterations| {
        if handles.is_empty() {
            let mut rng = Rng::with_seed(SEED);
            fill(&*heap, count, &mut handles);
            for _ in 0..CHURN_ROUNDS {
                for _ in 0..count / CHURN_ROUNDS {
                    drop(handles.swap_remove(rng.usize(..handles.len())));
                }
                fill(&*heap, count - handles.len(), &mut handles);
            }
        }
        timed(|| {
            for _ in 0..iterations {
                let handles = black_box(handles.as_slice());
                black_box(handles.iter().fold(0_u64, |sum, handle| sum.wrapping_add(handle.0[0])));
            }
        })
    });
}
