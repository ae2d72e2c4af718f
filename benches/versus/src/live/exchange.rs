//! Values that change hands between threads.

use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::Places;
use crate::heap::Shared;

/// Places, each with a value or without, that threads swap values with. Dropping it frees what is
/// left.
///
/// # Invariants
///
/// 1. Every handle in `handles` was made by `heap`.
pub(crate) struct Exchange<'h, const WORDS: usize, H: Shared<WORDS>> {
    heap: &'h H,
    handles: Vec<Mutex<Option<H::Handle<'h>>>>,
}

impl<'h, const WORDS: usize, H: Shared<WORDS>> Exchange<'h, WORDS, H> {
    /// As many empty places.
    pub(crate) fn new(heap: &'h H, count: usize) -> Self {
        // INVARIANT: 1. there are none.
        Self { heap, handles: (0..count).map(|_| Mutex::new(None)).collect() }
    }
}

impl<'h, const WORDS: usize, H: Shared<WORDS>> Places<'h, WORDS, H> {
    /// Swaps what is in a place for what is in a place of an exchange for the same heap.
    #[inline]
    pub(crate) fn swap(&mut self, index: usize, with: &Exchange<'h, WORDS, H>, other: usize) {
        assert!(ptr::eq(self.heap, with.heap), "values stay with their heap");
        let mut handle = with.handles[other].lock().unwrap_or_else(PoisonError::into_inner);
        // INVARIANT: 1. of both: one heap made all of their handles.
        std::mem::swap(&mut self.handles[index], &mut handle);
    }

    /// Frees the value in a place, if there is one. All of its words are to be as they were put in.
    #[inline]
    pub(crate) fn check_and_free(&mut self, index: usize) {
        if let Some(handle) = &self.handles[index] {
            // SAFETY: 1. invariant 1.
            assert!(unsafe { self.heap.is_whole(handle) }, "somebody else wrote to a value");
            self.free(index);
        }
    }
}

impl<const WORDS: usize, H: Shared<WORDS>> Drop for Exchange<'_, WORDS, H> {
    fn drop(&mut self) {
        for handle in self.handles.drain(..) {
            if let Some(handle) = handle.into_inner().unwrap_or_else(PoisonError::into_inner) {
                // SAFETY: 1. invariant 1.
                unsafe { self.heap.free(handle) };
            }
        }
    }
}
