//! Allocation traces, MTR1: `m T ID SIZE` (malloc), `c T ID SIZE` (calloc), `g T ID ALIGN SIZE`
//! (aligned), `r T ID SIZE` (realloc), `f T ID` (free), `d T` (a thread ends), `#` a comment.
//!
//! Of a trace only the objects of one size are kept, which is what a typed pool would serve. An
//! object that is reallocated to that size from another one begins there, and one that is
//! reallocated from it to another one ends; to the same size, it is touched. Threads are not told
//! apart: the traces used have one.

use std::path::Path;

use super::lines::{exactly, for_each, number, quoted};
use super::program::{Program, Recorder};

/// The program of the objects of `size` bytes in a file.
pub(crate) fn read(path: &Path, size: usize) -> Result<Program, String> {
    let mut recorder = Recorder::default();
    for_each(path, |line| event(&mut recorder, line, size))?;
    Ok(recorder.finish())
}

fn event(recorder: &mut Recorder, line: &str, size: usize) -> Result<(), String> {
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        None => Ok(()),
        Some(word) if word.starts_with('#') => Ok(()),
        Some("m" | "c" | "r") => {
            let [_, id, bytes] = exactly(words)?;
            sized(recorder, id, bytes, size)
        }
        Some("g") => {
            let [_, id, _, bytes] = exactly(words)?;
            sized(recorder, id, bytes, size)
        }
        Some("f") => {
            let [_, id] = exactly(words)?;
            recorder.end(number(id, "an object number")?);
            Ok(())
        }
        Some("d") => exactly::<1>(words).map(drop),
        Some(word) => Err(format!("expected one of mcgrfd, found {}", quoted(word))),
    }
}

/// Notes that an object has `bytes` from now on.
fn sized(recorder: &mut Recorder, id: &str, bytes: &str, size: usize) -> Result<(), String> {
    let id = number(id, "an object number")?;
    if number::<usize>(bytes, "a size")? != size {
        recorder.end(id);
    } else if recorder.has(id) {
        recorder.touch(id);
    } else {
        recorder.add(id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::program::Action::{Add, End, Touch};
    use super::*;

    #[test]
    fn objects_of_one_size_are_kept() {
        let mut recorder = Recorder::default();
        for line in [
            "# MTR1",
            "m 0 0 56",
            "c 0 1 40",
            "r 0 1 56",
            "g 0 2 16 56",
            "r 0 0 56",
            "r 0 0 80",
            "f 0 0",
            "f 0 2",
            "",
            "d 0",
        ] {
            event(&mut recorder, line, 56).unwrap();
        }
        let program = recorder.finish();
        let steps: Vec<_> = program.steps().iter().map(|s| (s.action(), s.place())).collect();
        let expected = [(Add, 0), (Add, 1), (Add, 2), (Touch, 0), (End, 0), (End, 2), (End, 1)];
        assert_eq!(steps, expected);
    }

    #[test]
    fn bad_lines_are_refused() {
        for (line, problem) in [
            ("m 0 1", "expected 3 fields, found 2"),
            ("x 0 1", "expected one of mcgrfd, found \"x\""),
            ("f 0 one", "expected an object number, found \"one\""),
            ("m 0 1 big", "expected a size, found \"big\""),
        ] {
            assert_eq!(event(&mut Recorder::default(), line, 56).unwrap_err(), problem);
        }
    }
}
