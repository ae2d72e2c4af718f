//! A day on one pool, under one policy.

use std::time::{Duration, Instant};

use typed_pool::{Pool, PoolBox, PoolStats};

use crate::day::{Day, Step, TICK};
use crate::order::Order;
use crate::policy::Policy;

/// How many samples a day has at most.
const SAMPLES: usize = 720;

/// The ticks from one action of a policy to the next.
const ACTS: usize = Policy::MINUTES * 60 / TICK;

/// The ticks from one check of all values to the next.
const CHECKS: usize = 3600 / TICK;

/// How a day went.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) policy: Policy,
    /// The pool's figures at equal distances, the last at the end of the day.
    pub(crate) samples: Vec<PoolStats>,
    pub(crate) moved: usize,
    /// What putting in and freeing took.
    pub(crate) stepping: Duration,
    /// What the policy's calls took, and the longest of them.
    pub(crate) acting: Duration,
    pub(crate) longest: Duration,
}

impl Course {
    /// The pool's figures at the end of the day.
    pub(crate) fn end(&self) -> &PoolStats {
        self.samples.last().expect("a day has samples")
    }

    /// The mean over the samples.
    pub(crate) fn mean(&self, of: impl Fn(&PoolStats) -> f64) -> f64 {
        self.samples.iter().map(of).sum::<f64>() / self.samples.len() as f64
    }
}

/// The ticks from one sample to the next: the last is at the end of the day.
fn distance(ticks: usize) -> usize {
    let mut least = ticks.div_ceil(SAMPLES)..=ticks;
    least.find(|distance| ticks % distance == 0).expect("a day has ticks")
}

/// The values that are alive, by their places.
#[derive(Debug)]
pub(crate) struct Player<'p> {
    pool: &'p Pool<Order>,
    handles: Vec<Option<PoolBox<'p, Order>>>,
    /// The number of the value that was last put into each place.
    numbers: Vec<u64>,
    next: u64,
}

impl<'p> Player<'p> {
    pub(crate) fn new(pool: &'p Pool<Order>, places: usize) -> Self {
        let handles = (0..places).map(|_| None).collect();
        Self { pool, handles, numbers: vec![0; places], next: 0 }
    }

    /// Plays a whole day.
    ///
    /// # Errors
    ///
    /// Names a value that is not what it was.
    pub(crate) fn play(&mut self, day: &Day, policy: Policy) -> Result<Course, String> {
        let every = distance(day.ticks().len());
        let (samples, nothing) = (Vec::with_capacity(SAMPLES), Duration::ZERO);
        let (stepping, acting, longest) = (nothing, nothing, nothing);
        let mut course = Course { policy, samples, moved: 0, stepping, acting, longest };
        for (tick, steps) in (1..).zip(day.ticks()) {
            let start = Instant::now();
            steps.iter().for_each(|&step| self.step(step));
            course.stepping += start.elapsed();
            if tick % ACTS == 0 {
                let start = Instant::now();
                course.moved += policy.act(self.pool, &mut self.handles);
                let took = start.elapsed();
                course.acting += took;
                course.longest = course.longest.max(took);
            }
            if tick % every == 0 {
                course.samples.push(self.pool.stats());
            }
            if tick % CHECKS == 0 {
                self.check()?;
            }
        }
        Ok(course)
    }

    #[inline]
    fn step(&mut self, step: Step) {
        match step {
            Step::Put(place) => {
                let number = self.next;
                self.next += 1;
                self.numbers[place as usize] = number;
                self.handles[place as usize] = Some(self.pool.alloc(Order::new(number)));
            }
            Step::Free(place) => self.handles[place as usize] = None,
        }
    }

    /// Does what `policy` does every ten minutes; returns how many values were moved.
    pub(crate) fn act(&mut self, policy: Policy) -> usize {
        policy.act(self.pool, &mut self.handles)
    }

    /// Looks at every value.
    ///
    /// # Errors
    ///
    /// As [`Player::play`].
    pub(crate) fn check(&self) -> Result<(), String> {
        for (handle, &number) in self.handles.iter().zip(&self.numbers) {
            if let Some(order) = handle.as_ref().filter(|order| ***order != Order::new(number)) {
                return Err(format!("expected value {number}, found {:?}", **order));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_keeps_every_value() {
        let day = Day::draw(1, 5);
        for &policy in Policy::ALL {
            let pool = policy.pool();
            let mut player = Player::new(&pool, day.places);
            for (tick, steps) in day.ticks().enumerate() {
                steps.iter().for_each(|&step| player.step(step));
                let moved = if tick % 40 == 0 { player.act(policy) } else { 0 };
                if tick % 40 == 0 {
                    player.check().unwrap();
                }
                assert!(policy == Policy::Compact || moved == 0);
            }
            assert_eq!(pool.len(), day.left);
            player.check().unwrap();
        }
    }

    #[test]
    fn a_value_that_was_spoilt_is_named() {
        let pool = Policy::None.pool();
        let mut player = Player::new(&pool, 2);
        (0..2).for_each(|place| player.step(Step::Put(place)));
        player.check().unwrap();
        player.handles.swap(0, 1);
        assert!(player.check().unwrap_err().starts_with("expected value 0, found Order([1, "));
    }

    #[test]
    fn the_last_sample_is_at_the_end() {
        for hours in 1..=24 {
            let ticks = hours * 3600 / TICK;
            let samples = ticks / distance(ticks);
            assert_eq!(samples * distance(ticks), ticks);
            assert!((360..=SAMPLES).contains(&samples), "{samples} in {hours} hours");
        }
    }

    #[test]
    fn the_samples_add_up() {
        let day = Day::draw(1, 2);
        for &policy in Policy::ALL {
            let pool = policy.pool();
            let course = Player::new(&pool, day.places).play(&day, policy).unwrap();
            assert_eq!(course.samples.len(), 360);
            for sample in &course.samples {
                assert_eq!(sample.bytes_live, 64 * sample.len);
                assert_eq!(sample.occupancy.iter().sum::<usize>(), sample.chunks);
                assert!((sample.len..=sample.capacity).contains(&sample.len));
                assert!(sample.bytes_live < sample.bytes_reserved);
                assert!(sample.bytes_reserved <= sample.peak_bytes_reserved);
                assert!(sample.upstream_releases <= sample.upstream_allocations);
            }
            let mean = |of: fn(&PoolStats) -> usize| course.mean(|stats| of(stats) as f64);
            let (live, reserved) = (mean(|s| s.bytes_live), mean(|s| s.bytes_reserved));
            let share = course.mean(PoolStats::fragmentation);
            assert!(0.0 < share && share < 1.0 && live < reserved, "{share} {live} {reserved}");
            let end = course.end();
            assert_eq!(end.len, day.left);
            assert!(end.peak_len <= day.peak && end.peak_len + 1023 >= day.peak);
            assert_eq!(course.moved > 0, policy == Policy::Compact);
        }
    }
}
