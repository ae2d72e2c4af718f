//! Benchmarks of the pool's operations, each beside the same body on `Box` and, where it can, on
//! `typed-arena`, for values of 8, 32, 64 and 256 bytes.
//!
//! - `cargo bench --bench ops` runs all rows in criterion; a filter picks some: `-- 100k.*/32B`.
//! - `cargo bench --bench ops -- --ratios` compares the heaps of each row in interleaved blocks,
//!   which is what ratios are read from; a filter may follow: `-- --ratios 32B`.
//!
//! The name of a row says what is measured. [`workload`] says it in full.

use std::env;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};

#[path = "ops/heap.rs"]
mod heap;
#[path = "ops/ratios.rs"]
mod ratios;
#[path = "ops/workload.rs"]
mod workload;

use heap::{Global, Value, ValueArena, ValuePool};
use workload::{
    Workload, fill_and_free_fifo, fill_and_free_lifo, fill_and_free_random, fill_fresh, fill_warm,
    free_random, iterate_churned, pair, refill_random_half, replace_random,
};

/// The number of heaps that a row compares at most.
const HEAPS: usize = 3;

/// The most values of a row when it is tested and not measured.
const TESTED_COUNT: usize = 1_000;

/// One operation on values of one size, on the pool and its baselines.
struct Row {
    /// What is measured.
    operation: &'static str,
    /// The size of a value.
    bytes: usize,
    /// The number of values that the workloads are told.
    count: usize,
    /// The number of operations that one iteration of a body measures.
    elements: usize,
    /// The operation on the pool.
    pool: Workload,
    /// On `Box`. It is missing where a row compares what only a heap of one's own has.
    boxed: Option<Workload>,
    /// On `typed-arena`. It is missing where values are freed one by one.
    arena: Option<Workload>,
}

impl Row {
    /// The row's name, which filters match.
    fn name(&self) -> String {
        format!("{}/{}B", self.operation, self.bytes)
    }

    /// The workload of every heap that can do the operation, with the name of the heap.
    fn heaps(&self) -> [(&'static str, Option<Workload>); HEAPS] {
        [("pool", Some(self.pool)), ("box", self.boxed), ("arena", self.arena)]
    }
}

/// The rows for values of `WORDS` words.
fn rows<const WORDS: usize>() -> Vec<Row> {
    let row = |operation, count, elements, pool, boxed, arena| Row {
        operation,
        bytes: size_of::<Value<WORDS>>(),
        count,
        elements,
        pool,
        boxed,
        arena,
    };
    // An operation on `count` values at a time, which an iteration goes through.
    let each = |operation, count, pool: Workload, boxed: Workload| {
        row(operation, count, count, pool, Some(boxed), None)
    };
    // An operation on one value, of which there are `count`.
    let one = |operation, count, pool: Workload, boxed: Workload| {
        row(operation, count, 1, pool, Some(boxed), None)
    };
    // A fill, which is all that an arena can do. There is no fresh global allocator.
    let warm = |operation, count| {
        let pool: Workload = fill_warm::<WORDS, ValuePool<WORDS>>;
        let boxed: Workload = fill_warm::<WORDS, Global>;
        let arena: Workload = fill_warm::<WORDS, ValueArena<WORDS>>;
        row(operation, count, count, pool, Some(boxed), Some(arena))
    };
    let fresh = |operation, count| {
        let pool: Workload = fill_fresh::<WORDS, ValuePool<WORDS>>;
        let arena: Workload = fill_fresh::<WORDS, ValueArena<WORDS>>;
        row(operation, count, count, pool, None, Some(arena))
    };
    let replace = |operation, count| {
        let pool = replace_random::<WORDS, ValuePool<WORDS>>;
        one(operation, count, pool, replace_random::<WORDS, Global>)
    };
    let iterate = |operation, count| {
        let pool = iterate_churned::<WORDS, ValuePool<WORDS>>;
        each(operation, count, pool, iterate_churned::<WORDS, Global>)
    };
    vec![
        one("pair_put_and_free", 1, pair::<WORDS, ValuePool<WORDS>>, pair::<WORDS, Global>),
        warm("fill_1k_warm", 1_000),
        warm("fill_100k_warm", 100_000),
        fresh("fill_1k_fresh", 1_000),
        fresh("fill_100k_fresh", 100_000),
        each(
            "fifo_fill_and_free_100k",
            100_000,
            fill_and_free_fifo::<WORDS, ValuePool<WORDS>>,
            fill_and_free_fifo::<WORDS, Global>,
        ),
        each(
            "lifo_fill_and_free_100k",
            100_000,
            fill_and_free_lifo::<WORDS, ValuePool<WORDS>>,
            fill_and_free_lifo::<WORDS, Global>,
        ),
        each(
            "random_fill_and_free_100k",
            100_000,
            fill_and_free_random::<WORDS, ValuePool<WORDS>>,
            fill_and_free_random::<WORDS, Global>,
        ),
        each(
            "random_free_100k_frees_only",
            100_000,
            free_random::<WORDS, ValuePool<WORDS>>,
            free_random::<WORDS, Global>,
        ),
        row(
            "refill_random_half_of_100k",
            100_000,
            50_000,
            refill_random_half::<WORDS, ValuePool<WORDS>>,
            Some(refill_random_half::<WORDS, Global>),
            None,
        ),
        replace("random_replace_1k_live", 1_000),
        replace("random_replace_100k_live", 100_000),
        replace("random_replace_1m_live", 1_000_000),
        iterate("iterate_1k_after_churn", 1_000),
        iterate("iterate_100k_after_churn", 100_000),
        iterate("iterate_1m_after_churn", 1_000_000),
    ]
}

/// Hands the rows to criterion.
fn run_criterion(rows: &[Row]) {
    // There are more than a hundred things to measure: short times, which the command line can
    // lengthen.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    // As criterion decides it: `cargo test` does not pass `--bench`, and `--test` asks for it.
    let given = |option: &str| env::args().any(|argument| argument == option);
    let tested = given("--test") || !given("--bench");
    for row in rows {
        let count = if tested { row.count.min(TESTED_COUNT) } else { row.count };
        let mut group = criterion.benchmark_group(row.name());
        group.throughput(Throughput::Elements(row.elements as u64));
        for (heap, workload) in row.heaps() {
            let Some(workload) = workload else { continue };
            workload(count, &mut |body| {
                group.bench_function(heap, |bencher| bencher.iter_custom(&mut *body));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

/// Has the global allocator keep memory that is given back to it.
///
/// That of glibc asks the kernel for every large block and returns it at once, until one has been
/// freed: from then on it takes blocks of up to that size from its own, and keeps up to twice as
/// much to itself. Without this, a heap that is made anew for each fill would meet untouched pages,
/// and page faults would be most of what is measured.
fn settle_global_allocator() {
    drop(black_box(Vec::<u8>::with_capacity(31 << 20)));
}

/// Runs criterion, or the mode of its own that criterion knows nothing of.
fn main() {
    settle_global_allocator();
    let sizes = [rows::<1>(), rows::<4>(), rows::<8>(), rows::<32>()];
    let rows: Vec<Row> = sizes.into_iter().flatten().collect();
    if env::args().any(|argument| argument == "--ratios") {
        let filter = env::args().skip(1).find(|argument| !argument.starts_with('-'));
        ratios::print(&rows, &filter.unwrap_or_default());
    } else {
        run_criterion(&rows);
    }
}
