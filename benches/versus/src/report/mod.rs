//! What is shown of figures.

pub(crate) mod table;
