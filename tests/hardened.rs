//! Attacks, each of which the feature `hardened` catches: every test runs itself again as a program
//! of its own, which is to end with a message that says what was found.
//!
//! - A block or a pointer that may not be given back is refused by a panic: nothing has happened.
//! - Memory that was written to out of turn, or a value dropped twice, ends the process at once.
//! - What is allowed goes on as ever; the whole suite passes with the feature.
#![cfg(not(any(miri, loom, typed_pool_sanitize)))]

use std::alloc::Layout;
use std::mem;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::thread;

use typed_pool::{
    MemoryPool, OwnedPoolBox, Pool, PoolBox, SizeClassPool, SyncMemoryPool, SyncPool,
};

mod again;

use again::run;

/// How a program is to end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// By a panic that can be caught, with these words in its message.
    Refused(&'static str),
    /// At once.
    Stopped(&'static str),
}

fn check(name: &str, end: End, attack: impl FnOnce()) {
    let Some(output) = run(name, attack) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    let (words, stopped) = match end {
        End::Refused(words) => (words, false),
        End::Stopped(words) => (words, true),
    };
    assert!(!output.status.success(), "{name} was not noticed");
    assert!(said.contains(words), "{name}: no {words:?} in {said}");
    // A test that panics ends with this status.
    assert_eq!(output.status.code() != Some(101), stopped, "{name} ends otherwise: {said}");
}

/// Tests that are attacks.
macro_rules! attacks {
    ($($(#[$which:meta])? $name:ident => $end:expr, $attack:block)*) => {
        $(
            $(#[$which])?
            #[test]
            fn $name() {
                // The module is that of the crate, or one in it.
                let module = module_path!().split_once("::").map_or("", |(_, module)| module);
                let name = [module, stringify!($name)].join("::");
                check(name.trim_start_matches(':'), $end, || $attack);
            }
        )*
    };
}

use End::{Refused, Stopped};

const VACANT: End = Refused("vacant already");
const TWICE: End = Stopped("given back twice");
const PAST_THE_END: End = Stopped("past the end of its value");
const WHILE_VACANT: End = Stopped("written to while it was vacant");
const BEHIND: End = Stopped("behind the vacant slot");

// Slots are marked as they become vacant, with debug assertions on.
const GONE: End =
    Refused(if cfg!(debug_assertions) { "is vacant" } else { "no handle's any more" });
const NEXT_TIME: End = if cfg!(debug_assertions) { BEHIND } else { PAST_THE_END };

fn free(pool: &MemoryPool, block: NonNull<u8>) {
    // SAFETY: none: these are attacks.
    unsafe { pool.deallocate(block) };
}

/// Writes a byte where none is to be written.
fn poke(address: NonNull<u8>, offset: isize) {
    let place = address.as_ptr().wrapping_byte_offset(offset);
    // SAFETY: none: these are attacks, in memory of a pool.
    unsafe { place.write(0x41) };
}

/// Writes to bytes of a value of `N` bytes that has gone, and puts another in its place.
fn poke_vacant<const N: usize>(offsets: &[isize]) {
    let pool = Pool::new();
    let address = address_of(&pool.alloc([0_u8; N]));
    offsets.iter().for_each(|offset| poke(address, *offset));
    drop(pool.alloc([0_u8; N]));
}

fn blocks(count: usize) -> (MemoryPool, Vec<NonNull<u8>>) {
    let pool = MemoryPool::new(24, count).unwrap();
    let blocks = std::iter::from_fn(|| pool.allocate()).collect();
    (pool, blocks)
}

fn address_of<T>(handle: &PoolBox<'_, T>) -> NonNull<u8> {
    NonNull::from(&**handle).cast()
}

fn put_together<T>(raw: NonNull<T>) {
    // SAFETY: none: these are attacks.
    mem::forget(unsafe { PoolBox::<T>::from_raw(raw) });
}

/// Two handles of one value.
fn doubled<'p, T>(handle: &PoolBox<'p, T>) -> PoolBox<'p, T> {
    // SAFETY: none: these are attacks.
    unsafe { ptr::read(handle) }
}

attacks! {
    // Blocks that are given back twice.

    at_once => VACANT, {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        free(&pool, blocks[3]);
    }
    later => VACANT, {
        let (pool, blocks) = blocks(5000);
        blocks.iter().for_each(|block| free(&pool, *block));
        (0..4000).for_each(|_| { pool.allocate(); });
        free(&pool, blocks[4999]);
    }
    after_reuse => VACANT, {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        let again = pool.allocate().unwrap();
        assert_eq!(again, blocks[3]);
        free(&pool, blocks[3]);
        free(&pool, again);
    }
    on_another_thread => VACANT, {
        let pool = SyncMemoryPool::new(24, 10).unwrap();
        let address = pool.allocate().unwrap().as_ptr().expose_provenance();
        let free = || {
            let block = NonNull::new(ptr::with_exposed_provenance_mut(address)).unwrap();
            // SAFETY: none: these are attacks.
            unsafe { pool.deallocate(block) };
        };
        thread::scope(|scope| scope.spawn(free).join()).unwrap();
        free();
    }

    // Pointers to other things.

    interior => Refused("the pointer is interior"), {
        let (pool, blocks) = blocks(10);
        // SAFETY: the offset is inside the block.
        free(&pool, unsafe { blocks[3].byte_add(8) });
    }
    misaligned => Refused("the pointer is misaligned"), {
        let (pool, blocks) = blocks(10);
        // SAFETY: the offset is inside the block.
        free(&pool, unsafe { blocks[3].byte_add(1) });
    }
    in_front_of_the_blocks => Refused("the pointer is interior"), {
        let (pool, blocks) = blocks(10);
        let lowest = blocks.into_iter().min().unwrap();
        // SAFETY: the header is in front of the blocks.
        free(&pool, unsafe { lowest.byte_sub(24) });
    }
    of_the_stack => Refused("the pointer is foreign"), {
        let (pool, _) = blocks(10);
        free(&pool, NonNull::from(&mut 0_u64).cast());
    }
    of_the_heap => Refused("the pointer is foreign"), {
        let (pool, _) = blocks(10);
        free(&pool, NonNull::from(Box::leak(Box::new(0_u64))).cast());
    }
    of_another_pool => Refused("the pointer is foreign"), {
        let (pool, _) = blocks(10);
        free(&pool, blocks(10).1[3]);
    }
    of_another_live_pool => Refused("the pointer is foreign"), {
        let (pool, _) = blocks(10);
        let (_other, blocks) = blocks(10);
        free(&pool, blocks[3]);
    }
    of_a_typed_pool => Refused("the pointer is foreign"), {
        let (pool, _) = blocks(10);
        let typed = Pool::new();
        free(&pool, address_of(&typed.alloc([0_u64; 3])));
    }

    // Handles that are put together from what no handle was taken apart into.

    twice_from_one_address => Refused("has a handle already"), {
        let pool = Pool::new();
        let raw = PoolBox::into_raw(pool.alloc(7_u64));
        put_together(raw);
        put_together(raw);
    }
    after_its_handle_was_dropped => GONE, {
        let pool = Pool::new();
        let raw = PoolBox::into_raw(pool.alloc(7_u64));
        // SAFETY: as documented: the first time it may.
        drop(unsafe { PoolBox::<u64>::from_raw(raw) });
        put_together(raw);
    }
    of_a_handle_that_is_there => Refused("has a handle already"), {
        let pool = Pool::new();
        let handle = pool.alloc(7_u64);
        put_together(address_of(&handle).cast::<u64>());
    }
    of_a_leaked_value => Refused("is no handle's any more"), {
        let pool = Pool::new();
        put_together(NonNull::from(PoolBox::leak(pool.alloc(7_u64))));
    }
    from_a_field => Refused("no slot starts there"), {
        let pool = Pool::new();
        let raw = PoolBox::into_raw(pool.alloc([7_u64; 3]));
        // SAFETY: the value has a second number.
        put_together(unsafe { raw.cast::<u64>().add(1) });
    }
    from_a_field_in_a_class => Refused("no slot starts there"), {
        let pool = SizeClassPool::new();
        let raw = PoolBox::into_raw(pool.alloc([7_u64; 3]));
        // SAFETY: the value has a second number.
        put_together(unsafe { raw.cast::<u64>().add(1) });
    }
    from_behind_the_last_slot => Refused("no pool has a slot there"), {
        let pool = Pool::bounded(7);
        let values: Vec<_> = (0..7_u64).map(|number| pool.alloc(number)).collect();
        let mut places: Vec<_> = values.iter().map(address_of).collect();
        places.sort_unstable();
        let stride = places[1].addr().get() - places[0].addr().get();
        // SAFETY: the address is at most the end of the pool's memory.
        put_together(unsafe { places[6].byte_add(stride) }.cast::<u64>());
    }
    from_the_stack => Refused("no pool has a slot there"), {
        put_together(NonNull::from(&mut 7_u64));
    }
    from_a_box => Refused("no pool has a slot there"), {
        put_together(NonNull::from(Box::leak(Box::new(7_u64))));
    }
    from_a_pool_that_is_gone => Refused("no pool has a slot there"), {
        let pool = Pool::new();
        let raw = NonNull::from(&*pool.alloc(7_u64));
        drop(pool);
        put_together(raw);
    }
    from_a_class_that_gave_its_memory_back => Refused("no slot starts there"), {
        let pool = SizeClassPool::new();
        let _kept = pool.alloc([7_u8; 100]);
        let raw = NonNull::from(&*pool.alloc(7_u64));
        pool.trim();
        put_together(raw);
    }
    left_behind_by_a_pool_that_is_gone => Refused("no pool has a slot there"), {
        let pool = Pool::new();
        let raw = PoolBox::into_raw(pool.alloc(7_u64));
        drop(pool);
        put_together(raw);
    }
    left_behind_in_a_class => Refused("no pool has a slot there"), {
        let pool = SizeClassPool::new();
        let raw = PoolBox::into_raw(pool.alloc(7_u64));
        drop(pool);
        put_together(raw);
    }
    from_a_large_value_that_is_gone => Refused("no pool has a slot there"), {
        let pool = SizeClassPool::new();
        let raw = NonNull::from(&*pool.alloc([7_u8; 100_000]));
        put_together(raw);
    }
    of_another_kind_of_pool => Refused("another kind of pool"), {
        let pool = SyncPool::new();
        put_together(PoolBox::into_raw(pool.alloc(7_u64)));
    }
    without_the_count_of_its_pool => Refused("another kind of pool"), {
        let pool = Rc::new(Pool::new());
        let owned: OwnedPoolBox<u64> = pool.alloc_owned(7);
        put_together(PoolBox::into_raw(owned));
    }

    // Values that are dropped twice.
    //
    // With debug assertions on, it is the second drop that is noticed, before the destructor runs.
    // Without, what the slot is handed out to for the second time.

    #[cfg(debug_assertions)]
    two_handles => TWICE, {
        let pool = Pool::new();
        let handle = pool.alloc(String::from("once"));
        drop(doubled(&handle));
        drop(handle);
    }
    two_handles_of_a_number => TWICE, {
        let pool = Pool::new();
        let handle = pool.alloc(7_u64);
        drop(doubled(&handle));
        drop(handle);
        let _both = (pool.alloc(8), pool.alloc(9));
    }
    two_handles_of_a_class => TWICE, {
        let pool = SizeClassPool::new();
        let handle = pool.alloc([7_u8; 100]);
        drop(doubled(&handle));
        drop(handle);
        let _both = (pool.alloc([8_u8; 100]), pool.alloc([9_u8; 100]));
    }
    two_handles_and_another_value => TWICE, {
        let pool = Pool::new();
        let handle = pool.alloc(7_u64);
        drop(doubled(&handle));
        let other = pool.alloc(8);
        drop(handle);
        drop(other);
        let _both = (pool.alloc(8), pool.alloc(9));
    }
    a_value_moved_out_of_two_handles => TWICE, {
        let pool = Pool::new();
        let handle = pool.alloc(7_u64);
        PoolBox::into_inner(doubled(&handle));
        PoolBox::into_inner(handle);
        let _both = (pool.alloc(8), pool.alloc(9));
    }
    #[cfg(debug_assertions)]
    two_handles_that_move => TWICE, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..20_000_u64).map(|number| pool.alloc(number)).collect();
        let mut last = values.pop().unwrap();
        let mut double = doubled(&last);
        values.truncate(10);
        PoolBox::relocate(&mut last);
        PoolBox::relocate(&mut double);
    }
    #[cfg(debug_assertions)]
    on_two_threads => TWICE, {
        let pool = SyncPool::new();
        let handle = pool.alloc(7_u64);
        // SAFETY: none: these are attacks.
        let double = unsafe { ptr::read(&raw const handle) };
        thread::scope(|scope| scope.spawn(|| drop(double)).join()).unwrap();
        drop(handle);
    }
    two_handles_of_a_chunk_that_has_gone => Stopped("its chunk was given back"), {
        let pool = SizeClassPool::new();
        let _kept = pool.alloc([7_u8; 100]);
        let handle = pool.alloc(7_u64);
        drop(doubled(&handle));
        pool.trim();
        drop(handle);
    }
    a_handle_beside_the_address => Stopped("was taken apart"), {
        let pool = Pool::new();
        let handle = pool.alloc(7_u64);
        let _ = PoolBox::into_raw(doubled(&handle));
        drop(handle);
    }

    // Values that are written past their end.

    a_byte_behind_a_block => PAST_THE_END, {
        let (pool, blocks) = blocks(10);
        poke(blocks[3], 24);
        free(&pool, blocks[3]);
    }
    a_byte_behind_a_block_of_odd_size => PAST_THE_END, {
        let pool = MemoryPool::with_layout(Layout::from_size_align(5, 4).unwrap(), 10).unwrap();
        let block = pool.allocate().unwrap();
        poke(block, 5);
        free(&pool, block);
    }
    a_byte_in_front_of_the_next_block => PAST_THE_END, {
        let (pool, mut blocks) = blocks(10);
        blocks.sort();
        poke(blocks[4], -1);
        free(&pool, blocks[3]);
    }
    a_byte_behind_a_checked_block => PAST_THE_END, {
        let (pool, blocks) = blocks(10);
        poke(blocks[3], 24);
        // SAFETY: none: these are attacks.
        let _ = unsafe { pool.try_deallocate(blocks[3]) };
    }
    a_byte_behind_a_value => PAST_THE_END, {
        let pool = Pool::new();
        let text = pool.alloc([0_u8; 13]);
        poke(address_of(&text), 13);
    }
    a_byte_behind_a_value_of_a_class => PAST_THE_END, {
        let pool = SizeClassPool::new();
        let text = pool.alloc([0_u8; 64]);
        poke(address_of(&text), 64);
    }
    a_byte_behind_a_large_value => PAST_THE_END, {
        let pool = SizeClassPool::new();
        let text = pool.alloc([0_u8; 100_000]);
        poke(address_of(&text), 100_000);
    }
    a_zero_behind_text => PAST_THE_END, {
        let pool = Pool::new();
        let mut text = pool.alloc(*b"sixteen letters!");
        let end = text.as_mut_ptr().wrapping_add(16);
        // SAFETY: none: these are attacks.
        unsafe { end.write(0) };
    }
    a_neighbour_copied_whole => PAST_THE_END, {
        let (pool, mut blocks) = blocks(10);
        blocks.sort();
        // SAFETY: none: these are attacks.
        unsafe { blocks[3].copy_to(blocks[4], 32) };
        free(&pool, blocks[4]);
    }
    by_its_destructor => PAST_THE_END, {
        struct Past(u64);

        impl Drop for Past {
            fn drop(&mut self) {
                eprintln!("{} ends", self.0);
                poke(NonNull::from(self).cast(), size_of::<Self>() as isize);
            }
        }

        drop(Pool::new().alloc(Past(7)));
    }
    of_a_value_that_moves => PAST_THE_END, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..20_000_u64).map(|number| pool.alloc(number)).collect();
        let mut last = values.pop().unwrap();
        values.truncate(10);
        poke(address_of(&last), 8);
        PoolBox::relocate(&mut last);
    }
    of_one_of_many_that_move => PAST_THE_END, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..20_000_u64).map(|number| pool.alloc(number)).collect();
        values.drain(10..19_990);
        poke(address_of(&values[15]), 8);
        pool.compact(&mut values);
    }

    // Slots that are written to while they are vacant.

    the_first_byte => WHILE_VACANT, {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        poke(blocks[3], 0);
        pool.allocate();
    }
    the_last_byte => WHILE_VACANT, {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        poke(blocks[3], 23);
        pool.allocate();
    }
    the_last_byte_of_an_odd_size => WHILE_VACANT, {
        let pool = Pool::new();
        let text = pool.alloc([0_u8; 13]);
        let address = address_of(&text);
        drop(text);
        poke(address, 12);
        pool.alloc([0; 13]);
    }
    a_byte_behind => BEHIND, {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        poke(blocks[3], 31);
        pool.allocate();
    }
    a_byte_behind_the_place_of_a_value => NEXT_TIME, {
        let pool = Pool::new();
        let address = address_of(&pool.alloc(7_u64));
        poke(address, 8);
        drop(pool.alloc(8));
    }
    the_place_of_a_value => WHILE_VACANT, {
        let pool = Pool::new();
        let value = pool.alloc([7_u64; 5]);
        let address = address_of(&value);
        drop(value);
        poke(address, 32);
        pool.alloc([8; 5]);
    }
    the_place_of_a_value_that_moved => WHILE_VACANT, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..20_000_u64).map(|number| pool.alloc(number)).collect();
        let mut last = values.pop().unwrap();
        let address = address_of(&last);
        values.truncate(10);
        assert!(PoolBox::relocate(&mut last));
        poke(address, 0);
        (0..60_000).for_each(|number| { PoolBox::leak(pool.alloc(number)); });
    }
    a_byte_of_a_long_value => WHILE_VACANT, { poke_vacant::<256>(&[100]) }
    // What is written alike in two places is not taken for nothing.
    two_words_alike => WHILE_VACANT, { poke_vacant::<24>(&[0, 8]) }
    two_bytes_alike_at_the_end => WHILE_VACANT, { poke_vacant::<11>(&[8, 9]) }
    a_word_and_a_byte_at_the_end_alike => WHILE_VACANT, { poke_vacant::<9>(&[0, 8]) }
    a_slot_that_was_spilled => WHILE_VACANT, {
        let (pool, blocks) = blocks(5000);
        blocks.iter().for_each(|block| free(&pool, *block));
        poke(blocks[4000], 7);
        (0..5000).for_each(|_| { pool.allocate(); });
    }
    a_slot_that_was_never_taken => WHILE_VACANT, {
        let pool = MemoryPool::new(24, 10).unwrap();
        poke(pool.allocate().unwrap(), 32);
        pool.allocate();
    }
    a_slot_of_a_class => WHILE_VACANT, {
        let pool = SizeClassPool::new();
        let text = pool.alloc_str("some text");
        let address = NonNull::from(text.as_bytes()).cast();
        drop(text);
        poke(address, 3);
        pool.alloc_str("some more");
    }
}

/// What was found names the slot.
#[test]
fn a_report_names_the_slot_and_the_byte() {
    let attack = || {
        let (pool, blocks) = blocks(10);
        free(&pool, blocks[3]);
        eprintln!("expected: {:p}", blocks[3]);
        poke(blocks[3], 5);
        pool.allocate();
    };
    let Some(output) = run("a_report_names_the_slot_and_the_byte", attack) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    let address = said.lines().find_map(|line| line.strip_prefix("expected: ")).unwrap();
    let message = format!(
        "the slot of 24 bytes at {address} was written to while it was vacant: byte 5 is 0x41"
    );
    assert!(said.contains(&message), "no {message:?} in {said}");
}

/// The same without an attack ends well.
#[test]
fn what_is_allowed_goes_on() {
    let output = run("what_is_allowed_goes_on", || {
        let (pool, mut blocks) = blocks(5000);
        for block in &blocks {
            // SAFETY: a block has so many bytes.
            unsafe { block.write_bytes(0xDD, 24) };
        }
        blocks.drain(..2500).for_each(|block| free(&pool, block));
        blocks.extend(std::iter::from_fn(|| pool.allocate()));
        blocks.into_iter().for_each(|block| free(&pool, block));
        let typed = Pool::new();
        let raw = PoolBox::into_raw(typed.alloc(7_u64));
        // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
        assert_eq!(*unsafe { PoolBox::<u64>::from_raw(raw) }, 7);
    });
    assert!(output.is_none_or(|output| output.status.success()));
}

#[cfg(feature = "allocator-api2")]
mod allocator {
    use allocator_api2::alloc::Allocator;

    use super::*;

    fn give_back(allocator: impl Allocator, block: NonNull<u8>, layout: Layout) {
        // SAFETY: none: these are attacks.
        unsafe { allocator.deallocate(block, layout) };
    }

    /// A block of 40 bytes of a pool, for 40 bytes.
    fn block(pool: &SizeClassPool) -> (NonNull<u8>, Layout) {
        let layout = Layout::new::<[u64; 5]>();
        (pool.allocate(layout).unwrap().cast(), layout)
    }

    attacks! {
        twice => Refused("vacant already"), {
            let pool = SizeClassPool::new();
            let (block, layout) = block(&pool);
            give_back(&pool, block, layout);
            give_back(&pool, block, layout);
        }
        for_another_class => Refused("with a layout for one of"), {
            let pool = SizeClassPool::new();
            let (block, _) = block(&pool);
            drop(pool.alloc([0_u8; 100]));
            give_back(&pool, block, Layout::new::<[u8; 100]>());
        }
        of_another => Refused("no block of this pool"), {
            let (pool, other) = (SizeClassPool::new(), SizeClassPool::new());
            let _own = block(&pool);
            let (block, layout) = block(&other);
            give_back(&pool, block, layout);
        }
        grown_while_vacant => Refused("nothing was taken"), {
            let pool = SizeClassPool::new();
            let (block, layout) = block(&pool);
            give_back(&pool, block, layout);
            let grow = || {
                // SAFETY: none: these are attacks.
                unsafe { (&pool).grow(block, layout, Layout::new::<[u64; 50]>()) }.is_ok()
            };
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(grow)).is_err());
            assert!(!pool.is_empty(), "nothing was taken");
        }
        of_a_handle => Refused("vacant already"), {
            let pool = SizeClassPool::new();
            let number = pool.alloc(7_u64);
            give_back(&pool, address_of(&number), Layout::new::<u64>());
        }
        of_a_handle_of_no_more => TWICE, {
            let pool = SizeClassPool::new();
            let number = pool.alloc(7_u64);
            drop(doubled(&number));
            let block = (&pool).allocate(Layout::new::<u64>()).unwrap().cast();
            assert_eq!(block, address_of(&number), "the slot is a block now");
            drop(number);
        }
        past_the_end => PAST_THE_END, {
            let pool = SizeClassPool::new();
            let (block, layout) = block(&pool);
            poke(block, 40);
            give_back(&pool, block, layout);
        }
    }
}
