//! General allocators, called directly and not as the global one, which all could not be at once.

use std::alloc::{Layout, handle_alloc_error};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::heap::{Frees, Heap, Shared, Value, looked_at_by_deref, reached_by_deref};

/// An allocator of memory.
///
/// # Safety
///
/// 1. `allocate` returns null, or memory for a value of `layout` that nothing else uses before
///    it is given to `free`, on whatever thread that is.
pub(crate) unsafe trait Allocator: Sync + 'static {
    /// The fastest way to memory for a value of `layout`.
    fn allocate(layout: Layout) -> *mut c_void;

    /// The fastest way back.
    ///
    /// # Safety
    ///
    /// 1. `memory` came from `allocate` for the same `layout`, and is not used any more.
    unsafe fn free(memory: *mut c_void, layout: Layout);
}

/// An allocator as a heap. It is the same one however often it is made.
pub(crate) struct Malloc<A>(PhantomData<A>);

/// A value in memory from `A`. It does not free itself: `Heap::free` does, at the same cost.
///
/// # Invariants
///
/// 1. `value` points to an initialised value in memory from `A` that only this owner reaches.
pub(crate) struct Owned<const WORDS: usize, A> {
    value: NonNull<Value<WORDS>>,
    allocator: PhantomData<A>,
}

impl<A: Allocator, const WORDS: usize> Heap<WORDS> for Malloc<A> {
    type Handle<'h> = Owned<WORDS, A>;

    reached_by_deref!();

    #[inline]
    fn with_room(_count: usize) -> Self {
        Self(PhantomData)
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        let layout = Layout::new::<Value<WORDS>>();
        let memory = A::allocate(layout).cast();
        let Some(value) = NonNull::new(memory) else { handle_alloc_error(layout) };
        // SAFETY: `Allocator` 1: memory for such a value, which nothing else uses.
        unsafe { value.write(Value::new(seed)) };
        // INVARIANT: 1. written in the line above, in memory that is handed out once.
        Owned { value, allocator: PhantomData }
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        // SAFETY: 1. invariant 1 of the handle, which ends here.
        unsafe { A::free(handle.value.as_ptr().cast(), Layout::new::<Value<WORDS>>()) };
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<A: Allocator, const WORDS: usize> Frees<WORDS> for Malloc<A> {}

impl<A: Allocator, const WORDS: usize> Shared<WORDS> for Malloc<A> {
    looked_at_by_deref!();
}

// SAFETY: sending the owner sends its value, which is `Send` and which nothing else reaches
// (invariant 1); its memory may be freed on any thread (`Allocator` 1).
unsafe impl<const WORDS: usize, A: Allocator> Send for Owned<WORDS, A> {}

impl<const WORDS: usize, A> Deref for Owned<WORDS, A> {
    type Target = Value<WORDS>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: valid: invariant 1. Unaliased: only this owner reaches the value, and it is
        // borrowed.
        unsafe { self.value.as_ref() }
    }
}

impl<const WORDS: usize, A> DerefMut for Owned<WORDS, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        // SAFETY: valid: invariant 1. Unaliased: only this owner reaches the value, and it is
        // borrowed mutably.
        unsafe { self.value.as_mut() }
    }
}

/// mimalloc.
pub(crate) struct MiMalloc;

/// What mimalloc takes for small, in bytes: `MI_SMALL_SIZE_MAX`.
const MI_SMALL_SIZE_MAX: usize = 128 * size_of::<usize>();

// SAFETY: 1. mimalloc aligns blocks of a size that is a multiple of 8 to 8 bytes at least, which is
// the alignment of all values.
unsafe impl Allocator for MiMalloc {
    #[inline]
    fn allocate(layout: Layout) -> *mut c_void {
        if layout.size() <= MI_SMALL_SIZE_MAX {
            // SAFETY: the size is a small one.
            unsafe { libmimalloc_sys::mi_malloc_small(layout.size()) }
        } else {
            // SAFETY: any size will do.
            unsafe { libmimalloc_sys::mi_malloc(layout.size()) }
        }
    }

    #[inline]
    unsafe fn free(memory: *mut c_void, layout: Layout) {
        if layout.size() <= MI_SMALL_SIZE_MAX {
            // SAFETY: clause 1: it came from `mi_malloc_small`.
            unsafe { libmimalloc_sys::mi_free_small(memory) }
        } else {
            // SAFETY: clause 1: it came from `mi_malloc`.
            unsafe { libmimalloc_sys::mi_free(memory) }
        }
    }
}

/// jemalloc.
pub(crate) struct Jemalloc;

// SAFETY: 1. jemalloc aligns blocks to the largest power of two that divides their size, up to 16.
unsafe impl Allocator for Jemalloc {
    #[inline]
    fn allocate(layout: Layout) -> *mut c_void {
        // SAFETY: any size will do.
        unsafe { tikv_jemalloc_sys::malloc(layout.size()) }
    }

    #[inline]
    unsafe fn free(memory: *mut c_void, layout: Layout) {
        // SAFETY: clause 1: it came from `malloc`, of this size and without flags.
        unsafe { tikv_jemalloc_sys::sdallocx(memory, layout.size(), 0) }
    }
}

/// snmalloc.
pub(crate) struct SnMalloc;

// SAFETY: 1. that is what these functions promise for any layout.
unsafe impl Allocator for SnMalloc {
    #[inline]
    fn allocate(layout: Layout) -> *mut c_void {
        // SAFETY: an alignment is a power of two.
        unsafe { snmalloc_sys::sn_rust_alloc(layout.align(), layout.size()) }
    }

    #[inline]
    unsafe fn free(memory: *mut c_void, layout: Layout) {
        // SAFETY: clause 1: it came from `sn_rust_alloc` for the same layout.
        unsafe { snmalloc_sys::sn_rust_dealloc(memory, layout.align(), layout.size()) };
    }
}
