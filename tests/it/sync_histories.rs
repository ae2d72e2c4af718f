//! Random histories of several threads at once, of every kind of pool and of handle for many
//! threads: those of `histories`, whose operations, kinds and numbers they have.
//!
//! Each thread plays a list of its own; what one offers another accepts, changes and ends. Whatever
//! comes in between, what a thread holds has the bytes that it ought to have when it ends; and when
//! all is quiet, what is held is what the pool counts, and every invariant holds.

use std::sync::{Barrier, Mutex};
use std::thread;

use proptest::prelude::*;

use crate::sync::histories::kinds::{Blocks, Classes, Keeping, Typed};
use crate::sync::histories::{CASES, Entry, History, Kind, Operation, config, end, operations};

/// The number of threads.
const THREADS: usize = 3;

/// Plays a list on each of some threads.
fn play_at_once<K: Kind>(bound: usize, lists: &[Vec<Operation>; THREADS])
where
    K::Pool: Sync,
    for<'p> K::Held<'p>: Send,
{
    let pool = &K::make(bound);
    let (offers, together) = (&Mutex::default(), &Barrier::new(THREADS));
    let mut entries = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn(move || {
                    let mut history = History::<K>::new(pool, offers, number);
                    together.wait();
                    for operation in &lists[number] {
                        history.step(operation);
                    }
                    history.entries.iter().for_each(Entry::check);
                    history.entries
                })
            })
            .collect();
        for thread in threads {
            entries.extend(thread.join().expect("no thread panics"));
        }
    });
    entries.append(&mut offers.lock().unwrap());
    end(pool, entries);
}

macro_rules! test_kinds {
    ($($(#[$attribute:meta])* $name:ident: $Kind:ty;)*) => {
        proptest! {
            #![proptest_config(config(CASES))]
            $(
                $(#[$attribute])*
                #[test]
                #[cfg_attr(miri, ignore = "takes hours there")]
                fn $name(
                    bound in 1..1500_usize,
                    lists in prop::array::uniform3(operations()),
                ) {
                    play_at_once::<$Kind>(bound, &lists);
                }
            )*
        }
    };
}

test_kinds! {
    typed: Typed;
    blocks: Blocks;
    size_classes: Classes;
    handles_that_keep_their_pool: Keeping;
    #[cfg(feature = "allocator-api2")]
    allocated: crate::sync::histories::allocated::Allocated;
}
