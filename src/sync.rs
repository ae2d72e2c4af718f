//! The core of a pool for many threads. The only code with atomic read-modify-write.
//!
//! A thread takes slots from a magazine of its own and gives them back there, by plain loads and
//! stores. Behind the magazines are the vacancy bitmaps of the chunks, whose words all threads
//! change: a refill claims up to a word of slots with one atomic operation, a spill gives as many
//! back with one. A slot has no link in it and a bit no history, so there is no ABA. A thread that
//! frees about as much as it allocates lays half a magazine by instead, on its [`shelf`], and takes
//! it up again; where the bitmaps have no more, others take from there. (Magazines for each
//! processor over a shared depot are Bonwick and Adams, "Magazines and Vmem", USENIX 2001; bitmaps
//! behind a cache for each thread are jemalloc's.)
//!
//! # Capacity
//!
//! [`Tokens`](tokens::Tokens) count the slots in the bitmaps and on shelves. A refill takes tokens
//! before it looks for slots, and so finds them; a spill gives tokens after it has put slots there.
//! Every magazine of a bounded pool comes with as many slots of its own as it can hold. So a pool
//! of `n` slots that finds no token has `n` values at least, wherever other threads, asleep or
//! ended, hold vacant slots.

mod cache;
mod chunk_table;
mod gathered;
mod give_back;
mod listing;
mod padded;
mod peak;
mod refill;
mod shared_bits;
mod shelf;
mod spill;
mod sync_core;
mod thread_number;
mod tokens;

#[cfg(all(test, loom))]
mod models;

pub(crate) use sync_core::SyncCore;
