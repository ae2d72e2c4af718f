//! Hours of churn on a pool, compressed into seconds: what it reserves for what is live, under four
//! policies, in figures and as pictures.
//!
//! Values of 64 bytes come and go as orders do in a book, or entities in a game world: a base load
//! that drifts over the day, spikes of about ten times as many, frees in random order, and here and
//! there a value that lives for an hour and holds its chunk. `fragmentation/day.rs` has the rates.
//! The sequence is seeded, and the same for each policy:
//!
//! - `none`: nothing is given back before the pool is dropped;
//! - `trim`: `pool.trim()` every ten minutes;
//! - `automatic`: the pool is made with `release_empty_chunks(true)`;
//! - `compact`: `pool.compact(...)` with all handles every ten minutes, which also trims.
//!
//! ```text
//! cargo run --release --example fragmentation
//! cargo run --release --example fragmentation -- --out DIR --seed 7
//! cargo run --release --example fragmentation -- --hours 24 --policy compact
//! ```
//!
//! Once an hour, and at the end, every byte of every value is checked.
//!
//! # Options
//!
//! - `--out DIR`: the folder for the pictures (the current one).
//! - `--seed N`: the seed of the sequence (1).
//! - `--hours N`: how long the day is (8).
//! - `--policy none|trim|automatic|compact|all`: the policy (all).
//! - `--help`: prints the usage.
//!
//! # Output
//!
//! First `key: value` lines about the sequence, then a table with a column for each policy. Means
//! are over hundreds of samples at equal distances. Fragmentation is the share of the reserved
//! bytes that is not live. `ns per operation` is the time of all puts and frees, with the table of
//! handles, and of the policy's own calls, divided by the number of puts and frees; the share of
//! the policy's calls stands below it. Last come the figures of the first policy's pool at the end
//! of the day.
//!
//! `fragmentation.svg` shows live and reserved bytes over the day. `occupancy.svg` shows what is
//! occupied of each chunk of the first policy's pool at the end of the day, and after it is
//! compacted then. Chunks that have been given back leave their rows blank.
//!
//! # Exit codes
//!
//! - 0: the report is complete.
//! - 1: a value is not what it was.
//! - 2: a bad argument, or a file that cannot be written. The message on standard error names it.

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "fragmentation/day.rs"]
mod day;
#[path = "shared/drawing.rs"]
mod drawing;
#[cfg(test)]
#[path = "shared/elements.rs"]
mod elements;
#[path = "fragmentation/occupancy.rs"]
mod occupancy;
#[path = "fragmentation/options.rs"]
mod options;
#[path = "fragmentation/order.rs"]
mod order;
#[path = "shared/output.rs"]
mod output;
#[path = "fragmentation/play.rs"]
mod play;
#[path = "fragmentation/policy.rs"]
mod policy;
#[path = "fragmentation/report.rs"]
mod report;
#[path = "fragmentation/timeline.rs"]
mod timeline;

use std::process::ExitCode;

use crate::day::Day;
use crate::drawing::Sheet;
use crate::occupancy::Maps;
use crate::options::{Command, Options, USAGE};
use crate::output::Failure;
use crate::play::{Course, Player};
use crate::policy::Policy;
use crate::report::report;

fn main() -> ExitCode {
    let text = options::parse().map_err(Failure::from).and_then(|command| match command {
        Command::Help => Ok(USAGE.to_owned()),
        Command::Run(options) => run(&options),
    });
    output::finish("fragmentation", text)
}

fn run(options: &Options) -> Result<String, Failure> {
    let Options { out, seed, hours, policies } = options;
    let sheet = |name| Sheet::create(&out.join(name));
    let (over_time, occupancy) = (sheet("fragmentation.svg")?, sheet("occupancy.svg")?);
    let day = Day::draw(*hours, *seed);
    let mut courses = Vec::with_capacity(policies.len());
    let mut maps = None;
    for &policy in *policies {
        let (course, of_pool) = play(&day, policy).map_err(|fault| spoilt(policy, &fault))?;
        courses.push(course);
        maps.get_or_insert(of_pool);
    }
    over_time.fill(&timeline::draw(&day, &courses)?)?;
    if let Some(maps) = maps {
        occupancy.fill(&occupancy::draw(&maps)?)?;
    }
    Ok(report(&day, *seed, &courses))
}

/// Plays a day on a pool, and compacts that at its end.
fn play(day: &Day, policy: Policy) -> Result<(Course, Maps), String> {
    let pool = policy.pool();
    let mut player = Player::new(&pool, day.places);
    let course = player.play(day, policy)?;
    let before = pool.chunks().collect();
    let moved = player.act(Policy::Compact);
    player.check()?;
    Ok((course, Maps { before, after: pool.chunks().collect(), moved }))
}

/// A value is not what it was.
fn spoilt(policy: Policy, fault: &str) -> Failure {
    Failure { message: format!("{}: {fault}", policy.name()), code: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(out: &str) -> Options {
        Options { out: out.into(), seed: 1, hours: 1, policies: &[Policy::Compact] }
    }

    #[test]
    fn a_run_writes_both_pictures() {
        let out = std::env::temp_dir().join(format!("typed-pool-{}", std::process::id()));
        std::fs::create_dir_all(&out).unwrap();
        let text = run(&options(out.to_str().unwrap())).unwrap();
        assert!(text.starts_with("hours: 1\nseed: 1\n"), "{text}");
        for name in ["fragmentation.svg", "occupancy.svg"] {
            elements::elements(&std::fs::read_to_string(out.join(name)).unwrap());
        }
        std::fs::remove_dir_all(&out).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let failure = run(&options("no/such")).unwrap_err();
        assert!(failure.message.starts_with("cannot write no/such/"), "{failure:?}");
        assert_eq!(failure.code, 2);
    }

    #[test]
    fn what_was_spoilt_has_a_code_of_its_own() {
        let failure = spoilt(Policy::Trim, "expected value 7");
        assert_eq!((failure.message.as_str(), failure.code), ("trim: expected value 7", 1));
    }
}
