//! A world of game entities of several kinds, each held as a `PoolBox` of its kind's pool.
//!
//! Without a file the program plays a seeded shooter: ships with turrets and a shield shoot at
//! rocks, and everything that is born or dies takes a slot of a pool or gives it back. With a file
//! it replays a recorded trace of a StarCraft II game, a Doom demo or a bullet pattern; there the
//! trace's own handles (slot and generation, or a plain id) lead to the pool boxes.
//!
//! ```text
//! cargo run --release --example game_entities
//! cargo run --release --example game_entities -- --frames 20000 --seed 7
//! cargo run --release --example game_entities -- sc2_many_a.csv
//! cargo run --release --example game_entities -- --format doom demos.txt
//! ```
//!
//! Options (the last one counts if one is given twice):
//!
//! - `--frames N` plays N frames of the shooter, 10000 by default.
//! - `--seed N` seeds the shooter, 1 by default; the same seed gives the same game.
//! - `--format sc2|doom|bullets` takes the file for a trace of that format. Without it the header
//!   or the first lines of the file decide.
//! - `-h` or `--help` prints the options and ends.
//!
//! The report is one `key: value` line each for:
//!
//! - `spawns`: entities born. In a trace these are the B and I rows or the S lines.
//! - `deaths`: entities that died. What is still alive when a level or the game ends is dropped
//!   with its world and is no death.
//! - `peak_live`: the most entities alive at once within one world.
//! - `stale_handles`: events (X, D, T, O) that name an entity which is not alive. Entities of the
//!   shooter reach each other through the boxes that own them only, so there it stays 0.
//! - `ns_per_frame`: time for the game or the replay, divided by its frames. Reading the file is
//!   not part of it. A world of a trace covers the frames from its first event to its last, both
//!   included (a level line counts as an event), and the frames of all worlds add up.
//!
//! Exit code 0 means the report (or the help) is complete. Exit code 2 means that the arguments
//! are wrong, the file cannot be read, a line of the file is bad (the message names the file, the
//! line, what was expected and what stood there) or the report cannot be written.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use args::Job;
use entity::Pools;
use tally::Report;
use trace::{Format, Trace};

#[path = "game_entities/args.rs"]
mod args;
#[path = "game_entities/doom_bullets.rs"]
mod doom_bullets;
#[path = "game_entities/entity.rs"]
mod entity;
#[path = "game_entities/field.rs"]
mod field;
#[path = "shared/input.rs"]
mod input;
#[path = "shared/output.rs"]
mod output;
#[path = "game_entities/replay.rs"]
mod replay;
#[path = "game_entities/row.rs"]
mod row;
#[path = "game_entities/ship.rs"]
mod ship;
#[path = "game_entities/shooter.rs"]
mod shooter;
#[path = "game_entities/starcraft.rs"]
mod starcraft;
#[path = "game_entities/tally.rs"]
mod tally;
#[path = "game_entities/trace.rs"]
mod trace;

fn main() -> ExitCode {
    output::finish("game_entities", args::parse(lexopt::Parser::from_env()).and_then(run))
}

/// Does the job and returns the text for the standard output.
fn run(job: Job) -> Result<String, String> {
    match job {
        Job::Help => Ok(args::HELP.to_owned()),
        Job::Play { frames, seed } => Ok(play(frames, seed).to_string()),
        Job::Replay { path, format } => Ok(replay(&path, format)?.to_string()),
    }
}

fn play(frames: u32, seed: u64) -> Report {
    let start = Instant::now();
    let tally = shooter::play(frames, seed);
    Report { tally, frames: u64::from(frames), elapsed: start.elapsed() }
}

fn replay(path: &Path, format: Option<Format>) -> Result<Report, String> {
    let trace = Trace::parse(&input::read(path)?, format)
        .map_err(|bad| format!("{}:{}: {}", path.display(), bad.line, bad.fault))?;
    let pools = Pools::new();
    let start = Instant::now();
    let tally = replay::replay(&trace, &pools);
    Ok(Report { tally, frames: trace.frames(), elapsed: start.elapsed() })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn an_unreadable_file_is_named() {
        let path = PathBuf::from("no/such/file.csv");
        let message = run(Job::Replay { path, format: None }).unwrap_err();
        assert!(message.starts_with("cannot read no/such/file.csv: "), "{message}");
    }

    #[test]
    fn the_shooter_reports_every_key_in_order() {
        let text = run(Job::Play { frames: 10, seed: 1 }).unwrap();
        let keys: Vec<_> = text.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(keys, ["spawns", "deaths", "peak_live", "stale_handles", "ns_per_frame"]);
    }
}
