//! The files that the larger examples read.

use std::path::Path;

/// Reads a whole file, or says which one it could not read and why.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
