//! `--ratios`: the bodies of the rows, interleaved.
//!
//! Criterion measures one row after the other, seconds apart, and in seconds some machines become
//! twice as fast or slow. Here the heaps of a row take turns in blocks of a fraction of a
//! millisecond, in an order that is drawn anew for each round, so that whatever slows the machine
//! down for longer than that slows all of them down.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::workload::{Body, Workload};
use crate::{HEAPS, Row};

/// How long all rows take together, next to what it takes to set them up.
const TOTAL: Duration = Duration::from_secs(42);

/// How long a single row takes at most, however few there are.
const LONGEST_ROW: Duration = Duration::from_secs(3);

/// The fewest rounds of a row: a median of less says little.
const FEWEST_ROUNDS: usize = 15;

/// How long a block takes at least. Operations that take longer make longer blocks.
const BLOCK: Duration = Duration::from_micros(200);

/// Measures every row whose name contains `filter` and prints a line for each.
pub(crate) fn print(rows: &[Row], filter: &str) {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.name().contains(filter)).collect();
    let budget = (TOTAL / rows.len().max(1) as u32).min(LONGEST_ROW);
    println!("Time per operation: the best block, in ns. Ratios: best to best, and");
    println!("the median of the ratios of blocks of one round.");
    println!();
    println!(
        "{:36}{:>8}{:>8}{:>8}{:>10}{:>8}{:>12}{:>8}{:>8}",
        "", "pool", "box", "arena", "pool/box", "median", "pool/arena", "median", "rounds"
    );
    for row in rows {
        println!("{}", line(row, budget));
    }
}

/// Measures a row for as long as `budget` says; returns what is printed of it.
fn line(row: &Row, budget: Duration) -> String {
    let workloads = row.heaps().map(|(_, workload)| workload);
    let present: Vec<Workload> = workloads.into_iter().flatten().collect();
    let mut measured = Vec::new();
    with_all(&present, row.count, &mut [], &mut |bodies| {
        measured = interleave(bodies, row.elements, budget);
    });
    let rounds = measured[0].len();
    let mut measured = measured.into_iter();
    // The blocks of a heap, or nothing where the row does without it.
    let [pool, boxed, arena]: [Vec<f64>; HEAPS] =
        workloads.map(|workload| workload.and_then(|_| measured.next()).unwrap_or_default());
    format!(
        "{:36}{:>8}{:>8}{:>8}{:>10}{:>8}{:>12}{:>8}{:>8}",
        row.name(),
        cell(best(&pool), 2),
        cell(best(&boxed), 2),
        cell(best(&arena), 2),
        cell(best(&pool) / best(&boxed), 3),
        cell(median_ratio(&pool, &boxed), 3),
        cell(best(&pool) / best(&arena), 3),
        cell(median_ratio(&pool, &arena), 3),
        rounds,
    )
}

/// Calls `then` with the bodies of `opened` and of `workloads`, behind each other. Each workload
/// lends its body only to what it calls, hence the recursion.
fn with_all(
    workloads: &[Workload],
    count: usize,
    opened: &mut [&mut Body<'_>],
    then: &mut dyn FnMut(&mut [&mut Body<'_>]),
) {
    let Some((first, rest)) = workloads.split_first() else {
        return then(opened);
    };
    first(count, &mut |body| {
        let mut bodies: Vec<&mut Body<'_>> = Vec::new();
        for before in opened.iter_mut() {
            bodies.push(&mut **before);
        }
        bodies.push(body);
        with_all(rest, count, &mut bodies, then);
    });
}

/// Lets `bodies` take turns; returns for each the time per element, in ns, of its blocks.
fn interleave(bodies: &mut [&mut Body<'_>], elements: usize, budget: Duration) -> Vec<Vec<f64>> {
    let iterations: Vec<u64> = bodies.iter_mut().map(|body| block_length(body)).collect();
    let mut blocks = vec![Vec::new(); bodies.len()];
    let mut order: Vec<usize> = (0..bodies.len()).collect();
    let mut rng = Rng::new();
    let start = Instant::now();
    while start.elapsed() < budget || blocks[0].len() < FEWEST_ROUNDS {
        rng.shuffle(&mut order);
        for &heap in &order {
            let time = bodies[heap](iterations[heap]);
            let operations = iterations[heap] as f64 * elements as f64;
            blocks[heap].push(time.as_secs_f64() * 1e9 / operations);
        }
    }
    blocks
}

/// How often a body is to go through its operation to fill a block.
fn block_length(body: &mut Body<'_>) -> u64 {
    let mut iterations = 1;
    // The first call sets things up, and meets caches that are cold.
    body(iterations);
    // Several calls in a row, lest one that was held up passes for a long block.
    while (0..3).any(|_| body(iterations) < BLOCK) {
        iterations *= 2;
    }
    iterations
}

/// The shortest time; infinite where there is none.
fn best(blocks: &[f64]) -> f64 {
    blocks.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The median of the ratios of what was measured in the same round; not a number where nothing
/// was.
fn median_ratio(above: &[f64], below: &[f64]) -> f64 {
    let mut ratios: Vec<f64> = above.iter().zip(below).map(|(a, b)| a / b).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A figure for print. What a row does without is a time that is infinite, or a ratio that is 0 or
/// not a number.
fn cell(figure: f64, digits: usize) -> String {
    if figure.is_finite() && figure > 0.0 { format!("{figure:.digits$}") } else { "-".to_owned() }
}
