//! The raw pools, of one thread and of many: blocks of any size and alignment, whole histories of
//! them, and pointers given back that are none of theirs.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::slice;

use arbitrary::{Arbitrary, Result, Unstructured};
use typed_pool::{InvalidFree, MemoryPool, PoolError, SyncMemoryPool};

use crate::bytes;

/// How many bytes a pool has at most, or one block.
const MOST_BYTES: usize = 1 << 20;

/// How many bytes are looked at in a history at most, beside those that are given back.
const MOST_CHECKED: usize = 16 << 20;

/// Which pool is made.
#[derive(Arbitrary, Debug)]
struct Setup {
    shared: bool,
    size: u16,
    log_align: Option<u8>,
    slots: u16,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Allocate(u8),
    Deallocate(u8),
    DeallocateMany {
        from: u8,
        count: u8,
    },
    TryDeallocate(u8),
    /// A block that was given back, and may have been handed out again.
    TryVacant(u8),
    /// So far from a block.
    TryBeside(u8, i32),
    /// Within a block.
    TryWithin(u8, u16),
    TryForeign(Foreign),
    Contains(u8, u16),
    CheckAll,
    Refusals(u8),
}

#[derive(Arbitrary, Debug)]
enum Foreign {
    Stack,
    Heap,
    OtherPool,
    Low(u16),
    Any(u64),
}

/// What is asked of both kinds of pools.
trait Raw {
    fn allocate(&self) -> Option<NonNull<u8>>;
    /// # Safety
    ///
    /// 1. The block is one of this pool's, occupied, and not used any more.
    unsafe fn deallocate(&self, block: NonNull<u8>);
    /// # Safety
    ///
    /// 1. If it is an occupied block of this pool, it is not used any more.
    unsafe fn try_deallocate(&self, block: NonNull<u8>) -> Result<(), InvalidFree>;
    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
    /// As many as one thread can have.
    fn blocks(&self) -> usize;
    fn is_full(&self) -> bool;
    fn contains(&self, pointer: NonNull<u8>) -> bool;
    fn check_invariants(&self);
}

macro_rules! raw {
    ($pool:ty, $blocks:ident) => {
        impl Raw for $pool {
            fn allocate(&self) -> Option<NonNull<u8>> {
                self.allocate()
            }
            unsafe fn deallocate(&self, block: NonNull<u8>) {
                // SAFETY: 1. and 2. clause 1.
                unsafe { self.deallocate(block) }
            }
            unsafe fn try_deallocate(&self, block: NonNull<u8>) -> Result<(), InvalidFree> {
                // SAFETY: 1. clause 1. 2. There are no other threads.
                unsafe { self.try_deallocate(block) }
            }
            fn len(&self) -> usize {
                self.len()
            }
            fn capacity(&self) -> usize {
                self.capacity()
            }
            fn blocks(&self) -> usize {
                self.$blocks()
            }
            fn is_full(&self) -> bool {
                self.is_full()
            }
            fn contains(&self, pointer: NonNull<u8>) -> bool {
                self.contains(pointer)
            }
            fn check_invariants(&self) {
                self.check_invariants();
            }
        }
    };
}
raw!(MemoryPool, capacity);
raw!(SyncMemoryPool, reserved_slots);

/// A pool, and what it ought to hold.
struct History<'p> {
    pool: &'p dyn Raw,
    size: usize,
    align: usize,
    stride: usize,
    slots: usize,
    /// By address, what the block is called.
    occupied: BTreeMap<NonNull<u8>, u64>,
    /// The same blocks, in no order.
    blocks: Vec<NonNull<u8>>,
    /// All that were ever handed out.
    known: Vec<NonNull<u8>>,
    last_id: u64,
    checked: usize,
    /// Room in another pool of the same kind of blocks.
    other: MemoryPool,
}

/// Plays the history that `data` stands for.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    let (size, layout) = match setup.log_align {
        None => {
            let size = usize::from(setup.size % 5000);
            let align = 1 << size.trailing_zeros().min(4);
            (size, Layout::from_size_align(size, align).expect("it is small"))
        }
        Some(log) => {
            let size = usize::from(setup.size);
            (size, Layout::from_size_align(size, 1 << (log % 15)).expect("it is small"))
        }
    };
    // Several chunks at most.
    let slots = usize::from(setup.slots) % (2 + MOST_BYTES / size.max(512));
    let expected = match (size, slots) {
        (0, _) => Some(PoolError::ZeroObjectSize),
        (_, 0) => Some(PoolError::ZeroPoolSize),
        _ if layout.align() > 4096 => Some(PoolError::AlignTooLarge { align: layout.align() }),
        _ => None,
    };
    // Two ways to make each: by size alone, and by layout.
    if setup.shared {
        let made = match setup.log_align {
            None => SyncMemoryPool::new(size, slots),
            Some(_) => SyncMemoryPool::with_layout(layout, slots),
        };
        check_made(made, expected, |pool| play(pool, layout, slots, &mut input));
    } else {
        let made = match setup.log_align {
            None => MemoryPool::new(size, slots),
            Some(_) => MemoryPool::with_layout(layout, slots),
        };
        check_made(made, expected, |pool| play(pool, layout, slots, &mut input));
    }
}

fn check_made<P>(
    made: Result<P, PoolError>,
    expected: Option<PoolError>,
    then: impl FnOnce(&P) -> Result<()>,
) {
    match made {
        Ok(pool) => {
            assert_eq!(expected, None);
            // It ends with the bytes.
            let _ = then(&pool);
        }
        Err(error) => assert_eq!(Some(error), expected),
    }
}

fn play(pool: &dyn Raw, layout: Layout, slots: usize, input: &mut Unstructured) -> Result<()> {
    let (size, align) = (layout.size(), layout.align());
    // What stands behind each value, and what slots begin at multiples of then.
    let hardened = cfg!(feature = "hardened");
    let canary = if hardened { size_of::<usize>() } else { 0 };
    let apart = if hardened && size >= 16 { align.max(16) } else { align };
    let other = MemoryPool::with_layout(layout, 3).expect("three fit where others do");
    let mut history = History {
        pool,
        size,
        align,
        stride: (size + canary).next_multiple_of(apart),
        slots,
        occupied: BTreeMap::new(),
        blocks: Vec::new(),
        known: Vec::new(),
        last_id: 0,
        checked: 0,
        other,
    };
    let ended = history.all(input);
    history.end();
    ended
}

impl History<'_> {
    fn all(&mut self, input: &mut Unstructured) -> Result<()> {
        while !input.is_empty() {
            self.step(Operation::arbitrary(input)?);
            self.check();
        }
        Ok(())
    }

    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Allocate(count) => (0..=count).for_each(|_| self.allocate()),
            Operation::Deallocate(pick) => self.deallocate(pick),
            Operation::DeallocateMany { from, count } => {
                (0..=count).for_each(|_| self.deallocate(from));
            }
            Operation::TryDeallocate(pick) => {
                if let Some(block) = self.take(pick) {
                    // SAFETY: 1. nothing uses the block.
                    assert_eq!(unsafe { self.pool.try_deallocate(block) }, Ok(()));
                }
            }
            Operation::TryVacant(pick) => {
                let Some(block) = self.known_block(pick) else { return };
                if !self.occupied.contains_key(&block) {
                    self.refused(block, Some(InvalidFree::Vacant));
                }
            }
            Operation::TryBeside(pick, distance) => {
                let Some(block) = self.known_block(pick) else { return };
                let pointer = block.as_ptr().wrapping_offset(distance as isize);
                let Some(pointer) = NonNull::new(pointer) else { return };
                if !self.occupied.contains_key(&pointer) {
                    self.refused(pointer, None);
                }
            }
            Operation::TryWithin(pick, offset) => {
                let Some(block) = self.known_block(pick) else { return };
                let offset = usize::from(offset) % self.stride;
                if offset != 0 {
                    let aligned = offset.is_multiple_of(self.align);
                    let expected =
                        if aligned { InvalidFree::Interior } else { InvalidFree::Misaligned };
                    // SAFETY: it stays within the block, or the padding behind it.
                    self.refused(unsafe { block.add(offset) }, Some(expected));
                }
            }
            Operation::TryForeign(what) => self.foreign(&what),
            Operation::Contains(pick, offset) => {
                let Some(block) = self.known_block(pick) else { return };
                // SAFETY: it stays within the block, or the padding behind it.
                let within = unsafe { block.add(usize::from(offset) % self.stride) };
                assert!(self.pool.contains(within));
            }
            Operation::CheckAll => self.check_all(),
            Operation::Refusals(count) => {
                // Whatever is refused leaves no trace.
                for _ in 0..=count {
                    if self.occupied.len() == self.pool.blocks() {
                        assert_eq!(self.pool.allocate(), None);
                    }
                }
            }
        }
    }

    fn allocate(&mut self) {
        let Some(block) = self.pool.allocate() else {
            assert_eq!(self.occupied.len(), self.pool.blocks(), "refused too early");
            return;
        };
        assert!(block.addr().get().is_multiple_of(self.align));
        let before = self.occupied.range(..=block).next_back();
        assert!(before.is_none_or(|(at, _)| block.addr().get() - at.addr().get() >= self.stride));
        let after = self.occupied.range(block..).next();
        assert!(after.is_none_or(|(at, _)| at.addr().get() - block.addr().get() >= self.stride));
        self.last_id += 1;
        // SAFETY: valid: the block has so many bytes. Unaliased: it was just handed out. They need
        // no value before `fill` writes one.
        unsafe { block.write_bytes(0, self.size) };
        // SAFETY: the same, and they have values.
        let content = unsafe { slice::from_raw_parts_mut(block.as_ptr(), self.size) };
        bytes::fill(self.last_id, content);
        self.occupied.insert(block, self.last_id);
        self.blocks.push(block);
        if self.known.len() < 10_000 {
            self.known.push(block);
        }
    }

    /// An occupied block, by number, which is to be given back.
    fn take(&mut self, pick: u8) -> Option<NonNull<u8>> {
        let index = (usize::from(pick) * 31).checked_rem(self.blocks.len())?;
        let block = self.blocks.swap_remove(index);
        let id = self.occupied.remove(&block).expect("it is occupied");
        self.check_block(block, id);
        Some(block)
    }

    /// A block that was handed out once.
    fn known_block(&self, pick: u8) -> Option<NonNull<u8>> {
        let index = (usize::from(pick) * 31).checked_rem(self.known.len())?;
        Some(self.known[index])
    }

    fn deallocate(&mut self, pick: u8) {
        let Some(block) = self.take(pick) else { return };
        // SAFETY: 1. the block is occupied, and not used any more.
        unsafe { self.pool.deallocate(block) };
    }

    /// Gives a pointer back that is no occupied block.
    fn refused(&self, pointer: NonNull<u8>, expected: Option<InvalidFree>) {
        // SAFETY: 1. it is no occupied block.
        let refused = unsafe { self.pool.try_deallocate(pointer) }.unwrap_err();
        assert!(expected.is_none_or(|expected| refused == expected), "{refused:?}, {expected:?}");
        if refused == InvalidFree::Vacant {
            // Blocks of one chunk, which is aligned to so much, lie in one row.
            let chunk = |block: NonNull<u8>| block.addr().get() / (256 << 10);
            let beside = self.known.iter().find(|known| chunk(**known) == chunk(pointer));
            let apart = beside.map_or(0, |known| known.addr().get().abs_diff(pointer.addr().get()));
            assert!(apart.is_multiple_of(self.stride), "a vacant block starts where none does");
        }
        assert!(self.pool.contains(pointer) || refused != InvalidFree::Vacant);
    }

    fn foreign(&self, what: &Foreign) {
        let mut on_stack = 0_u8;
        let on_heap = Box::new(0_u8);
        let pointer = match *what {
            Foreign::Stack => NonNull::from(&mut on_stack),
            Foreign::Heap => NonNull::from(&*on_heap),
            Foreign::OtherPool => {
                let block = self.other.allocate().expect("it is given back below");
                self.refused(block, Some(InvalidFree::Foreign));
                assert!(!self.pool.contains(block));
                // SAFETY: 1. and 2. it came from there and is not used any more.
                unsafe { self.other.deallocate(block) };
                return;
            }
            Foreign::Low(address) => {
                let address = usize::from(address).max(1);
                NonNull::without_provenance(address.try_into().expect("it is not 0"))
            }
            Foreign::Any(address) => {
                let address = (address as usize).max(1);
                let pointer = NonNull::without_provenance(address.try_into().expect("it is not 0"));
                if !self.pool.contains(pointer) {
                    // SAFETY: 1. it is no block.
                    let refused = unsafe { self.pool.try_deallocate(pointer) };
                    assert!(matches!(
                        refused,
                        Err(InvalidFree::Foreign | InvalidFree::Interior | InvalidFree::Misaligned)
                    ));
                }
                return;
            }
        };
        self.refused(pointer, Some(InvalidFree::Foreign));
        assert!(!self.pool.contains(pointer));
    }

    #[track_caller]
    fn check_block(&self, block: NonNull<u8>, id: u64) {
        // SAFETY: valid: it was written when it was handed out. Unaliased: nothing writes to it
        // during this borrow.
        bytes::check(id, unsafe { slice::from_raw_parts(block.as_ptr(), self.size) });
    }

    fn check_all(&mut self) {
        self.checked += self.occupied.len() * self.size;
        if self.checked > MOST_CHECKED {
            return;
        }
        for (&block, &id) in &self.occupied {
            self.check_block(block, id);
        }
    }

    fn check(&mut self) {
        self.pool.check_invariants();
        assert_eq!(self.pool.len(), self.occupied.len());
        assert_eq!(self.pool.capacity(), self.slots);
        // A shared pool may have more blocks than its capacity says.
        let (len, full) = (self.occupied.len(), self.pool.is_full());
        assert!(if full { len >= self.slots } else { len < self.pool.blocks() });
        if self.occupied.len() * self.size < 1 << 14 {
            self.check_all();
        }
    }

    fn end(&mut self) {
        self.checked = 0;
        self.check_all();
        // Half of them are given back, the others end with the pool.
        for _ in 0..self.occupied.len() / 2 {
            self.deallocate(1);
        }
        self.check();
    }
}
