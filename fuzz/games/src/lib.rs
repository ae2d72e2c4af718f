//! The parsers of the example `game_entities`, by their own files, and what it does with what comes
//! of them.

#[path = "../../../examples/game_entities/doom_bullets.rs"]
mod doom_bullets;
#[path = "../../../examples/game_entities/entity.rs"]
mod entity;
#[path = "../../../examples/game_entities/replay.rs"]
mod replay;
#[path = "../../../examples/game_entities/row.rs"]
mod row;
#[path = "../../../examples/game_entities/starcraft.rs"]
mod starcraft;
#[allow(dead_code, reason = "the example makes a report of it")]
#[path = "../../../examples/game_entities/tally.rs"]
mod tally;
#[path = "../../../examples/game_entities/trace.rs"]
mod trace;

use crate::entity::Pools;
use crate::trace::{Format, Trace};

/// Reads a trace and plays it.
///
/// # Errors
///
/// Those of the example, in its words.
pub fn game_entities(data: &[u8], option: usize) -> Result<(), String> {
    let formats = [Format::Starcraft, Format::Doom, Format::Bullets];
    let trace = Trace::parse(data, formats.get(option % 4).copied())
        .map_err(|bad| format!("in:{}: {}", bad.line, bad.fault))?;
    // Worlds cover the frames that they have events in, and so one each at least.
    assert!(trace.frames() >= trace.levels.len() as u64);
    replay::replay(&trace, &Pools::new());
    Ok(())
}
