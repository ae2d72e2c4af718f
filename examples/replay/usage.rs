//! How much memory a fresh pool takes for a trace, and how often it asks for it.

use std::alloc::Layout;
use std::ptr::NonNull;

use typed_pool::{SizeClassPool, SizeClassStats};

use crate::counting::{self, Count, counted};
use crate::heap::{Heap, Held};
use crate::play::{Blocks, Object, Refused, Watch, play};
use crate::program::Program;

/// What a pool came to.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The most bytes in reservations of the pool and in blocks that it passed on.
    pub(crate) peak_reserved: usize,
    /// The pool's figures at the end, when it is empty.
    pub(crate) end: SizeClassStats,
    /// All that the pool asked of the global allocator until then, from when it was made.
    pub(crate) upstream: Count,
    /// Bytes over the trace's steps, in parts of equal length.
    pub(crate) course: Vec<Part>,
}

/// A part of the trace: the most bytes at any of its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) live: usize,
    pub(crate) reserved: usize,
}

/// Plays a program against a fresh pool. The course has up to `parts` parts.
pub(crate) fn of_pool(program: &Program, parts: usize) -> Result<Usage, Refused> {
    let part_steps = program.traced().div_ceil(parts).max(1);
    let mut blocks = Blocks::new(program);
    counting::reset();
    let pool = counted(SizeClassPool::new);
    let mut meter = Meter {
        pool: &pool,
        now: Part::default(),
        upstream: None,
        peak_reserved: 0,
        steps: 0,
        traced: program.traced(),
        part_steps,
        course: Vec::new(),
    };
    play(&Counted(&pool), program, &mut blocks, &mut meter)?;
    let Meter { peak_reserved, course, .. } = meter;
    Ok(Usage { peak_reserved, end: pool.stats(), upstream: counting::count(), course })
}

/// Takes down what a pool has in use.
struct Meter<'p> {
    pool: &'p SizeClassPool,
    now: Part,
    /// What the pool had asked of the global allocator when its figures were last looked at: they
    /// say something else only after another call.
    upstream: Option<Count>,
    peak_reserved: usize,
    steps: usize,
    /// The number of steps that the course is of.
    traced: usize,
    part_steps: usize,
    course: Vec<Part>,
}

impl Watch for Meter<'_> {
    type Stop = Refused;

    fn born(&mut self, object: Object<'_>, _zeroed: bool) -> Result<(), Refused> {
        self.now.live += object.bytes.len();
        Ok(())
    }

    fn leaves(&mut self, object: Object<'_>) -> Result<(), Refused> {
        self.now.live -= object.bytes.len();
        Ok(())
    }

    fn resized(&mut self, object: Object<'_>, _kept: usize) -> Result<(), Refused> {
        self.born(object, false)
    }

    fn stepped(&mut self) {
        let upstream = Some(counting::count());
        if self.upstream != upstream {
            self.upstream = upstream;
            let stats = self.pool.stats();
            self.now.reserved = stats.bytes_reserved + stats.bytes_direct;
            self.peak_reserved = self.peak_reserved.max(self.now.reserved);
        }
        if self.steps < self.traced {
            if self.steps % self.part_steps == 0 {
                self.course.push(Part::default());
            }
            if let Some(part) = self.course.last_mut() {
                part.live = part.live.max(self.now.live);
                part.reserved = part.reserved.max(self.now.reserved);
            }
        }
        self.steps += 1;
    }

    fn refused(&mut self, layout: Layout) -> Refused {
        Refused { layout }
    }
}

/// A pool whose calls to the global allocator are counted.
struct Counted<'p>(&'p SizeClassPool);

// SAFETY: 1. and 2. as of the pool.
unsafe impl Heap for Counted<'_> {
    fn allocate(&self, place: usize, layout: Layout) -> Option<NonNull<u8>> {
        counted(|| Heap::allocate(self.0, place, layout))
    }

    fn allocate_zeroed(&self, place: usize, layout: Layout) -> Option<NonNull<u8>> {
        counted(|| Heap::allocate_zeroed(self.0, place, layout))
    }

    unsafe fn deallocate(&self, held: Held) {
        // SAFETY: 1. the caller's.
        counted(|| unsafe { Heap::deallocate(self.0, held) });
    }

    unsafe fn resize(&self, held: Held, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. the caller's.
        counted(|| unsafe { Heap::resize(self.0, held, size) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::trace;

    #[test]
    fn the_course_holds_the_peaks() {
        let program = trace();
        for parts in [1, 3, 1_000] {
            let usage = of_pool(&program, parts).unwrap();
            assert!(usage.course.len() <= parts.min(program.traced()));
            let live = usage.course.iter().map(|part| part.live).max();
            assert_eq!(live, Some(program.tally().peak_live_bytes));
            let reserved = usage.course.iter().map(|part| part.reserved).max();
            assert_eq!(reserved, Some(usage.peak_reserved));
            assert!(usage.course.iter().all(|part| part.reserved >= part.live));
        }
    }

    #[test]
    fn what_the_pool_asks_for_is_counted_to_its_end() {
        let usage = of_pool(&trace(), 1).unwrap();
        let Usage { peak_reserved, end, upstream, .. } = usage;
        assert_eq!((end.len, end.direct), (0, 0));
        // The large object of the trace, and again when it grew.
        assert_eq!(end.direct_allocations, 2);
        assert!(upstream.requests >= end.upstream_allocations + end.direct_allocations);
        assert!(upstream.peak_bytes >= peak_reserved);
        assert!(upstream.releases >= 1);
    }
}
