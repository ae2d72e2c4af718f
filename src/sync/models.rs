//! Every interleaving of a few operations of two threads, as loom finds them:
//!
//! - What was done under a number is seen by the thread that has it next.
//! - Of bits that are claimed and given back none is lost, none is claimed twice, what was done
//!   with a slot is seen by who claims it next, and every bit has a hint when all is quiet.
//! - Of the slots of a shelf each is taken once, and what was done with it is seen by who takes it,
//!   also where others take from the same batch, or the owner has put another on meanwhile.
//! - A chunk that has come to have slots, or was just entered, keeps its hint, whoever takes that
//!   away meanwhile.
//! - A bounded pool never refuses while fewer values live than it has slots, refill against spill.
//! - Nor does it while another thread gives pages back, or moves a value.
//! - Nor does it where the last slots are on the shelf of another thread.
//! - Two threads that find a pool without slots make it grow, and share no slot.
//! - Whoever ends a pool sees what the last handle did.
//!
//! They are built with `--cfg loom`, and run by `check`.

use alloc::alloc::Layout;
use core::iter;
use core::ptr::{self, NonNull};
use std::vec::Vec;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::SyncCore;
use super::chunk_table::ChunkTable;
use super::shared_bits::{SharedBits, Wanted};
use super::shelf::Shelf;
use super::thread_number::Numbers;
use crate::atomic::AtomicUsize;
use crate::bit_tree::{BitTree, WORD_BITS, mask_of, words_for};
use crate::block_pool::BlockPool;
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_core::PoolCore;

/// Cells of which each is used by one thread at a time, or loom complains.
#[derive(Debug)]
struct Exclusive(Vec<UnsafeCell<usize>>);

// SAFETY: loom watches over every access.
unsafe impl Send for Exclusive {}
// SAFETY: as above.
unsafe impl Sync for Exclusive {}

impl Exclusive {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| UnsafeCell::new(0)).collect())
    }

    /// Uses one, as its owner.
    fn touch(&self, index: usize) {
        // SAFETY: loom watches over the access, and the pointer is valid during it.
        self.0[index].with_mut(|value| unsafe { *value += 1 });
    }
}

#[test]
fn a_number_is_handed_on_with_what_was_done_under_it() {
    loom::model(|| {
        // Number 0 is the only one left.
        let shared = Arc::new((Numbers::all_but(0), Exclusive::new(1)));
        let other = Arc::clone(&shared);
        let run = |(numbers, cells): &(Numbers, Exclusive)| {
            if let Some(number) = numbers.take() {
                cells.touch(number);
                numbers.give_back(number);
            }
        };
        let thread = thread::spawn(move || run(&other));
        run(&shared);
        thread.join().unwrap();
        assert_eq!(shared.0.take(), Some(0));
    });
}

#[test]
fn bits_are_claimed_once_and_keep_their_hints() {
    // Two words under a word of hints: one with two bits, one with none at first.
    const BITS: usize = WORD_BITS + 1;
    loom::model(|| {
        let words: Vec<AtomicUsize> = (0..words_for(BITS)).map(|_| AtomicUsize::new(0)).collect();
        let shared = Arc::new((words, Exclusive::new(BITS)));
        SharedBits::new(&shared.0, BITS).give(0, 0b11, || {});
        let other = Arc::clone(&shared);
        let run = |(words, cells): &(Vec<AtomicUsize>, Exclusive), most| {
            let bits = SharedBits::new(words, BITS);
            if let Some((index, mask)) = bits.claim_one(0, most, || {}) {
                for bit in (0..2).filter(|bit| mask >> bit & 1 == 1) {
                    cells.touch(index * WORD_BITS + bit);
                }
                bits.give(index, mask, || {});
            }
        };
        let thread = thread::spawn(move || run(&other, 1));
        run(&shared, 2);
        thread.join().unwrap();
        let bits = SharedBits::new(&shared.0, BITS);
        let mut claimed = 0;
        while let Some((_, mask)) = bits.claim_one(0, WORD_BITS, || {}) {
            assert_eq!(claimed & mask, 0);
            claimed |= mask;
        }
        assert_eq!(claimed, 0b11);
    });
}

#[test]
fn hints_to_words_that_are_emptied_and_filled_together_are_kept() {
    // Two words with a bit each.
    const BITS: usize = WORD_BITS + 1;
    loom::model(|| {
        let words: Vec<AtomicUsize> = (0..words_for(BITS)).map(|_| AtomicUsize::new(0)).collect();
        let shared = Arc::new((words, Exclusive::new(2)));
        (0..2).for_each(|index| SharedBits::new(&shared.0, BITS).give(index, 1, || {}));
        let other = Arc::clone(&shared);
        let run = |(words, cells): &(Vec<AtomicUsize>, Exclusive)| {
            let bits = SharedBits::new(words, BITS);
            let mut wanted = Wanted { slots: 2, words: 2 };
            let mut claimed = [false; 2];
            bits.claim(0, &mut wanted, |index, _| claimed[index] = true, || {});
            let (mut count, mut hints) = (0, 0);
            for index in (0..2).filter(|&index| claimed[index]) {
                cells.touch(index);
                count += 1;
                if bits.give_unhinted(index, 1) {
                    hints |= mask_of(index);
                }
            }
            assert_eq!(count, 2 - wanted.slots);
            if hints != 0 {
                bits.hint(0, hints, || {});
            }
        };
        let thread = thread::spawn(move || run(&other));
        run(&shared);
        thread.join().unwrap();
        let bits = SharedBits::new(&shared.0, BITS);
        let claimed = [(); 2].map(|()| bits.claim_one(0, WORD_BITS, || {}));
        assert_eq!(claimed, [Some((0, 1)), Some((1, 1))]);
    });
}

#[test]
fn a_slot_is_taken_from_a_shelf_once() {
    loom::model(|| {
        let shared = Arc::new((Shelf::new(2).unwrap(), Exclusive::new(2)));
        let other = Arc::clone(&shared);
        let slot = |index: usize| NonNull::new(ptr::without_provenance_mut(index + 1)).unwrap();
        let take = |(shelf, cells): &(Shelf, Exclusive), most| -> Vec<usize> {
            let taken = shelf.take(most).into_iter().flatten();
            taken.map(|slot| slot.addr().get() - 1).inspect(|&index| cells.touch(index)).collect()
        };
        let put = |shelf: &Shelf, indices: &[usize]| {
            assert!(shelf.put(|| indices.iter().map(|&index| slot(index))));
        };
        shared.1.touch(0);
        shared.1.touch(1);
        let thread = thread::spawn(move || [take(&other, 1), take(&other, 1)].concat());
        put(&shared.0, &[0, 1]);
        let own = take(&shared, 1);
        if !own.is_empty() {
            put(&shared.0, &own);
        }
        let taken = thread.join().unwrap();
        let mut all = [taken, take(&shared, 2), take(&shared, 2)].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

/// A thread brings as many slots as the bitmap of a chunk has words, by `bring`, while another that
/// has looked for some, where an earlier hint led it, takes the hint away.
fn a_hint_is_taken_away(bits: usize, bring: fn(&ChunkTable, SharedBits<'_>, &[AtomicUsize])) {
    loom::model(move || {
        let table = ChunkTable::default();
        table.reserve(1).unwrap();
        table.hint(0);
        let words: Vec<AtomicUsize> = (0..words_for(bits)).map(|_| AtomicUsize::new(0)).collect();
        let shared = Arc::new((table, words));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let (table, words) = &*other;
            bring(table, SharedBits::new(words, bits), words);
        });
        let (table, words) = &*shared;
        let shared_bits = SharedBits::new(words, bits);
        let count = bits.div_ceil(WORD_BITS);
        let mut wanted = Wanted { slots: count, words: count };
        shared_bits.claim(0, &mut wanted, |_, _| {}, || table.hint(0));
        if wanted.slots == count {
            table.unhint(0, || shared_bits.is_hinted());
        }
        thread.join().unwrap();
        assert!(shared_bits.are_hinted());
        assert!(wanted.slots == 0 || table.hinted(0).eq([0]), "nobody is led to a vacant slot");
    });
}

#[test]
fn a_chunk_that_slots_come_back_to_keeps_its_hint() {
    a_hint_is_taken_away(1, |table, bits, _| bits.give(0, 1, || table.hint(0)));
}

#[test]
fn a_chunk_that_slots_of_two_words_come_back_to_keeps_its_hint() {
    a_hint_is_taken_away(WORD_BITS + 1, |table, bits, _| {
        assert!((0..2).all(|index| bits.give_unhinted(index, 1)));
        bits.hint(0, 0b11, || table.hint(0));
    });
}

#[test]
fn a_chunk_that_is_entered_keeps_its_hint() {
    a_hint_is_taken_away(1, |table, _, words| {
        // As `SyncCore::add_slots` does, before any thread has seen the chunk.
        BitTree::new(words, 1).insert(0, 1);
        table.hint(0);
    });
}

/// A pool whose blocks are numbered from the first one allocated.
fn pool(growth: Growth, slots: usize) -> BlockPool<SyncCore> {
    pool_of(Layout::new::<[u8; 4096]>(), growth, slots)
}

/// A pool of blocks of a layout.
fn pool_of(layout: Layout, growth: Growth, slots: usize) -> BlockPool<SyncCore> {
    let plan = Plan::new(growth, slots, Leftovers::Free);
    // SAFETY: 1. it has none.
    unsafe { BlockPool::from_plan(layout, plan) }.unwrap()
}

/// A block that can be sent.
struct Block(NonNull<u8>);

// SAFETY: it is raw memory.
unsafe impl Send for Block {}

impl Block {
    /// A number that no other block of its chunk has.
    fn index(&self) -> usize {
        self.0.addr().get() / 4096 % 64
    }
}

/// Takes a block, uses it and gives it back.
fn use_one(pool: &BlockPool<SyncCore>, cells: &Exclusive) {
    let block = Block(pool.allocate().expect("fewer blocks are live than the pool has"));
    cells.touch(block.index());
    give(pool, block);
}

fn give(pool: &BlockPool<SyncCore>, block: Block) {
    // SAFETY: 1. and 2. the block came from this pool and is not used any more.
    unsafe { pool.deallocate(block.0) };
}

/// Two threads use a block each, and whoever is last ends the pool, which checks its invariants.
fn a_block_for_each(slots: usize) {
    loom::model(move || {
        let shared = Arc::new((pool(Growth::Bounded, slots), Exclusive::new(64)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || use_one(&other.0, &other.1));
        use_one(&shared.0, &shared.1);
        drop(shared);
        thread.join().unwrap();
    });
}

#[test]
fn a_bounded_pool_does_not_refuse_too_early() {
    // Each thread has a magazine with room for one.
    a_block_for_each(8);
}

#[test]
fn a_bounded_pool_without_magazines_does_not_refuse_too_early() {
    a_block_for_each(2);
}

#[test]
fn a_pool_that_gives_pages_back_meanwhile_does_not_refuse_too_early() {
    loom::model(|| {
        let shared = Arc::new((pool(Growth::Bounded, 2), Exclusive::new(64)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || use_one(&other.0, &other.1));
        // There are none to give, but their slots are taken as if there were.
        assert_eq!(shared.0.core().trim(), 0);
        thread.join().unwrap();
        use_one(&shared.0, &shared.1);
    });
}

#[test]
fn a_pool_whose_values_move_meanwhile_does_not_refuse_too_early() {
    loom::model(|| {
        // Each block has a chunk of its own, and the first is vacant.
        let pool = pool_of(Layout::new::<[u8; 200_000]>(), Growth::Bounded, 3);
        let blocks = [(); 3].map(|()| Block(pool.allocate().unwrap()));
        let [low, _, high] = blocks;
        give(&pool, low);
        let shared = Arc::new(pool);
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let block = Block(other.allocate().expect("two of three blocks are live"));
            give(&other, block);
        });
        // SAFETY: 1. and 2. the block came from this pool and is not used any more. 3. It does
        // nothing.
        unsafe { shared.core().relocate(high.0, |_| ()) };
        thread.join().unwrap();
        assert_eq!(shared.len(), 2);
    });
}

#[test]
fn two_threads_make_a_pool_grow() {
    loom::model(|| {
        let shared = Arc::new(pool(Growth::OnDemand, 0));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || other.allocate().unwrap().addr());
        let own = shared.allocate().unwrap().addr();
        assert_ne!(thread.join().unwrap(), own);
        assert_eq!(shared.len(), 2);
        shared.check_invariants();
    });
}

/// A thread gives a block back while the one that took it takes others.
fn freed_elsewhere(slots: usize) {
    loom::model(move || {
        let shared = Arc::new((pool(Growth::Bounded, slots), Exclusive::new(64)));
        let block = Block(shared.0.allocate().unwrap());
        shared.1.touch(block.index());
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            other.1.touch(block.index());
            give(&other.0, block);
        });
        use_one(&shared.0, &shared.1);
        thread.join().unwrap();
        assert!(shared.0.is_empty());
    });
}

#[test]
fn a_thread_frees_what_another_allocated() {
    freed_elsewhere(8);
}

#[test]
fn a_thread_frees_what_another_allocated_without_magazines() {
    freed_elsewhere(2);
}

#[test]
fn a_thread_takes_what_another_has_laid_by() {
    loom::model(|| {
        let shared = Arc::new((pool(Growth::Bounded, 8), Exclusive::new(64)));
        let mut blocks: Vec<_> = iter::from_fn(|| shared.0.allocate().map(Block)).collect();
        // Where there are more to lay by than there is room for, the next refill makes some.
        blocks.drain(..2).for_each(|block| give(&shared.0, block));
        blocks.extend(iter::repeat_with(|| Block(shared.0.allocate().unwrap())).take(2));
        // One in the magazine, two on the shelf, and none in a bitmap.
        blocks.drain(..3).for_each(|block| give(&shared.0, block));
        assert_eq!(shared.0.core().shelved(), 2);
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || use_one(&other.0, &other.1));
        // One from the magazine, which no other thread sees, and one from the shelf.
        for _ in 0..2 {
            let block = Block(shared.0.allocate().unwrap());
            shared.1.touch(block.index());
            blocks.push(block);
        }
        thread.join().unwrap();
        blocks.drain(..).for_each(|block| give(&shared.0, block));
        assert!(shared.0.is_empty());
    });
}
