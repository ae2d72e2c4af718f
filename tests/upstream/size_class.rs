//! Pools of size classes, of which upstream refuses something: compiled twice, for the pools of one
//! thread and for those of many.
//!
//! A history of values, rows, large values and blocks is played while upstream grants so many calls
//! and no more, and while it refuses one call alone, whichever that is. What is refused comes back
//! whole and changes nothing; what is held keeps its content; every invariant holds meanwhile; what
//! was refused is had when there is memory again, and every byte goes back in the end.

#[cfg(feature = "allocator-api2")]
use core::alloc::Layout;
#[cfg(feature = "allocator-api2")]
use core::ptr::NonNull;

#[cfg(feature = "allocator-api2")]
use allocator_api2::alloc::Allocator;
use typed_pool::PoolError;

use super::{PoolBox, SizeClassPool};
use crate::allocator::{bytes, calls, with_grants, with_refusal};
use crate::support::{Counted, Tally};

/// The number of steps of a history.
const STEPS: usize = if cfg!(miri) { 16 } else { 100 };

/// The most that is held at once.
const ROOM: usize = 400;

/// A value that is too large for a class.
struct Large<'t> {
    counted: Counted<'t>,
    rest: [u8; 33_000],
}

/// A block of the pool as an allocator, full of one byte.
#[cfg(feature = "allocator-api2")]
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    byte: u8,
}

#[cfg(feature = "allocator-api2")]
impl Block {
    /// Writes the byte to all that the block has.
    fn fill(&self) {
        // SAFETY: the block is as long, and belongs to this value.
        unsafe { self.start.write_bytes(self.byte, self.layout.size()) };
    }

    fn check(&self, len: usize) {
        let content = NonNull::slice_from_raw_parts(self.start, len);
        // SAFETY: valid: the block is as long at least, and was filled. Unaliased: it belongs to
        // this value.
        assert!(unsafe { content.as_ref() }.iter().all(|byte| *byte == self.byte));
    }
}

/// What a history holds, each with what is to be in it.
enum Held<'p, 't> {
    Value(PoolBox<'p, Counted<'t>>, u64),
    Row(PoolBox<'p, [u8]>, u8),
    Large(PoolBox<'p, Large<'t>>, u64),
    #[cfg(feature = "allocator-api2")]
    Block(Block),
}

/// A history under way.
struct History<'p, 't> {
    pool: &'p SizeClassPool,
    tally: &'t Tally,
    held: Vec<Held<'p, 't>>,
    rng: fastrand::Rng,
    /// The number of requests that were refused.
    refused: usize,
    /// The number of values that are held.
    values: usize,
    /// The number of blocks that are held, of upstream or of size 0.
    aside: usize,
}

impl<'p, 't> History<'p, 't> {
    /// One that has done nothing, with all the room that it needs.
    fn new(pool: &'p SizeClassPool, tally: &'t Tally, seed: u64) -> Self {
        let (held, rng) = (Vec::with_capacity(ROOM), fastrand::Rng::with_seed(seed));
        Self { pool, tally, held, rng, refused: 0, values: 0, aside: 0 }
    }

    /// A size: mostly a small one.
    fn size(&mut self) -> usize {
        match self.rng.u8(..8) {
            0 => self.rng.usize(..100_000),
            1 => self.rng.usize(..9000),
            _ => self.rng.usize(..150),
        }
    }

    /// Notes that a request was refused, for want of memory and of nothing else.
    fn refuse(&mut self, error: PoolError) {
        assert!(matches!(error, PoolError::OutOfMemory { bytes } if bytes > 0));
        self.refused += 1;
    }

    /// Does something, and checks that what came of it is what is held.
    fn step(&mut self, id: u64) {
        match self.rng.u8(..16) {
            _ if self.held.len() == ROOM => self.let_go(),
            0..4 => self.add_row(id as u8),
            4..6 => (0..20).for_each(|n| self.add_value(id + n)),
            6 => self.add_large(id),
            7 => self.drop_most(),
            8 => super::trim_under_handles(self.pool),
            #[cfg(feature = "allocator-api2")]
            9..11 => self.add_block(id as u8),
            #[cfg(feature = "allocator-api2")]
            11..14 => self.resize(),
            _ => self.let_go(),
        }
        assert_eq!(self.tally.live(), self.values);
        // Both look at every class.
        if id % 8 == 0 {
            assert_eq!(self.pool.len() + self.aside, self.held.len());
            self.pool.check_invariants();
        }
    }

    fn add_value(&mut self, id: u64) {
        if self.held.len() == ROOM {
            return;
        }
        let made = match id % 3 {
            0 => self.pool.try_alloc(self.tally.value(id)).map_err(|refused| {
                let error = refused.error();
                assert_eq!(refused.into_inner().id, id);
                error
            }),
            1 => {
                let made = self.pool.try_alloc_with(|| self.tally.value(id));
                made.map_err(|refused| refused.error())
            }
            _ => match self.pool.try_alloc_uninit() {
                Ok(slot) => Ok(PoolBox::write(slot, self.tally.value(id))),
                Err(refused) => Err(refused.error()),
            },
        };
        match made {
            Ok(value) => {
                self.values += 1;
                self.held.push(Held::Value(value, id));
            }
            Err(error) => self.refuse(error),
        }
    }

    fn add_row(&mut self, byte: u8) {
        let len = self.size();
        match self.pool.try_alloc_slice_fill_with(len, |_| byte) {
            Ok(row) => self.held.push(Held::Row(row, byte)),
            Err(refused) => {
                let error = refused.error();
                assert_eq!((refused.into_inner())(0), byte);
                self.refuse(error);
            }
        }
    }

    fn add_large(&mut self, id: u64) {
        let build = || Large { counted: self.tally.value(id), rest: [id as u8; 33_000] };
        match self.pool.try_alloc_with(build) {
            Ok(large) => {
                self.values += 1;
                self.held.push(Held::Large(large, id));
            }
            Err(refused) => self.refuse(refused.error()),
        }
    }

    /// Drops something that is held.
    fn let_go(&mut self) {
        if !self.held.is_empty() {
            let index = self.rng.usize(..self.held.len());
            let held = self.held.swap_remove(index);
            self.end(held);
        }
    }

    /// Drops most of what is held, so that whole chunks are vacant.
    fn drop_most(&mut self) {
        while self.held.len() > ROOM / 20 {
            self.let_go();
        }
    }

    /// Checks the content of what was held, and drops it.
    fn end(&mut self, held: Held<'p, 't>) {
        match held {
            Held::Value(value, id) => {
                assert_eq!(value.id, id);
                self.values -= 1;
            }
            Held::Row(row, byte) => assert!(row.iter().all(|found| *found == byte)),
            Held::Large(large, id) => {
                assert_eq!(large.counted.id, id);
                assert!(large.rest.iter().all(|byte| *byte == id as u8));
                self.values -= 1;
            }
            #[cfg(feature = "allocator-api2")]
            Held::Block(block) => {
                block.check(block.layout.size());
                self.aside -= usize::from(is_aside(block.layout));
                // SAFETY: the block is of this allocator and layout, and belongs to this value.
                unsafe { self.pool.deallocate(block.start, block.layout) };
            }
        }
    }

    /// Drops everything; then nothing is left in the pool.
    fn finish(mut self) {
        while !self.held.is_empty() {
            self.let_go();
        }
        let stats = self.pool.stats();
        assert_eq!((stats.len, stats.bytes_live), (0, 0));
        assert_eq!((stats.large, stats.bytes_large), (0, 0));
        assert_eq!((stats.direct, stats.bytes_direct), (0, 0));
        assert_eq!((self.values, self.aside, self.tally.live()), (0, 0, 0));
        self.pool.check_invariants();
    }
}

/// Whether a block of this layout is none of a class.
#[cfg(feature = "allocator-api2")]
fn is_aside(layout: Layout) -> bool {
    layout.size() == 0 || layout.size() > 32 << 10 || layout.align() > 4096
}

#[cfg(feature = "allocator-api2")]
impl History<'_, '_> {
    fn layout(&mut self) -> Layout {
        let shift = if self.rng.u8(..8) == 0 { self.rng.u8(..14) } else { self.rng.u8(..5) };
        Layout::from_size_align(self.size(), 1 << shift).unwrap()
    }

    fn add_block(&mut self, byte: u8) {
        let (layout, zeroed) = (self.layout(), self.rng.bool());
        let allocator = self.pool;
        let made = match zeroed {
            true => allocator.allocate_zeroed(layout),
            false => allocator.allocate(layout),
        };
        let Ok(made) = made else {
            self.refused += 1;
            return;
        };
        assert!(made.len() >= layout.size() && made.addr().get() % layout.align() == 0);
        let mut block = Block { start: made.cast(), layout, byte: 0 };
        if zeroed {
            block.check(layout.size());
        }
        block.byte = byte;
        block.fill();
        self.aside += usize::from(is_aside(layout));
        self.held.push(Held::Block(block));
    }

    /// Makes a block that is held one for another layout.
    fn resize(&mut self) {
        let is_block = |held: &&Held<'_, '_>| matches!(held, Held::Block(_));
        let blocks = self.held.iter().filter(is_block).count();
        let pick = if blocks == 0 { 0 } else { self.rng.usize(..blocks) };
        let mut places = (0..self.held.len()).filter(|index| is_block(&&self.held[*index]));
        let Some(index) = places.nth(pick) else { return };
        let Held::Block(mut block) = self.held.swap_remove(index) else { return };
        // Half of them stay aligned as they are.
        let (wished, factor) = (self.layout(), self.rng.usize(1..8));
        let similar = Layout::from_size_align(
            (block.layout.size() * factor / 4).min(100_000),
            block.layout.align(),
        );
        let new = if self.rng.bool() { wished } else { similar.unwrap() };
        let (allocator, old, start) = (self.pool, block.layout, block.start);
        let made = match (new.size() >= old.size(), self.rng.bool()) {
            // SAFETY: the block is of this allocator and layout, belongs to this value, and the new
            // layout is not smaller.
            (true, true) => unsafe { allocator.grow_zeroed(start, old, new) },
            // SAFETY: the same.
            (true, false) => unsafe { allocator.grow(start, old, new) },
            // SAFETY: the same, and the new layout is not larger.
            (false, _) => unsafe { allocator.shrink(start, old, new) },
        };
        match made {
            Ok(made) => {
                assert!(made.len() >= new.size() && made.addr().get() % new.align() == 0);
                (block.start, block.layout) = (made.cast(), new);
                block.check(old.size().min(new.size()));
                block.fill();
                self.aside += usize::from(is_aside(new));
                self.aside -= usize::from(is_aside(old));
            }
            Err(_) => {
                block.check(old.size());
                self.refused += 1;
            }
        }
        self.held.push(Held::Block(block));
    }
}

/// Plays a history in a pool of its own, most of it while `limit` lets some calls fail. Returns how
/// many calls were made then, and how many requests were refused.
fn play(seed: u64, limit: impl FnOnce(&mut dyn FnMut())) -> (usize, usize) {
    let (before, tally) = (bytes(), Tally::default());
    let (mut made, mut refused) = (0, 0);
    let mut pool = SizeClassPool::new();
    let mut history = History::new(&pool, &tally, seed);
    limit(&mut || {
        let start = calls();
        (0..STEPS as u64).for_each(|id| history.step(id));
        (made, refused) = (calls() - start, history.refused);
    });
    // What was refused then is granted now.
    (0..STEPS as u64 / 4).for_each(|id| history.step(id));
    assert_eq!(history.refused, refused, "there is memory again");
    history.finish();
    super::trim(&mut pool);
    let stats = pool.stats();
    assert_eq!(stats.bytes_reserved, 0);
    assert_eq!(stats.upstream_allocations, stats.upstream_releases);
    drop(pool);
    assert_eq!(bytes(), before, "everything went back");
    (made, refused)
}

/// Unchecked upstream failure, from any call on.
#[test]
fn whatever_is_granted_a_pool_of_size_classes_stays_whole() {
    // Whatever this thread needs once is there before anything is refused.
    drop(SizeClassPool::new().alloc(1));
    let step = if cfg!(miri) { 97 } else { 3 };
    let enough = (0..5000).step_by(step).find(|granted| {
        let (_, refused) = play(1, |run| with_grants(*granted, run));
        refused == 0 && *granted > 0
    });
    assert!(enough.expect("so many calls suffice") > 0);
}

/// Unchecked upstream failure, of any call alone.
#[test]
fn whichever_call_is_refused_a_pool_of_size_classes_stays_whole() {
    drop(SizeClassPool::new().alloc(1));
    let (needed, refused) = play(2, |run| run());
    assert!(needed > 0 && refused == 0);
    let step = if cfg!(miri) { 97 } else { 1 };
    let noticed = (0..needed).step_by(step).filter(|nth| {
        let (_, refused) = play(2, |run| with_refusal(*nth, run));
        // A table or a magazine may be done without, and a tract be found by gathering.
        assert!(refused <= 1, "{refused} requests for one call");
        refused == 1
    });
    assert!(noticed.count() > 0 || cfg!(miri));
}

/// A pool that cannot be made keeps nothing.
#[test]
fn a_pool_of_size_classes_that_cannot_be_made_says_so() {
    let before = bytes();
    let mut granted = 0;
    while let Err(error) = with_grants(granted, || SizeClassPool::try_new().map(drop)) {
        assert!(matches!(error, PoolError::OutOfMemory { .. }));
        assert_eq!(bytes(), before, "after {granted} calls");
        granted += 1;
    }
    assert!(granted >= 1, "its core is asked for");
    assert_eq!(bytes(), before);
}

#[test]
fn figures_of_memory_are_those_of_upstream() {
    let mut pool = SizeClassPool::new();
    let row = |len| pool.alloc_slice_fill_with(len, |n| n as u8);
    let mut rows: Vec<_> = (0..3000).map(|n| row(n * 7 % 2000)).collect();
    // The tables have room for one more of these.
    rows.extend([row(50_000), row(60_000)]);
    let figures = || {
        let stats = pool.stats();
        let calls = stats.upstream_allocations - stats.upstream_releases;
        (bytes(), stats.bytes_reserved as isize, calls)
    };
    let before = figures();
    let large = row(70_000);
    let with_large = figures();
    assert!(with_large.0 >= before.0 + 70_000);
    assert_eq!(with_large.0 - before.0, with_large.1 - before.1);
    assert_eq!(with_large.2, before.2 + 1);
    drop(large);
    assert_eq!(figures(), before);
    drop(rows);
    let reserved = pool.stats().bytes_reserved;
    let before = bytes();
    let released = super::trim(&mut pool);
    assert_eq!((released, pool.stats().bytes_reserved), (reserved, 0));
    // What is noted of vacant memory may take some more meanwhile.
    let more = bytes() + released as isize - before;
    assert!((0..released as isize / 256).contains(&more), "{more} bytes beside {released}");
}

#[test]
fn dropping_a_pool_of_size_classes_gives_everything_back() {
    let before = bytes();
    let pool = SizeClassPool::new();
    let row = |n: usize| pool.alloc_slice_fill_with(n * 7 % 40_000, |n| n as u8);
    let rows: Vec<_> = (0..if cfg!(miri) { 100 } else { 3000 }).map(row).collect();
    assert!(pool.stats().bytes_reserved as isize <= bytes() - before);
    PoolBox::leak(pool.alloc(7_u64));
    drop(rows);
    assert!(pool.stats().bytes_reserved > 0);
    drop(pool);
    assert_eq!(bytes(), before, "a leaked value does not keep its memory");
}
