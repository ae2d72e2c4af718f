//! What is measured: every operation by name, and the body that does it on a heap.

use super::{Workload, alloc_test, create, fill, fill_and_free, pair, replace, walk};
use crate::heap::{Frees, Heap};

/// Why a contender has no figure for an operation.
pub(crate) type Unable = &'static str;

/// The number of values that `larson` keeps alive.
pub(crate) const LARSON_LIVE: usize = 5_000;

/// The order in which values are freed, next to the one in which they were put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreeOrder {
    Same,
    Reverse,
    Random,
}

/// Something to measure, and for how many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Pair,
    Fill(usize),
    FillFresh(usize),
    FillAndFree(FreeOrder, usize),
    FreeRandom(usize),
    RefillHalf(usize),
    RandomReplace(usize),
    GlibcSimple(usize),
    Larson,
    AllocTest,
    WalkChurned(usize),
    WalkLocal(usize),
    Create(usize),
}

impl Operation {
    /// All that are measured.
    pub(crate) const ALL: [Self; 30] = [
        Self::Pair,
        Self::Fill(1_000),
        Self::Fill(100_000),
        Self::FillFresh(1_000),
        Self::FillFresh(100_000),
        Self::FillFresh(1_000_000),
        Self::FillAndFree(FreeOrder::Same, 1_000),
        Self::FillAndFree(FreeOrder::Reverse, 1_000),
        Self::FillAndFree(FreeOrder::Random, 1_000),
        Self::FillAndFree(FreeOrder::Same, 100_000),
        Self::FillAndFree(FreeOrder::Reverse, 100_000),
        Self::FillAndFree(FreeOrder::Random, 100_000),
        Self::FreeRandom(100_000),
        Self::RefillHalf(100_000),
        Self::RandomReplace(1_000),
        Self::RandomReplace(100_000),
        Self::RandomReplace(1_000_000),
        Self::GlibcSimple(25),
        Self::GlibcSimple(100),
        Self::GlibcSimple(400),
        Self::GlibcSimple(1_600),
        Self::Larson,
        Self::AllocTest,
        Self::WalkChurned(1_000),
        Self::WalkChurned(100_000),
        Self::WalkChurned(1_000_000),
        Self::WalkLocal(1_000_000),
        Self::Create(1),
        Self::Create(100),
        Self::Create(1_000_000),
    ];

    /// Its name, which filters match.
    pub(crate) fn name(self) -> String {
        let n = abbreviated(self.count());
        match self {
            Self::Pair => "pair".into(),
            Self::Fill(_) => format!("fill_{n}"),
            Self::FillFresh(_) => format!("fill_fresh_{n}"),
            Self::FillAndFree(FreeOrder::Same, _) => format!("fill_free_same_{n}"),
            Self::FillAndFree(FreeOrder::Reverse, _) => format!("fill_free_reverse_{n}"),
            Self::FillAndFree(FreeOrder::Random, _) => format!("fill_free_random_{n}"),
            Self::FreeRandom(_) => format!("free_random_{n}"),
            Self::RefillHalf(_) => format!("refill_random_half_{n}"),
            Self::RandomReplace(_) => format!("random_replace_{n}"),
            Self::GlibcSimple(_) => format!("glibc_simple_{n}"),
            Self::Larson => "larson".into(),
            Self::AllocTest => "alloc_test".into(),
            Self::WalkChurned(_) => format!("walk_churned_{n}"),
            Self::WalkLocal(_) => format!("walk_local_{n}"),
            Self::Create(_) => format!("create_{n}"),
        }
    }

    /// The most values that are alive at once.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Pair => 1,
            Self::Larson => LARSON_LIVE,
            Self::AllocTest => alloc_test::PLACES,
            Self::Fill(count)
            | Self::FillFresh(count)
            | Self::FillAndFree(_, count)
            | Self::FreeRandom(count)
            | Self::RefillHalf(count)
            | Self::RandomReplace(count)
            | Self::GlibcSimple(count)
            | Self::WalkChurned(count)
            | Self::WalkLocal(count)
            | Self::Create(count) => count,
        }
    }

    /// The number of operations that one iteration of a body measures.
    pub(crate) fn elements(self) -> usize {
        match self {
            Self::Pair | Self::RandomReplace(_) | Self::AllocTest | Self::Create(_) => 1,
            Self::Larson => replace::LARSON_GENERATION,
            Self::RefillHalf(count) | Self::WalkLocal(count) => count / 2,
            Self::Fill(count)
            | Self::FillFresh(count)
            | Self::FillAndFree(_, count)
            | Self::FreeRandom(count)
            | Self::GlibcSimple(count)
            | Self::WalkChurned(count) => count,
        }
    }

    /// The same with at most `count` values, for tests.
    pub(crate) fn at_most(self, most: usize) -> Self {
        match self {
            Self::Fill(count) => Self::Fill(count.min(most)),
            Self::FillFresh(count) => Self::FillFresh(count.min(most)),
            Self::FillAndFree(order, count) => Self::FillAndFree(order, count.min(most)),
            Self::FreeRandom(count) => Self::FreeRandom(count.min(most)),
            Self::RefillHalf(count) => Self::RefillHalf(count.min(most)),
            Self::RandomReplace(count) => Self::RandomReplace(count.min(most)),
            Self::GlibcSimple(count) => Self::GlibcSimple(count.min(most)),
            Self::WalkChurned(count) => Self::WalkChurned(count.min(most)),
            Self::WalkLocal(count) => Self::WalkLocal(count.min(most)),
            Self::Create(count) => Self::Create(count.min(most)),
            Self::Pair | Self::Larson | Self::AllocTest => self,
        }
    }

    /// Its body on a pool or a container: something that is made, frees and is dropped.
    pub(crate) fn on_pool<const WORDS: usize, H: Frees<WORDS>>(self) -> Result<Workload, Unable> {
        match self {
            Self::FillFresh(count) => Ok(Box::new(move |run| fill::fresh::<WORDS, H>(count, run))),
            Self::Create(count) => Ok(Box::new(move |run| create::create::<WORDS, H>(count, run))),
            _ => self.on_allocator::<WORDS, H>(),
        }
    }

    /// Its body on an allocator, of which there is one.
    pub(crate) fn on_allocator<const WORDS: usize, H: Frees<WORDS>>(
        self,
    ) -> Result<Workload, Unable> {
        Ok(match self {
            Self::FillFresh(_) | Self::Create(_) => return Err("no pool to make"),
            Self::Pair => Box::new(pair::pair::<WORDS, H>),
            Self::Fill(count) => Box::new(move |run| fill::warm::<WORDS, H>(count, run)),
            Self::FillAndFree(FreeOrder::Same, count) => {
                Box::new(move |run| fill_and_free::same_order::<WORDS, H>(count, run))
            }
            Self::FillAndFree(FreeOrder::Reverse, count) => {
                Box::new(move |run| fill_and_free::reverse_order::<WORDS, H>(count, run))
            }
            Self::FillAndFree(FreeOrder::Random, count) => {
                Box::new(move |run| fill_and_free::random_order::<WORDS, H>(count, run))
            }
            Self::FreeRandom(count) => {
                Box::new(move |run| fill_and_free::free_random::<WORDS, H>(count, run))
            }
            Self::RefillHalf(count) => {
                Box::new(move |run| fill_and_free::refill_half::<WORDS, H>(count, run))
            }
            Self::RandomReplace(count) => {
                Box::new(move |run| replace::random::<WORDS, H>(count, run))
            }
            Self::GlibcSimple(count) => {
                Box::new(move |run| fill_and_free::glibc_simple::<WORDS, H>(count, run))
            }
            Self::Larson => Box::new(move |run| replace::larson::<WORDS, H>(LARSON_LIVE, run)),
            Self::AllocTest => Box::new(alloc_test::alloc_test::<WORDS, H>),
            Self::WalkChurned(count) => Box::new(move |run| walk::churned::<WORDS, H>(count, run)),
            Self::WalkLocal(count) => Box::new(move |run| walk::local::<WORDS, H>(count, run)),
        })
    }

    /// Its body on an arena, which takes values and no more.
    pub(crate) fn on_arena<const WORDS: usize, H: Heap<WORDS>>(self) -> Result<Workload, Unable> {
        match self {
            Self::Fill(count) => Ok(Box::new(move |run| fill::warm::<WORDS, H>(count, run))),
            Self::FillFresh(count) => Ok(Box::new(move |run| fill::fresh::<WORDS, H>(count, run))),
            _ => Err("never frees"),
        }
    }
}

/// A count as names have it: thousands and millions by a letter.
pub(crate) fn abbreviated(count: usize) -> String {
    for (unit, letter) in [(1_000_000, "m"), (1_000, "k")] {
        if count >= unit && count / unit * unit == count {
            return format!("{}{letter}", count / unit);
        }
    }
    count.to_string()
}
