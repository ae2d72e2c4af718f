//! The values of a heap that are alive: handles kept with the heap that made them.
//!
//! Only this module of the workloads has unsafe code. What it hands out is safe: no handle leaves
//! it, so none meets another heap.

use std::hint::black_box;

use fastrand::Rng;

use crate::heap::{Frees, Heap};

#[path = "live/exchange.rs"]
pub(crate) mod exchange;

/// Handles of one heap in a `Vec`. Dropping it frees what is left.
///
/// # Invariants
///
/// 1. Every handle in `handles` was made by `heap`.
pub(crate) struct Live<'h, const WORDS: usize, H: Heap<WORDS>> {
    heap: &'h H,
    handles: Vec<H::Handle<'h>>,
}

/// Puts one value in, shows it and frees it.
#[inline]
pub(crate) fn put_and_free<const WORDS: usize, H: Frees<WORDS>>(heap: &H, seed: u64) {
    let handle = heap.put(seed);
    // SAFETY: 1. made in the line above.
    unsafe { heap.show(&handle) };
    // SAFETY: 1. made above.
    unsafe { heap.free(handle) };
}

impl<'h, const WORDS: usize, H: Heap<WORDS>> Live<'h, WORDS, H> {
    /// No values, and room for `count` handles.
    pub(crate) fn with_room(heap: &'h H, count: usize) -> Self {
        Self::recycled(heap, Vec::with_capacity(count))
    }

    /// `count` values, and room for no more handles.
    pub(crate) fn filled(heap: &'h H, count: usize) -> Self {
        let mut live = Self::with_room(heap, count);
        live.fill(count);
        live
    }

    /// No values, and the memory of handles on another heap for handles on this one. A `Vec`
    /// collects from its own iterator in place: its memory is not new to the processor when the
    /// next fill is measured.
    pub(crate) fn recycled(heap: &'h H, spare: Vec<H::Handle<'static>>) -> Self {
        // INVARIANT: 1. there are none.
        Self { heap, handles: emptied(spare) }
    }

    /// Frees all values; returns the memory of the handles.
    pub(crate) fn into_spare(mut self) -> Vec<H::Handle<'static>> {
        self.free_in_same_order();
        emptied(std::mem::take(&mut self.handles))
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.handles.len()
    }

    /// Puts `count` values in. The handles go to a `Vec` with room for them, which no heap can do
    /// without, and `black_box` gets to see them, so every value is written.
    ///
    /// It is not inlined, so that all workloads run the same machine code.
    #[inline(never)]
    pub(crate) fn fill(&mut self, count: usize) {
        // INVARIANT: 1. made by `heap`.
        self.handles.extend((0..count as u64).map(|seed| self.heap.put(seed)));
        // Where handles are keys, the values are behind the heap.
        black_box((self.heap, &mut self.handles));
    }

    /// The sum of the first words of all values, in the order of their handles.
    #[inline]
    pub(crate) fn sum(&self) -> u64 {
        let handles = black_box(self.handles.as_slice());
        handles.iter().fold(0, |sum: u64, handle| {
            // SAFETY: 1. invariant 1.
            sum.wrapping_add(unsafe { self.heap.read(handle) })
        })
    }

    /// Puts the handles into random order.
    pub(crate) fn shuffle(&mut self, rng: &mut Rng) {
        rng.shuffle(&mut self.handles);
    }

    /// Frees all values in the order of their handles.
    #[inline]
    pub(crate) fn free_in_same_order(&mut self) {
        for handle in self.handles.drain(..) {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }

    /// Frees all values in the opposite order.
    #[inline]
    pub(crate) fn free_in_reverse_order(&mut self) {
        for handle in self.handles.drain(..).rev() {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }
}

impl<'h, const WORDS: usize, H: Frees<WORDS>> Live<'h, WORDS, H> {
    /// Puts one more value in.
    #[inline]
    pub(crate) fn push(&mut self, seed: u64) {
        // INVARIANT: 1. made by `heap`.
        self.handles.push(self.heap.put(seed));
    }

    /// Frees the values from `first` on.
    #[inline]
    pub(crate) fn free_from(&mut self, first: usize) {
        for handle in self.handles.drain(first..) {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }

    /// Frees the first `count` values in the order of their handles, and the others in the opposite
    /// order.
    #[inline]
    pub(crate) fn free_in_both_orders(&mut self, count: usize) {
        let mut handles = self.handles.drain(..);
        for handle in handles.by_ref().take(count) {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
        for handle in handles.rev() {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }

    /// Frees the value at `index`; the last one takes its place.
    #[inline]
    pub(crate) fn swap_free(&mut self, index: usize) {
        let handle = self.handles.swap_remove(index);
        // SAFETY: 1. invariant 1.
        unsafe { self.heap.free(handle) };
    }

    /// Puts a value in and frees the one that was at `index`, as an assignment does it.
    #[inline]
    pub(crate) fn replace(&mut self, index: usize, seed: u64) {
        // INVARIANT: 1. made by `heap`.
        let new = self.heap.put(seed);
        let old = std::mem::replace(&mut self.handles[index], new);
        // SAFETY: 1. invariant 1.
        unsafe { self.heap.free(old) };
    }

    /// Moves the handles to another `Vec`.
    pub(crate) fn hand_over(&mut self) {
        let mut handles = Vec::with_capacity(self.handles.len());
        handles.append(&mut self.handles);
        self.handles = handles;
    }
}

impl<const WORDS: usize, H: Heap<WORDS>> Drop for Live<'_, WORDS, H> {
    fn drop(&mut self) {
        self.free_in_same_order();
    }
}

/// An empty `Vec` of something else in the memory of `handles`.
fn emptied<A, B>(mut handles: Vec<A>) -> Vec<B> {
    handles.clear();
    handles.into_iter().map(|_| unreachable!()).collect()
}

/// Places that each hold a value or none. Dropping it frees what is left.
///
/// # Invariants
///
/// 1. Every handle in `handles` was made by `heap`.
pub(crate) struct Places<'h, const WORDS: usize, H: Frees<WORDS>> {
    heap: &'h H,
    handles: Vec<Option<H::Handle<'h>>>,
}

impl<'h, const WORDS: usize, H: Frees<WORDS>> Places<'h, WORDS, H> {
    /// As many empty places.
    pub(crate) fn new(heap: &'h H, count: usize) -> Self {
        // INVARIANT: 1. there are none.
        Self { heap, handles: (0..count).map(|_| None).collect() }
    }

    /// Puts a value into an empty place, or frees the one that is there.
    #[inline]
    pub(crate) fn toggle(&mut self, index: usize, seed: u64) {
        let place = &mut self.handles[index];
        match place.take() {
            // SAFETY: 1. invariant 1.
            Some(handle) => unsafe { self.heap.free(handle) },
            // INVARIANT: 1. made by `heap`.
            None => *place = Some(self.heap.put(seed)),
        }
    }

    /// Puts a value into an empty place.
    #[inline]
    pub(crate) fn put(&mut self, index: usize, seed: u64) {
        // INVARIANT: 1. made by `heap`.
        self.handles[index] = Some(self.heap.put(seed));
    }

    /// Overwrites a part of the value in a place, if there is one.
    #[inline]
    pub(crate) fn touch(&mut self, index: usize, word: u64) {
        if let Some(handle) = &mut self.handles[index] {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.write(handle, word) };
        }
    }

    /// The first word of the value in a place.
    #[cfg(test)]
    pub(crate) fn read(&self, index: usize) -> Option<u64> {
        // SAFETY: 1. invariant 1.
        self.handles[index].as_ref().map(|handle| unsafe { self.heap.read(handle) })
    }

    /// Frees the value in a place, if there is one.
    #[inline]
    pub(crate) fn free(&mut self, index: usize) {
        if let Some(handle) = self.handles[index].take() {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }
}

impl<const WORDS: usize, H: Frees<WORDS>> Drop for Places<'_, WORDS, H> {
    fn drop(&mut self) {
        for handle in self.handles.drain(..).flatten() {
            // SAFETY: 1. invariant 1.
            unsafe { self.heap.free(handle) };
        }
    }
}
