//! Which class of sizes a value belongs to: integers only, over the whole range tested.
//!
//! Classes lie 8 bytes apart up to 64 bytes, and from there on eight to a doubling, so that a value
//! above 64 bytes leaves less than a ninth of its slot unused.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use crate::geometry::MAX_ALIGN;

/// The distance between the lowest classes in bytes.
const STEP: usize = 8;

/// The number of classes up to [`LINEAR`] bytes, and of those in every doubling behind it.
const PER_DOUBLING: usize = 8;

/// The size up to which classes lie [`STEP`] bytes apart.
const LINEAR: usize = STEP * PER_DOUBLING;

/// The size of the largest class in bytes.
pub(crate) const LARGEST: usize = 32 << 10;

/// The number of classes.
pub(crate) const CLASSES: usize = PER_DOUBLING * (1 + (LARGEST / LINEAR).ilog2() as usize);

/// The size up to which steps are fine, [`STEP`] bytes, and the number of those.
const FINE: usize = 1024;
const FINE_STEPS: usize = FINE / STEP;

/// The size of the steps behind: what lies between the classes there is a multiple of it.
const COARSE_STEP: usize = FINE / PER_DOUBLING;

/// The number of steps.
pub(crate) const STEPS: usize = FINE_STEPS + (LARGEST - FINE) / COARSE_STEP;

const _: () = assert!(LARGEST.is_power_of_two() && LINEAR.is_power_of_two());
const _: () = assert!(CLASSES <= u8::MAX as usize);

/// A number below [`CLASSES`].
///
/// # Invariants
///
/// 1. `number` is below [`CLASSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SizeClass {
    number: u8,
}

impl SizeClass {
    /// The class whose slots hold a value of `layout` with the fewest bytes unused: none where the
    /// value is too large or aligned to too much.
    ///
    /// A value of size 0 belongs to the class of its alignment. All sizes from that of the layout
    /// up to that of the class, aligned alike, belong to the same class.
    pub(crate) const fn of(layout: Layout) -> Option<Self> {
        let (size, align) = (layout.size(), layout.align());
        if align > MAX_ALIGN || size > LARGEST {
            return None;
        }
        // Sizes up to 2^n of a class are multiples of 2^n / 16 at least. So where the alignment is
        // no more than that, every class that the rounded size could belong to is a multiple of it,
        // and otherwise the rounded size is one of a class itself.
        Some(Self::of_rounded(if size == 0 { align } else { size.next_multiple_of(align) }))
    }

    /// The smallest class for `rounded` bytes, at least 1 and at most [`LARGEST`].
    const fn of_rounded(rounded: usize) -> Self {
        assert!(0 < rounded && rounded <= LARGEST);
        if rounded <= LINEAR {
            // INVARIANT: 1. below `PER_DOUBLING`.
            return Self { number: ((rounded - 1) / STEP) as u8 };
        }
        // Eight classes end where the bits behind the highest four of this are all set.
        let last = rounded - 1;
        let doubling = last.ilog2() - LINEAR.ilog2();
        let within = last >> (doubling + STEP.ilog2());
        // INVARIANT: 1. `last` is below `LARGEST`: `doubling` is below the number of doublings, and
        // `within` below twice `PER_DOUBLING`.
        Self { number: (doubling as usize * PER_DOUBLING + within) as u8 }
    }

    /// All classes, the smallest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        // INVARIANT: 1. by the range; an assertion above lets a byte hold it.
        (0..CLASSES).map(|number| Self { number: number as u8 })
    }

    /// The number of the class.
    #[inline]
    pub(crate) const fn number(self) -> usize {
        self.number as usize
    }

    /// The size of a slot in bytes.
    #[inline]
    pub(crate) const fn size(self) -> usize {
        let number = self.number();
        if number < PER_DOUBLING {
            return (number + 1) * STEP;
        }
        let (doubling, within) = (number / PER_DOUBLING - 1, number % PER_DOUBLING);
        (PER_DOUBLING + within + 1) * (STEP << doubling)
    }

    /// The layout of a slot: it is aligned to the largest power of two that divides its size, and
    /// to [`MAX_ALIGN`] at most.
    pub(crate) fn layout(self) -> Layout {
        let natural = 1 << self.size().trailing_zeros();
        Layout::from_size_align(self.size(), natural.min(MAX_ALIGN)).expect("a class is small")
    }
}

/// A size of a class or below, but 0, in steps: 8 bytes up to 1 KiB and 128 from there on, so that
/// every class begins with one. A step leads to the class by one look into a table.
///
/// # Invariants
///
/// 1. `index` is below [`STEPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeStep {
    index: usize,
}

impl SizeStep {
    /// The step of a value of `layout`. A size that is a multiple of the alignment, as that of a
    /// value is, and any that needs no more than [`STEP`] bytes of alignment, has one.
    #[inline]
    pub(crate) const fn of(layout: Layout) -> Option<Self> {
        let (size, align) = (layout.size(), layout.align());
        if align > STEP && (align > MAX_ALIGN || size & (align - 1) != 0) {
            return None;
        }
        let last = size.wrapping_sub(1);
        // INVARIANT: 1. by the conditions.
        if last < FINE {
            Some(Self { index: last / STEP })
        } else if last < LARGEST {
            Some(Self { index: FINE_STEPS - FINE / COARSE_STEP + last / COARSE_STEP })
        } else {
            None
        }
    }

    /// All of them that belong to a class.
    pub(crate) fn all_of(class: SizeClass) -> impl Iterator<Item = Self> {
        // INVARIANT: 1. by the range.
        (0..STEPS).map(|index| Self { index }).filter(move |step| step.class() == class)
    }

    /// The class that it belongs to.
    pub(crate) const fn class(self) -> SizeClass {
        let end = self.index + 1;
        SizeClass::of_rounded(match end.checked_sub(FINE_STEPS) {
            None | Some(0) => end * STEP,
            Some(coarse) => FINE + coarse * COARSE_STEP,
        })
    }

    /// Its number.
    #[inline]
    pub(crate) const fn index(self) -> usize {
        self.index
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn of(size: usize, align: usize) -> Option<SizeClass> {
        SizeClass::of(Layout::from_size_align(size, align).unwrap())
    }

    #[test]
    fn sizes_of_classes_rise_by_steps() {
        let sizes: Vec<_> = SizeClass::all().map(SizeClass::size).collect();
        assert_eq!(sizes.len(), CLASSES);
        assert_eq!(sizes[..10], [8, 16, 24, 32, 40, 48, 56, 64, 72, 80]);
        assert_eq!(sizes[15..19], [128, 144, 160, 176]);
        assert_eq!(sizes.iter().filter(|&&size| size <= 1024).count(), 40);
        assert_eq!(sizes.last(), Some(&LARGEST));
        assert!(sizes.is_sorted());
    }

    #[test]
    fn a_value_gets_the_smallest_class_that_fits() {
        let sizes: Vec<_> = SizeClass::all().map(|class| (class.size(), class)).collect();
        for align in (0..=MAX_ALIGN.ilog2()).map(|shift| 1 << shift) {
            let fitting: Vec<_> = sizes.iter().filter(|(size, _)| size % align == 0).collect();
            let mut next = 0;
            for size in 0..=LARGEST {
                while fitting[next].0 < size {
                    next += 1;
                }
                assert_eq!(of(size, align), Some(fitting[next].1), "{size} {align}");
            }
            assert_eq!(of(LARGEST + 1, align), None);
        }
    }

    #[test]
    fn a_step_belongs_to_the_class_of_its_layout() {
        for align in (0..=MAX_ALIGN.ilog2() + 2).map(|shift| 1 << shift) {
            for size in 0..=LARGEST + 2 {
                let layout = Layout::from_size_align(size, align).unwrap();
                let step = SizeStep::of(layout);
                assert_eq!(step.map(SizeStep::class), step.and(SizeClass::of(layout)));
                let aligned = align <= STEP || align <= MAX_ALIGN && size % align == 0;
                let expected = (1..=LARGEST).contains(&size) && aligned;
                assert_eq!(step.is_some(), expected, "{size} {align}");
                assert!(step.is_none_or(|step| step.index() < STEPS));
            }
        }
        let steps = SizeClass::all().flat_map(SizeStep::all_of).map(SizeStep::index);
        assert!(steps.eq(0..STEPS));
    }

    #[test]
    fn slots_are_aligned_to_what_their_class_is_chosen_for() {
        for class in SizeClass::all() {
            let layout = class.layout();
            assert_eq!(layout.size() % layout.align(), 0);
            assert_eq!(SizeClass::of(layout), Some(class));
            assert_ne!(of(layout.size(), layout.align() * 2), Some(class));
        }
    }

    #[test]
    fn less_than_a_ninth_of_a_slot_is_unused_above_64_bytes() {
        for size in LINEAR + 1..=LARGEST {
            let slot = of(size, 1).unwrap().size();
            assert!((slot - size) * 9 < slot, "{size} bytes in {slot}");
        }
    }

    #[test]
    fn what_no_class_serves_has_none() {
        for (size, align) in [
            (LARGEST + 1, 1),
            (isize::MAX as usize, 1),
            (isize::MAX as usize & !7, 8),
            (1, 2 * MAX_ALIGN),
            (0, 1 << (usize::BITS - 1)),
            (LARGEST, 1 << (usize::BITS - 2)),
        ] {
            assert_eq!(of(size, align), None, "{size} {align}");
        }
    }
}
