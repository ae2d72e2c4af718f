//! Histories of pools of size classes. Compiled for either kind of pool, which is what the module
//! around says.

use std::alloc::Layout;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::{slice, str};

use allocator_api2::alloc::Allocator;
use arbitrary::{Arbitrary, Result, Unstructured};
use typed_pool::{PoolBox, PoolError};

use super::{Memory, SizeClassPool, trim, trim_alone};
use crate::{bytes, panics};

/// How many bytes are held at most, but for what one step adds.
const MOST_BYTES: usize = 3 << 20;

/// How many bytes are looked at in a history at most, beside those of what is dropped.
const MOST_CHECKED: usize = 16 << 20;

/// How many things are held at most.
const MOST: usize = 2000;

/// What can be done. Numbers pick what is held.
#[derive(Arbitrary, Debug)]
enum Operation {
    Value(u8),
    Text(u16),
    Bytes(Size),
    Words(u8),
    Counted { count: u8, panics_at: Option<u8> },
    ManyValues { kind: u8, count: u8 },
    ManyBytes { size: Size, count: u8 },
    Drop(u8),
    DropMany { from: u8, count: u8 },
    DropEvery(u8),
    ConstructorPanics(u8),
    ConstructorAllocates(u8),
    Allocate { size: Size, log_align: u8, zeroed: bool },
    Resize { pick: u8, size: Size, log_align: Option<u8>, zeroed: bool },
    Refused(u8),
    Trim,
    CheckAll,
}

/// A size in bytes, small ones more often than large ones.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Small(u8),
    Medium(u16),
    Large(u32),
    /// A little more or less than a power of two.
    Edge(u8, i8),
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Small(size) => size.into(),
            Self::Medium(size) => size.into(),
            Self::Large(size) => size as usize % (600 << 10),
            Self::Edge(log, off) => (1_usize << (log % 19)).saturating_add_signed(off.into()),
        }
    }
}

/// Bytes of any type.
trait Filled {
    fn bytes(&self) -> &[u8];
}

/// `N` bytes, as aligned as an `A` at least.
struct Body<A, const N: usize> {
    _aligned: [A; 0],
    bytes: [u8; N],
}

impl<A, const N: usize> Filled for Body<A, N> {
    fn bytes(&self) -> &[u8] {
        assert!((&raw const *self).is_aligned());
        &self.bytes
    }
}

/// An alignment of 64 bytes.
#[repr(align(64))]
struct Align64;

/// The largest that there is.
#[repr(align(4096))]
struct Align4096;

thread_local! {
    /// The counted values that live.
    static COUNTED: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
}

/// A value that is counted.
struct Counted {
    id: u64,
    bytes: [u8; 12],
}

impl Counted {
    fn new(id: u64) -> Self {
        assert!(COUNTED.with_borrow_mut(|counted| counted.insert(id)));
        let mut bytes = [0; 12];
        bytes::fill(id, &mut bytes);
        Self { id, bytes }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        bytes::check(self.id, &self.bytes);
        assert!(COUNTED.with_borrow_mut(|counted| counted.remove(&self.id)), "dropped twice");
    }
}

/// What is held.
enum Held<'p> {
    Value(PoolBox<'p, dyn Filled, Memory>),
    Text(PoolBox<'p, str, Memory>),
    Bytes(PoolBox<'p, [u8], Memory>),
    Words(PoolBox<'p, [u64], Memory>),
    Counted(PoolBox<'p, [Counted], Memory>),
    Block(NonNull<u8>, Layout),
}

struct History<'p> {
    pool: &'p SizeClassPool,
    held: Vec<(u64, Held<'p>)>,
    bytes: usize,
    checked: usize,
    last_id: u64,
}

/// Plays the history that `data` stands for.
pub(crate) fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut pool = SizeClassPool::new();
    {
        let held = Vec::new();
        let mut history = History { pool: &pool, held, bytes: 0, checked: 0, last_id: 0 };
        // It ends with the bytes.
        let _ = history.all(&mut input);
        history.check_all();
        while !history.held.is_empty() {
            history.drop_at(0);
        }
        history.check();
    }
    COUNTED.with_borrow(|counted| assert!(counted.is_empty()));
    let before = pool.stats();
    let released = trim_alone(&mut pool);
    let after = pool.stats();
    assert_eq!(before.bytes_reserved - released, after.bytes_reserved);
    assert_eq!((after.bytes_reserved, after.len, after.large, after.direct), (0, 0, 0, 0));
    assert_eq!(after.upstream_allocations, after.upstream_releases);
    pool.check_invariants();
}

/// Fills new values of one kind.
macro_rules! kinds {
    ($self:ident, $number:expr, $($kind:literal: $align:ty, $size:literal;)*) => {
        match $number % kinds!(@count $($kind)*) {
            $($kind => $self.value::<$align, $size>(),)*
            _ => unreachable!("there are no more kinds"),
        }
    };
    (@count $($kind:literal)*) => { 0_u8 $(+ { let _ = $kind; 1 })* };
}

impl<'p> History<'p> {
    fn all(&mut self, input: &mut Unstructured) -> Result<()> {
        while !input.is_empty() {
            let operation = Operation::arbitrary(input)?;
            panics::catch(|| self.step(&operation));
            self.check();
        }
        Ok(())
    }

    fn step(&mut self, operation: &Operation) {
        match *operation {
            Operation::Value(kind) => self.any_value(kind),
            Operation::Text(length) => {
                let id = self.fresh();
                let text: String = (0..length).map(|at| letter(id, at.into())).collect();
                let handle = self.pool.alloc_str(&text);
                self.hold(id, Held::Text(handle));
            }
            Operation::Bytes(size) => self.copied(size),
            Operation::Words(count) => {
                let id = self.fresh();
                let words = self.pool.alloc_slice_fill_with(count.into(), |at| id + at as u64);
                self.hold(id, Held::Words(words));
            }
            Operation::Counted { count, panics_at } => self.counted(count, panics_at),
            Operation::ManyValues { kind, count } => (0..count).for_each(|_| self.any_value(kind)),
            Operation::ManyBytes { size, count } => (0..count).for_each(|_| self.copied(size)),
            Operation::Drop(pick) => self.drop_one(pick),
            Operation::DropMany { from, count } => (0..=count).for_each(|_| self.drop_one(from)),
            Operation::DropEvery(stride) => {
                let mut index = 0;
                while index < self.held.len() {
                    self.drop_at(index);
                    index += usize::from(stride % 8) + 1;
                }
            }
            Operation::ConstructorPanics(kind) => {
                let none = match kind % 3 {
                    0 => {
                        panics::catch(|| drop(self.pool.alloc_with(|| -> u64 { panics::throw() })))
                    }
                    1 => panics::catch(|| {
                        drop(self.pool.alloc_with(|| -> [u8; 50_000] { panics::throw() }));
                    }),
                    _ => panics::catch(|| {
                        drop(self.pool.alloc_slice_fill_with(3, |_| -> u8 { panics::throw() }));
                    }),
                };
                assert!(none.is_none());
            }
            Operation::ConstructorAllocates(count) => {
                let (id, pool) = (self.fresh(), self.pool);
                let words = pool.alloc_slice_fill_with(count.into(), |at| {
                    drop(pool.alloc([at; 30]));
                    id + at as u64
                });
                self.hold(id, Held::Words(words));
            }
            Operation::Allocate { size, log_align, zeroed } => {
                let layout = Layout::from_size_align(size.bytes(), 1 << (log_align % 16));
                self.allocate(layout.expect("it is small"), zeroed);
            }
            Operation::Resize { pick, size, log_align, zeroed } => {
                self.resize(pick, size.bytes(), log_align, zeroed);
            }
            Operation::Refused(kind) => self.refused(kind),
            Operation::Trim => {
                let before = self.pool.stats();
                if let Some(released) = trim(self.pool) {
                    let after = self.pool.stats();
                    assert_eq!(before.bytes_reserved - released, after.bytes_reserved);
                }
            }
            Operation::CheckAll => {
                self.checked += self.bytes;
                if self.checked < MOST_CHECKED {
                    self.check_all();
                }
            }
        }
    }

    fn fresh(&mut self) -> u64 {
        self.last_id += 1 << 20;
        self.last_id
    }

    fn hold(&mut self, id: u64, held: Held<'p>) {
        self.bytes += size_of_held(&held);
        self.held.push((id, held));
    }

    fn has_room(&self) -> bool {
        self.bytes < MOST_BYTES && self.held.len() < MOST
    }

    fn any_value(&mut self, kind: u8) {
        if !self.has_room() {
            return;
        }
        kinds! {
            self, kind,
            0: u8, 0; 1: u8, 1; 2: u16, 2; 3: u8, 3; 4: u32, 4; 5: u8, 7; 6: u64, 8; 7: u8, 9;
            8: u128, 16; 9: u8, 17; 10: u64, 24; 11: u8, 31; 12: u8, 33; 13: u128, 48; 14: u8, 63;
            15: u8, 64; 16: u8, 65; 17: u64, 72; 18: u8, 100; 19: u8, 129; 20: u8, 200; 21: u8, 256;
            22: u8, 500; 23: u8, 513; 24: u8, 1000; 25: u8, 1025; 26: u8, 2000; 27: u8, 4096;
            28: u8, 4097; 29: u8, 10_000; 30: u8, 16_385; 31: u8, 32_768; 32: u8, 32_769;
            33: u8, 100_000; 34: u8, 270_000; 35: Align64, 0; 36: Align64, 1; 37: Align64, 100;
            38: Align64, 30_000; 39: Align64, 40_000; 40: Align4096, 0; 41: Align4096, 1;
            42: Align4096, 5000; 43: Align4096, 40_000; 44: u128, 1;
        }
    }

    fn value<A: 'static, const N: usize>(&mut self) {
        let id = self.fresh();
        let handle = self.pool.alloc_with(|| {
            let mut body = Body::<A, N> { _aligned: [], bytes: [0; N] };
            bytes::fill(id, &mut body.bytes);
            body
        });
        let raw: NonNull<Body<A, N>> = PoolBox::into_raw(handle);
        let raw: NonNull<dyn Filled> = raw;
        // SAFETY: 1. and 2. it just came from `into_raw`. 3. The pool lives for `'p`, on this
        // thread. 4. It is the type of before, which is `Filled`.
        self.hold(id, Held::Value(unsafe { PoolBox::from_raw(raw) }));
    }

    fn copied(&mut self, size: Size) {
        if !self.has_room() {
            return;
        }
        let id = self.fresh();
        let mut content = vec![0; size.bytes()];
        bytes::fill(id, &mut content);
        let handle = self.pool.alloc_slice_copy(&content);
        self.hold(id, Held::Bytes(handle));
    }

    /// A row of values that are counted, or none where building one panics.
    fn counted(&mut self, count: u8, panics_at: Option<u8>) {
        let (id, pool) = (self.fresh(), self.pool);
        let build = |at: usize| {
            if panics_at.is_some_and(|panics_at| at == usize::from(panics_at)) {
                panics::throw();
            }
            Counted::new(id + at as u64)
        };
        let built = panics::catch(|| pool.alloc_slice_fill_with(count.into(), build));
        assert_eq!(built.is_none(), panics_at.is_some_and(|panics_at| panics_at < count));
        if let Some(handle) = built {
            self.hold(id, Held::Counted(handle));
        }
    }

    fn allocate(&mut self, layout: Layout, zeroed: bool) {
        if !self.has_room() {
            return;
        }
        let block = match zeroed {
            true => self.pool.allocate_zeroed(layout),
            false => Allocator::allocate(&self.pool, layout),
        };
        let block = block.expect("there is memory enough");
        assert_eq!(block.len(), layout.size());
        let id = self.fresh();
        self.write(id, block.cast(), layout, 0, zeroed);
        self.hold(id, Held::Block(block.cast(), layout));
    }

    /// Checks what a block that was just handed out begins with, from where it is zeroed, and
    /// writes the rest.
    fn write(&self, id: u64, block: NonNull<u8>, layout: Layout, kept: usize, zeroed: bool) {
        assert!(block.addr().get().is_multiple_of(layout.align()));
        if !zeroed {
            // SAFETY: the block has so many bytes, and is the caller's.
            let rest = unsafe { block.add(kept) };
            // SAFETY: the same.
            unsafe { rest.write_bytes(0xa5, layout.size() - kept) };
        }
        // SAFETY: valid: the block has so many bytes, all of which have been written. Unaliased: it
        // belongs to the caller.
        let content = unsafe { slice::from_raw_parts_mut(block.as_ptr(), layout.size()) };
        assert!(!zeroed || content[kept..].iter().all(|byte| *byte == 0), "not zeroed");
        bytes::fill(id, content);
    }

    /// Moves a block to where another layout has its place.
    fn resize(&mut self, pick: u8, size: usize, log_align: Option<u8>, zeroed: bool) {
        let Some(start) = (usize::from(pick) * 31).checked_rem(self.held.len()) else { return };
        let is_block = |index: &usize| matches!(self.held[*index].1, Held::Block(..));
        let Some(index) = (start..self.held.len()).chain(0..start).find(is_block) else { return };
        let (id, held) = &mut self.held[index];
        let (id, Held::Block(block, old)) = (*id, held) else { unreachable!("it is a block") };
        let (block, old) = (*block, *old);
        let align = log_align.map_or(old.align(), |log| 1 << (log % 16));
        let new = Layout::from_size_align(size, align).expect("it is small");
        let pool = self.pool;
        let moved = match (new.size() >= old.size(), zeroed) {
            // SAFETY: the block is of this pool, for the layout `old`, and not used meanwhile;
            // `new` is no smaller.
            (true, true) => unsafe { pool.grow_zeroed(block, old, new) },
            // SAFETY: the same.
            (true, false) => unsafe { pool.grow(block, old, new) },
            // SAFETY: the same, but `new` is no larger.
            (false, _) => unsafe { pool.shrink(block, old, new) },
        };
        let moved = moved.expect("there is memory enough");
        assert_eq!(moved.len(), new.size());
        let kept = old.size().min(new.size());
        // SAFETY: valid: they were written before, and moved. Unaliased: the block is this
        // history's.
        bytes::check(id, unsafe { slice::from_raw_parts(moved.cast::<u8>().as_ptr(), kept) });
        self.write(id, moved.cast(), new, kept, zeroed && new.size() >= old.size());
        self.held[index].1 = Held::Block(moved.cast(), new);
        self.bytes = self.bytes + new.size() - old.size();
    }

    /// What no pool can hold.
    fn refused(&mut self, kind: u8) {
        match kind % 3 {
            0 => {
                let error = self.pool.try_alloc_slice_fill_with(usize::MAX / 8, |_| 0_u64);
                let error = error.map(drop).unwrap_err().error();
                assert!(matches!(error, PoolError::TooLarge { .. }), "{error}");
            }
            1 => {
                let layout = Layout::from_size_align(isize::MAX as usize - 7, 8);
                assert!(Allocator::allocate(&self.pool, layout.expect("it just fits")).is_err());
            }
            _ => {
                let error = self.pool.try_alloc_slice_fill_with(1 << 59, |_| 0_u8);
                assert!(error.is_err());
            }
        }
    }

    fn drop_one(&mut self, pick: u8) {
        if let Some(index) = (usize::from(pick) * 31).checked_rem(self.held.len()) {
            self.drop_at(index);
        }
    }

    fn drop_at(&mut self, index: usize) {
        let (id, held) = self.held.swap_remove(index);
        self.bytes -= size_of_held(&held);
        check_held(id, &held);
        if let Held::Block(block, layout) = held {
            // SAFETY: it is of this pool, for this layout, and not used any more.
            unsafe { Allocator::deallocate(&self.pool, block, layout) };
        }
    }

    fn check(&self) {
        self.pool.check_invariants();
        let stats = self.pool.stats();
        let empty = |held: &Held| matches!(held, Held::Block(_, layout) if layout.size() == 0);
        let places = self.held.iter().filter(|(_, held)| !empty(held)).count();
        assert_eq!(self.pool.len() + stats.direct, places);
        assert_eq!(self.pool.len(), stats.len + stats.large);
        assert!(stats.bytes_live + stats.bytes_large + stats.bytes_direct >= self.bytes);
        assert!(stats.bytes_live + stats.bytes_large <= stats.bytes_reserved);
        if self.bytes < 1 << 14 {
            self.check_all();
        }
    }

    fn check_all(&self) {
        self.held.iter().for_each(|(id, held)| check_held(*id, held));
    }
}

/// A character of a text, of one byte or more.
fn letter(id: u64, at: u64) -> char {
    let all: [char; 4] = ['a', 'ß', '€', '🦀'];
    let index = (id >> 20).wrapping_mul(31).wrapping_add(at * at) % 7;
    all[(index as usize).min(3)]
}

fn size_of_held(held: &Held) -> usize {
    match held {
        Held::Value(value) => size_of_val(&**value),
        Held::Text(text) => text.len(),
        Held::Bytes(bytes) => bytes.len(),
        Held::Words(words) => size_of_val(&**words),
        Held::Counted(values) => size_of_val(&**values),
        Held::Block(_, layout) => layout.size(),
    }
}

fn check_held(id: u64, held: &Held) {
    match held {
        Held::Value(value) => bytes::check(id, value.bytes()),
        Held::Text(text) => {
            assert!(str::from_utf8(text.as_bytes()).is_ok());
            for (at, found) in text.chars().enumerate() {
                assert_eq!(found, letter(id, at as u64), "letter {at} changed");
            }
        }
        Held::Bytes(content) => bytes::check(id, content),
        Held::Words(words) => {
            assert!(words.iter().zip(id..).all(|(found, expected)| *found == expected));
        }
        Held::Counted(values) => {
            for (value, expected) in values.iter().zip(id..) {
                assert_eq!(value.id, expected);
                bytes::check(expected, &value.bytes);
            }
        }
        Held::Block(block, layout) => {
            // SAFETY: valid: all of it has been written. Unaliased: it is the history's, and
            // nothing writes to it during this borrow.
            let content = unsafe { slice::from_raw_parts(block.as_ptr(), layout.size()) };
            bytes::check(id, content);
        }
    }
}
