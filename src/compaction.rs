//! Values on their way to a denser place.

use core::ptr::NonNull;

/// What [`Pool::compact`](crate::Pool::compact) has done.
///
/// # Examples
///
/// ```
/// let pool = typed_pool::Pool::new();
/// let mut values: Vec<_> = (0..100_000).map(|number| pool.alloc([number; 16])).collect();
/// values.retain(|numbers| numbers[0] % 10 == 0);
/// let done = pool.compact(&mut values);
/// assert!(done.moved > 0 && done.bytes_released > 0);
/// assert!(pool.stats().fragmentation() < 0.4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CompactStats {
    /// The number of values that were moved.
    pub moved: usize,
    /// The number of handles that were not of the pool, and were left alone.
    pub foreign: usize,
    /// The number of chunks that were given back.
    pub chunks_released: usize,
    /// The number of bytes that were given back.
    pub bytes_released: usize,
}

/// What owns a value that can be moved to another slot.
///
/// # Safety
///
/// 1. [`Movable::slot`] is an occupied slot of a core that lives at least as long as this value,
///    with the provenance of its chunk. It belongs to this value, until that is moved.
/// 2. Neither method uses a core, or lets control leave the crate.
pub(crate) unsafe trait Movable {
    /// The slot that the value lies in.
    fn slot(&self) -> NonNull<u8>;

    /// Moves the value into `slot`, and out of the one that it lies in, which is the caller's then.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of the same core, laid out as the one that the value lies in,
    ///    with the provenance of its chunk.
    /// 2. It belongs to the caller, who gives it up.
    unsafe fn move_to(&mut self, slot: NonNull<u8>);
}
