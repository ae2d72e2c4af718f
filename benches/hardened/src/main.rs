//! What the feature `hardened` costs: each operation by the crate without it, by the crate with it,
//! and by `Box`, in blocks of some hundred microseconds that take turns.
//!
//! `cargo run --release` prints the times of an operation in nanoseconds, minimum and median over
//! the rounds, and what they are by those without the feature. `--rounds N` sets their number.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use lexopt::prelude::*;

/// The number of operations in a block.
const TIMES: usize = 20_000;

/// The number of values that lie in the pool at once, where it is filled.
const FILLED: usize = 1000;

/// Runs a block, and returns the nanoseconds that an operation took.
type Block = Box<dyn FnMut() -> f64>;

/// A value of so many words.
type Value<const WORDS: usize> = [u64; WORDS];

fn timed(mut operation: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    (0..TIMES as u64).for_each(&mut operation);
    start.elapsed().as_nanos() as f64 / TIMES as f64
}

/// A value that comes and goes again at once.
macro_rules! pair {
    ($pool:expr) => {{
        let pool = $pool;
        Box::new(move || timed(|number| drop(black_box(pool.alloc([number; WORDS])))))
    }};
}

/// The blocks of one crate for values of `WORDS` words, by the names of rows.
macro_rules! blocks {
    ($name:ident, $typed_pool:ident) => {
        fn $name<const WORDS: usize>() -> [Block; ROWS.len()] {
            let raw = $typed_pool::MemoryPool::new(size_of::<Value<WORDS>>(), FILLED);
            let raw = raw.expect("so few blocks there are");
            let filled = $typed_pool::Pool::<Value<WORDS>>::bounded(FILLED);
            [
                pair!($typed_pool::Pool::<Value<WORDS>>::new()),
                pair!($typed_pool::SyncPool::<Value<WORDS>>::new()),
                pair!($typed_pool::SizeClassPool::new()),
                Box::new(move || {
                    timed(|number| {
                        let block = black_box(raw.allocate().expect("a block is vacant"));
                        // SAFETY: a block has room for it.
                        unsafe { block.cast::<Value<WORDS>>().write_unaligned([number; WORDS]) };
                        // SAFETY: the block came from this pool, and is not used any more.
                        unsafe { raw.deallocate(block) };
                    })
                }),
                Box::new(move || {
                    let mut values = Vec::with_capacity(FILLED);
                    timed(|number| {
                        values.push(filled.alloc([number; WORDS]));
                        if values.len() == FILLED {
                            values.clear();
                        }
                    })
                }),
            ]
        }
    };
}

/// What is done.
const ROWS: [&str; 5] = ["pair", "pair, shared", "pair, size classes", "pair, blocks", "fill 1000"];

blocks!(plain, plain);
blocks!(hardened, hardened);

fn boxed<const WORDS: usize>() -> f64 {
    timed(|number| drop(black_box(Box::new([number; WORDS]))))
}

/// The least and the median of some times.
fn summary(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

fn compare<const WORDS: usize>(rounds: usize) {
    for (row, (mut plain, mut hardened)) in
        ROWS.iter().zip(plain::<WORDS>().into_iter().zip(hardened::<WORDS>()))
    {
        let mut times = [const { Vec::new() }; 3];
        for round in 0..rounds {
            for turn in 0..times.len() {
                let which = (round + turn) % times.len();
                times[which].push(match which {
                    0 => plain(),
                    1 => hardened(),
                    _ => boxed::<WORDS>(),
                });
            }
        }
        let [plain, hardened, boxed] = times.each_mut().map(|times| summary(times));
        println!(
            "{row:20}{:>6}{:>8.2}{:>8.2}{:>7.2}{:>8.2}{:>8.2}{:>7.2}{:>8.2}",
            size_of::<Value<WORDS>>(),
            plain.0,
            hardened.0,
            hardened.0 / plain.0,
            plain.1,
            hardened.1,
            hardened.1 / plain.1,
            boxed.0,
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut rounds = 1000;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => rounds = parser.value()?.parse::<usize>()?.max(1),
            _ => return Err(argument.unexpected().into()),
        }
    }
    println!(
        "{:20}{:>6}{:>23}{:>23}{:>8}",
        "ns, minimum; median", "bytes", "without, with, ratio", "without, with, ratio", "Box"
    );
    compare::<2>(rounds);
    compare::<4>(rounds);
    compare::<8>(rounds);
    compare::<16>(rounds);
    compare::<32>(rounds);
    Ok(())
}
