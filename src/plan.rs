//! What a pool is to be.
#![forbid(unsafe_code)]

use core::ptr::NonNull;

use crate::ground::Ground;
use crate::pages::Pages;

/// Whether a depot gets more memory when its slots are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// It holds one reservation, made in advance.
    Bounded,
    /// It adds a reservation of one chunk at a time.
    OnDemand,
    /// It adds a reservation of one slot for each value, of whatever size, and releases it with the
    /// value.
    Lone,
}

/// What happens to slots that are still occupied when a pool is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// Their memory goes back with the rest.
    Free,
    /// Their memory is kept for ever, since the values in them may be pinned.
    Keep,
}

/// What a pool is to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How it gets more slots.
    pub(crate) growth: Growth,
    /// Whether it gives chunks back by itself, where it serves one thread and grows.
    pub(crate) gives_back: bool,
    /// The number of slots it has from the start.
    pub(crate) slots: usize,
    /// What happens to its memory in the end.
    pub(crate) leftovers: Leftovers,
    /// What is asked of the system for its memory.
    pub(crate) pages: Pages,
    /// Where it grows, if not upstream. It outlives the pool.
    pub(crate) ground: Option<NonNull<Ground>>,
}

impl Plan {
    /// A pool that has `slots` slots from the start, and nothing besides.
    pub(crate) fn new(growth: Growth, slots: usize, leftovers: Leftovers) -> Self {
        let pages = Pages::default();
        Self { growth, gives_back: false, slots, leftovers, pages, ground: None }
    }
}
