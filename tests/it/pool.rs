//! `Pool<T>`, `SyncPool<T>` and `PoolBox`: every form of allocation, capacity and its edges, the
//! handle's own functions, and the traits it has because its value has them.

use std::borrow::{Borrow, BorrowMut};
use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use typed_pool::PoolError;

use super::{Pool, PoolBox, SizeClassPool, surplus, trim};
use crate::support::{Counted, Tally, Unit, panic_file, panic_message, stride_of};

#[test]
fn every_form_of_allocation_fills_a_slot() {
    let pool = Pool::<String>::new();
    let word = || String::from("word");
    let handles = [
        pool.alloc(word()),
        pool.try_alloc(word()).unwrap(),
        pool.alloc_with(word),
        pool.try_alloc_with(word).unwrap(),
        PoolBox::write(pool.alloc_uninit(), word()),
        PoolBox::write(pool.try_alloc_uninit().unwrap(), word()),
    ];
    assert!(handles.iter().all(|handle| **handle == "word"));
    assert_eq!(*pool.alloc_default(), "");
    assert_eq!(pool.len(), handles.len());
    drop(handles);
    assert!(pool.is_empty());
}

#[test]
fn a_full_pool_refuses_and_gives_back() {
    let tally = Tally::default();
    let pool = Pool::bounded(2);
    let first = pool.alloc(tally.value(1));
    let second = pool.alloc(tally.value(2));
    let rest = surplus(&pool);
    assert!(pool.is_full());
    let refused = pool.try_alloc(tally.value(3)).unwrap_err();
    assert!(refused.is_full());
    assert_eq!(refused.to_string(), "the pool is full: all of its slots are occupied, 2 in number");
    assert_eq!(refused.into_inner().id, 3);
    let build = pool.try_alloc_with(|| tally.value(4)).unwrap_err().into_inner();
    assert_eq!(tally.made(), 3, "the constructor has not run");
    assert_eq!(build().id, 4);
    pool.try_alloc_uninit().unwrap_err().into_inner();

    let words = "the pool is full: all of its slots are occupied, 2 in number";
    assert_eq!(panic_message(|| pool.alloc(tally.value(5))), words);
    assert_eq!(panic_message(|| pool.alloc_with(|| unreachable!("not built"))), words);
    assert_eq!(panic_message(|| pool.alloc_uninit()), words);
    assert_eq!(panic_message(|| first.clone()), words);
    assert_eq!(tally.live(), 2);
    drop(first);
    assert!(!pool.is_full() && !pool.is_empty());
    assert_eq!(pool.alloc(tally.value(6)).id, 6);
    drop((second, rest));
    assert_eq!((tally.live(), pool.len()), (0, 0));
    pool.check_invariants();
}

/// The line that a panic is reported at is the caller's, not one of the crate.
#[test]
fn panics_name_the_line_of_the_caller() {
    let pool = Pool::bounded(1);
    let one = pool.alloc(1_u64);
    let _rest = surplus(&pool);
    let this_file = Some(file!().to_string());
    assert_eq!(panic_file(|| drop(pool.alloc(2))), this_file);
    assert_eq!(panic_file(|| drop(pool.alloc_with(|| 2))), this_file);
    assert_eq!(panic_file(|| drop(pool.alloc_uninit())), this_file);
    assert_eq!(panic_file(|| drop(pool.alloc_default())), this_file);
    assert_eq!(panic_file(|| drop(one.clone())), this_file);
    assert_eq!(panic_file(|| pool.reserve(1)), this_file);
    assert_eq!(panic_file(|| drop(Pool::<u64>::bounded(usize::MAX))), this_file);
    assert_eq!(panic_file(|| drop(Pool::<u64>::with_capacity(usize::MAX))), this_file);
}

#[test]
fn capacities_are_what_was_asked_for() {
    let sizes: &[usize] =
        if cfg!(miri) { &[0, 1, 7, 63, 300] } else { &[0, 1, 7, 63, 1000, 8064, 8065, 30_000] };
    for &n in sizes {
        let bounded = Pool::<[u64; 4]>::bounded(n);
        assert_eq!((bounded.capacity(), bounded.is_full()), (n, n == 0));
        let handles: Vec<_> = (0..n).map(|i| bounded.alloc([i as u64; 4])).collect();
        let rest = surplus(&bounded);
        assert!(bounded.is_full() && bounded.try_alloc([0; 4]).is_err());
        assert!(handles.iter().enumerate().all(|(i, handle)| handle[3] == i as u64));
        drop(rest);
        bounded.check_invariants();

        let growing = Pool::<[u64; 4]>::with_capacity(n);
        assert_eq!((growing.capacity(), growing.is_full()), (n, false));
        let handles: Vec<_> = (0..n).map(|i| growing.alloc([i as u64; 4])).collect();
        assert_eq!(growing.capacity(), n, "no growth for what was reserved");
        let one_more = growing.alloc([0; 4]);
        assert!(growing.capacity() > n);
        drop((handles, one_more));
        growing.check_invariants();
    }
}

#[test]
fn edges_of_capacity() {
    let none = Pool::<u8>::bounded(0);
    assert!(none.is_full() && none.is_empty() && none.try_alloc(1).unwrap_err().is_full());
    assert_eq!(none.stats().bytes_reserved, 0);
    none.check_invariants();
    assert_eq!(Pool::<u8>::with_capacity(0).capacity(), 0);
    assert_eq!(Pool::<u8>::new().capacity(), 0);
    assert_eq!(Pool::<u8>::default().capacity(), 0);

    let too_large = PoolError::TooLarge { object_size: 8, pool_size: usize::MAX };
    assert_eq!(Pool::<u64>::try_bounded(usize::MAX).unwrap_err(), too_large);
    assert_eq!(Pool::<u64>::try_with_capacity(usize::MAX).unwrap_err(), too_large);
    assert_eq!(Pool::<u64>::new().try_reserve(usize::MAX).unwrap_err(), too_large);
    assert_eq!(panic_message(|| Pool::<u64>::bounded(usize::MAX)), too_large.to_string());
}

#[test]
fn reserve_makes_room_at_once() {
    let pool = Pool::<u64>::new();
    let one = pool.alloc(1);
    for additional in if cfg!(miri) { [0, 1, 7, 50, 200] } else { [0, 1, 100, 5000, 100_000] } {
        pool.reserve(additional);
        let capacity = pool.capacity();
        assert!(capacity >= pool.len() + additional);
        let handles: Vec<_> = (0..additional).map(|i| pool.alloc(i as u64)).collect();
        assert_eq!(pool.capacity(), capacity);
        drop(handles);
        pool.check_invariants();
    }
    assert_eq!(*one, 1);

    let bounded = Pool::bounded(3);
    let _one = bounded.alloc(1);
    assert_eq!(bounded.try_reserve(2), Ok(()));
    let error = PoolError::CapacityExceeded { capacity: 3, len: 1, additional: 3 };
    assert_eq!(bounded.try_reserve(3), Err(error));
    assert_eq!(panic_message(|| bounded.reserve(3)), error.to_string());
}

/// Reclamation by delay: memory goes back when nothing in it is occupied, not some time after.
#[test]
fn trim_gives_back_what_is_vacant_and_nothing_else() {
    let mut pool = Pool::<[u64; 4]>::new();
    let count = if cfg!(miri) { 400 } else { 50_000 };
    let mut handles: Vec<_> = (0..count).map(|i| pool.alloc([i as u64; 4])).collect();
    let (full, chunks) = (pool.stats(), pool.stats().chunks);
    assert!(chunks > 5 || cfg!(miri));
    // Whatever lies in the second half of the addresses goes; some of the rest does too. Chunks lie
    // wherever upstream has room for them, in no order.
    let mut addresses: Vec<_> = handles.iter().map(|held| PoolBox::as_ptr(held).addr()).collect();
    addresses.sort_unstable();
    let middle = addresses[count / 2];
    handles.retain(|handle| handle[0] % 3 == 0 && PoolBox::as_ptr(handle).addr() < middle);
    let before = pool.stats();
    // Taken apart, the handles do not borrow the pool.
    let raw: Vec<_> = handles.into_iter().map(PoolBox::into_raw).collect();
    let released = trim(&mut pool);
    // SAFETY: the addresses came from `into_raw`, the pool lives, and there are no other handles.
    let handles = raw.into_iter().map(|raw| unsafe { PoolBox::from_raw(raw) });
    let handles: Vec<PoolBox<'_, [u64; 4]>> = handles.collect();
    let after = pool.stats();
    pool.check_invariants();
    assert_eq!(before.bytes_reserved - after.bytes_reserved, released);
    assert!(after.chunks < chunks && after.capacity < full.capacity);
    assert!(handles.iter().all(|handle| handle.iter().all(|word| *word == handle[0])));
    let more: Vec<_> = (0..count).map(|i| pool.alloc([i as u64; 4])).collect();
    pool.check_invariants();
    drop((handles, more));
    trim(&mut pool);
    assert_eq!((pool.capacity(), pool.stats().bytes_reserved), (0, 0));
    assert_eq!(*pool.alloc([7; 4]), [7; 4]);

    let mut bounded = Pool::<u64>::bounded(10_000);
    assert_eq!((trim(&mut bounded), bounded.capacity()), (0, 10_000));
}

#[test]
fn stats_are_figures_of_the_pool() {
    let pool = Pool::<[u8; 100]>::with_capacity(10_000);
    let handles: Vec<_> = (0..10).map(|_| pool.alloc([0; 100])).collect();
    let stats = pool.stats();
    assert_eq!((stats.capacity, stats.len, stats.bytes_live), (10_000, 10, 1000));
    assert!(stats.chunks >= 3 || cfg!(target_pointer_width = "32"));
    let bytes = 10_000 * stride_of(100, 1);
    assert!(stats.bytes_reserved > bytes && stats.bytes_reserved < bytes / 100 * 103);
    drop(handles);
    assert_eq!(pool.stats().len, 0);
    assert!(format!("{pool:?}").contains("capacity: 10000"));
}

#[test]
fn a_handle_can_be_taken_apart_and_put_together() {
    let tally = Tally::default();
    let pool = Pool::new();
    let raw = PoolBox::into_raw(pool.alloc(tally.value(1)));
    assert_eq!((pool.len(), tally.live()), (1, 1));
    // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
    let mut handle: PoolBox<'_, _> = unsafe { PoolBox::from_raw(raw) };
    assert_eq!(PoolBox::as_ptr(&handle), raw.as_ptr().cast_const());
    assert_eq!(PoolBox::as_mut_ptr(&mut handle), raw.as_ptr());
    assert_eq!(format!("{handle:p}"), format!("{raw:p}"));
    let value = PoolBox::into_inner(handle);
    assert_eq!((value.id, pool.len(), tally.live()), (1, 0, 1));
    drop(value);

    let leaked = PoolBox::leak(pool.alloc(tally.value(2)));
    leaked.id += 1;
    assert_eq!((leaked.id, pool.len(), tally.live()), (3, 1, 1));
    pool.check_invariants();

    let slot = pool.alloc_uninit();
    assert_eq!(pool.len(), 2);
    drop(slot);
    assert_eq!((pool.len(), tally.live()), (1, 1), "no destructor for what was never built");
}

#[test]
fn a_raw_handle_may_be_unsized() {
    let tally = Tally::default();
    let pool = Pool::new();
    let raw = PoolBox::into_raw(pool.alloc(tally.value(7)));
    let raw: core::ptr::NonNull<dyn std::fmt::Debug + '_> = raw;
    // SAFETY: the address came from `into_raw`, the pool lives, there is no other handle, and the
    // value is `Debug`.
    let shown: PoolBox<'_, dyn std::fmt::Debug> = unsafe { PoolBox::from_raw(raw) };
    assert!(format!("{shown:?}").contains("id: 7"));
    drop(shown);
    assert_eq!((pool.len(), tally.live()), (0, 0));
}

#[test]
fn clones_are_values_of_their_own() {
    let tally = Tally::default();
    let pool = Pool::new();
    let original = pool.alloc(tally.value(1));
    let mut copy = original.clone();
    copy.id = 2;
    assert_eq!((original.id, copy.id, pool.len()), (1, 2, 2));
    let place = PoolBox::as_ptr(&copy);
    copy.clone_from(&original);
    assert_eq!((copy.id, PoolBox::as_ptr(&copy), pool.len()), (1, place, 2));
    drop((original, copy));
    assert_eq!((tally.live(), pool.len()), (0, 0));
}

#[test]
fn a_handle_compares_hashes_and_prints_as_its_value() {
    let pool = Pool::new();
    let (mut one, two) = (pool.alloc(1), pool.alloc(2));
    assert!(one < two);
    assert!(one <= two);
    assert!(two > one);
    assert!(two >= one);
    assert_ne!(one, two);
    assert_eq!(one.cmp(&two), 1.cmp(&2));
    assert_eq!(one.partial_cmp(&two), Some(std::cmp::Ordering::Less));
    assert_eq!(one, one.clone());
    assert_eq!((format!("{one:?}"), format!("{two:>3}")), ("1".into(), "  2".into()));
    let hash = |value: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        value(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&|state| one.hash(state)), hash(&|state| 1.hash(state)));
    let borrowed: &i32 = one.borrow();
    assert_eq!((borrowed, one.as_ref()), (&1, &1));
    *BorrowMut::<i32>::borrow_mut(&mut one) += 1;
    *one.as_mut() += 1;
    assert_eq!(*one, 3);

    // `Borrow` lets a set of handles be asked for a plain value.
    let set: HashSet<PoolBox<'_, i32>> = (0..10).map(|i| pool.alloc(i)).collect();
    assert!(set.contains(&7) && !set.contains(&10));
    let set: BTreeSet<PoolBox<'_, i32>> = set.into_iter().collect();
    assert!(set.contains(&7) && !set.contains(&10));
}

#[test]
fn a_handle_iterates_polls_and_fails_as_its_value() {
    let pool = Pool::new();
    let mut numbers = pool.alloc(0..10_u32);
    assert_eq!((numbers.len(), numbers.size_hint()), (10, (10, Some(10))));
    assert_eq!(
        (numbers.nth(2), numbers.nth_back(2), numbers.next_back()),
        (Some(2), Some(7), Some(6))
    );
    assert_eq!(numbers.collect::<Vec<_>>(), [3, 4, 5]);

    let futures = Pool::new();
    let mut ready = futures.alloc(std::future::ready(7));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(Future::poll(Pin::new(&mut ready), &mut context), Poll::Ready(7));

    let errors = Pool::new();
    let error = errors.alloc("x".parse::<i32>().unwrap_err());
    let shown: &dyn std::error::Error = &error;
    assert!(shown.to_string().contains("invalid digit") && shown.source().is_none());

    let hashers = Pool::new();
    let mut hasher = hashers.alloc(DefaultHasher::new());
    7_u32.hash(&mut hasher);
    let mut plain = DefaultHasher::new();
    7_u32.hash(&mut plain);
    assert_eq!(hasher.finish(), plain.finish());

    let strings = Pool::new();
    let mut text = strings.alloc(String::new());
    write!(text, "{}-", 1).unwrap();
    text.write_char('2').unwrap();
    text.write_str("-3").unwrap();
    assert_eq!(*text, "1-2-3");
}

#[test]
#[cfg(all(feature = "std", unix))]
fn a_handle_of_a_file_is_that_file() {
    use std::os::fd::{AsFd, AsRawFd};

    let file = std::fs::File::open("Cargo.toml").unwrap();
    let number = file.as_raw_fd();
    let pool = Pool::new();
    let handle = pool.alloc(file);
    assert_eq!((handle.as_raw_fd(), handle.as_fd().as_raw_fd()), (number, number));
}

#[test]
#[cfg(feature = "std")]
fn a_handle_reads_and_writes_as_its_value() {
    use std::io::{BufRead, Read, Seek, SeekFrom, Write};

    let pool = Pool::new();
    let mut file = pool.alloc(std::io::Cursor::new(Vec::new()));
    file.write_all(b"first\nsecond\n").unwrap();
    write!(file, "{}", 3).unwrap();
    file.flush().unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut line = String::new();
    file.read_line(&mut line).unwrap();
    let mut rest = Vec::new();
    file.read_to_end(&mut rest).unwrap();
    assert_eq!((line.as_str(), rest.as_slice()), ("first\n", b"second\n3".as_slice()));
    assert_eq!(file.stream_position().unwrap(), 14);
    file.seek_relative(-1).unwrap();
    assert_eq!(file.stream_position().unwrap(), 13);
    file.rewind().unwrap();
    assert_eq!(file.stream_position().unwrap(), 0);
}

#[test]
fn zero_sized_over_aligned_and_small_values_fit() {
    #[repr(align(4096))]
    struct Page<'t>(Counted<'t>);
    #[repr(align(64))]
    struct AlignedUnit(Unit);

    assert_eq!((size_of::<Unit>(), size_of::<AlignedUnit>()), (0, 0));
    let units = Pool::bounded(3);
    let held = [units.alloc(Unit::new()), units.alloc(Unit::new()), units.alloc(Unit::new())];
    let rest = surplus(&units);
    assert!(units.is_full() && Unit::live() == 3);
    drop((held, rest));
    let aligned = Pool::bounded(2);
    let pair = [(); 2].map(|()| aligned.alloc(AlignedUnit(Unit::new())));
    assert!(pair.iter().all(|unit| PoolBox::as_ptr(unit).is_aligned()) && Unit::live() == 2);
    drop((surplus(&aligned), pair));
    assert_eq!((units.len(), aligned.len(), Unit::live()), (0, 0, 0));

    let tally = Tally::default();
    let pages = Pool::new();
    let bounded = Pool::bounded(100);
    for pool in [&pages, &bounded] {
        let held: Vec<_> = (0..100).map(|i| pool.alloc(Page(tally.value(i)))).collect();
        assert!(held.iter().all(|page| PoolBox::as_ptr(page).is_aligned()));
        assert!(held.iter().zip(0..).all(|(page, i)| page.0.id == i));
        drop(held);
        assert_eq!((pool.len(), tally.live()), (0, 0));
    }

    let bytes = Pool::new();
    let held: Vec<_> = (0..=255_u8).map(|byte| bytes.alloc(byte)).collect();
    assert!(held.iter().zip(0..=255).all(|(held, byte)| **held == byte));
    bytes.check_invariants();
}

#[test]
fn a_pool_of_an_uninhabited_type_can_be_made() {
    enum Never {}
    let pool = Pool::<Never>::bounded(2);
    let slot: PoolBox<'_, MaybeUninit<Never>> = pool.alloc_uninit();
    assert_eq!(pool.len(), 1);
    assert!(panic_message(|| pool.alloc_with(|| panic!("no such value"))).contains("no such"));
    drop(slot);
    assert!(pool.is_empty());
}

thread_local! {
    static MEGABYTES: Cell<usize> = const { Cell::new(0) };
}

/// An interpreter looks at each byte of it.
const MEGABYTE: usize = if cfg!(miri) { 1 << 13 } else { 1 << 20 };

/// A value that is too large to be moved about, counted for each thread by itself.
struct Megabyte([u8; MEGABYTE]);

impl Megabyte {
    /// A value of equal bytes: a constant, for a literal would be put together first, then moved.
    fn of<const BYTE: u8>() -> Self {
        MEGABYTES.set(MEGABYTES.get() + 1);
        const { Self([BYTE; MEGABYTE]) }
    }
}

impl Drop for Megabyte {
    fn drop(&mut self) {
        MEGABYTES.set(MEGABYTES.get().checked_sub(1).expect("none is dropped twice"));
    }
}

#[test]
fn a_megabyte_is_built_in_place() {
    // The stack of a test thread is twice as large as the value: a second copy would overflow it.
    let pool = Pool::<Megabyte>::new();
    let built = pool.alloc_with(Megabyte::of::<7>);
    let mut slot = pool.alloc_uninit();
    // SAFETY: the address is that of a megabyte, which belongs to the handle.
    unsafe { slot.as_mut_ptr().write_bytes(9, 1) };
    MEGABYTES.set(MEGABYTES.get() + 1);
    // SAFETY: all bytes were written.
    let written = unsafe { PoolBox::assume_init(slot) };
    assert_eq!((built.0[MEGABYTE / 2], written.0[MEGABYTE - 1]), (7, 9));
    let bounded = Pool::<Megabyte>::bounded(3);
    let held = [(); 3].map(|()| bounded.alloc_with(Megabyte::of::<5>));
    assert_eq!(surplus(&bounded).len() + 3, super::slots(&bounded));
    assert!(held.iter().all(|value| value.0.iter().all(|byte| *byte == 5)));
    assert_eq!(MEGABYTES.get(), 5);
    drop((built, written, held));
    assert_eq!((MEGABYTES.get(), pool.len(), bounded.len()), (0, 0, 0));
}

#[test]
fn a_pool_is_reached_by_way_of_a_handle() {
    let pool = Pool::bounded(2);
    let first = pool.alloc(1);
    let beside = PoolBox::pool(&first);
    let second = beside.alloc(2);
    assert!(beside.try_alloc(3).unwrap_err().is_full());
    assert!(beside.try_alloc_with(|| 3).is_err());
    let words = "the pool is full: all of its slots are occupied, 2 in number";
    assert_eq!(panic_message(|| beside.alloc(3)), words);
    drop(first);
    let third = beside.alloc_with(|| 4);
    assert_eq!((*third, *second, pool.len()), (4, 2, 2));

    // In a pool of size classes: small values, whose chunks share a tract, and large ones.
    let classes = SizeClassPool::new();
    let small = classes.alloc([1_u8; 24]);
    let large = classes.alloc([1_u8; 100_000]);
    let more = PoolBox::pool(&small).alloc([2; 24]);
    let larger = PoolBox::pool(&large).alloc_with(|| [2; 100_000]);
    let many: Vec<_> = (0..100).map(|_| PoolBox::pool(&more).alloc([3; 24])).collect();
    assert_eq!((more[23], larger[99_999], many[99][0], classes.len()), (2, 2, 3, 104));
    assert_eq!(classes.stats().large, 2);
    drop((small, large, more, larger, many));
    assert!(classes.is_empty());
    classes.check_invariants();
}
