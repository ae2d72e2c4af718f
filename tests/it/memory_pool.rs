//! `MemoryPool` and `SyncMemoryPool`: exactly as many blocks as asked for, aligned, apart, in one
//! piece; all of them again after any order of frees; and a clear answer to every pointer that is
//! none.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeSet;

use typed_pool::{InvalidFree, PoolError};

use super::{MemoryPool, block_count};
use crate::support::{CHUNK_ALIGN, GIVES_PAGES_BACK, stride_of};

/// Takes every block of a pool that is vacant. No other thread has used the pool.
fn exhaust(pool: &MemoryPool) -> Vec<NonNull<u8>> {
    let blocks: Vec<_> = std::iter::from_fn(|| pool.allocate()).collect();
    assert!(pool.is_full() && pool.len() == block_count(pool));
    blocks
}

/// Gives a block back after a look at its first and last byte, which [`mark`] wrote.
fn check_and_free(pool: &MemoryPool, block: NonNull<u8>, size: usize) {
    let expected = mark_of(block);
    // SAFETY: the block is `size` bytes, occupied and written at both ends.
    let first = unsafe { block.read() };
    // SAFETY: the offset is inside the block.
    let last = unsafe { block.byte_add(size - 1) };
    // SAFETY: the last byte of the block was written.
    let last = unsafe { last.read() };
    assert_eq!(first, expected, "the first byte of a block was overwritten");
    assert_eq!(last, expected, "the last byte of a block was overwritten");
    // SAFETY: the block came from this pool and is not used any more.
    unsafe { pool.deallocate(block) };
}

/// A byte that differs between neighbours, whatever their distance.
fn mark_of(block: NonNull<u8>) -> u8 {
    (block.addr().get() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[0]
}

/// Writes a block's mark into its first and last byte.
fn mark(block: NonNull<u8>, size: usize) {
    let value = mark_of(block);
    // SAFETY: the block is `size` bytes and occupied.
    unsafe { block.write(value) };
    // SAFETY: the offset is inside the block.
    let last = unsafe { block.byte_add(size - 1) };
    // SAFETY: the byte is the block's, which is occupied.
    unsafe { last.write(value) };
}

/// Runs a pool full and empty twice and checks all that it promises of its blocks.
fn check_blocks(object_size: usize, pool_size: usize, rng: &mut fastrand::Rng) {
    let context = format!("object_size {object_size}, pool_size {pool_size}");
    let pool = MemoryPool::new(object_size, pool_size).unwrap();
    assert_eq!((pool.len(), pool.capacity()), (0, pool_size), "{context}");
    assert!(pool.is_empty() && !pool.is_full(), "{context}");
    assert_eq!(pool.object_size(), object_size);
    let align = (1_usize << object_size.trailing_zeros()).min(16);

    let mut blocks = exhaust(&pool);
    let count = block_count(&pool);
    assert!(blocks.len() == count && count >= pool_size, "{context}");
    assert_eq!(pool.capacity(), pool_size, "{context}");
    assert!(pool.allocate().is_none() && !pool.is_empty(), "{context}");
    blocks.iter().for_each(|block| mark(*block, object_size));
    let addresses: BTreeSet<usize> = blocks.iter().map(|block| block.addr().get()).collect();
    assert_eq!(addresses.len(), count, "{context}: a block was handed out twice");
    assert!(addresses.iter().all(|address| address % align == 0), "{context}");
    let apart = addresses.iter().zip(addresses.iter().skip(1));
    assert!(apart.clone().all(|(low, high)| high - low >= object_size), "{context}");
    let span = addresses.last().unwrap() + object_size - addresses.first().unwrap();
    // What comes beside the capacity lies elsewhere.
    if object_size >= 32 && count == pool_size && cfg!(target_pointer_width = "64") {
        let limit = 1.04 * (pool_size * stride_of(object_size, align)) as f64;
        assert!(span as f64 <= limit, "{context}: the blocks span {span} bytes");
    }
    assert!(blocks.iter().all(|block| pool.contains(*block)), "{context}");

    // The check that comes with debug assertions looks through the magazine at every free, so
    // not every block of a large pool is freed then.
    let half = count.div_ceil(2);
    let freed = if cfg!(debug_assertions) { half.min(3000) } else { half };
    rng.shuffle(&mut blocks);
    let kept = blocks.split_off(freed);
    blocks.into_iter().for_each(|block| check_and_free(&pool, block, object_size));
    pool.check_invariants();
    assert_eq!(pool.len(), kept.len());
    let mut again: Vec<_> = exhaust(&pool);
    again.iter().for_each(|block| mark(*block, object_size));
    again.extend(kept);
    let second: BTreeSet<usize> = again.iter().map(|block| block.addr().get()).collect();
    assert_eq!(second, addresses, "{context}: the blocks that came back are others");
    again.truncate(2 * freed);
    again.into_iter().for_each(|block| check_and_free(&pool, block, object_size));
    assert_eq!(pool.len(), count.saturating_sub(2 * freed));
    pool.check_invariants();
}

#[test]
fn every_object_size_of_the_exercise_works() {
    let mut rng = fastrand::Rng::with_seed(1);
    let step = if cfg!(miri) { 1023 } else { 1 };
    for object_size in (1..=1024).step_by(step) {
        let sizes = [1, 2, 63, 64, 65, rng.usize(66..200)];
        for pool_size in sizes.into_iter().filter(|size| [2, 65].contains(size) || !cfg!(miri)) {
            check_blocks(object_size, pool_size, &mut rng);
        }
    }
}

#[test]
fn pools_of_many_chunks_work() {
    let mut rng = fastrand::Rng::with_seed(2);
    let sizes: &[usize] = if cfg!(miri) {
        &[4000]
    } else {
        &[1, 3, 8, 24, 31, 32, 48, 64, 100, 255, 512, 1000, 1024]
    };
    for &object_size in sizes {
        // Around the ends of the second and the third chunk, wherever they are.
        let chunk = (256 << 10) / object_size;
        for pool_size in [chunk, 2 * chunk + rng.usize(1..64)] {
            check_blocks(object_size, pool_size, &mut rng);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "a million blocks take the interpreter hours")]
fn a_million_blocks_work() {
    let mut rng = fastrand::Rng::with_seed(3);
    // Blocks of a kilobyte are written to at both ends, which takes a gigabyte of memory.
    let sizes: &[usize] = if cfg!(target_pointer_width = "64") { &[1, 32, 1024] } else { &[1, 32] };
    for &object_size in sizes {
        check_blocks(object_size, 1_000_000, &mut rng);
    }
}

#[test]
fn blocks_larger_than_a_chunk_work() {
    let mut rng = fastrand::Rng::with_seed(4);
    for object_size in [100_000, 262_144, 300_001] {
        let pool = MemoryPool::new(object_size, 5).unwrap();
        let mut blocks = exhaust(&pool);
        assert_eq!((blocks.len(), pool.capacity()), (block_count(&pool), 5));
        blocks.iter().for_each(|block| mark(*block, object_size));
        rng.shuffle(&mut blocks);
        blocks.into_iter().for_each(|block| check_and_free(&pool, block, object_size));
        pool.check_invariants();
    }
}

#[test]
fn layouts_are_honoured() {
    for align in [1, 2, 16, 32, 64, 512, 4096] {
        for size in [1, 24, 4096, 5000] {
            let layout = Layout::from_size_align(size, align).unwrap();
            let pool = MemoryPool::with_layout(layout, 70).unwrap();
            let blocks = exhaust(&pool);
            assert_eq!((blocks.len(), pool.capacity()), (block_count(&pool), 70));
            assert!(blocks.iter().all(|block| block.addr().get() % align == 0));
            assert_eq!(pool.object_size(), size);
        }
    }
}

#[test]
fn bad_arguments_are_named() {
    assert_eq!(MemoryPool::new(0, 1).unwrap_err(), PoolError::ZeroObjectSize);
    assert_eq!(MemoryPool::new(1, 0).unwrap_err(), PoolError::ZeroPoolSize);
    let empty = Layout::new::<()>();
    assert_eq!(MemoryPool::with_layout(empty, 1).unwrap_err(), PoolError::ZeroObjectSize);
    let wide = Layout::from_size_align(8192, 8192).unwrap();
    let error = MemoryPool::with_layout(wide, 1).unwrap_err();
    assert_eq!(error.to_string(), "the alignment of 8192 bytes is above the limit of 4096 bytes");
    for (object_size, pool_size) in
        [(usize::MAX, 1), (1, usize::MAX), (usize::MAX / 2, 2), (1 << 31, usize::MAX >> 20)]
    {
        let error = MemoryPool::new(object_size, pool_size).unwrap_err();
        assert_eq!(error, PoolError::TooLarge { object_size, pool_size });
        let bytes = if object_size == 1 { "1 byte".into() } else { format!("{object_size} bytes") };
        let words = format!("pool_size {pool_size} is too large for object_size {bytes}: ");
        let limits = "an allocation ends at isize::MAX bytes, and a pool at 2^32 - 1 chunks";
        assert_eq!(error.to_string(), words + limits);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "the interpreter stops where memory would be refused")]
fn an_allocation_that_upstream_refuses_is_an_error() {
    // More than the address space of a process, and few enough chunks to be asked for.
    let bytes = 1_usize << 49;
    match MemoryPool::new(1024, bytes / 1024).unwrap_err() {
        PoolError::OutOfMemory { bytes: refused } => assert!(refused >= bytes),
        error => panic!("{error}"),
    }
    // Each of these has a chunk of its own, of which no more can be numbered.
    let (object_size, chunks) = (CHUNK_ALIGN, 1 << 32);
    let error = MemoryPool::new(object_size, chunks - 1).unwrap_err();
    assert!(matches!(error, PoolError::OutOfMemory { .. }));
    let error = MemoryPool::new(object_size, chunks).unwrap_err();
    assert_eq!(error, PoolError::TooLarge { object_size, pool_size: chunks });
}

/// The page faults of this thread so far, where the system tells them.
fn page_faults() -> Option<usize> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    // The name of the thread, in parentheses, may hold anything; the eighth field behind it counts.
    stat.rsplit_once(')')?.1.split_whitespace().nth(7)?.parse().ok()
}

#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(
    any(miri, typed_pool_sanitize),
    ignore = "measures time and the memory of the process, in which the sanitizer has its notes"
)]
fn the_largest_pool_is_made_without_touching_it() {
    use std::thread;
    use std::time::{Duration, Instant};

    let limit = Duration::from_micros(100);
    let mut fastest = Duration::MAX;
    let mut least = usize::MAX;
    // Other tests run beside this one, so the best of several tries counts, and where the machine
    // is busy all of the first may be slow.
    for _ in 0..200 {
        let before = page_faults();
        let start = Instant::now();
        let pool = MemoryPool::new(1024, 1_000_000).unwrap();
        fastest = fastest.min(start.elapsed());
        if let (Some(before), Some(after)) = (before, page_faults()) {
            least = least.min(after - before);
        }
        assert_eq!(pool.capacity(), 1_000_000);
        if fastest < limit && (least < 64 || before.is_none()) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(fastest < limit, "made in {fastest:?}");
    // A page is 4 KiB at least, so this is less than a megabyte for pages up to 16 KiB.
    assert!(least < 64 || page_faults().is_none(), "{least} pages were touched");
}

/// The fewest pages that fault, over several tries, when every block of a new pool is written to.
#[cfg(target_os = "linux")]
fn faults_of_first_use(make: impl Fn() -> MemoryPool) -> Option<usize> {
    let mut least = None;
    for _ in 0..5 {
        let pool = make();
        let blocks = vec![None; pool.capacity()];
        // What the test itself needs is touched in advance.
        let mut blocks: Vec<Option<NonNull<u8>>> = std::hint::black_box(blocks);
        let before = page_faults()?;
        for block in &mut blocks {
            *block = pool.allocate();
            // SAFETY: the block was just allocated.
            unsafe { block.expect("the pool has one more").write(1) };
        }
        let faults = page_faults()? - before;
        least = Some(least.map_or(faults, |least: usize| least.min(faults)));
    }
    least
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(
    any(miri, typed_pool_sanitize),
    ignore = "measures the memory of the process, in which the sanitizer has its notes"
)]
fn a_prefaulted_pool_meets_no_page_fault_later() {
    let builder = MemoryPool::builder(1024, 100_000);
    let pages = 100_000 * 1024 / 65_536;
    let plain = faults_of_first_use(|| builder.clone().build().unwrap()).unwrap();
    let prefaulted = faults_of_first_use(|| builder.clone().prefault().build().unwrap()).unwrap();
    assert!(prefaulted < pages / 10, "{prefaulted} page faults");
    // Where the kernel backs memory by huge pages unasked, there is little to save.
    assert!(prefaulted * 10 <= plain || plain < pages, "{prefaulted} page faults, {plain} without");
}

/// Whether the mapping that `address` lies in carries the advice to use huge pages.
#[cfg(all(feature = "huge-pages", target_os = "linux"))]
fn is_advised(address: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in maps.lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        if let Some((start, end)) = range {
            let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
            inside = (start..end).contains(&address);
        } else if let (true, Some(flags)) = (inside, line.strip_prefix("VmFlags:")) {
            return flags.split(' ').any(|flag| flag == "hg");
        }
    }
    false
}

#[test]
#[cfg(all(feature = "huge-pages", target_os = "linux"))]
#[cfg_attr(miri, ignore = "asks the kernel")]
fn huge_pages_are_asked_for() {
    let pool = MemoryPool::builder(1024, 10_000).huge_pages().prefault().build().unwrap();
    let block = pool.allocate().unwrap();
    assert!(is_advised(block.addr().get()));
    // What is large enough is aligned to a huge page, and the first block follows the first header.
    assert!(block.addr().get() % (2 << 20) < 64 << 10);
    // A pool that is smaller than a huge page asks for none, and works.
    let small = MemoryPool::builder(8, 10).huge_pages().build().unwrap();
    assert!(small.allocate().is_some());
}

#[test]
fn pages_of_chunks_that_were_never_entered_go_back() {
    let count = if cfg!(miri) { 300 } else { 20_000 };
    let pool = MemoryPool::builder(64, count).prefault().build().unwrap();
    let block = pool.allocate().unwrap();
    // SAFETY: the block was just allocated.
    unsafe { block.write(7) };
    let released = pool.trim();
    // All but what the chunk with the block keeps of its own, and the slots that came with it.
    let least = (count * 64).saturating_sub(3 * CHUNK_ALIGN);
    assert_eq!(released > least, GIVES_PAGES_BACK, "{released} bytes of {least}");
    assert_eq!(pool.trim(), 0, "what has gone is not given back twice");
    // SAFETY: the block was written to, and is occupied.
    assert_eq!(unsafe { block.read() }, 7);
    assert_eq!(exhaust(&pool).len(), block_count(&pool) - 1);
}

#[test]
fn a_pool_built_with_options_is_like_one_without() {
    let count = if cfg!(miri) { 100 } else { 3000 };
    for builder in [
        MemoryPool::builder(24, count),
        MemoryPool::builder(24, count).prefault(),
        MemoryPool::builder(24, count).huge_pages(),
        MemoryPool::builder(24, count).prefault().huge_pages(),
    ] {
        let pool = builder.build().unwrap();
        assert_eq!((exhaust(&pool).len(), pool.capacity()), (block_count(&pool), count));
        pool.check_invariants();
    }
    for (object_size, pool_size) in [(0, 1), (1, 0), (usize::MAX, 1), (1024, usize::MAX)] {
        let error = MemoryPool::builder(object_size, pool_size).prefault().build().unwrap_err();
        assert_eq!(error, MemoryPool::new(object_size, pool_size).unwrap_err());
    }
}

/// What begins where the last block ends is not the pool's.
#[test]
fn the_address_behind_the_last_block_is_foreign() {
    for object_size in [1, 24, 3000] {
        // So few lie in one reservation, also where threads share the pool.
        let pool = MemoryPool::new(object_size, 7).unwrap();
        let last = exhaust(&pool).into_iter().max().expect("there are seven");
        let align = 1 << object_size.trailing_zeros().min(4);
        let behind = last.as_ptr().wrapping_add(stride_of(object_size, align));
        let behind = NonNull::new(behind).unwrap();
        assert!(!pool.contains(behind));
        // SAFETY: 1. and 2. no block starts there, so nothing is given back.
        assert_eq!(unsafe { pool.try_deallocate(behind) }, Err(InvalidFree::Foreign));
    }
}

/// Every address of a pool's memory and around it against what the pool says of it.
#[test]
fn every_address_is_told_apart() {
    let sizes: &[(usize, usize)] =
        if cfg!(miri) { &[(24, 12)] } else { &[(24, 12), (1, 9), (48, 4096 * 3), (3000, 200)] };
    for &(object_size, pool_size) in sizes {
        let pool = MemoryPool::new(object_size, pool_size).unwrap();
        let align = (1_usize << object_size.trailing_zeros()).min(16);
        let mut occupied = BTreeSet::new();
        let mut vacant = BTreeSet::new();
        let blocks = exhaust(&pool);
        for (index, block) in blocks.iter().enumerate() {
            if index % 3 == 0 {
                occupied.insert(block.addr().get());
            } else {
                vacant.insert(block.addr().get());
                // SAFETY: the block came from this pool and is not used any more.
                unsafe { pool.deallocate(*block) };
            }
        }
        // Blocks lie in more than one place where they come from more than one reservation.
        let starts: BTreeSet<usize> = blocks.iter().map(|block| block.addr().get()).collect();
        let step = match pool_size {
            _ if cfg!(miri) => 11,
            1001.. => 3,
            _ => 1,
        };
        let mut seen = 0;
        let around = starts.iter().flat_map(|start| {
            let from = seen.max(start - 1200);
            seen = start + 5000;
            from..seen
        });
        for address in around.step_by(step) {
            if occupied.contains(&address) {
                continue;
            }
            let pointer = NonNull::new(core::ptr::without_provenance_mut(address)).unwrap();
            // SAFETY: no occupied block starts at the address, so nothing is given back.
            let refused = unsafe { pool.try_deallocate(pointer) }.unwrap_err();
            let expected = if vacant.contains(&address) {
                InvalidFree::Vacant
            } else if refused == InvalidFree::Foreign {
                assert!(!pool.contains(pointer));
                let near = starts.range(address.saturating_sub(object_size) + 1..=address);
                assert_eq!(near.count(), 0, "an address in a block is called foreign");
                continue;
            } else if address % align != 0 {
                InvalidFree::Misaligned
            } else {
                InvalidFree::Interior
            };
            assert_eq!(refused, expected, "object_size {object_size} address {address:#x}");
        }
        for address in occupied {
            let block = NonNull::new(core::ptr::without_provenance_mut(address)).unwrap();
            // SAFETY: the block is occupied, and nothing uses it any more.
            let first = unsafe { pool.try_deallocate(block) };
            // SAFETY: the block is vacant, so nobody uses it.
            let second = unsafe { pool.try_deallocate(block) };
            assert_eq!((first, second), (Ok(()), Err(InvalidFree::Vacant)));
        }
        assert!(pool.is_empty());
        pool.check_invariants();
    }
}

/// A vacant block is found in each of the places where it can be.
#[test]
fn vacant_blocks_are_found_wherever_they_are() {
    let (size, count) = if cfg!(miri) { (8000, 170) } else { (64, 20_000) };
    let pool = MemoryPool::new(size, count).unwrap();
    let refused = |block: NonNull<u8>| {
        // SAFETY: the callers below pass vacant blocks, which nobody uses.
        unsafe { pool.try_deallocate(block) }
    };
    let first = pool.allocate().unwrap();
    // SAFETY: the pool has many blocks in several chunks, each inside one allocation.
    let next = unsafe { first.byte_add(stride_of(size, 16)) };
    assert_eq!(refused(next), Err(InvalidFree::Vacant), "next to be handed out");
    // SAFETY: the offset is inside the pool's memory, which is several chunks.
    let never_entered = unsafe { first.byte_add(256 << 10) };
    assert_eq!(refused(never_entered), Err(InvalidFree::Vacant), "in a chunk never entered");
    let blocks: Vec<_> = std::iter::from_fn(|| pool.allocate()).collect();
    for block in &blocks {
        // SAFETY: the block came from this pool and is not used any more.
        unsafe { pool.deallocate(*block) };
    }
    // By now they are in the bitmaps and in the magazine.
    for block in blocks.iter().step_by(100) {
        assert_eq!(refused(*block), Err(InvalidFree::Vacant));
    }
    assert_eq!(refused(*blocks.last().unwrap()), Err(InvalidFree::Vacant));
    assert_eq!(refused(first), Ok(()));
}

#[test]
fn foreign_pointers_are_not_read() {
    let pool = MemoryPool::new(32, 10).unwrap();
    let other = MemoryPool::new(32, 10).unwrap();
    let mut local = 0_u8;
    let foreign = [
        NonNull::from(&mut local),
        NonNull::<u64>::dangling().cast(),
        NonNull::new(core::ptr::without_provenance_mut(usize::MAX)).unwrap(),
        other.allocate().unwrap(),
    ];
    for pointer in foreign {
        // SAFETY: the pointer is no block of this pool.
        let refused = unsafe { pool.try_deallocate(pointer) };
        assert_eq!(refused, Err(InvalidFree::Foreign));
        assert!(!pool.contains(pointer));
    }
}

#[test]
#[cfg(debug_assertions)]
fn deallocate_checks_with_debug_assertions() {
    use crate::support::panic_message;

    let pool = MemoryPool::new(32, 10).unwrap();
    let block = pool.allocate().unwrap();
    // SAFETY: the offset is inside the pool's memory.
    let inside = unsafe { block.byte_add(16) };
    // SAFETY: the offset is inside the pool's memory.
    let misaligned = unsafe { block.byte_add(1) };
    // SAFETY: the block came from this pool and is not used any more.
    unsafe { pool.deallocate(block) };
    for (pointer, error) in [
        (block, InvalidFree::Vacant),
        (inside, InvalidFree::Interior),
        (misaligned, InvalidFree::Misaligned),
        (NonNull::dangling(), InvalidFree::Foreign),
    ] {
        // SAFETY: not met, on purpose: the check panics before anything is done.
        let message = panic_message(|| unsafe { pool.deallocate(pointer) });
        assert_eq!(message, error.to_string());
    }
    pool.check_invariants();
}

#[test]
fn a_moved_pool_keeps_its_blocks() {
    let pool = MemoryPool::new(32, 10).unwrap();
    let block = pool.allocate().unwrap();
    let moved = Box::new(pool);
    assert!(moved.contains(block) && moved.len() == 1);
    // SAFETY: the block came from this pool, which has only been moved.
    unsafe { moved.deallocate(block) };
    let elsewhere = std::thread::spawn(move || {
        assert!(moved.is_empty());
        let blocks: Vec<_> = std::iter::from_fn(|| moved.allocate()).collect();
        moved.check_invariants();
        (moved.len(), blocks.len() >= 10, moved.is_full())
    });
    let (len, served, full) = elsewhere.join().unwrap();
    assert!(len >= 10 && served && full);
}

#[test]
fn a_pool_that_is_dropped_frees_occupied_blocks() {
    // A leak would be reported by a leak checker; `deallocate` was not called on purpose.
    let pool = MemoryPool::new(1024, 1000).unwrap();
    exhaust(&pool);
}

#[test]
fn the_last_block_freed_is_the_next_one_taken() {
    let pool = MemoryPool::new(16, 100).unwrap();
    let blocks = exhaust(&pool);
    for block in [blocks[7], blocks[3], blocks[50]] {
        // SAFETY: the block came from this pool and is not used any more.
        unsafe { pool.deallocate(block) };
    }
    let taken: Vec<_> = std::iter::from_fn(|| pool.allocate()).collect();
    assert_eq!(taken, [blocks[50], blocks[3], blocks[7]]);
}
