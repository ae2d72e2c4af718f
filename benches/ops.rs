//! Benchmarks of the pool's operations in criterion, each beside the same body on `Box` and, where
//! it can, on `typed-arena`.
//!
//! `cargo bench --bench ops` runs all rows; a filter picks some: `-- 100k.*/32B`. They show how an
//! operation varies and changes. Ratios are read from `benches/versus`, which interleaves the
//! contenders of a row; it has more of them, and the same bodies.

use std::env;
use std::time::Duration;

use criterion::{Criterion, Throughput};

#[path = "versus/src/contenders/boxed.rs"]
mod boxed;
#[expect(unused, reason = "`versus` has heaps too that threads share")]
#[path = "versus/src/heap.rs"]
mod heap;
#[expect(dead_code, reason = "`versus` has replays too, which tell places what to do")]
#[path = "versus/src/live.rs"]
mod live;
#[path = "versus/src/settle.rs"]
mod settle;
#[path = "versus/src/contenders/typed_arena.rs"]
mod typed_arena;
#[path = "versus/src/contenders/typed_pool.rs"]
mod typed_pool;
#[path = "versus/src/workloads/mod.rs"]
mod workloads;

use self::boxed::Boxed;
use self::heap::Value;
use self::typed_arena::TypedArena;
use self::typed_pool::TypedPool;
use self::workloads::operation::Operation;

/// The most values of a row when it is tested and not measured.
const TESTED_COUNT: usize = 1_000;

/// Hands an operation on values of `WORDS` words to criterion.
fn bench<const WORDS: usize>(criterion: &mut Criterion, operation: Operation, most: usize) {
    let name = format!("{}/{}B", operation.name(), size_of::<Value<WORDS>>());
    let operation = operation.at_most(most);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(operation.elements() as u64));
    let contenders = [
        ("pool", operation.on_pool::<WORDS, TypedPool<WORDS>>()),
        ("box", operation.on_allocator::<WORDS, Boxed>()),
        ("arena", operation.on_arena::<WORDS, TypedArena<WORDS>>()),
    ];
    for (contender, workload) in contenders {
        let Ok(workload) = workload else { continue };
        workload(&mut |body| {
            group.bench_function(contender, |bencher| bencher.iter_custom(&mut *body));
        });
    }
    group.finish();
}

/// Runs all rows that the command line of criterion asks for.
fn main() {
    settle::settle_global_allocator();
    // There are hundreds of things to measure: short times, which the command line can lengthen.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    // As criterion decides it: `cargo test` does not pass `--bench`, and `--test` asks for it.
    let given = |option: &str| env::args().any(|argument| argument == option);
    let tested = given("--test") || !given("--bench");
    let most = if tested { TESTED_COUNT } else { usize::MAX };
    for operation in Operation::ALL {
        bench::<1>(&mut criterion, operation, most);
        bench::<4>(&mut criterion, operation, most);
        bench::<8>(&mut criterion, operation, most);
        bench::<32>(&mut criterion, operation, most);
        bench::<128>(&mut criterion, operation, most);
    }
    criterion.final_summary();
}
