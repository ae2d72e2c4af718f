//! What AddressSanitizer reports with `--cfg typed_pool_sanitize`: every use of a vacant slot, at
//! the spot. Each test runs itself again as a program of its own, which the sanitizer ends.
#![cfg(typed_pool_sanitize)]

use std::hint::black_box;
use std::ptr::NonNull;
use std::thread;

use typed_pool::{MemoryPool, Pool, PoolBox, SizeClassPool, SyncPool};

mod again;

fn check(name: &str, reported: bool, used: impl FnOnce()) {
    let Some(output) = again::run(name, used) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(!output.status.success(), reported, "{name}: {said}");
    if reported {
        assert!(said.contains("use-after-poison"), "{name}: {said}");
        // The first line of the stack that is of this file.
        let spot = said.lines().find(|line| line.contains("sanitized.rs"));
        assert!(spot.is_some_and(|spot| spot.contains("sanitized::")), "{name}: {said}");
    }
}

/// Tests that use a slot, and whether that is reported.
macro_rules! uses {
    ($($name:ident => $reported:literal, $used:block)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name), $reported, || $used);
            }
        )*
    };
}

fn read<T: Copy>(place: *const T) -> T {
    // SAFETY: none: what may be read is what is asked.
    black_box(unsafe { place.read_volatile() })
}

uses! {
    a_read_after_the_drop => true, {
        let pool = Pool::new();
        let _other = pool.alloc([7_u64; 4]);
        let value = pool.alloc([8_u64; 4]);
        let place = PoolBox::as_ptr(&value).cast::<u64>().wrapping_add(3);
        assert_eq!(read(place), 8);
        drop(value);
        read(place);
    }
    a_write_after_the_drop => true, {
        let pool = Pool::new();
        let mut value = pool.alloc(8_u64);
        let place = PoolBox::as_mut_ptr(&mut value);
        drop(value);
        // SAFETY: none: what may be written is what is asked.
        unsafe { place.write_volatile(9) };
    }
    a_read_after_a_drop_elsewhere => true, {
        let pool = SyncPool::new();
        let value = pool.alloc(8_u64);
        let place = PoolBox::as_ptr(&value);
        thread::scope(|scope| { scope.spawn(|| drop(value)); });
        read(place);
    }
    a_read_of_a_block_given_back => true, {
        let pool = MemoryPool::new(24, 10).unwrap();
        let block = pool.allocate().unwrap();
        // SAFETY: the block came from this pool, and was not given back.
        unsafe { pool.deallocate(block) };
        read(block.as_ptr());
    }
    a_read_of_a_block_never_taken => true, {
        let pool = MemoryPool::new(24, 10).unwrap();
        let block = pool.allocate().unwrap();
        read(block.as_ptr().wrapping_add(2 * 32));
    }
    a_read_where_a_value_was => true, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..20_000_u64).map(|number| pool.alloc(number)).collect();
        let mut last = values.pop().unwrap();
        let place = PoolBox::as_ptr(&last);
        values.truncate(10);
        assert!(PoolBox::relocate(&mut last));
        read(place);
    }
    a_read_of_text_that_was_dropped => true, {
        let pool = SizeClassPool::new();
        let text = pool.alloc_str("sixteen letters!");
        let place = NonNull::from(&*text).cast::<u8>();
        drop(text);
        read(place.as_ptr());
    }
    a_read_of_granules_that_went_back => true, {
        let pool = SizeClassPool::new();
        let _kept = pool.alloc([7_u8; 100]);
        let value = pool.alloc([7_u64; 2]);
        let place = PoolBox::as_ptr(&value).cast::<u64>();
        drop(value);
        pool.trim();
        read(place);
    }
    small_values_are_used_freely => false, {
        fn play<T: Copy>(value: T) {
            let pool = Pool::new();
            let mut values: Vec<_> = (0..5000).map(|_| pool.alloc(value)).collect();
            values.drain(1000..2000);
            values.extend((0..3000).map(|_| pool.alloc(value)));
            for value in &values {
                read(&**value);
            }
        }
        play(7_u8);
        play(7_u16);
        play([7_u32; 3]);
        play([7_u8; 13]);
        play(());
    }
    granules_are_used_again => false, {
        let pool = SizeClassPool::new();
        for bytes in [100, 200, 60, 1000, 24, 30_000, 100] {
            let rows: Vec<_> =
                (0..500).map(|row| pool.alloc_slice_fill_with(bytes, |_| row as u8)).collect();
            assert!(rows.iter().enumerate().all(|(n, row)| row.iter().all(|it| *it == n as u8)));
            drop(rows);
            pool.trim();
        }
    }
    what_is_occupied_is_used_freely => false, {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..5000_u64).map(|number| pool.alloc([number; 5])).collect();
        values.retain(|value| value[0] % 3 == 0);
        values.extend((0..3000).map(|number| pool.alloc([number; 5])));
        assert!(values.iter().all(|value| read(&value[4]) == value[0]));
    }
}
