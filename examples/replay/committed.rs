//! How much memory mimalloc takes for a trace, as it tells itself.
//!
//! It cannot be made anew, so this is asked of a process that does nothing else: this program
//! again.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::ptr;

use libmimalloc_sys::mi_process_info;

use crate::heap::Global;
use crate::mimalloc::Mimalloc;
use crate::play::{Blocks, Touch, play};
use crate::program::Program;

/// The option that asks for the figure alone. It is for this program's own use.
pub(crate) const OPTION: &str = "mimalloc-committed";

const KEY: &str = "peak_committed: ";

/// Plays a program against mimalloc, which must not have been used before, and says how many bytes
/// it had committed at most, less those that it had at the start.
pub(crate) fn answer(program: &Program) -> String {
    let mut blocks = Blocks::new(program);
    let (start, _) = commit();
    let Ok(()) = play(&Global(Mimalloc), program, &mut blocks, &mut Touch);
    let (_, peak) = commit();
    format!("{KEY}{}\n", peak.saturating_sub(start))
}

/// The bytes that mimalloc has committed, now and at most.
fn commit() -> (usize, usize) {
    let (mut current, mut peak) = (0, 0);
    let none = ptr::null_mut();
    // SAFETY: what is null is not written, and the others are places for a number.
    unsafe { mi_process_info(none, none, none, none, none, &mut current, &mut peak, none) };
    (current, peak)
}

/// Has another process answer for the trace in a file.
pub(crate) fn ask(path: &Path) -> Result<usize, String> {
    let failed = |reason: String| format!("cannot measure the memory of mimalloc: {reason}");
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program);
    // A path may begin with a dash.
    child.arg(format!("--{OPTION}")).arg("--").arg(path).stderr(Stdio::inherit());
    let output = child.output().map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match parse(&text) {
        Some(bytes) if output.status.success() => Ok(bytes),
        _ => Err(failed(format!("{}, {text:?}", output.status))),
    }
}

fn parse(text: &str) -> Option<usize> {
    text.trim_end().strip_prefix(KEY)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::trace;

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call mimalloc")]
    fn an_answer_is_understood() {
        assert!(parse(&answer(&trace())).is_some());
        assert_eq!(parse("peak_committed: 12\n"), Some(12));
        assert_eq!(parse("usage\n"), None);
    }
}
