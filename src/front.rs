//! Where a core for one thread takes slots from and gives them back to first.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::magazine::Magazine;
use crate::window::Window;

/// The hot end of a core for one thread. The stock of the same core fills and empties it.
///
/// It fills one cache line, so that the hot path touches no other beside the magazine's array and
/// the header of the slot's chunk.
///
/// # Invariants
///
/// 1. What is in the magazine and in the window are starts of vacant slots of entered chunks of
///    the stock whose front this is, with the provenance of their chunks.
/// 2. `vacant` is the number of slots in the vacancy bitmaps of that stock.
//
// `heed` is the number of vacant slots from which on whoever spills one has the stock look at it;
// see `Stock::heed`.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Front {
    pub(crate) magazine: Magazine,
    pub(crate) window: Window,
    pub(crate) vacant: Cell<usize>,
    pub(crate) heed: Cell<usize>,
}

impl Front {
    /// A front without slots, `stride` bytes apart.
    pub(crate) const fn new(stride: usize) -> Self {
        // INVARIANT: 1. and 2. there are none.
        Self {
            magazine: Magazine::new(),
            window: Window::new(stride),
            vacant: Cell::new(0),
            heed: Cell::new(usize::MAX),
        }
    }

    /// The vacant slots in it, as the first of neighbours and their number.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        self.magazine.iter().map(|slot| (slot, 1)).chain(self.window.run())
    }
}

const _: () = assert!(size_of::<Front>() == 64);
