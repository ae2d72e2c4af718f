//! CME market by order: `ts_event,action,side,price,size,order_id,flags,sequence`, after a header.
//!
//! `A` adds an order, `M` modifies one, which touches it, `C` cancels one. `R` clears the book. `T`
//! and `F` tell of trades, which change nothing: what they take away, an `M` or a `C` says again.

use std::path::Path;

use super::lines::{exactly, for_each, number, quoted};
use super::program::{Program, Recorder};

/// The first line of a file.
const HEADER: &str = "ts_event,action,side,price,size,order_id,flags,sequence";

/// The program of a file.
pub(crate) fn read(path: &Path) -> Result<Program, String> {
    let mut recorder = Recorder::default();
    let mut first = true;
    for_each(path, |line| {
        if std::mem::take(&mut first) {
            let found = || format!("expected {HEADER:?}, found {}", quoted(line));
            return if line == HEADER { Ok(()) } else { Err(found()) };
        }
        event(&mut recorder, line)
    })?;
    Ok(recorder.finish())
}

fn event(recorder: &mut Recorder, line: &str) -> Result<(), String> {
    let [_, action, _, _, _, order, _, _] = exactly(line.split(','))?;
    let order: u64 = number(order, "an order number")?;
    match action {
        "A" => {
            if !recorder.add(order) {
                return Err(format!("order {order} is added a second time"));
            }
        }
        "M" => recorder.touch(order),
        "C" => recorder.end(order),
        "R" => recorder.end_all(),
        "T" | "F" => {}
        _ => return Err(format!("expected one of ACMRTF, found {}", quoted(action))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::program::Action::{Add, End, Touch};
    use super::*;

    #[test]
    fn events_become_steps() {
        let mut recorder = Recorder::default();
        for line in [
            "1,A,B,479900,2,64,40,682",
            "2,A,B,479900,2,65,40,683",
            "3,M,B,479900,1,64,40,684",
            "4,T,B,479900,1,64,40,685",
            "5,C,B,479900,1,64,40,686",
            "6,R,N,0,0,0,40,687",
            "7,A,B,479900,2,66,40,688",
        ] {
            event(&mut recorder, line).unwrap();
        }
        let program = recorder.finish();
        let steps: Vec<_> = program.steps().iter().map(|s| (s.action(), s.place())).collect();
        let expected = [(Add, 0), (Add, 1), (Touch, 0), (End, 0), (End, 1), (Add, 1), (End, 1)];
        assert_eq!(steps, expected);
    }

    #[test]
    fn bad_lines_are_refused() {
        for (line, problem) in [
            ("1,A,B,479900,2,64,40", "expected 8 fields, found 7"),
            ("1,X,B,479900,2,64,40,682", "expected one of ACMRTF, found \"X\""),
            ("1,A,B,479900,2,,40,682", "expected an order number, found \"\""),
        ] {
            assert_eq!(event(&mut Recorder::default(), line).unwrap_err(), problem);
        }
    }
}
