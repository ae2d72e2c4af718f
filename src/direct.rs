//! Blocks that come straight from the upstream allocator, and how many there are.

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc};
use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::size_class_stats::SizeClassStats;

/// The blocks that a pool passes on. Any thread may count, hence the atomics; what is passed on
/// takes long beside them.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    allocations: AtomicUsize,
    blocks: AtomicUsize,
    bytes: AtomicUsize,
}

impl Direct {
    /// Adds the figures to those of a pool.
    pub(crate) fn count(&self, stats: &mut SizeClassStats) {
        stats.direct = self.blocks.load(Relaxed);
        stats.bytes_direct = self.bytes.load(Relaxed);
        stats.direct_allocations = self.allocations.load(Relaxed);
    }

    /// Notes that a block of so many bytes came.
    fn came(&self, bytes: usize) {
        self.allocations.fetch_add(1, Relaxed);
        self.blocks.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// Notes that a block of so many bytes went.
    fn went(&self, bytes: usize) {
        self.blocks.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Allocates a block, cleared or not.
    ///
    /// # Safety
    ///
    /// 1. The layout is not of size 0.
    pub(crate) unsafe fn allocate(&self, layout: Layout, zeroed: bool) -> Option<NonNull<u8>> {
        let block = match zeroed {
            // SAFETY: the size is not 0 (clause 1).
            true => unsafe { alloc_zeroed(layout) },
            // SAFETY: the same.
            false => unsafe { alloc(layout) },
        };
        let block = NonNull::new(block)?;
        self.came(layout.size());
        Some(block)
    }

    /// Gives a block back.
    ///
    /// # Safety
    ///
    /// 1. `block` came from [`Direct::allocate`] or [`Direct::resize`] for this layout.
    /// 2. It belongs to the caller, who gives it up.
    pub(crate) unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        self.went(layout.size());
        // SAFETY: it was allocated with this layout (clause 1), and nobody uses it (clause 2).
        unsafe { dealloc(block.as_ptr(), layout) };
    }

    /// Changes the size of a block, which may move; it is as it was where there is no memory.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`Direct::deallocate`].
    /// 3. `size` is not 0, and rounded up to the alignment no more than `isize::MAX`.
    pub(crate) unsafe fn resize(
        &self,
        block: NonNull<u8>,
        layout: Layout,
        size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: it was allocated with this layout (clause 1), nobody uses it (clause 2), and the
        // size is one that a block can have (clause 3).
        let block = NonNull::new(unsafe { realloc(block.as_ptr(), layout, size) })?;
        self.went(layout.size());
        self.came(size);
        Some(block)
    }
}
