//! Pools as allocators for collections, by the trait of the crate `allocator-api2`.
//!
//! A collection may have made its pointer from a reference to a value, whose provenance ends where
//! the value does; a chunk's header does not lie there. [`whole`] makes up for it, the only place
//! of the crate with provenance that was exposed.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use allocator_api2::alloc::{AllocError, Allocator};

use crate::block_pool::BlockPool;
use crate::classed_pool::ClassedPool;
use crate::guard::Size;
use crate::memory::Slot;
use crate::pool_core::{self, PoolCore};
use crate::size_class::{SizeClass, SizeStep};

/// A block for a value of size 0: none is needed.
fn nothing(layout: Layout) -> NonNull<[u8]> {
    let place = NonNull::new(ptr::without_provenance_mut(layout.align()));
    NonNull::slice_from_raw_parts(place.expect("an alignment is not 0"), 0)
}

/// The block at `block`, of an entered chunk, with the provenance of that chunk: it was exposed
/// when the chunk was entered.
#[inline]
fn whole(block: NonNull<u8>) -> NonNull<u8> {
    let block = ptr::with_exposed_provenance_mut(block.addr().get());
    NonNull::new(block).expect("a block has an address")
}

/// The block in a slot, for so many bytes, which it has room for.
#[inline]
fn block_of<C: PoolCore>(slot: Slot<'_, BlockPool<C>>, bytes: usize) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(slot.into_start(), bytes)
}

/// Clears a block from offset `from` on.
///
/// # Safety
///
/// 1. The block may be written to and belongs to the caller; `from` is no more than its length.
unsafe fn clear(block: NonNull<[u8]>, from: usize) {
    // SAFETY: clause 1.
    let rest = unsafe { block.cast::<u8>().byte_add(from) };
    // SAFETY: clause 1.
    unsafe { rest.write_bytes(0, block.len() - from) };
}

/// Grows a block, and clears it from where it ended.
///
/// # Errors
///
/// As [`Allocator::grow`].
///
/// # Safety
///
/// 1. As for [`Allocator::grow`].
unsafe fn grow_cleared(
    allocator: &impl Allocator,
    block: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: clause 1.
    let grown = unsafe { allocator.grow(block, old, new) }?;
    // SAFETY: 1. the block is the caller's and at least as long as `new`, which is no less than
    // `old`.
    unsafe { clear(grown, old.size()) };
    Ok(grown)
}

/// Blocks of a class come from its pool; of larger layouts, and of those that are aligned to more
/// than 4096 bytes, straight from the upstream allocator. One of size 0 takes no memory.
///
/// `grow` and `shrink` leave a block where it is while the class stays the same.
///
/// # Panics
///
/// With debug assertions on, or with the feature `hardened`, where a block is given back or resized
/// with a layout of another class.
// SAFETY: a block is a slot, which stays where it is until it is given back, or is one of the
// upstream allocator. References to one pool are interchangeable: all that a method uses is the
// pool. A layout fits a block where it belongs to the class of the block; a block is as long as was
// asked for.
unsafe impl<C: PoolCore> Allocator for &ClassedPool<C> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        match self.take_at_hand(layout, Size::BLOCK) {
            Some(slot) => Ok(block_of(slot, layout.size())),
            None => allocate_otherwise(self, layout),
        }
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = match self.take_at_hand(layout, Size::BLOCK) {
            Some(slot) => block_of(slot, layout.size()),
            None if layout.size() == 0 || SizeClass::of(layout).is_none() => {
                return allocate_aside(self, layout, true);
            }
            None => allocate_otherwise(self, layout)?,
        };
        // SAFETY: 1. the block was just allocated.
        unsafe { clear(block, 0) };
        Ok(block)
    }

    #[inline]
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // Where another thread is just making the pool of the class, its core is not noted yet.
        match SizeStep::of(layout).and_then(|step| self.core_of(step)) {
            Some(core) => {
                let block = whole(block);
                check_class(self, layout, block);
                // SAFETY: 1. and 2. the caller's: the block is of this pool and of this layout,
                // hence of this class, and nobody uses it; `whole` makes up for what the pointer
                // may lack.
                unsafe { pool_core::give_back(core, block) };
            }
            // SAFETY: 1. the caller's.
            None => unsafe { deallocate_otherwise(self, block, layout) },
        }
    }

    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() >= old.size(), "a block grows to {new:?} from {old:?}");
        // SAFETY: 1. the caller's.
        unsafe { resize(self, block, old, new) }
    }

    unsafe fn grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: 1. the caller's.
        unsafe { grow_cleared(self, block, old, new) }
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() <= old.size(), "a block shrinks to {new:?} from {old:?}");
        // SAFETY: 1. the caller's.
        unsafe { resize(self, block, old, new) }
    }
}

/// Allocates what is of no class, or finds no slot in front of its class.
#[cold]
#[inline(never)]
fn allocate_otherwise<C: PoolCore>(
    pool: &ClassedPool<C>,
    layout: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    match SizeClass::of(layout) {
        Some(class) if layout.size() != 0 => {
            let slot = pool.take_of(class, Size::BLOCK).map_err(|_| AllocError)?;
            Ok(block_of(slot, layout.size()))
        }
        _ => allocate_aside(pool, layout, false),
    }
}

/// Gives back what is of no class, or of one whose step does not lead to it.
///
/// # Safety
///
/// 1. `block` is of `pool`, for this layout; it belongs to the caller, who gives it up.
#[cold]
#[inline(never)]
unsafe fn deallocate_otherwise<C: PoolCore>(
    pool: &ClassedPool<C>,
    block: NonNull<u8>,
    layout: Layout,
) {
    match SizeClass::of(layout) {
        _ if layout.size() == 0 => {}
        Some(class) => {
            let block = whole(block);
            check_class(pool, layout, block);
            let pool = pool.class(class).expect("a block of the class is there");
            // SAFETY: 1. and 2. clause 1: the layout tells the class; `whole` makes up for what the
            // pointer may lack.
            unsafe { pool_core::give_back(pool.core(), block) };
        }
        None => {
            check_direct(pool, block);
            // SAFETY: 1. and 2. clause 1.
            unsafe { pool.direct.deallocate(block, layout) };
        }
    }
}

/// Allocates what belongs to no class.
fn allocate_aside<C: PoolCore>(
    pool: &ClassedPool<C>,
    layout: Layout,
    zeroed: bool,
) -> Result<NonNull<[u8]>, AllocError> {
    if layout.size() == 0 {
        return Ok(nothing(layout));
    }
    // SAFETY: 1. by the lines above.
    let block = unsafe { pool.direct.allocate(layout, zeroed) }.ok_or(AllocError)?;
    Ok(NonNull::slice_from_raw_parts(block, layout.size()))
}

/// Whether blocks that are given back are looked at.
const CHECKS: bool = cfg!(any(debug_assertions, feature = "hardened"));

/// Checks that `block` is an occupied one of the class of a layout, which has one.
///
/// # Panics
///
/// With debug assertions on, or with the feature `hardened`, where it is not.
#[inline]
fn check_class<C: PoolCore>(pool: &ClassedPool<C>, layout: Layout, block: NonNull<u8>) {
    if CHECKS {
        let class = SizeClass::of(layout).expect("the layout has a class");
        let found = pool.class(class).map(|found| pool_core::check_free(found.core(), block));
        if found != Some(Ok(())) {
            refuse(class, pool.block_size_at(block));
        }
    }
}

/// Checks that `block` is none of a class.
///
/// # Panics
///
/// With debug assertions on, or with the feature `hardened`, where it is one.
fn check_direct<C: PoolCore>(pool: &ClassedPool<C>, block: NonNull<u8>) {
    if CHECKS {
        if let Some(found) = pool.block_size_at(block) {
            panic!(
                "a block of {found} bytes is given back or resized with a layout for one of no \
                 class"
            );
        }
    }
}

/// Ends what was to be done with a block of a class that it is not of, but of one for so many
/// bytes.
#[cold]
fn refuse(class: SizeClass, found: Option<usize>) -> ! {
    let size = class.size();
    match found {
        None => {
            panic!("no block of this pool lies there, but one of {size} bytes was to be given back")
        }
        Some(found) if found == size => panic!("the block is vacant already, or starts elsewhere"),
        Some(found) => panic!(
            "a block of {found} bytes is given back or resized with a layout for one of {size} \
             bytes"
        ),
    }
}

/// Copies the first `bytes` bytes of a slot, and some behind them to the end of a word.
///
/// # Safety
///
/// 1. `from` and `to` are slots of classes of as many bytes at least; the caller may read the one
///    and write the other.
/// 2. They are different.
#[inline]
unsafe fn copy_slot(from: NonNull<u8>, to: NonNull<u8>, bytes: usize) {
    /// What may be uninitialised.
    type Word = MaybeUninit<u64>;
    /// The most bytes for which words are copied one by one: so few take less than a call does.
    const FEW: usize = 32;

    if bytes > FEW {
        // SAFETY: both have as many bytes (clause 1), and are apart (clause 2).
        unsafe { from.copy_to_nonoverlapping(to, bytes) };
        return;
    }
    let (from, to) = (from.cast::<Word>(), to.cast::<Word>());
    for index in 0..FEW / size_of::<Word>() {
        if index * size_of::<Word>() >= bytes {
            break;
        }
        // SAFETY: slots of classes are whole words, and this one begins in front of `bytes` (clause
        // 1).
        let source = unsafe { from.add(index) };
        // SAFETY: the same.
        let target = unsafe { to.add(index) };
        // SAFETY: slots of classes are aligned to words, and this one may be read (clause 1); any
        // content is a valid `Word`.
        let word = unsafe { source.read() };
        // SAFETY: the same, and the other may be written.
        unsafe { target.write(word) };
    }
}

/// Moves a block to where another layout has its place. Where `slots` says so, both places are
/// slots of classes.
///
/// # Errors
///
/// [`AllocError`] where there is no memory; the block is as it was then.
///
/// # Safety
///
/// 1. `block` is of `pool`, for the layout `old`; it belongs to the caller, who gives it up.
/// 2. Where `slots` is set, both layouts have a class.
#[inline]
unsafe fn relocate<C: PoolCore>(
    pool: &ClassedPool<C>,
    block: NonNull<u8>,
    old: Layout,
    new: Layout,
    slots: bool,
) -> Result<NonNull<[u8]>, AllocError> {
    let moved = pool.allocate(new)?;
    let bytes = old.size().min(new.size());
    match slots {
        // SAFETY: 1. both are slots of classes (clause 2), and hold as many bytes. 2. They are
        // apart, being occupied at once.
        true => unsafe { copy_slot(whole(block), moved.cast(), bytes) },
        // SAFETY: both are as long (clause 1), and apart, being occupied at once.
        false => unsafe { block.copy_to_nonoverlapping(moved.cast(), bytes) },
    }
    // SAFETY: clause 1.
    unsafe { pool.deallocate(block, old) };
    Ok(moved)
}

/// Makes a block one for another layout: where it is, if the class is the same.
///
/// # Errors
///
/// [`AllocError`] where there is no memory; the block is as it was then.
///
/// # Safety
///
/// 1. `block` is of `pool`, for the layout `old`; it belongs to the caller, who gives it up.
unsafe fn resize<C: PoolCore>(
    pool: &ClassedPool<C>,
    block: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    // Before anything is moved.
    let class = SizeClass::of(old);
    match class {
        _ if !CHECKS || old.size() == 0 => {}
        Some(_) => check_class(pool, old, block),
        None => check_direct(pool, block),
    }
    let core = |layout| SizeStep::of(layout).and_then(|step| pool.core_of(step));
    if let (Some(from), Some(to)) = (core(old), core(new)) {
        if !ptr::eq(from, to) {
            // SAFETY: 1. clause 1. 2. They have cores of classes.
            return unsafe { relocate(pool, block, old, new, true) };
        }
    }
    if old.size() != 0 && new.size() != 0 && class == SizeClass::of(new) {
        if class.is_some() {
            return Ok(NonNull::slice_from_raw_parts(whole(block), new.size()));
        }
        if old.align() == new.align() {
            // SAFETY: 1. and 2. clause 1. 3. `new` is a layout, and not of size 0.
            let resized = unsafe { pool.direct.resize(block, old, new.size()) };
            let resized = resized.ok_or(AllocError)?;
            return Ok(NonNull::slice_from_raw_parts(resized, new.size()));
        }
    }
    // SAFETY: 1. clause 1. 2. It is not set.
    unsafe { relocate(pool, block, old, new, false) }
}

/// Hands out blocks to layouts that they fit: of the pool's block size at most, and of its
/// alignment; any other is refused with [`AllocError`]. A layout of size 0 takes no block.
///
/// # Panics
///
/// With debug assertions on, or with the feature `hardened`, where a block is given back that is
/// not occupied.
// SAFETY: a block stays where it is until it is given back. References to one pool are
// interchangeable. Any layout that is no more than a block in size and alignment fits it.
unsafe impl<C: PoolCore> Allocator for &BlockPool<C> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(nothing(layout));
        }
        let block = self.core().geometry().slot();
        if layout.size() > block.size() || layout.align() > block.align() {
            return Err(AllocError);
        }
        self.take(Size::BLOCK).map(|slot| block_of(slot, layout.size())).ok_or(AllocError)
    }

    #[inline]
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: 1. and 2. the caller's; `whole` makes up for what the pointer may lack.
            unsafe { BlockPool::deallocate(self, whole(block)) };
        }
    }

    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let whole_block = self.core().geometry().slot();
        if old.size() == 0 {
            // There is nothing to move, nor to give back.
            return self.allocate(new);
        }
        if new.size() > whole_block.size() || new.align() > whole_block.align() {
            return Err(AllocError);
        }
        Ok(NonNull::slice_from_raw_parts(whole(block), new.size()))
    }

    unsafe fn grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: 1. the caller's.
        unsafe { grow_cleared(self, block, old, new) }
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if new.size() == 0 {
            // SAFETY: as the caller's.
            unsafe { self.deallocate(block, old) };
            return Ok(nothing(new));
        }
        // SAFETY: as the caller's: a block that is not longer is resized as one that is not
        // shorter.
        unsafe { self.grow(block, old, new) }
    }
}
