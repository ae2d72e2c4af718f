//! The bump window: a run of neighbouring vacant slots, handed out in address order.

use core::cell::Cell;
use core::ptr::{self, NonNull};

/// A run of vacant slots.
///
/// # Invariants
///
/// 1. Where `end` is not `next`, it lies behind it by a multiple of `stride` bytes, and both point
///    into one chunk or to its end, with its provenance.
/// 2. Slots start at `next` and at every `stride` bytes further in front of `end`; they are
///    vacant and belong to the window.
#[derive(Debug)]
pub(crate) struct Window {
    next: Cell<*mut u8>,
    end: Cell<*mut u8>,
    stride: usize,
}

impl Window {
    /// An empty window for slots `stride` bytes apart.
    pub(crate) const fn new(stride: usize) -> Self {
        // INVARIANT: 1. equal. 2. there are none.
        Self { next: Cell::new(ptr::null_mut()), end: Cell::new(ptr::null_mut()), stride }
    }

    /// Takes the lowest slot.
    #[inline]
    pub(crate) fn take(&self) -> Option<NonNull<u8>> {
        let slot = self.next.get();
        if slot == self.end.get() {
            return None;
        }
        // SAFETY: a slot starts at `next` (invariant 2), so the chunk goes on to where it ends.
        // INVARIANT: 1. and 2. the slot no longer belongs to the window.
        self.next.set(unsafe { slot.byte_add(self.stride) });
        // SAFETY: `next` points into a chunk when it is not `end` (invariants 1 and 2).
        Some(unsafe { NonNull::new_unchecked(slot) })
    }

    /// Opens the window, which is empty, on a run of `count` slots from `first`.
    ///
    /// # Safety
    ///
    /// 1. `count` slots of one chunk start at `first` and each `stride` further, `first` with the
    ///    provenance of the chunk.
    /// 2. They are vacant, and the caller gives them to the window.
    pub(crate) unsafe fn open(&self, first: NonNull<u8>, count: usize) {
        debug_assert!(self.is_empty());
        // INVARIANT: 1. clause 1. 2. clause 2.
        self.next.set(first.as_ptr());
        // SAFETY: the slots lie in one chunk (clause 1), so the end of the last does too.
        self.end.set(unsafe { first.byte_add(count * self.stride) }.as_ptr());
    }

    /// Empties the window; returns its first slot and the number of slots it had, which belong to
    /// the caller.
    pub(crate) fn close(&self) -> Option<(NonNull<u8>, usize)> {
        let run = self.run();
        // INVARIANT: 1. equal. 2. there are none.
        self.next.set(self.end.get());
        run
    }

    /// Its first slot and the number of slots, where it has any.
    pub(crate) fn run(&self) -> Option<(NonNull<u8>, usize)> {
        let first = NonNull::new(self.next.get()).filter(|_| !self.is_empty());
        first.map(|first| (first, self.len()))
    }

    /// The number of slots in the window.
    pub(crate) fn len(&self) -> usize {
        (self.end.get().addr() - self.next.get().addr()) / self.stride
    }

    /// Whether no slot is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.get() == self.end.get()
    }

    /// Whether `slot`, the start of a slot, belongs to the window.
    pub(crate) fn contains(&self, slot: NonNull<u8>) -> bool {
        (self.next.get().addr()..self.end.get().addr()).contains(&slot.addr().get())
    }
}
