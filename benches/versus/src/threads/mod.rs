//! The bodies that several threads go through at the same time, on a heap that they share.
//!
//! A body measures the time from when the first of them starts to when the last one is done.
//! Threads are started, and made to wait for each other, before.

mod larson;
mod pass;
mod replace;
mod stress;
mod team;
mod work;

pub(crate) use work::{Threaded, processors};
