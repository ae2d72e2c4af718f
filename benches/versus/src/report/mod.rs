//! What is shown of figures.

pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod markdown;
pub(crate) mod svg;
pub(crate) mod table;
