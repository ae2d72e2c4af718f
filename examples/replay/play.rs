//! Plays a program against a heap. All passes go through here; what they do besides is up to a
//! watch.

use std::alloc::{Layout, handle_alloc_error};
use std::convert::Infallible;
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::slice;

use crate::heap::{Heap, Held};
use crate::program::{ALIGN, Action, Program, layout};

/// A heap had no memory for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) layout: Layout,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, align) = (self.layout.size(), self.layout.align());
        write!(f, "expected {size} bytes aligned to {align}, found no memory")
    }
}

/// An object of a program, as a watch sees it.
#[derive(Debug)]
pub(crate) struct Object<'o> {
    pub(crate) place: usize,
    pub(crate) layout: Layout,
    /// Those that may be used.
    pub(crate) bytes: &'o mut [MaybeUninit<u8>],
}

/// Sees the objects of a program come, change and go.
pub(crate) trait Watch {
    /// What ends the play before the program does.
    type Stop;

    /// An object is born, with bytes that are zero if `zeroed` holds.
    fn born(&mut self, object: Object<'_>, zeroed: bool) -> Result<(), Self::Stop>;

    /// An object is about to be resized or freed.
    fn leaves(&mut self, object: Object<'_>) -> Result<(), Self::Stop>;

    /// An object that just left has another size, and its first `kept` bytes still.
    fn resized(&mut self, object: Object<'_>, kept: usize) -> Result<(), Self::Stop>;

    /// A step is done.
    fn stepped(&mut self) {}

    /// The heap has no memory for an object.
    fn refused(&mut self, layout: Layout) -> Self::Stop;
}

/// Writes a byte at the start of each object: the least that a program does with it.
#[derive(Debug)]
pub(crate) struct Touch;

impl Watch for Touch {
    type Stop = Infallible;

    #[inline]
    fn born(&mut self, object: Object<'_>, _zeroed: bool) -> Result<(), Infallible> {
        if let Some(first) = object.bytes.first_mut() {
            first.write(1);
        }
        Ok(())
    }

    #[inline]
    fn leaves(&mut self, _object: Object<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    #[inline]
    fn resized(&mut self, object: Object<'_>, _kept: usize) -> Result<(), Infallible> {
        self.born(object, false)
    }

    #[cold]
    fn refused(&mut self, layout: Layout) -> Infallible {
        handle_alloc_error(layout)
    }
}

/// The block of an object that is alive.
#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    size: u32,
    log_align: u8,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Block>() == 16);

impl Block {
    /// # Safety
    ///
    /// 1. [`play`] has put the block into this place, and it has not been given back.
    #[inline]
    unsafe fn held(self, place: usize) -> Held {
        // SAFETY: 1. `play` takes sizes and alignments from programs alone (clause 1), whose steps
        // hold no larger ones and whose alignments are checked (`Program` invariant 3).
        let layout = unsafe { layout(self.size as usize, self.log_align) };
        Held { place, start: self.start, layout }
    }
}

/// A held block, with the bytes that may be used.
///
/// # Safety
///
/// 1. The block is one of `H`, and nothing else uses its bytes while the object lives.
#[inline]
unsafe fn object<'o, H: Heap>(held: Held) -> Object<'o> {
    let Held { place, start, layout } = held;
    let room = layout.size().min(H::ROOM);
    // SAFETY: valid: a block has as many bytes (`Heap` clause 1), and they need no value.
    // Unaliased: clause 1.
    let bytes = unsafe { slice::from_raw_parts_mut(start.as_ptr().cast(), room) };
    Object { place, layout, bytes }
}

/// Room for the blocks of all places. One table serves all contenders, which so share its cost.
#[derive(Debug)]
pub(crate) struct Blocks(Vec<Block>);

impl Blocks {
    pub(crate) fn new(program: &Program) -> Self {
        let none = Block { start: NonNull::dangling(), size: 0, log_align: 0 };
        Self(vec![none; program.places()])
    }
}

/// Plays a program from its first step to its last, or until `watch` stops it: what is alive then
/// is lost.
#[inline(never)]
pub(crate) fn play<H: Heap, W: Watch>(
    heap: &H,
    program: &Program,
    blocks: &mut Blocks,
    watch: &mut W,
) -> Result<(), W::Stop> {
    assert_eq!(blocks.0.len(), program.places(), "the table is for another program");
    let mut aligns = program.aligns().iter();
    for step in program.steps() {
        let (place, size) = (step.place(), step.size());
        // SAFETY: there are as many as places (above), and this is one (`Program` invariant 1).
        let block = unsafe { blocks.0.get_unchecked_mut(place) };
        match step.action() {
            Action::Allocate => *block = begin(heap, place, size, LOG_ALIGN, false, watch)?,
            Action::AllocateZeroed => *block = begin(heap, place, size, LOG_ALIGN, true, watch)?,
            Action::AllocateAligned => {
                let &log = aligns.next().expect("`Program` invariant 3");
                *block = begin(heap, place, size, log, false, watch)?;
            }
            Action::Resize => {
                // SAFETY: 1. a step before has put it there (`Program` invariant 2).
                let old = unsafe { block.held(place) };
                // SAFETY: 1. it is this place's alone (`Heap` clause 1), and nobody keeps the
                // object.
                watch.leaves(unsafe { object::<H>(old) })?;
                // SAFETY: 1. the same. 2. as `Block::held` says of the sizes of steps.
                let moved = unsafe { heap.resize(old, size) };
                // SAFETY: 1. the same.
                let layout = unsafe { layout(size, block.log_align) };
                let start = moved.ok_or_else(|| watch.refused(layout))?;
                *block = Block { start, size: size as u32, ..*block };
                // SAFETY: 1. the heap has just handed it out.
                let new = unsafe { object::<H>(Held { start, layout, place }) };
                watch.resized(new, old.layout.size().min(size))?;
            }
            Action::Free => {
                // SAFETY: 1. a step before has put it there (`Program` invariant 2).
                let old = unsafe { block.held(place) };
                // SAFETY: 1. it is this place's alone (`Heap` clause 1), and nobody keeps the
                // object.
                watch.leaves(unsafe { object::<H>(old) })?;
                // SAFETY: 1. the same; no step uses it from here on.
                unsafe { heap.deallocate(old) };
            }
        }
        watch.stepped();
    }
    Ok(())
}

const LOG_ALIGN: u8 = ALIGN.ilog2() as u8;

/// Has an object born: the part that all ways of allocation share, inlined into each.
#[inline(always)]
fn begin<H: Heap, W: Watch>(
    heap: &H,
    place: usize,
    size: usize,
    log_align: u8,
    zeroed: bool,
    watch: &mut W,
) -> Result<Block, W::Stop> {
    // SAFETY: 1. the size is that of a step, and the alignment `ALIGN` or one of the program's
    // (`Program` invariant 3).
    let layout = unsafe { layout(size, log_align) };
    let start = match zeroed {
        false => heap.allocate(place, layout),
        true => heap.allocate_zeroed(place, layout),
    };
    let start = start.ok_or_else(|| watch.refused(layout))?;
    // SAFETY: 1. the heap has just handed it out.
    watch.born(unsafe { object::<H>(Held { place, start, layout }) }, zeroed)?;
    Ok(Block { start, size: size as u32, log_align })
}
