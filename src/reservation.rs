//! One upstream allocation that holds the chunks of a core, one or more; or a part of one that
//! cores have in common, for one chunk.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::mem;
use core::ptr::NonNull;

use crate::error::PoolError;
use crate::geometry::{CHUNK_ALIGN, GRANULE, Geometry, Piece};
use crate::ground::Ground;
use crate::guard;
use crate::pages::{HUGE_PAGE, Pages};

/// Memory for a row of chunks, given back when the reservation is dropped.
///
/// # Invariants
///
/// 1. `base` points to `layout` bytes from the global allocator, or from `ground` where there is
///    one, which belong to this value. The ground outlives it.
/// 2. `layout` is the layout that `geometry` gives for `slots` slots, at least one, or aligned to
///    more. Where it is of a ground, it is that of a whole tract or of some granules, for one
///    chunk, and aligned as these are.
#[derive(Debug)]
pub(crate) struct Reservation {
    base: NonNull<u8>,
    layout: Layout,
    slots: usize,
    geometry: Geometry,
    ground: Option<NonNull<Ground>>,
}

impl Reservation {
    /// Reserves memory for `slots` slots, at least one, touching it only where `pages` say so.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    pub(crate) fn new(slots: usize, geometry: &Geometry, pages: Pages) -> Result<Self, PoolError> {
        let mut layout = geometry.reservation(slots)?;
        let huge = pages.huge && layout.size() >= HUGE_PAGE;
        if huge {
            // A huge page that begins in front of the reservation would be of no use to it. One of
            // more bytes than an allocation can have stays as it is, and is refused below.
            layout = layout.align_to(HUGE_PAGE).unwrap_or(layout);
        }
        // SAFETY: a chunk holds a header, so the size is not 0.
        let base = NonNull::new(unsafe { alloc(layout) })
            .ok_or(PoolError::OutOfMemory { bytes: layout.size() })?;
        // SAFETY: 1. the memory was just allocated. 2. By this function, which keeps nothing in it.
        unsafe { Pages { huge, ..pages }.prepare(base, layout.size()) };
        // INVARIANT: 1. and 2. by the lines above.
        let reserved = Self { base, layout, slots, geometry: *geometry, ground: None };
        match guard::make_room(base, layout.size()) {
            true => Ok(reserved),
            false => Err(PoolError::OutOfMemory { bytes: layout.size() }),
        }
    }

    /// Takes memory of a ground for as many slots as fit into `piece`, at least one, where
    /// `geometry` is that of chunks of its kind.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    ///
    /// # Safety
    ///
    /// 1. `ground` points to a ground, which outlives the reservation and is reached by shared
    ///    references only.
    pub(crate) unsafe fn on(
        ground: NonNull<Ground>,
        piece: Piece,
        geometry: &Geometry,
    ) -> Result<Self, PoolError> {
        // SAFETY: valid and unaliased: clause 1.
        let common = unsafe { ground.as_ref() };
        let (base, bytes) = match piece {
            Piece::Tract => (common.take_tract()?, CHUNK_ALIGN),
            Piece::Granules(count) => (common.take_granules(count)?, count * GRANULE),
        };
        let layout = Layout::from_size_align(bytes, GRANULE).expect("a piece is small");
        // A tract is a little longer than a chunk may be, which with more slots would be two.
        let slots = geometry.slots_within(bytes).min(geometry.chunk_slots());
        // INVARIANT: 1. clause 1. 2. by the lines above.
        Ok(Self { base, layout, slots, geometry: *geometry, ground: Some(ground) })
    }

    /// Takes as few granules of a ground as hold a slot, where `geometry` is that of small chunks,
    /// and where the ground may reserve and could not.
    ///
    /// # Safety
    ///
    /// 1. As for [`Reservation::on`].
    pub(crate) unsafe fn on_what_is_left(
        ground: NonNull<Ground>,
        geometry: &Geometry,
    ) -> Option<Self> {
        // SAFETY: valid and unaliased: clause 1.
        if !unsafe { ground.as_ref() }.may_reserve() {
            return None;
        }
        // SAFETY: 1. clause 1.
        unsafe { Self::on(ground, geometry.next_piece(0), geometry) }.ok()
    }

    /// Lets the memory go with what is in it: it is never given back.
    pub(crate) fn forget(self) {
        guard::forget(self.base, self.layout.size());
        mem::forget(self);
    }

    /// Whether it came from the upstream allocator and goes back there.
    pub(crate) fn is_upstream(&self) -> bool {
        self.ground.is_none()
    }

    /// How its chunks are laid out.
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// The number of bytes, headers and bitmaps included.
    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
    }

    /// The start of chunk `index` of the row, aligned as chunks of the geometry are, with the
    /// provenance of the reservation, and the number of its slots, if there is one.
    pub(crate) fn chunk(&self, index: usize) -> Option<(NonNull<u8>, usize)> {
        let in_front = index.checked_mul(self.geometry.chunk_slots())?;
        let rest = self.slots.checked_sub(in_front).filter(|&rest| rest != 0)?;
        // SAFETY: slots remain for this chunk, so it lies in the row (invariants 1 and 2).
        let base = unsafe { self.base.byte_add(index * self.geometry.pitch()) };
        Some((base, rest.min(self.geometry.chunk_slots())))
    }

    /// The offset of `address` from the start, where it lies in this memory.
    pub(crate) fn offset_of(&self, address: usize) -> Option<usize> {
        address.checked_sub(self.base.addr().get()).filter(|&offset| offset < self.bytes())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: 1. invariant 1, and its chunks are used no more.
        unsafe { guard::leave(self.base, self.layout.size()) };
        let Some(ground) = self.ground else {
            // SAFETY: the memory belongs to this value, and the layout is its own (invariant 1).
            unsafe { dealloc(self.base.as_ptr(), self.layout) };
            return;
        };
        // SAFETY: valid: invariant 1. Unaliased: no exclusive reference to a ground is made before
        // its end (`Fixed` invariant 1).
        let ground = unsafe { ground.as_ref() };
        // SAFETY: 1. as `on` took it, from the same ground. 2. It belongs to this value (invariant
        // 1), whose chunk is used no more.
        unsafe { ground.put_back(self.base, self.layout.size()) };
    }
}
