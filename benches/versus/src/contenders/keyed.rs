//! Containers that give keys: `slab` and `slotmap`. A value has no address that stays, so every use
//! of one goes through the container.
//!
//! They take `&mut self` where the others take `&self`. The cell in between costs nothing: no
//! borrow is counted.

use std::cell::UnsafeCell;
use std::hint::black_box;

use slab::Slab;
use slotmap::{DefaultKey, SlotMap};

use crate::heap::{Frees, Heap, Value};

/// A container that is reached for the length of one call at a time.
///
/// # Invariants
///
/// 1. No reference to the container outlives the closure it was given to, and none of these
///    closures, all in this file, uses the cell.
struct Exclusive<C>(UnsafeCell<C>);

impl<C> Exclusive<C> {
    /// Lends the container to `work`.
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut C) -> R) -> R {
        // SAFETY: valid: the cell holds a container. Unaliased: invariant 1, and the cell is not
        // `Sync`.
        work(unsafe { &mut *self.0.get() })
    }
}

/// `slab`.
pub(crate) struct Slabbed<const WORDS: usize>(Exclusive<Slab<Value<WORDS>>>);

impl<const WORDS: usize> Heap<WORDS> for Slabbed<WORDS> {
    type Handle<'h> = usize;

    #[inline]
    fn with_room(count: usize) -> Self {
        Self(Exclusive(UnsafeCell::new(Slab::with_capacity(count))))
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.with(|slab| slab.insert(Value::new(seed)))
    }

    #[inline]
    unsafe fn read(&self, handle: &Self::Handle<'_>) -> u64 {
        // SAFETY: clause 1: the key is one of this slab, and in use until it is given to `free`.
        self.0.with(|slab| unsafe { slab.get_unchecked(*handle) }.0[0])
    }

    #[inline]
    unsafe fn write(&self, handle: &mut Self::Handle<'_>, word: u64) {
        // SAFETY: clause 1: the key is one of this slab, and in use until it is given to `free`.
        self.0.with(|slab| unsafe { slab.get_unchecked_mut(*handle) }.0[0] = word);
    }

    #[inline]
    unsafe fn show(&self, handle: &Self::Handle<'_>) {
        // SAFETY: clause 1: the key is one of this slab, and in use until it is given to `free`.
        self.0.with(|slab| black_box(unsafe { slab.get_unchecked(*handle) }.0.as_ptr()));
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        self.0.with(|slab| slab.remove(handle));
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for Slabbed<WORDS> {}

/// `slotmap`, in the form that is fastest to insert into and to remove from.
pub(crate) struct SlotMapped<const WORDS: usize>(Exclusive<SlotMap<DefaultKey, Value<WORDS>>>);

impl<const WORDS: usize> Heap<WORDS> for SlotMapped<WORDS> {
    type Handle<'h> = DefaultKey;

    #[inline]
    fn with_room(count: usize) -> Self {
        Self(Exclusive(UnsafeCell::new(SlotMap::with_capacity(count))))
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.with(|map| map.insert(Value::new(seed)))
    }

    #[inline]
    unsafe fn read(&self, handle: &Self::Handle<'_>) -> u64 {
        // SAFETY: clause 1: the key is one of this map, and in use until it is given to `free`.
        self.0.with(|map| unsafe { map.get_unchecked(*handle) }.0[0])
    }

    #[inline]
    unsafe fn write(&self, handle: &mut Self::Handle<'_>, word: u64) {
        // SAFETY: clause 1: the key is one of this map, and in use until it is given to `free`.
        self.0.with(|map| unsafe { map.get_unchecked_mut(*handle) }.0[0] = word);
    }

    #[inline]
    unsafe fn show(&self, handle: &Self::Handle<'_>) {
        // SAFETY: clause 1: the key is one of this map, and in use until it is given to `free`.
        self.0.with(|map| black_box(unsafe { map.get_unchecked(*handle) }.0.as_ptr()));
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        self.0.with(|map| map.remove(handle));
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for SlotMapped<WORDS> {}
