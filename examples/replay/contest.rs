//! Times the contenders, in turns within one process.

use std::alloc::System;
use std::convert::Infallible;
use std::time::Instant;

use typed_pool::SizeClassPool;

use crate::checked::{Fault, check};
use crate::heap::{Global, Heap};
use crate::mimalloc::Mimalloc;
use crate::nothing::Nothing;
use crate::play::{Blocks, Touch, play};
use crate::program::Program;
use crate::rounds::{self, Sorted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Pool,
    System,
    Mimalloc,
}

impl Contender {
    pub(crate) const ALL: &[Self] = &[Self::Pool, Self::System, Self::Mimalloc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::System => "system",
            Self::Mimalloc => "mimalloc",
        }
    }

    /// Plays a program and checks what the objects hold.
    pub(crate) fn check(self, program: &Program) -> Result<(), Fault> {
        match self {
            Self::Pool => check(&SizeClassPool::new(), program),
            Self::System => check(&Global(System), program),
            Self::Mimalloc => check(&Global(Mimalloc), program),
        }
    }

    fn player(self) -> Player {
        match self {
            Self::Pool => player(SizeClassPool::new()),
            Self::System => player(Global(System)),
            Self::Mimalloc => player(Global(Mimalloc)),
        }
    }
}

/// Plays a program once and says how many nanoseconds that took.
type Player = Box<dyn Fn(&Program, &mut Blocks) -> f64>;

/// A heap that stays from round to round.
fn player<H: Heap + 'static>(heap: H) -> Player {
    Box::new(move |program, blocks| {
        let start = Instant::now();
        let Ok(()) = play(&heap, program, blocks, &mut Touch);
        start.elapsed().as_nanos() as f64
    })
}

/// The nanoseconds per step of every round.
#[derive(Debug)]
pub(crate) struct Times {
    /// Of a replay without an allocator.
    pub(crate) floor: Vec<f64>,
    pub(crate) contenders: Vec<(Contender, Vec<f64>)>,
}

impl Times {
    /// The times of a contender, if it took part.
    pub(crate) fn of(&self, contender: Contender) -> Option<&[f64]> {
        let mut all = self.contenders.iter();
        all.find(|(of, _)| *of == contender).map(|(_, times)| &times[..])
    }
}

/// How many times as long one takes as the other: in the middle of the ratios of all rounds, and by
/// the shortest time of each.
pub(crate) fn ratios(one: &[f64], other: &[f64]) -> (f64, f64) {
    let of_rounds = Sorted::new(one.iter().zip(other).map(|(one, other)| one / other));
    let least = |times: &[f64]| Sorted::new(times.iter().copied()).least();
    (of_rounds.median(), least(one) / least(other))
}

/// Runs the rounds.
pub(crate) fn run(contenders: &[Contender], program: &Program, rounds: usize) -> Times {
    let mut blocks = Blocks::new(program);
    let mut players = vec![player(Nothing::new(program.places()))];
    players.extend(contenders.iter().map(|contender| contender.player()));
    let steps = program.steps().len().max(1) as f64;
    let Ok(mut times) = rounds::rotate(rounds, players.len(), |runner| {
        Ok::<_, Infallible>(players[runner](program, &mut blocks) / steps)
    });
    let of_contenders = times.split_off(1);
    Times {
        floor: times.remove(0),
        contenders: contenders.iter().copied().zip(of_contenders).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::trace;

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call mimalloc")]
    fn every_contender_and_the_floor_have_a_time_of_every_round() {
        let times = run(Contender::ALL, &trace(), 3);
        assert_eq!(times.floor.len(), 3);
        for &contender in Contender::ALL {
            let times = times.of(contender).unwrap();
            assert!(times.len() == 3 && times.iter().all(|&ns| ns > 0.0), "{times:?}");
        }
        assert!(run(&[Contender::Pool], &trace(), 1).of(Contender::System).is_none());
    }

    #[test]
    fn ratios_are_of_rounds_and_of_the_shortest_times() {
        let (median, least) = ratios(&[4.0, 9.0, 2.0], &[8.0, 3.0, 2.0]);
        assert_eq!((median, least), (1.0, 1.0));
        let (median, least) = ratios(&[4.0, 6.0], &[2.0, 8.0]);
        assert_eq!((median, least), (2.0, 2.0));
    }
}
