//! Threads that do something in rounds, all at the same time.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// How often a thread looks again, for a millisecond or so, before it lets others have its
/// processor.
const LOOKS: usize = 30_000;

/// Waits until `done` says so. It does not sleep, so that it costs those who are waited for nothing
/// to go on.
#[inline]
pub(super) fn wait_until(mut done: impl FnMut() -> bool) {
    for look in 0.. {
        if done() {
            return;
        }
        if look < LOOKS { hint::spin_loop() } else { thread::yield_now() }
    }
}

/// When a thread began its part of a round, and when it was done.
type Span = (Instant, Instant);

/// Threads that sleep between rounds. They end with this value.
///
/// Each has a processor of its own. Otherwise those that are woken together may well have to share
/// one, for all of a short round, and what they do at the same time is done in turns.
pub(super) struct Team {
    members: Vec<(Sender<u64>, Receiver<Span>)>,
}

impl Team {
    /// Starts `threads` threads. `prepare` is called on each with its number, and gives what the
    /// thread does in a round of some iterations.
    pub(super) fn start<'s, R: FnMut(u64)>(
        scope: &'s Scope<'s, '_>,
        threads: usize,
        prepare: impl Fn(usize) -> R + Copy + Send + 's,
    ) -> Self {
        let arrivals = Arc::new(AtomicUsize::new(0));
        let processors = core_affinity::get_core_ids().unwrap_or_default();
        let member = |number| {
            let (orders, orders_here) = mpsc::channel();
            let (spans_here, spans) = mpsc::channel();
            let arrivals = Arc::clone(&arrivals);
            let processor = processors.get(number).copied();
            scope.spawn(move || {
                // Where the system has no such thing, it is to find one for each thread.
                processor.map(core_affinity::set_for_current);
                let mut part = prepare(number);
                for (round, iterations) in (1..).zip(orders_here) {
                    arrivals.fetch_add(1, Release);
                    wait_until(|| arrivals.load(Acquire) >= round * threads);
                    let start = Instant::now();
                    part(iterations);
                    // Nobody listens where another thread has failed.
                    _ = spans_here.send((start, Instant::now()));
                }
            });
            (orders, spans)
        };
        Self { members: (0..threads).map(member).collect() }
    }

    /// Has all threads do their parts of a round; returns the time from the first start to the last
    /// end.
    pub(super) fn round(&self, iterations: u64) -> Duration {
        for (orders, _) in &self.members {
            orders.send(iterations).expect("the thread waits for it");
        }
        let spans = self.members.iter().map(|(_, spans)| spans.recv().expect("the thread is well"));
        let (start, end) = spans
            .reduce(|(start, end), (s, e)| (start.min(s), end.max(e)))
            .expect("there is a thread at least");
        end - start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_from_the_first_start_to_the_last_end() {
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            let team = Team::start(scope, 3, |number| {
                let done = &done;
                move |iterations| {
                    thread::sleep(Duration::from_millis(iterations * number as u64));
                    done.fetch_add(1, Release);
                }
            });
            for round in 1..=2 {
                assert!(team.round(10) >= Duration::from_millis(20));
                assert_eq!(done.load(Acquire), 3 * round);
            }
        });
    }
}
