//! What is counted.
//!
//! An operation of the hot path is counted in a loop that is run for two numbers of values: the
//! difference is what the loop takes for each, without what is in front of it and behind. From that
//! comes off what the same loop takes that only writes, or only reads, a word in the place of a
//! handle. What is left is the operation, inlined, with a hit in the magazine or in the window.
//!
//! What is to have no locked instruction is looked at as it is compiled.
//!
//! The dearest operation is the dearest call out of the hot path in a million random allocations
//! and frees.

use std::error::Error;
use std::mem::MaybeUninit;

use typed_pool::Pool;

use crate::loops::{local, read_places, shared, write_places};
use crate::{callgrind, disassembly};

/// The two numbers of values for which the loops are run. The magazine holds
/// them all, and what a refill left there before.
const TIMES: [usize; 2] = [300, 890];

/// The number of random operations.
const OPERATIONS: usize = 1_000_000;

/// The most values alive during those.
const MOST_LIVE: usize = 100_000;

/// What the hot path runs before it calls: as much as it takes altogether, at most.
const BEFORE_CALL: u64 = 12;

/// Something that is counted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The most that it may take.
    pub(crate) limit: Option<u64>,
    how: How,
}

/// How a case is counted.
enum How {
    /// A loop, without what another takes that does nothing but handle the places, and without the
    /// instruction that writes the value, if one does.
    Loop { measured: &'static str, alone: &'static str, writes: u64 },
    /// The instructions with a lock in the loop as it is compiled, without what it calls.
    Locked { function: &'static str },
    /// The dearest call among random operations on values of so many bytes.
    Random { bytes: usize },
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    hot("Pool::alloc, from the magazine", 10, "local::alloc", "write_places", 1),
    hot("Pool::alloc, from the window", 13, "local::alloc_fresh", "write_places", 1),
    hot("drop of a PoolBox", 12, "local::free", "read_places", 0),
    hot("MemoryPool::allocate, from the magazine", 10, "local::allocate", "write_places", 0),
    hot("MemoryPool::deallocate", 12, "local::deallocate", "read_places", 0),
    hot("SyncPool::alloc, from the magazine", 16, "shared::alloc", "write_places", 1),
    hot("drop of a PoolBox of a SyncPool", 18, "shared::free", "read_places", 0),
    hot("SyncMemoryPool::allocate, from the magazine", 16, "shared::allocate", "write_places", 0),
    hot("SyncMemoryPool::deallocate", 18, "shared::deallocate", "read_places", 0),
    // A pair takes 18 without the count; half as much again is what it may take with it.
    hot("Pool::alloc_owned, from the magazine", 11, "local::alloc_owned", "write_places", 1),
    hot("drop of an OwnedPoolBox", 16, "local::free_owned", "read_places", 0),
    hot("SyncPool::alloc_owned, from the magazine", 18, "shared::alloc_owned", "write_places", 1),
    hot("drop of a SyncOwnedPoolBox", 24, "shared::free_owned", "read_places", 0),
    hot("drop of a Vec of PoolBoxes, each", 12, "local::free_all", "read_places", 0),
    // It looks for a destructor: there is none to be called here.
    hot("drop of a PoolBox of dyn Trait", 18, "local::free_dyn", "read_places", 0),
    hot("drop of one of dyn Trait of a SyncPool", 23, "shared::free_dyn", "read_places", 0),
    locked("SyncPool::alloc, locked instructions", 0, "shared::alloc"),
    locked("drop of a PoolBox of a SyncPool, locked", 0, "shared::free"),
    locked("SyncMemoryPool::allocate, locked", 0, "shared::allocate"),
    locked("SyncMemoryPool::deallocate, locked", 0, "shared::deallocate"),
    locked("SyncPool::alloc_owned, locked", 1, "shared::alloc_owned"),
    locked("drop of a SyncOwnedPoolBox, locked", 1, "shared::free_owned"),
    dearest("dearest operation on values of 8 bytes", 8),
    dearest("dearest operation on values of 32 bytes", 32),
    dearest("dearest operation on values of 64 bytes", 64),
    dearest("dearest operation on values of 1024 bytes", 1024),
];

const fn hot(
    name: &'static str,
    limit: u64,
    measured: &'static str,
    alone: &'static str,
    writes: u64,
) -> Case {
    Case { name, limit: Some(limit), how: How::Loop { measured, alone, writes } }
}

const fn locked(name: &'static str, limit: u64, function: &'static str) -> Case {
    Case { name, limit: Some(limit), how: How::Locked { function } }
}

const fn dearest(name: &'static str, bytes: usize) -> Case {
    Case { name, limit: Some(2_500), how: How::Random { bytes } }
}

impl Case {
    /// Counts the case by running this program under callgrind.
    pub(crate) fn count(&self) -> Result<u64, Box<dyn Error>> {
        match &self.how {
            How::Loop { measured, alone, writes } => {
                let rest = each(alone)? + writes;
                each(measured)?.checked_sub(rest).ok_or_else(|| "less than nothing".into())
            }
            How::Locked { function } => disassembly::locked(&format!("loops::{function}")),
            How::Random { bytes } => {
                let calls = [
                    ("LocalCore::refill_and_take", "LocalCore::refill_and_take"),
                    ("LocalCore::spill", "LocalCore::spill_first"),
                ];
                let totals = callgrind::each_call(&calls, "random", *bytes)?;
                Ok(totals.into_iter().max().unwrap_or_default() + BEFORE_CALL)
            }
        }
    }
}

/// What a loop takes for each value.
fn each(case: &str) -> Result<u64, Box<dyn Error>> {
    let [few, many] = TIMES;
    let pattern = format!("*loops::{case}");
    let first = callgrind::inside(&pattern, case, few)?;
    let second = callgrind::inside(&pattern, case, many)?;
    // Exact where every round of the loop takes the same.
    Ok((second - first) / (many - few) as u64)
}

/// Runs the loop of a name for so many values, or the random operations for values of so many
/// bytes.
pub(crate) fn run(case: &str, times: usize) -> Result<(), Box<dyn Error>> {
    match case {
        "random" => return random(times),
        "write_places" => write_places(&mut vec![MaybeUninit::uninit(); times]),
        "read_places" => read_places(&vec![1; times]),
        _ => match case.split_once("::") {
            Some(("local", case)) => local::run(case, times)?,
            Some(("shared", case)) => shared::run(case, times)?,
            _ => return Err(format!("there is no case {case}").into()),
        },
    }
    Ok(())
}

/// Runs the random operations on values of `bytes` bytes.
fn random(bytes: usize) -> Result<(), Box<dyn Error>> {
    match bytes {
        8 => walk::<1>(),
        32 => walk::<4>(),
        64 => walk::<8>(),
        1024 => walk::<128>(),
        _ => return Err(format!("there are no random operations on {bytes} bytes").into()),
    }
    Ok(())
}

/// Allocates and frees at random, while the number of values goes up and down.
fn walk<const WORDS: usize>() {
    let pool = Pool::with_capacity(MOST_LIVE);
    let mut live = Vec::with_capacity(MOST_LIVE);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut grows = true;
    for _ in 0..OPERATIONS {
        grows = if grows { live.len() < MOST_LIVE - 1 } else { live.len() < MOST_LIVE / 100 };
        if live.is_empty() || rng.u8(..10) < if grows { 7 } else { 3 } {
            live.push(pool.alloc([1_u64; WORDS]));
        } else {
            live.swap_remove(rng.usize(..live.len()));
        }
    }
}
