//! The integration tests, one file a subject.
//!
//! Sizes are cut where an interpreter runs them (`cfg(miri)`).

mod auto_traits;
mod contract;
mod layers;
mod memory_pool;
mod model;
mod pool;
mod regressions;
mod structures;
mod support;
mod ui;
