//! The rows that a picture or a short table shows, and what they say of them.

use crate::contenders;
use crate::results::{Results, RowResult};

/// The size of the values in them, in bytes.
pub(crate) const BYTES: usize = 32;

/// A row, and what it measures in plain words.
pub(crate) struct KeyRow<'r> {
    pub(crate) title: &'static str,
    pub(crate) row: &'r RowResult,
}

impl KeyRow<'_> {
    /// Whether a contender is shown, as those are that were asked for and are for one thread.
    pub(crate) fn shows(&self, contender: usize) -> bool {
        self.row.has(contender) && !contenders::ALL[contender].kind.is_shared()
    }
}

/// Tasks and their titles.
const TASKS: [(&str, &str); 6] = [
    ("pair", "put one in, free it"),
    ("fill_100k", "put 100,000 in"),
    ("fill_free_random_100k", "put 100,000 in, free at random"),
    ("random_replace_1k", "replace at random, 1,000 alive"),
    ("random_replace_1m", "replace at random, 1,000,000 alive"),
    ("walk_local_1m", "read 500,000 put in after frees at random"),
];

/// Whether a row is one of them.
pub(crate) fn is_key(task: &str, bytes: usize) -> bool {
    bytes == BYTES && TASKS.iter().any(|(key, _)| *key == task)
}

/// The number of them.
pub(crate) const COUNT: usize = TASKS.len();

/// The key rows of some results.
///
/// # Errors
///
/// The name of a row that was not measured.
pub(crate) fn rows(results: &Results) -> Result<Vec<KeyRow<'_>>, String> {
    let found = |(task, title): (&str, &'static str)| {
        let mut rows = results.rows.iter();
        let row = rows.find(|row| row.task == task && row.bytes == BYTES);
        let row = row.ok_or_else(|| format!("{task}/{BYTES}B is to be shown but not measured"))?;
        Ok(KeyRow { title, row })
    };
    TASKS.into_iter().map(found).collect()
}
