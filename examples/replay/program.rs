//! A trace made ready to be played: steps of eight bytes on numbered places.
//!
//! All that a trace has to be understood (its ids, whether they are alive) is resolved beforehand.
//! A place is used again once its object has gone, so there are no more of them than objects alive
//! at once.

use std::alloc::Layout;

/// What a step does with the object in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allocate,
    AllocateZeroed,
    /// With the next alignment of [`Program::aligns`].
    AllocateAligned,
    Resize,
    Free,
}

/// The alignment of objects whose line names none.
pub(crate) const ALIGN: usize = 8;

/// The largest alignment that a line may name.
pub(crate) const MAX_ALIGN: usize = 1 << 20;

/// The largest size that a line may name: one that a step has room for, and that makes a layout
/// with any alignment.
pub(crate) const MAX_SIZE: usize = {
    let layout = isize::MAX as usize - MAX_ALIGN;
    if layout < u32::MAX as usize { layout } else { u32::MAX as usize }
};

/// The largest place: a step has 29 bits for it.
pub(crate) const MAX_PLACE: u32 = u32::MAX >> 3;

/// One event in eight bytes, since a program is read from memory while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    word: u32,
    size: u32,
}

const _: () = assert!(size_of::<Step>() == 8);

impl Step {
    pub(crate) fn new(action: Action, place: u32, size: usize) -> Self {
        assert!(place <= MAX_PLACE && size <= MAX_SIZE, "a trace is checked when it is read");
        Self { word: place << 3 | action as u32, size: size as u32 }
    }

    #[inline]
    pub(crate) fn action(self) -> Action {
        match self.word & 7 {
            0 => Action::Allocate,
            1 => Action::AllocateZeroed,
            2 => Action::AllocateAligned,
            3 => Action::Resize,
            _ => Action::Free,
        }
    }

    #[inline]
    pub(crate) fn place(self) -> usize {
        (self.word >> 3) as usize
    }

    /// The size that the object has from now on; 0 where it is freed.
    #[inline]
    pub(crate) fn size(self) -> usize {
        self.size as usize
    }
}

/// What a trace amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The lines that are events, ends of threads included.
    pub(crate) events: usize,
    pub(crate) objects: usize,
    pub(crate) threads: usize,
    pub(crate) peak_live_objects: usize,
    /// The most bytes that were asked for and not given back.
    pub(crate) peak_live_bytes: usize,
    pub(crate) live_at_end: usize,
}

/// Steps that begin and end without objects.
///
/// # Invariants
///
/// 1. Every place is below `places`.
/// 2. In its place, a step that allocates finds no object, and one that resizes or frees finds one.
/// 3. There are as many `aligns` as steps that allocate with one; each is the binary logarithm of a
///    power of two up to [`MAX_ALIGN`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    steps: Vec<Step>,
    places: usize,
    aligns: Vec<u8>,
    ids: Vec<u64>,
    tally: Tally,
}

impl Program {
    /// Checks what is said of the steps.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold, or objects are left over.
    pub(crate) fn new(steps: Vec<Step>, aligns: Vec<u8>, ids: Vec<u64>, tally: Tally) -> Self {
        let places = steps.iter().map(|step| step.place() + 1).max().unwrap_or(0);
        let mut occupied = vec![false; places];
        let mut aligned = 0;
        for step in &steps {
            let place = &mut occupied[step.place()];
            let (found, left) = match step.action() {
                Action::Allocate | Action::AllocateZeroed => (false, true),
                Action::AllocateAligned => {
                    aligned += 1;
                    (false, true)
                }
                Action::Resize => (true, true),
                Action::Free => (true, false),
            };
            assert_eq!(*place, found, "Program invariant 2");
            *place = left;
        }
        assert!(!occupied.contains(&true), "an object is left over");
        assert_eq!(aligned, aligns.len(), "Program invariant 3");
        assert!(aligns.iter().all(|&log| log <= MAX_ALIGN.ilog2() as u8), "Program invariant 3");
        // INVARIANT: 1. `places` is more than any. 2. and 3. by the lines above.
        Self { steps, places, aligns, ids, tally }
    }

    /// The steps, a free for each object that is alive at the trace's end included: those come
    /// last.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The number of steps that the trace itself has.
    pub(crate) fn traced(&self) -> usize {
        self.steps.len() - self.tally.live_at_end
    }

    /// The number of places, which is the most objects that are alive at once.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// The alignments of those objects that have one of their own, as binary logarithms.
    pub(crate) fn aligns(&self) -> &[u8] {
        &self.aligns
    }

    /// The ids of the objects, in the order in which they are born.
    pub(crate) fn ids(&self) -> &[u64] {
        &self.ids
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// The layout of an object.
///
/// # Safety
///
/// 1. `size` is at most [`MAX_SIZE`], and `log_align` at most the logarithm of [`MAX_ALIGN`].
#[inline]
pub(crate) unsafe fn layout(size: usize, log_align: u8) -> Layout {
    // SAFETY: the alignment is a power of two; a size up to `MAX_SIZE` is rounded up to it within
    // `isize::MAX` (clause 1).
    unsafe { Layout::from_size_align_unchecked(size, 1 << log_align) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_what_they_are_made_of() {
        let actions = [
            Action::Allocate,
            Action::AllocateZeroed,
            Action::AllocateAligned,
            Action::Resize,
            Action::Free,
        ];
        for action in actions {
            for place in [0, 1, 77, MAX_PLACE] {
                for size in [0, 1, MAX_SIZE] {
                    let step = Step::new(action, place, size);
                    assert_eq!((step.action(), step.size()), (action, size));
                    assert_eq!(step.place(), place as usize);
                }
            }
        }
    }

    #[test]
    fn the_largest_size_makes_a_layout_with_the_largest_alignment() {
        assert!(Layout::from_size_align(MAX_SIZE, MAX_ALIGN).is_ok());
    }

    fn refused(steps: &[(Action, u32)], aligns: &[u8]) -> String {
        let steps = steps.iter().map(|&(action, place)| Step::new(action, place, 0)).collect();
        let aligns = aligns.to_vec();
        let made = std::panic::catch_unwind(|| {
            Program::new(steps, aligns, Vec::new(), Tally::default());
        });
        let panic = made.unwrap_err();
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap().to_owned()
    }

    #[test]
    fn steps_that_do_not_fit_together_are_refused() {
        use Action::{Allocate, AllocateAligned, Free, Resize};
        for (steps, aligns, reason) in [
            (&[(Allocate, 0), (Allocate, 0)][..], &[][..], "invariant 2"),
            (&[(Free, 0)], &[], "invariant 2"),
            (&[(Allocate, 1), (Resize, 0)], &[], "invariant 2"),
            (&[(Allocate, 0)], &[], "left over"),
            (&[(AllocateAligned, 0), (Free, 0)], &[], "invariant 3"),
            (&[(AllocateAligned, 0), (Free, 0)], &[21], "invariant 3"),
        ] {
            let text = refused(steps, aligns);
            assert!(text.contains(reason), "{text}");
        }
    }
}
