//! Allocation traces as text, in the format MTR1, one event a line:
//!
//! - `m T ID SIZE`: thread T allocates object ID.
//! - `c T ID SIZE`: the same, with memory that is all zeros.
//! - `g T ID ALIGN SIZE`: the same, aligned to ALIGN bytes.
//! - `r T ID SIZE`: the object gets another size, and keeps its alignment.
//! - `f T ID`: the object is freed, by whatever thread.
//! - `d T`: the thread ends.
//!
//! Fields are separated by one space. Empty lines are passed over, and those that begin with `#`.

use std::path::Path;

use crate::lines::{BadLine, Mismatch, fields, lines, number, quote};
use crate::program::{MAX_ALIGN, MAX_SIZE, Program};
use crate::recorder::{Event, Recorder};

/// Reads a whole trace; `path` is for the error.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Program, BadLine> {
    let mut recorder = Recorder::default();
    for (line, number) in lines(bytes).zip(1..) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        parse(line)
            .and_then(|(thread, event)| recorder.add(thread, event))
            .map_err(|mismatch| mismatch.at(path, number))?;
    }
    Ok(recorder.finish())
}

/// Reads one line: the thread, and what it does.
fn parse(line: &[u8]) -> Result<(u32, Event), Mismatch> {
    let operation = line.split(|&byte| byte == b' ').next().unwrap_or(line);
    match operation {
        b"m" | b"c" | b"r" => {
            let [_, of, object, bytes] = fields(line, b' ')?;
            let (of, id, size) = (thread(of)?, id(object)?, size(bytes)?);
            let event = match operation {
                b"m" => Event::Allocate { id, size },
                b"c" => Event::AllocateZeroed { id, size },
                _ => Event::Resize { id, size },
            };
            Ok((of, event))
        }
        b"g" => {
            let [_, of, object, alignment, bytes] = fields(line, b' ')?;
            let (of, id) = (thread(of)?, id(object)?);
            Ok((of, Event::AllocateAligned { id, align: align(alignment)?, size: size(bytes)? }))
        }
        b"f" => {
            let [_, of, object] = fields(line, b' ')?;
            Ok((thread(of)?, Event::Free { id: id(object)? }))
        }
        b"d" => {
            let [_, of] = fields(line, b' ')?;
            Ok((thread(of)?, Event::ThreadEnds))
        }
        _ => Err(Mismatch::new("an operation, one of m, c, g, r, f and d", quote(operation))),
    }
}

fn thread(field: &[u8]) -> Result<u32, Mismatch> {
    number(field, "the number of a thread")
}

fn id(field: &[u8]) -> Result<u64, Mismatch> {
    number(field, "the number of an object")
}

fn size(field: &[u8]) -> Result<usize, Mismatch> {
    let size = number(field, "a size in bytes")?;
    if size <= MAX_SIZE {
        return Ok(size);
    }
    Err(Mismatch::new(format!("a size of at most {MAX_SIZE} bytes"), quote(field)))
}

fn align(field: &[u8]) -> Result<usize, Mismatch> {
    let align: usize = number(field, "an alignment in bytes")?;
    if align.is_power_of_two() && align <= MAX_ALIGN {
        return Ok(align);
    }
    let expected = format!("an alignment that is a power of two up to {MAX_ALIGN}");
    Err(Mismatch::new(expected, quote(field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Result<Program, String> {
        read(Path::new("a.mtr"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_operation_is_read() {
        for (line, expected) in [
            ("m 0 7 24", (0, Event::Allocate { id: 7, size: 24 })),
            ("m 0 7 0", (0, Event::Allocate { id: 7, size: 0 })),
            ("c 1 7 4294967295", (1, Event::AllocateZeroed { id: 7, size: 4_294_967_295 })),
            ("g 2 7 64 5", (2, Event::AllocateAligned { id: 7, align: 64, size: 5 })),
            ("g 2 7 1048576 5", (2, Event::AllocateAligned { id: 7, align: 1 << 20, size: 5 })),
            ("r 3 18446744073709551615 9", (3, Event::Resize { id: u64::MAX, size: 9 })),
            ("f 4294967295 7", (u32::MAX, Event::Free { id: 7 })),
            ("d 5", (5, Event::ThreadEnds)),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn comments_empty_lines_and_ends_of_lines_do_not_matter() {
        let plain = program("m 0 0 8\nf 0 0\n").unwrap();
        assert_eq!(program("# MTR1\r\n\r\nm 0 0 8\r\n#f 0 0\r\nf 0 0").unwrap(), plain);
        assert_eq!(program("").unwrap().steps(), []);
    }

    #[test]
    fn a_bad_line_is_named_with_its_file_its_number_and_what_it_should_be() {
        for (line, problem) in [
            ("x 0 1 8", "expected an operation, one of m, c, g, r, f and d, found \"x\""),
            (" m 0 1 8", "expected an operation, one of m, c, g, r, f and d, found \"\""),
            ("mm 0 1 8", "expected an operation, one of m, c, g, r, f and d, found \"mm\""),
            ("m 0 1", "expected 4 columns, found 3 in \"m 0 1\""),
            ("m 0 1 8 8", "expected 4 columns, found 5 in \"m 0 1 8 8\""),
            ("m 0  1 8", "expected 4 columns, found 5 in \"m 0  1 8\""),
            ("m\t0\t1\t8", "expected an operation, one of m, c, g, r, f and d, found"),
            ("g 0 1 8", "expected 5 columns, found 4 in \"g 0 1 8\""),
            ("f 0 1 8", "expected 3 columns, found 4 in \"f 0 1 8\""),
            ("d", "expected 2 columns, found 1 in \"d\""),
            ("m -1 1 8", "expected the number of a thread, found \"-1\""),
            ("m 4294967296 1 8", "expected the number of a thread, found \"4294967296\""),
            ("m 0 one 8", "expected the number of an object, found \"one\""),
            ("m 0 1.5 8", "expected the number of an object, found \"1.5\""),
            ("m 0 1 \u{e9}", "expected a size in bytes, found \"\\xc3\\xa9\""),
            ("m 0 1 18446744073709551616", "expected a size in bytes, found"),
            ("m 0 1 9223372036854775808", "expected a size of at most 4294967295 bytes, found"),
            ("r 0 0 4294967296", "expected a size of at most 4294967295 bytes, found"),
            ("g 0 1 24 8", "expected an alignment that is a power of two up to 1048576, found"),
            ("g 0 1 0 8", "expected an alignment that is a power of two up to 1048576, found"),
            ("g 0 1 2097152 8", "expected an alignment that is a power of two up to 1048576"),
            ("g 0 1 8x 8", "expected an alignment in bytes, found \"8x\""),
            ("m 0 0 8", "expected an object that is not alive, found 0, which is"),
            ("c 0 0 8", "expected an object that is not alive, found 0, which is"),
            ("f 0 1", "expected an object that is alive, found 1, which is not"),
            ("r 0 1 8", "expected an object that is alive, found 1, which is not"),
        ] {
            if cfg!(target_pointer_width = "32") && problem.contains("at most 4294967295") {
                continue;
            }
            let error = program(&format!("# MTR1\nm 0 0 8\n{line}\nf 0 0\n")).unwrap_err();
            assert!(error.starts_with(&format!("a.mtr:3: {problem}")), "{error}");
        }
    }
}
