//! The three threads, and what they come to together.

use std::io::{self, Write};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use typed_pool::{Pool, SyncPool};

use crate::book::{self, Heap};
use crate::feed::{self, Message};
use crate::lines::BadLine;
use crate::logger::{self, Fill, Sums};
use crate::matcher::{self, Matched};
use crate::pipe::{self, Inbox, Limits};
use crate::source::Source;
use crate::store::Store;
use crate::timing::Run;

/// What was done, which does not depend on where things are kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) matched: Matched,
    pub(crate) sums: Sums,
}

/// How often a thread found a pool full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    pub(crate) feed: u64,
    pub(crate) matcher: u64,
}

/// One run, complete or not.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) summary: Summary,
    pub(crate) waits: Waits,
    pub(crate) elapsed: Duration,
    /// Why it ended before the source did.
    pub(crate) failed: Option<Failure>,
}

/// Why a run ended before its source did.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The log could not be written.
    Log(io::Error),
    /// A line could not be read, or the book refused it.
    Line(BadLine),
}

/// A run that ended before its source did, and what was done until then.
#[derive(Debug)]
pub(crate) struct CutShort {
    pub(crate) summary: Summary,
    pub(crate) waits: Waits,
    pub(crate) failure: Failure,
}

impl Ended {
    pub(crate) fn complete(self) -> Result<Run<Summary>, Box<CutShort>> {
        let Self { summary, waits, elapsed, failed } = self;
        match failed {
            Some(failure) => Err(Box::new(CutShort { summary, waits, failure })),
            None => {
                let messages = summary.matched.messages;
                Ok(Run::new(summary, elapsed, messages))
            }
        }
    }
}

/// Runs with messages and fills in two pools that the threads share, and orders in a pool of the
/// matcher's own.
pub(crate) fn on_pool(source: &Source, limits: Limits, log: &mut (dyn Write + Send)) -> Ended {
    let messages = SyncPool::bounded(limits.in_flight);
    let fills = SyncPool::bounded(limits.in_flight);
    let ended = run(source, limits, log, &messages, &fills, Pool::new);
    let kept = (messages.len(), fills.len());
    assert_eq!(kept, (0, 0), "no handle is left and some slots are not free");
    ended
}

/// Runs with all of them in boxes.
pub(crate) fn on_heap(source: &Source, limits: Limits, log: &mut (dyn Write + Send)) -> Ended {
    run(source, limits, log, &Heap, &Heap, || Heap)
}

/// Each thread ends when the one before it does. One that stops early drops its receiving end,
/// which stops those before it.
fn run<M, F, O>(
    source: &Source,
    limits: Limits,
    log: &mut (dyn Write + Send),
    messages: &M,
    fills: &F,
    orders: impl FnOnce() -> O + Send,
) -> Ended
where
    M: Store<Message>,
    F: Store<Fill>,
    O: book::Store,
{
    let start = Instant::now();
    let (fed, matched, logged) = thread::scope(|scope| {
        let (messages_out, messages_in) = pipe::pipe(messages, limits);
        let (fills_out, fills_in) = pipe::pipe(fills, limits);
        let feed = scope.spawn(move || feed::run(source, messages_out));
        let messages_in = Inbox::new(messages_in, feed.thread().clone());
        let matcher = scope.spawn(move || matcher::run(&orders(), messages_in, fills_out));
        let fills_in = Inbox::new(fills_in, matcher.thread().clone());
        let logger = scope.spawn(move || logger::run(fills_in, log));
        (join(feed), join(matcher), join(logger))
    });
    let elapsed = start.elapsed();
    // A line that the book refused stands before one that the feed could not read.
    let refused = matched.refused.map(|(line, refused)| source.refused(line, refused));
    let failed = logged.failed.map(Failure::Log).or_else(|| refused.or(fed.bad).map(Failure::Line));
    Ended {
        summary: Summary { matched: matched.matched, sums: logged.sums },
        waits: Waits { feed: fed.waits, matcher: matched.waits },
        elapsed,
        failed,
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
