//! Programs for tests.

use std::path::Path;

use crate::program::Program;
use crate::trace;

/// The program of a trace that is known to be good.
pub(crate) fn program(text: &str) -> Program {
    trace::read(Path::new("sample.mtr"), text.as_bytes()).unwrap()
}

/// Every operation with sizes of all kinds: none, small, of a class, too large for one; across
/// threads; with what lives on at the end.
pub(crate) fn trace() -> Program {
    let mut text = String::from(
        "# MTR1\nm 0 0 0\nc 0 1 0\nr 0 0 24\nr 0 1 9\nr 0 1 0\nf 0 0\ng 1 2 4096 100\n\
         m 0 3 40000\nr 0 3 80000\nr 0 3 50\nf 1 3\nd 1\ng 0 4 64 48\nr 0 4 4000\nr 0 4 30\n\
         f 0 2\ng 0 5 8 70\n",
    );
    for id in 6..200 {
        let size = id * 37 % 1_500;
        let operation = if id % 3 == 0 { 'c' } else { 'm' };
        text += &format!("{operation} 0 {id} {size}\n");
        if id % 4 == 0 {
            text += &format!("r 0 {} {}\n", id - 1, size / 2 + 600);
        }
        if id > 40 && id % 5 != 0 {
            text += &format!("f 0 {}\n", id - 30);
        }
    }
    program(&text)
}
