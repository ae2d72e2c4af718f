//! LOBSTER messages: `time,type,order,size,price,direction`.
//!
//! Type 1 adds an order. Types 2 (partial cancellation) and 4 (execution) take some of its size
//! away, which touches it, and ends it where nothing is left. Type 3 ends it. Types 5 (a hidden
//! order) and 7 (a halt) concern no order of the book; 6 (an auction) neither. Events for orders
//! from before the recording are passed over.

use std::collections::HashMap;
use std::path::Path;

use super::lines::{exactly, for_each, number, quoted};
use super::program::{Program, Recorder};

/// The program of a file.
pub(crate) fn read(path: &Path) -> Result<Program, String> {
    let mut book = Book::default();
    for_each(path, |line| book.message(line))?;
    Ok(book.recorder.finish())
}

/// Orders that rest, with what is left of them.
#[derive(Default)]
struct Book {
    recorder: Recorder,
    left: HashMap<u64, u64>,
}

impl Book {
    fn message(&mut self, line: &str) -> Result<(), String> {
        let [_, kind, order, size, _, _] = exactly(line.split(','))?;
        let order: u64 = number(order, "an order number")?;
        let size: u64 = number(size, "a size")?;
        match kind {
            "1" => {
                if !self.recorder.add(order) {
                    return Err(format!("order {order} is added a second time"));
                }
                self.left.insert(order, size);
            }
            "2" | "4" => self.take(order, size),
            "3" => self.recorder.end(order),
            "5" | "6" | "7" => {}
            _ => return Err(format!("expected a type from 1 to 7, found {}", quoted(kind))),
        }
        Ok(())
    }

    /// Takes some of an order's size away.
    fn take(&mut self, order: u64, size: u64) {
        let Some(left) = self.left.get_mut(&order) else { return };
        *left = left.saturating_sub(size);
        if *left > 0 {
            self.recorder.touch(order);
        } else {
            self.recorder.end(order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::Action::{Add, End, Touch};
    use super::*;

    /// The steps that come of some lines, before what is alive ends.
    fn steps(lines: &[&str]) -> Result<Vec<(super::super::program::Action, usize)>, String> {
        let mut book = Book::default();
        for line in lines {
            book.message(line)?;
        }
        let program = book.recorder.finish();
        Ok(program.steps().iter().map(|step| (step.action(), step.place())).collect())
    }

    #[test]
    fn orders_live_until_nothing_is_left() {
        let lines = [
            "34200.1,1,7,100,5000,1",
            "34200.2,2,7,30,5000,1",
            "34200.3,4,7,70,5000,1",
            "34200.4,4,7,70,5000,1",
            "34200.5,1,8,5,5000,-1",
            "34200.6,3,8,5,5000,-1",
            "34200.7,3,9,5,5000,-1",
            "34200.8,5,0,5,5000,-1",
        ];
        let expected = vec![(Add, 0), (Touch, 0), (End, 0), (Add, 0), (End, 0)];
        assert_eq!(steps(&lines), Ok(expected));
    }

    #[test]
    fn bad_lines_are_refused() {
        for (line, problem) in [
            ("34200.1,1,7,100,5000", "expected 6 fields, found 5"),
            ("34200.1,8,7,100,5000,1", "expected a type from 1 to 7, found \"8\""),
            ("34200.1,1,seven,100,5000,1", "expected an order number, found \"seven\""),
            ("34200.1,1,7,-1,5000,1", "expected a size, found \"-1\""),
        ] {
            assert_eq!(steps(&[line]).unwrap_err(), problem);
        }
    }
}
