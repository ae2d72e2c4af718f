//! Tests of the whole pipeline, on the pool and in boxes.

use std::io::{self, Write};
use std::path::Path;

use crate::book::{Book, Heap};
use crate::pipe::Limits;
use crate::source::Source;
use crate::threads::{self, Ended, Failure};

/// A trade in each line but the first two, one order filled in two of them.
const TRADES: &str =
    "1,1,7,10,100,1\n1,1,8,5,101,-1\n1,4,7,4,100,1\n1,4,8,5,101,-1\n1,4,7,6,100,1\n";

const LIMITS: [Limits; 4] = [
    Limits { in_flight: 1, batch: 1 },
    Limits { in_flight: 3, batch: 64 },
    Limits { in_flight: 100, batch: 7 },
    Limits { in_flight: 4_096, batch: 256 },
];

fn file(text: &str) -> Source {
    Source::bytes(Path::new("in.csv"), text.as_bytes().to_vec(), None).unwrap()
}

/// Runs on the pool and in boxes with all limits; all runs have to come to the same, to the fill.
/// Returns one of them with what it logged.
fn run(source: &Source) -> (Ended, String) {
    let mut first: Option<(Ended, String)> = None;
    for limits in LIMITS {
        for run in [threads::on_pool, threads::on_heap] {
            let mut log = Vec::new();
            let ended = run(source, limits, &mut log);
            let log = String::from_utf8(log).unwrap();
            match &first {
                Some((one, logged)) => {
                    assert_eq!(one.summary, ended.summary, "{limits:?}");
                    assert_eq!(logged, &log, "{limits:?}");
                    assert_eq!(format!("{:?}", one.failed), format!("{:?}", ended.failed));
                }
                None => first = Some((ended, log)),
            }
        }
    }
    first.unwrap()
}

/// The words for the line that a run ended at.
fn line(failed: Option<Failure>) -> String {
    match failed {
        Some(Failure::Line(bad)) => bad.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_execution_is_a_fill() {
    let (ended, log) = run(&file(TRADES));
    assert!(ended.failed.is_none());
    let lines =
        ["line,order_id,side,price,size", "3,7,bid,100,4", "4,8,ask,101,5", "5,7,bid,100,6"];
    assert_eq!(log, lines.map(|line| format!("{line}\n")).concat());
    let (matched, sums) = (&ended.summary.matched, &ended.summary.sums);
    assert_eq!((matched.messages, matched.live, matched.tally.filled), (5, 0, 2));
    assert_eq!((sums.fills, sums.volume), (3, 15));
}

#[test]
fn an_execution_of_more_than_there_is_fills_what_there_is() {
    let (ended, _) = run(&file("1,1,7,10,100,1\n1,4,7,25,100,1\n1,4,7,1,100,1\n"));
    let (tally, sums) = (&ended.summary.matched.tally, &ended.summary.sums);
    assert_eq!((tally.filled, tally.unknown), (1, 1));
    assert_eq!((sums.fills, sums.volume), (1, 10));
}

#[test]
fn the_matcher_does_what_the_book_does_with_the_same_events() {
    let source = Source::flow(if cfg!(miri) { 300 } else { 30_000 }, 3);
    let (ended, log) = run(&source);
    let mut book = Book::new(&Heap);
    for event in source.events().unwrap() {
        book.apply(event.unwrap()).unwrap();
    }
    let matched = &ended.summary.matched;
    assert_eq!((&matched.tally, matched.live), (book.tally(), book.live()));
    assert!(ended.failed.is_none());
    assert_eq!(matched.messages, source.len());
    assert_eq!(log.lines().count() as u64, 1 + ended.summary.sums.fills);
}

#[test]
fn a_bad_line_is_named_and_what_stands_before_it_is_done() {
    for bad in ["1,4,7,x,100,1", "", "1,9,7,1,100,1"] {
        let (ended, log) = run(&file(&format!("{TRADES}{bad}\n1,1,9,1,100,1\n")));
        let failed = line(ended.failed);
        assert!(failed.starts_with("in.csv:6: expected "), "{failed}");
        assert_eq!((ended.summary.matched.messages, ended.summary.sums.fills), (5, 3));
        assert_eq!(log.lines().count(), 4);
    }
}

#[test]
fn a_message_that_the_book_refuses_is_named_before_a_bad_line_behind_it() {
    let more = "1,1,9,1,100,1\n".repeat(2_000);
    let (ended, log) = run(&file(&format!("{TRADES}1,1,9,1,100,1\n{more}bad\n")));
    let expected = "in.csv:7: expected the id of a new order, found order 9, which is resting";
    assert_eq!(line(ended.failed), expected);
    assert_eq!((ended.summary.matched.messages, ended.summary.sums.fills), (6, 3));
    assert_eq!(log.lines().count(), 4);
}

/// Has room for some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = bytes.len().min(self.0);
        self.0 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_all_threads() {
    let source = Source::flow(if cfg!(miri) { 300 } else { 30_000 }, 3);
    for limits in LIMITS {
        for room in [0, 40, 100] {
            let ended = threads::on_pool(&source, limits, &mut Full(room));
            let kind = match ended.failed {
                Some(Failure::Log(error)) => error.kind(),
                other => panic!("{other:?}"),
            };
            assert_eq!(kind, io::ErrorKind::StorageFull);
        }
    }
}

#[test]
fn one_message_at_a_time_is_enough() {
    let source = Source::flow(1_000, 1);
    let ended = threads::on_pool(&source, LIMITS[0], &mut io::sink());
    assert!(ended.failed.is_none());
    assert_eq!(ended.summary.matched.messages, 1_000);
    assert!(ended.waits.feed > 0);
}
