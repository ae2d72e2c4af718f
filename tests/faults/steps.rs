//! The operations that stop, for pools of either kind: `Pool` and what differs are what the module
//! around says.

use std::iter;

use super::{Pool, PoolBox, SizeClassPool, compact, elsewhere, giving_back, moving, slots};
use crate::sync_support::Words;
use crate::{at_every_step, stopped_after};

type Handle<'p, const N: usize> = PoolBox<'p, Words<N>>;

/// What stops somewhere.
enum Act<const N: usize> {
    /// With some of the values.
    Shared(for<'p> fn(&'p Pool<Words<N>>, Vec<Handle<'p, N>>)),
    /// While nobody else has the pool.
    Alone(fn(&mut Pool<Words<N>>)),
}

/// A pool in which `values` values lived, of which every third is gone and every third belongs to
/// the thread that stops.
struct Scenario<const N: usize> {
    what: &'static str,
    make: fn() -> Pool<Words<N>>,
    bounded: bool,
    values: usize,
    act: Act<N>,
}

impl<const N: usize> Scenario<N> {
    const BYTES: usize = size_of::<Words<N>>();

    /// The most slots that may be lost with a thread.
    fn may_strand(&self, pool: &Pool<Words<N>>) -> usize {
        let most = if self.bounded { pool.capacity() / 8 } else { 1024 };
        moving((65_536 / Self::BYTES).max(8).min(most))
    }

    fn run(&self) {
        at_every_step(self.what, |steps| {
            let mut pool = (self.make)();
            let ended = self.stop(&mut pool, steps);
            pool.check_invariants();
            ended
        });
    }

    /// Stops after so many steps, and goes on with the pool. Returns whether there was no such
    /// step.
    fn stop(&self, pool: &mut Pool<Words<N>>, steps: usize) -> bool {
        let mut values: Vec<_> =
            (0..self.values as u64).map(|id| pool.alloc(Words::new(id))).collect();
        values.sort_by_key(|value| value.id() % 3);
        let own = values.drain(self.values / 3..self.values * 2 / 3).collect::<Vec<_>>();
        values.drain(..self.values / 3);
        let ended = match self.act {
            Act::Shared(act) => {
                let pool = &*pool;
                let ended = elsewhere(|| stopped_after(steps, || act(pool, own)));
                go_on_with(pool, values, self.bounded, self.may_strand(pool));
                ended
            }
            Act::Alone(act) => {
                drop(own);
                let raw: Vec<_> = values.into_iter().map(PoolBox::into_raw).map(Raw).collect();
                let ended = elsewhere(|| stopped_after(steps, || act(pool)));
                let pool = &*pool;
                // SAFETY: 1. and 2. the address came from `into_raw`. 3. The pool lives for the
                // borrow, and does not go to another thread. 4. It is the type of before.
                let back = raw.into_iter().map(|raw| unsafe { PoolBox::from_raw(raw.0) });
                go_on_with(pool, back.collect(), self.bounded, self.may_strand(pool));
                ended
            }
        };
        assert!(pool.len() <= if ended { 0 } else { self.may_strand(pool) });
        ended
    }
}

/// An address that stands for a handle.
struct Raw<const N: usize>(std::ptr::NonNull<Words<N>>);

/// Goes on with a pool at which a thread has stopped, in which `values` live: on a thread that
/// begins, then on this one, until it is full or has many values more.
fn go_on_with<'p, const N: usize>(
    pool: &'p Pool<Words<N>>,
    values: Vec<Handle<'p, N>>,
    bounded: bool,
    may_strand: usize,
) {
    pool.check_invariants();
    values.iter().for_each(|value| value.check());
    let count = if bounded { usize::MAX } else { pool.capacity() + 100 };
    let allocate = |first: u64| {
        let fresh = (first..).map_while(|id| pool.try_alloc(Words::new(id)).ok());
        fresh.take(count).collect::<Vec<_>>()
    };
    // One after the other puts back what it took, and takes it again.
    let fresh = elsewhere(|| {
        drop(allocate(1 << 32));
        allocate(2 << 32)
    });
    let also = allocate(3 << 32);
    pool.check_invariants();
    let stranded = pool.len() - values.len() - fresh.len() - also.len();
    assert!(stranded <= may_strand, "{stranded} slots were lost");
    if bounded {
        assert!(pool.is_full() && pool.len() == slots(pool));
    }
    let all = || values.iter().chain(&fresh).chain(&also);
    let mut places: Vec<_> = all().map(|value| PoolBox::as_ptr(value).addr()).collect();
    places.sort_unstable();
    let apart = places.windows(2).all(|pair| pair[1] - pair[0] >= size_of::<Words<N>>());
    assert!(apart, "a slot is in two places");
    all().for_each(|value| value.check());
}

/// Allocates more than magazines hold, and drops it in another order.
fn come_and_go<'p, const N: usize>(pool: &'p Pool<Words<N>>, own: Vec<Handle<'p, N>>) {
    let mut more: Vec<_> = (0..1500_u64.min(600_000 / size_of::<Words<N>>() as u64))
        .map(|id| pool.alloc(Words::new(id)))
        .collect();
    drop(own);
    more.sort_by_key(|value| value.id() % 7);
}

#[test]
fn small_values_come_and_go() {
    let act = Act::Shared(come_and_go::<6>);
    Scenario { what: "small values", make: Pool::new, bounded: false, values: 600, act }.run();
}

#[test]
fn large_values_come_and_go() {
    let act = Act::Shared(come_and_go::<1125>);
    Scenario { what: "large values", make: Pool::new, bounded: false, values: 45, act }.run();
}

#[test]
fn values_are_dropped_by_a_thread_that_did_not_make_them() {
    let act = Act::Shared(|_, own| drop(own));
    Scenario::<6> { what: "values of others", make: Pool::new, bounded: false, values: 3300, act }
        .run();
}

#[test]
fn a_pool_that_is_full_refuses_and_takes_what_there_is_room_for() {
    fn act<'p, const N: usize>(pool: &'p Pool<Words<N>>, mut own: Vec<Handle<'p, N>>) {
        for _ in 0..3 {
            own.extend(iter::from_fn(|| pool.try_alloc(Words::new(7)).ok()));
            assert!(pool.is_full());
            own.truncate(own.len() / 2);
        }
    }
    let small = Act::Shared(act::<6>);
    Scenario {
        what: "small values, full",
        make: || Pool::bounded(900),
        bounded: true,
        values: 900,
        act: small,
    }
    .run();
    let large = Act::Shared(act::<1125>);
    Scenario {
        what: "large values, full",
        make: || Pool::bounded(90),
        bounded: true,
        values: 90,
        act: large,
    }
    .run();
    // Too few slots for magazines.
    // The thread that stops is the first to use the pool.
    let first = Act::Shared(act::<6>);
    Scenario {
        what: "small values, first",
        make: || Pool::bounded(900),
        bounded: true,
        values: 0,
        act: first,
    }
    .run();
    let few = Act::Shared(act::<2>);
    Scenario {
        what: "few values, full",
        make: || Pool::bounded(6),
        bounded: true,
        values: 6,
        act: few,
    }
    .run();
}

#[test]
fn memory_is_given_back() {
    fn act<'p, const N: usize>(pool: &'p Pool<Words<N>>, mut own: Vec<Handle<'p, N>>) {
        own.truncate(own.len() / 2);
        pool.trim();
        own.push(pool.alloc(Words::new(5)));
    }
    let shared = || Act::Shared(act::<40>);
    Scenario { what: "trim", make: Pool::new, bounded: false, values: 1500, act: shared() }.run();
    Scenario {
        what: "trim, bounded",
        make: || Pool::bounded(1500),
        bounded: true,
        values: 1500,
        act: shared(),
    }
    .run();
    // The chunks behind it are numbered anew.
    let front = Act::Shared(|pool, _| {
        let mut all: Vec<_> = (0..2000).map(|id| pool.alloc(Words::new(id))).collect();
        all.drain(..1000);
        pool.trim();
    });
    let what = "trim, of the chunk in front";
    Scenario::<40> { what, make: Pool::new, bounded: false, values: 0, act: front }.run();
    let alone = Act::Alone(|pool| _ = pool.shrink_to_fit());
    Scenario::<40> {
        what: "shrink",
        make: || Pool::with_capacity(9000),
        bounded: false,
        values: 2400,
        act: alone,
    }
    .run();
    let dropped = Act::Shared(|_, own| drop(own));
    Scenario::<40> {
        what: "given back by itself",
        make: giving_back,
        bounded: false,
        values: 3000,
        act: dropped,
    }
    .run();
}

#[test]
fn memory_is_reserved() {
    let act = Act::Shared(|pool, _own| pool.reserve(5000));
    Scenario::<40> { what: "reserve", make: Pool::new, bounded: false, values: 300, act }.run();
}

#[test]
fn values_move() {
    let relocated = Act::Shared(|_, mut own| {
        own.iter_mut().for_each(|value| _ = PoolBox::relocate(value));
        own.iter().for_each(|value| value.check());
    });
    Scenario::<40> {
        what: "relocate",
        make: Pool::new,
        bounded: false,
        values: 600,
        act: relocated,
    }
    .run();
    let compacted = Act::Shared(|pool, mut own| {
        compact(pool, &mut own);
        own.iter().for_each(|value| value.check());
    });
    Scenario::<40> {
        what: "compact",
        make: Pool::new,
        bounded: false,
        values: 600,
        act: compacted,
    }
    .run();
}

/// Values of several classes, and some with a chunk of their own.
#[test]
fn values_of_many_sizes_come_and_go() {
    const SIZES: [usize; 6] = [10, 300, 5000, 40_000, 90_000, 150_000];
    at_every_step("many sizes", |steps| {
        let pool = SizeClassPool::new();
        let row = |size: usize| pool.alloc_slice_fill_with(size, |at| (at ^ size) as u8);
        let is_whole =
            |row: &[u8]| row.iter().enumerate().all(|(at, byte)| *byte == (at ^ row.len()) as u8);
        let held: Vec<_> = SIZES.into_iter().map(row).collect();
        let ended = elsewhere(|| {
            stopped_after(steps, || {
                let mut rows: Vec<_> = SIZES.into_iter().chain(SIZES).map(row).collect();
                rows.truncate(4);
                rows.extend(SIZES.into_iter().rev().map(row));
                assert!(rows.iter().all(|row| is_whole(row)));
            })
        });
        let fresh = elsewhere(|| SIZES.into_iter().rev().map(row).collect::<Vec<_>>());
        let also: Vec<_> = SIZES.into_iter().map(|size| row(size + 20_000)).collect();
        assert!(held.iter().chain(&fresh).chain(&also).all(|row| is_whole(row)));
        drop((held, fresh, also));
        pool.check_invariants();
        ended
    });
}
