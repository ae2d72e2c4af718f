//! The typed pool of one thread.

use arbitrary::{Result, Unstructured};
use typed_pool::MemoryPool;

use self::history::History;

#[path = "history.rs"]
mod history;

type Pool<T> = typed_pool::Pool<T>;
type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, MemoryPool>;

/// Whether a bounded pool admits as many values as its capacity says, and no more.
const EXACT: bool = true;

/// The number of bytes of the largest values, which take a chunk each.
const LARGEST: usize = 300_000;

/// Gives back what is vacant, where that can be done while handles live.
fn trim<T>(pool: &Pool<T>) -> Option<usize> {
    Some(pool.trim())
}

/// A pool that gives chunks back by itself.
fn giving_back<T>() -> Pool<T> {
    Pool::builder().release_empty_chunks(true).build()
}

/// As [`trim`], as long as as many slots stay.
fn shrink_to<T>(pool: &Pool<T>, floor: usize) -> Option<usize> {
    Some(pool.shrink_to(floor))
}

/// Moves values out of sparse chunks.
fn compact<'a, 'p: 'a, T: 'a>(
    pool: &Pool<T>,
    handles: impl Iterator<Item = &'a mut PoolBox<'p, T>>,
) {
    pool.compact(handles);
}

/// Gives back what is vacant.
fn trim_alone<T>(pool: &mut Pool<T>) -> usize {
    pool.trim()
}

/// Plays the history that `data` stands for.
pub fn run(data: &[u8]) {
    history::run(data);
}

fn drive<A: Send, const N: usize>(
    history: &mut History<'_, A, N>,
    input: &mut Unstructured,
) -> Result<()> {
    while let Some(operation) = history.next(input)? {
        history.turn(&operation);
    }
    Ok(())
}
