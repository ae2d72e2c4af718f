//! A day of churn: the seeded sequence that every policy gets.
//!
//! Values arrive at a rate that drifts from busy to quiet and back to busy over the day, as it does
//! on an exchange, by 40 % either way of 170 a second. It is bursty: 4.5 times as high in one of
//! eight ticks of ten seconds, half as high in the others. Each value draws its lifetime when it
//! arrives; lifetimes are exponential, so values end in random order. Some 30,000 are alive on
//! average.
//!
//! | kind | share | mean lifetime |
//! |---|--:|--:|
//! | short | 80 % | 1 minute |
//! | middling | 19.95 % | 10 minutes |
//! | long | 0.05 % | 1 hour |
//!
//! Spikes come on top: within three minutes 250,000 to 600,000 more values, whose lifetimes are 4
//! minutes on average, but an hour for one in 10,000 of them. The day is divided into periods of
//! 100 minutes or somewhat more, and has a spike in the middle third of each.
//!
//! The bursts matter. Where as many values come as go at all times, the magazine hands freed slots
//! out again where they lie, values stay spread over all chunks that a spike has left, and hardly
//! one becomes vacant: only `compact` gives memory back then. In a burst slots come from the chunks
//! in front, and after it values end anywhere, so the chunks behind get sparser.
//!
//! What arrives and ends within a tick does so in random order, and a value lives for a tick at
//! least. What would end after the day is alive at its end.

use std::f64::consts::TAU;

use fastrand::Rng;

/// How many seconds a tick has.
pub(crate) const TICK: usize = 10;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;

/// How many values arrive a second, on average over the day.
const RATE: f64 = 170.0;
/// By which share of it the rate is higher at the start and the end, and lower at half time.
const DRIFT: f64 = 0.4;

/// One tick in so many is a burst, at random: the rate is so many times as high then, and so many
/// times as high in the others.
const BURST_TICKS: usize = 8;
const BURST: f64 = 4.5;
const CALM: f64 = 0.5;

/// Kinds of values: their share, and the mean of their lifetimes in seconds. The last kind is the
/// rest.
type Kinds = [(f64, f64)];

const BASE: &Kinds = &[(0.8, MINUTE), (0.1995, 10.0 * MINUTE), (0.0005, HOUR)];
const SPIKE: &Kinds = &[(0.9999, 4.0 * MINUTE), (0.0001, HOUR)];

/// The least time from the start of a period to that of the next, where there is more than one.
const PERIOD: f64 = 100.0 * MINUTE;
/// How long the values of a spike take to arrive.
const LASTS: f64 = 3.0 * MINUTE;
const SPIKE_VALUES: std::ops::Range<f64> = 250_000.0..600_000.0;

/// What happens to a value, which is named by its place in the table of handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Put(u32),
    Free(u32),
}

/// All that happens in a day.
#[derive(Debug, PartialEq)]
pub(crate) struct Day {
    pub(crate) hours: u8,
    steps: Vec<Step>,
    /// Where the steps of each tick end.
    ends: Vec<usize>,
    /// How many places the table of handles has.
    pub(crate) places: usize,
    /// How many values are put in.
    pub(crate) puts: usize,
    /// How many are alive at once at most.
    pub(crate) peak: usize,
    /// How many are alive at the end.
    pub(crate) left: usize,
    /// How many spikes there are.
    pub(crate) spikes: usize,
}

impl Day {
    /// Draws a day. Equal arguments give equal days.
    pub(crate) fn draw(hours: u8, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let seconds = f64::from(hours) * HOUR;
        let spikes = spikes(seconds, &mut rng);
        let ticks = seconds as usize / TICK;
        let mut calendar = Calendar::new(ticks);
        let mut day = Self {
            hours,
            steps: Vec::new(),
            ends: Vec::with_capacity(ticks),
            places: 0,
            puts: 0,
            peak: 0,
            left: 0,
            spikes: spikes.len(),
        };
        for tick in 0..ticks {
            let now = (tick * TICK) as f64;
            let burst = if rng.usize(..BURST_TICKS) == 0 { BURST } else { CALM };
            let rate = RATE * burst * (1.0 + DRIFT * (TAU * now / seconds).cos());
            let more: f64 = spikes.iter().map(|spike| spike.rate(now)).sum();
            let ended = calendar.take(tick);
            let mut steps: Vec<Step> = ended.iter().copied().map(Step::Free).collect();
            for (rate, kinds) in [(rate, BASE), (more, SPIKE)] {
                // On average as many as the rate says, fractions too.
                let count = (rate * TICK as f64 + rng.f64()) as usize;
                for _ in 0..count {
                    let life = lifetime(kinds, &mut rng);
                    steps.push(Step::Put(calendar.enter(tick, life)));
                }
            }
            rng.shuffle(&mut steps);
            day.add(&steps);
            // Not before: these steps are in random order.
            calendar.vacate(ended);
        }
        day.places = calendar.places;
        day
    }

    fn add(&mut self, steps: &[Step]) {
        for &step in steps {
            match step {
                Step::Put(_) => {
                    self.puts += 1;
                    self.left += 1;
                    self.peak = self.peak.max(self.left);
                }
                Step::Free(_) => self.left -= 1,
            }
        }
        self.steps.extend(steps);
        self.ends.push(self.steps.len());
    }

    /// The number of steps.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The steps of each tick.
    pub(crate) fn ticks(&self) -> impl ExactSizeIterator<Item = &[Step]> {
        self.ends.iter().enumerate().map(|(tick, &end)| {
            let start = tick.checked_sub(1).map_or(0, |last| self.ends[last]);
            &self.steps[start..end]
        })
    }
}

struct Spike {
    /// When it begins, in seconds.
    start: f64,
    values: f64,
}

impl Spike {
    /// How many of its values arrive a second.
    fn rate(&self, now: f64) -> f64 {
        if (self.start..self.start + LASTS).contains(&now) { self.values / LASTS } else { 0.0 }
    }
}

/// The spikes of a day, one in each period that it has in full, and one at least.
fn spikes(seconds: f64, rng: &mut Rng) -> Vec<Spike> {
    let periods = (seconds / PERIOD).max(1.0) as usize;
    let period = seconds / periods as f64;
    let spike = |index| Spike {
        start: period * (index as f64 + (1.0 + rng.f64()) / 3.0),
        values: SPIKE_VALUES.start + rng.f64() * (SPIKE_VALUES.end - SPIKE_VALUES.start),
    };
    (0..periods).map(spike).collect()
}

/// Draws how many seconds a value lives.
fn lifetime(kinds: &Kinds, rng: &mut Rng) -> f64 {
    let mut at = rng.f64();
    let (last, kinds) = kinds.split_last().expect("there are kinds");
    let mut mean = last.1;
    for &(share, of_kind) in kinds {
        if at < share {
            mean = of_kind;
            break;
        }
        at -= share;
    }
    -mean * (1.0 - rng.f64()).ln()
}

/// Which places are given up when.
struct Calendar {
    /// Those of each tick.
    ends: Vec<Vec<u32>>,
    vacant: Vec<u32>,
    places: usize,
}

impl Calendar {
    fn new(ticks: usize) -> Self {
        Self { ends: vec![Vec::new(); ticks], vacant: Vec::new(), places: 0 }
    }

    /// Takes a place in `tick`, for so many seconds.
    fn enter(&mut self, tick: usize, life: f64) -> u32 {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.places += 1;
            u32::try_from(self.places - 1).expect("millions of values are alive at most")
        });
        if let Some(end) = self.ends.get_mut(tick + 1 + life as usize / TICK) {
            end.push(place);
        }
        place
    }

    /// The places that are given up in `tick`.
    fn take(&mut self, tick: usize) -> Vec<u32> {
        std::mem::take(&mut self.ends[tick])
    }

    fn vacate(&mut self, places: Vec<u32>) {
        self.vacant.extend(places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_arguments_give_equal_days_and_others_do_not() {
        assert_eq!(Day::draw(1, 7), Day::draw(1, 7));
        assert_ne!(Day::draw(1, 7).steps, Day::draw(1, 8).steps);
    }

    #[test]
    fn a_day_ends_with_what_it_says() {
        let day = Day::draw(2, 3);
        assert_eq!((day.ticks().len(), day.spikes), (2 * 360, 1));
        let mut alive = vec![false; day.places];
        let (mut puts, mut live, mut peak) = (0, 0, 0);
        for &step in day.ticks().flatten() {
            match step {
                Step::Put(place) => {
                    assert!(!std::mem::replace(&mut alive[place as usize], true));
                    (puts, live) = (puts + 1, live + 1);
                    peak = peak.max(live);
                }
                Step::Free(place) => {
                    assert!(std::mem::replace(&mut alive[place as usize], false));
                    live -= 1;
                }
            }
        }
        assert_eq!((puts, peak, live), (day.puts, day.peak, day.left));
        assert_eq!(alive.iter().filter(|alive| **alive).count(), day.left);
        assert_eq!(day.len(), 2 * puts - live);
    }

    #[test]
    fn the_base_load_and_the_spikes_are_as_described() {
        let day = Day::draw(8, 1);
        assert_eq!(day.spikes, 4);
        let mut live = 0;
        let course: Vec<usize> = day
            .ticks()
            .map(|steps| {
                let puts = steps.iter().filter(|step| matches!(step, Step::Put(_))).count();
                live += puts;
                live -= steps.len() - puts;
                live
            })
            .collect();
        let mut sorted = course.clone();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        assert!((20_000..40_000).contains(&median), "{median}");
        assert!(day.peak > 7 * median, "{} over {median}", day.peak);
        // Half time is quiet but for spikes, which are over by the end of a period.
        assert!(course[course.len() / 2] < median);
    }

    #[test]
    fn lifetimes_have_the_means_of_their_kinds() {
        let mut rng = Rng::with_seed(5);
        for (kinds, mean) in [(BASE, 48.0 + 119.7 + 1.8), (SPIKE, 240.3)] {
            let sum: f64 = (0..200_000).map(|_| lifetime(kinds, &mut rng)).sum();
            let drawn = sum / 200_000.0;
            assert!((drawn / mean - 1.0).abs() < 0.05, "{drawn} for {mean}");
        }
    }
}
