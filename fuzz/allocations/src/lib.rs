//! The parser of the example `replay`, by its own files, and what it does with what comes of it.
#![expect(dead_code, reason = "the example uses the rest")]

#[path = "../../../examples/replay/checked.rs"]
mod checked;
#[path = "../../../examples/replay/heap.rs"]
mod heap;
#[path = "../../../examples/shared/lines.rs"]
mod lines;
#[path = "../../../examples/replay/play.rs"]
mod play;
#[path = "../../../examples/replay/program.rs"]
mod program;
#[path = "../../../examples/replay/recorder.rs"]
mod recorder;
#[path = "../../../examples/replay/trace.rs"]
mod trace;

use std::path::Path;

use typed_pool::SizeClassPool;

/// The most bytes that are played.
const MOST: usize = 1 << 22;

/// Reads a trace and, where it takes little memory, plays it on a pool, byte by byte.
///
/// # Errors
///
/// Those of the example, in its words.
pub fn replay(data: &[u8]) -> Result<(), String> {
    let program = trace::read(Path::new("in"), data).map_err(|bad| bad.to_string())?;
    if program.tally().peak_live_bytes > MOST {
        return Ok(());
    }
    let pool = SizeClassPool::new();
    if let Err(fault) = checked::check(&pool, &program) {
        panic!("{fault}");
    }
    pool.check_invariants();
    assert!(pool.is_empty());
    Ok(())
}
