//! The table of what is measured: operations, sizes of values, contenders.

use crate::contenders::{self, COUNT};
use crate::workloads::{Operation, Unable, Workload};

/// An operation on values of one size, on every contender that can do it.
pub(crate) struct Row {
    /// What is measured.
    pub(crate) operation: String,
    /// The size of a value.
    pub(crate) bytes: usize,
    /// The most values that are alive at once.
    pub(crate) count: usize,
    /// The number of operations that one iteration of a body measures.
    pub(crate) elements: usize,
    /// The body of every contender, or why there is none.
    pub(crate) workloads: [Result<Workload, Unable>; COUNT],
}

impl Row {
    /// The row's name, which filters match.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}B", self.operation, self.bytes)
    }
}

/// The rows of all sizes, with at most `most` values alive at once.
pub(crate) fn all(most: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        rows.extend([
            row::<1>(operation, most),
            row::<4>(operation, most),
            row::<8>(operation, most),
            row::<32>(operation, most),
            row::<128>(operation, most),
        ]);
    }
    rows
}

/// The row of an operation on values of `WORDS` words.
fn row<const WORDS: usize>(operation: Operation, most: usize) -> Row {
    let scaled = operation.at_most(most);
    Row {
        operation: operation.name(),
        bytes: WORDS * size_of::<u64>(),
        count: scaled.count(),
        elements: scaled.elements(),
        workloads: contenders::on_each::<WORDS>(scaled),
    }
}
