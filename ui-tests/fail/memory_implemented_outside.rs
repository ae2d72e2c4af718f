// `Memory` is sealed: no other crate implements it.
use typed_pool::Memory;

struct Outsider;

impl Memory for Outsider {}

fn main() {}
