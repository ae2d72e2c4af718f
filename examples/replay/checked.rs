//! A pass in which every byte of every object is written, and looked at before it goes.
//!
//! The bytes tell the object and the offset that they are of. So memory that two objects share, or
//! that an allocator wrote into, or that did not move with its object shows as a wrong byte.

use std::alloc::Layout;
use std::fmt;
use std::mem::MaybeUninit;
use std::slice;

use crate::heap::Heap;
use crate::play::{Blocks, Object, Refused, Watch, play};
use crate::program::Program;

/// What an allocator did wrong with an object, told by the object's id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Byte { id: u64, offset: usize, expected: u8, found: u8 },
    Misaligned { id: u64, align: usize },
    Refused(Refused),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte { id, offset, expected, found } => {
                let of = format_args!("object {id}, offset {offset}");
                write!(f, "{of}: expected byte {expected:#04x}, found {found:#04x}")
            }
            Self::Misaligned { id, align } => {
                write!(f, "object {id}: expected an address that is a multiple of {align}")
            }
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

/// Plays a program against a heap and checks everything that it holds.
pub(crate) fn check<H: Heap>(heap: &H, program: &Program) -> Result<(), Fault> {
    let objects = vec![0; program.places()];
    let mut contents = Contents { ids: program.ids().iter(), objects };
    play(heap, program, &mut Blocks::new(program), &mut contents)
}

/// What is in the objects.
struct Contents<'p> {
    /// The ids of the objects to come.
    ids: slice::Iter<'p, u64>,
    /// The id of the object in each place.
    objects: Vec<u64>,
}

/// How many bytes are made at once.
const WORD: usize = 8;

/// The bytes of an object at a multiple of [`WORD`].
fn word(id: u64, index: usize) -> [u8; WORD] {
    // Odd numbers with many bits set, so that ids and offsets that are close differ in all bytes.
    const OF_ID: u64 = 0x9e37_79b9_7f4a_7c15;
    const OF_INDEX: u64 = 0xd6e8_feb8_6659_fd93;
    let mixed = id.wrapping_mul(OF_ID) ^ (index as u64 + 1).wrapping_mul(OF_INDEX);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(OF_INDEX);
    (mixed ^ mixed >> 32).to_le_bytes()
}

fn write(id: u64, bytes: &mut [MaybeUninit<u8>]) {
    for (index, chunk) in bytes.chunks_mut(WORD).enumerate() {
        for (byte, value) in chunk.iter_mut().zip(word(id, index)) {
            byte.write(value);
        }
    }
}

/// Compares bytes with those that `expected` makes.
///
/// # Safety
///
/// 1. The bytes have been written.
unsafe fn compare(
    id: u64,
    bytes: &[MaybeUninit<u8>],
    expected: impl Fn(usize) -> [u8; WORD],
) -> Result<(), Fault> {
    // SAFETY: valid: they have been written (clause 1), and a byte is as large in its wrapper.
    // Unaliased: the result is shared, as the argument is, and lives no longer.
    let bytes = unsafe { slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len()) };
    for (index, found) in bytes.chunks(WORD).enumerate() {
        let expected = expected(index);
        if *found == expected[..found.len()] {
            continue;
        }
        let differs = |(_, (expected, found)): &(usize, (&u8, &u8))| expected != found;
        let (within, (&expected, &found)) =
            expected.iter().zip(found).enumerate().find(differs).expect("they differ");
        return Err(Fault::Byte { id, offset: index * WORD + within, expected, found });
    }
    Ok(())
}

fn check_address(id: u64, object: &Object<'_>) -> Result<(), Fault> {
    let align = object.layout.align();
    match object.bytes.as_ptr().addr() % align {
        0 => Ok(()),
        _ => Err(Fault::Misaligned { id, align }),
    }
}

impl Watch for Contents<'_> {
    type Stop = Fault;

    fn born(&mut self, object: Object<'_>, zeroed: bool) -> Result<(), Fault> {
        let id = *self.ids.next().expect("a program has an id for each object");
        self.objects[object.place] = id;
        check_address(id, &object)?;
        if zeroed {
            // SAFETY: 1. by the heap, to be zeros (`Heap` clause 2).
            unsafe { compare(id, object.bytes, |_| [0; WORD]) }?;
        }
        write(id, object.bytes);
        Ok(())
    }

    fn leaves(&mut self, object: Object<'_>) -> Result<(), Fault> {
        let id = self.objects[object.place];
        // SAFETY: 1. all were when the object was born or resized.
        unsafe { compare(id, object.bytes, |index| word(id, index)) }
    }

    fn resized(&mut self, object: Object<'_>, kept: usize) -> Result<(), Fault> {
        let id = self.objects[object.place];
        check_address(id, &object)?;
        // SAFETY: 1. these were before, and hold values still (`Heap` clause 2).
        unsafe { compare(id, &object.bytes[..kept], |index| word(id, index)) }?;
        write(id, object.bytes);
        Ok(())
    }

    fn refused(&mut self, layout: Layout) -> Fault {
        Fault::Refused(Refused { layout })
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::cell::{Cell, RefCell};
    use std::ptr::NonNull;

    use typed_pool::SizeClassPool;

    use super::*;
    use crate::heap::{Global, Held};
    use crate::mimalloc::Mimalloc;
    use crate::samples::{program, trace};

    /// What a flawed heap does wrong.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Flaw {
        None,
        /// Writes into the block handed out before, where it is told, when it hands out another.
        Writes(usize),
        /// Hands out zeroed memory with another byte at the end.
        LeavesOne,
        /// Does not copy the last byte of a block that moves.
        ForgetsOne,
        /// Hands out an odd address.
        Odd,
        Refuses,
    }

    /// A heap of blocks that stay until it is dropped.
    struct Flawed {
        flaw: Flaw,
        blocks: RefCell<Vec<Box<[u64]>>>,
        last: Cell<Option<NonNull<u8>>>,
    }

    impl Flawed {
        fn new(flaw: Flaw) -> Self {
            Self { flaw, blocks: RefCell::default(), last: Cell::new(None) }
        }
    }

    // SAFETY: 1. a block is handed out once, with room to spare. 2. all bytes hold values from the
    // start.
    unsafe impl Heap for Flawed {
        fn allocate(&self, _place: usize, layout: Layout) -> Option<NonNull<u8>> {
            if self.flaw == Flaw::Refuses {
                return None;
            }
            if let (Flaw::Writes(offset), Some(last)) = (self.flaw, self.last.get()) {
                // SAFETY: the tests name an offset within the block.
                let byte = unsafe { last.byte_add(offset) };
                // SAFETY: the block is there until the heap is dropped.
                unsafe { byte.write(0xa5) };
            }
            let mut blocks = self.blocks.borrow_mut();
            blocks.push(vec![0; layout.size() / 8 + 2].into());
            let start = blocks.last_mut()?.as_mut_ptr().cast::<u8>();
            let start = if self.flaw == Flaw::Odd { start.wrapping_add(1) } else { start };
            self.last.set(NonNull::new(start));
            self.last.get()
        }

        fn allocate_zeroed(&self, place: usize, layout: Layout) -> Option<NonNull<u8>> {
            let block = self.allocate(place, layout)?;
            if self.flaw == Flaw::LeavesOne {
                // SAFETY: it is the last byte of the block.
                let last = unsafe { block.byte_add(layout.size() - 1) };
                // SAFETY: the block was just made.
                unsafe { last.write(1) };
            }
            Some(block)
        }

        unsafe fn deallocate(&self, _held: Held) {}

        unsafe fn resize(&self, held: Held, size: usize) -> Option<NonNull<u8>> {
            let Held { place, start, layout: old } = held;
            let moved = self.allocate(place, Layout::from_size_align(size, old.align()).ok()?)?;
            let kept = old.size().min(size) - usize::from(self.flaw == Flaw::ForgetsOne);
            // SAFETY: both have as many bytes, and lie apart.
            unsafe { start.copy_to_nonoverlapping(moved, kept) };
            Some(moved)
        }
    }

    fn fault(flaw: Flaw) -> Option<String> {
        let program = program("m 0 3 20\nc 0 4 30\nr 0 3 25\nm 0 5 1\nf 0 3\n");
        check(&Flawed::new(flaw), &program).err().map(|fault| fault.to_string())
    }

    #[test]
    fn a_heap_that_spoils_a_byte_is_caught() {
        assert_eq!(fault(Flaw::None), None);
        for (flaw, expected) in [
            (Flaw::Writes(7), "object 3, offset 7: expected byte 0x"),
            (Flaw::Writes(19), "object 3, offset 19: expected byte 0x"),
            (Flaw::LeavesOne, "object 4, offset 29: expected byte 0x00, found 0x01"),
            (Flaw::ForgetsOne, "object 3, offset 19: expected byte 0x"),
            (Flaw::Odd, "object 3: expected an address that is a multiple of 8"),
            (Flaw::Refuses, "expected 20 bytes aligned to 8, found no memory"),
        ] {
            let fault = fault(flaw).unwrap();
            assert!(fault.starts_with(expected), "{flaw:?}: {fault}");
        }
    }

    #[test]
    fn what_lives_at_the_end_is_checked_too() {
        let program = program("m 0 0 9\nm 0 1 8\n");
        let fault = check(&Flawed::new(Flaw::Writes(8)), &program).unwrap_err();
        assert!(matches!(fault, Fault::Byte { id: 0, offset: 8, found: 0xa5, .. }), "{fault}");
    }

    #[test]
    fn words_differ_by_object_and_by_offset() {
        let words: Vec<_> =
            (0..64).flat_map(|id| (0..64).map(move |index| word(id, index))).collect();
        for at in 0..WORD {
            let equal = words.windows(2).filter(|pair| pair[0][at] == pair[1][at]).count();
            assert!(equal < words.len() / 64, "{equal} neighbours at {at}");
        }
        let mut distinct = words.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), words.len());
    }

    #[test]
    fn a_pool_and_the_system_hold_what_is_written() {
        let pool = SizeClassPool::new();
        check(&pool, &trace()).unwrap();
        assert!(pool.is_empty());
        check(&Global(System), &trace()).unwrap();
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call mimalloc")]
    fn mimalloc_holds_what_is_written() {
        check(&Global(Mimalloc), &trace()).unwrap();
    }
}
