//! What stands behind the front of a core for one thread: its depot, and which chunks of it have a
//! vacant slot.
//!
//! Nothing here runs on the hot path.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::bit_tree::{BitSet, WORD_BITS, mask_of};
use crate::chunk::Chunk;
use crate::depot::{Depot, MakeRoom};
use crate::error::{InvalidFree, PoolError};
use crate::fault::point;
use crate::front::Front;
use crate::plan::Growth;

mod compact;
mod give_back;
mod peak;
mod refill;
mod spill;

use give_back::Watch;

/// The depot of a core for one thread, with a summary over the vacancy bitmaps of its chunks.
///
/// # Invariants
///
/// 1. `with_vacancy` holds the numbers of the chunks whose bitmap has a bit set, and has room for
///    every chunk that is reserved.
#[derive(Debug)]
pub(crate) struct Stock {
    depot: Depot,
    with_vacancy: BitSet,
    /// The most slots that were occupied at once, as far as was noticed.
    peak_len: usize,
    /// Whether the last refill opened the window.
    by_window: bool,
    /// Where it gives chunks back by itself.
    watch: Option<Watch>,
}

impl Stock {
    /// The stock of a core, which has no memory yet.
    pub(crate) fn new(depot: Depot) -> Self {
        let watch = depot.gives_back().then(Watch::new);
        // INVARIANT: 1. there are no chunks.
        Self { depot, with_vacancy: BitSet::default(), peak_len: 0, by_window: false, watch }
    }

    pub(crate) fn depot(&self) -> &Depot {
        &self.depot
    }

    /// The number of occupied slots, given the front of this stock.
    pub(crate) fn len(&self, front: &Front) -> usize {
        self.depot.entered() - front.vacant.get() - front.magazine.len() - front.window.len()
    }

    /// Gives the stock its one reservation, if it is bounded, and otherwise room for as many slots
    /// at once.
    ///
    /// # Errors
    ///
    /// As [`Stock::reserve`].
    pub(crate) fn furnish(&mut self, slots: usize, front: &Front) -> Result<(), PoolError> {
        match self.depot.growth() {
            Growth::Bounded => {
                self.add(front, |depot, make_room| depot.add_reservation(slots, make_room))
            }
            Growth::OnDemand | Growth::Lone => {
                self.keep(slots);
                self.reserve(slots, front)
            }
        }
    }

    /// Takes a slot for a value of `layout` in a chunk of its own, as [`Depot::take_lone`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn take_lone(&mut self, layout: Layout) -> Result<NonNull<u8>, PoolError> {
        let Self { depot, with_vacancy, .. } = self;
        // INVARIANT: 1. here.
        depot.take_lone(layout, &mut |chunks| with_vacancy.reserve(chunks))
    }

    /// Releases a lone chunk, as [`Depot::release_lone`] does.
    pub(crate) fn release_lone(&mut self, chunk: Chunk) {
        // INVARIANT: 1. its slot was in no bitmap.
        self.depot.release_lone(chunk);
    }

    /// Makes sure that `additional` slots can be taken without a further upstream allocation.
    ///
    /// # Errors
    ///
    /// [`PoolError::CapacityExceeded`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`]; the
    /// capacity is unchanged then.
    pub(crate) fn reserve(&mut self, additional: usize, front: &Front) -> Result<(), PoolError> {
        match self.depot.missing(additional, self.len(front))? {
            0 => Ok(()),
            missing => self.add(front, |depot, make_room| depot.grow(missing, make_room)),
        }
    }

    /// Has the depot `reserve` room for slots, and enlarges the set of chunks and the magazine to
    /// match.
    fn add(
        &mut self,
        front: &Front,
        reserve: impl FnOnce(&mut Depot, &mut MakeRoom<'_>) -> Result<(), PoolError>,
    ) -> Result<(), PoolError> {
        let Self { depot, with_vacancy, .. } = self;
        // INVARIANT: 1. here.
        reserve(depot, &mut |chunks| with_vacancy.reserve(chunks))?;
        point();
        let wished = depot.geometry().magazine_slots(depot.capacity());
        // A smaller magazine than wished for does as well, and so does none at all.
        let _ = front.magazine.grow(wished);
        self.watch_anew(front);
        Ok(())
    }

    /// Adds a chunk to those with a vacant slot.
    fn list(&self, number: usize) {
        self.with_vacancy.tree().insert(number / WORD_BITS, mask_of(number));
    }

    /// The lowest word of the lowest bitmap that has a bit set, as the number of its chunk and its
    /// own, if there is one.
    fn lowest_word(&self) -> Option<(usize, usize)> {
        let number = self.with_vacancy.tree().first()?;
        let index = self.depot.chunks()[number].vacancy().first_word();
        Some((number, index.expect("`with_vacancy` names chunks with a vacant slot")))
    }

    /// Takes a chunk out of those.
    fn unlist(&self, number: usize) {
        self.with_vacancy.tree().remove(number / WORD_BITS, mask_of(number));
    }

    /// Lets go of the memory of occupied slots, as [`Depot::keep_occupied`] does.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn keep_occupied(&mut self, front: &Front) {
        // SAFETY: 1. clause 1.
        unsafe { self.empty_front(front) };
        // INVARIANT: 1. ends here, with the chunks: only the drop is still to come.
        self.depot.keep_occupied();
    }

    /// The occupied slot that starts at `address`, with the provenance of its chunk, given the
    /// front of this stock.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does.
    pub(crate) fn occupied_slot(
        &self,
        address: usize,
        front: &Front,
    ) -> Result<NonNull<u8>, InvalidFree> {
        let (chunk, index) = self.depot.slot_at(address)?;
        let slot = chunk.slot(index);
        let vacant = chunk.vacancy().contains(index)
            || front.window.contains(slot)
            || front.magazine.iter().any(|vacant| vacant == slot);
        if vacant { Err(InvalidFree::Vacant) } else { Ok(slot) }
    }

    /// Walks everything.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold.
    pub(crate) fn check_invariants(&self, front: &Front) {
        self.with_vacancy.tree().check_invariants();
        for (number, chunk) in self.depot.chunks().iter().enumerate() {
            chunk.vacancy().check_invariants();
            let listed = self.with_vacancy.tree().contains(number);
            assert_eq!(listed, chunk.vacancy().count() != 0, "Stock invariant 1");
        }
        let vacant = self.depot.check_invariants(|| front.runs(), self.len(front), true);
        assert_eq!(vacant, front.vacant.get(), "Front invariant 2");
    }
}
