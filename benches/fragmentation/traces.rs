//! Values of one size out of the traces of programs, in a pool that gives chunks back by itself.

use std::error::Error;
use std::fs;
use std::path::Path;

use typed_pool::{Pool, PoolBox};

use crate::keeps;

/// Plays the large single sizes of each trace; returns whether what is kept at the end is no more
/// than 1.25 times what lives, where that is more than 64 KiB.
pub(crate) fn measure(data: &Path) -> Result<bool, Box<dyn Error>> {
    let mut well = true;
    for name in ["sqlite3", "cc1plus"] {
        let path = data.join(name).with_extension("mtr");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.starts_with(['#', 'd']));
        let steps: Result<Vec<_>, _> = lines
            .map(|(line, number)| {
                step(line).ok_or_else(|| format!("{}:{number}: {line:?}", path.display()))
            })
            .collect();
        let steps = &steps?;
        well &= match name {
            "sqlite3" => play::<16>(name, steps) & play::<136>(name, steps),
            _ => play::<48>(name, steps) & play::<56>(name, steps) & play::<104>(name, steps),
        };
    }
    Ok(well)
}

/// What a line of a trace does: the number of an object, and its size, or none where it is freed.
/// (The example `replay` describes the format, and reads all of it.)
fn step(line: &str) -> Option<(usize, Option<usize>)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let (object, size) = match fields[..] {
        ["f", _, object] => (object, None),
        ["m" | "c" | "r", _, object, size] | ["g", _, object, _, size] => (object, Some(size)),
        _ => return None,
    };
    let size = size.map(str::parse).transpose().ok()?;
    Some((object.parse().ok()?, size))
}

/// Plays what a program does with values of `N` bytes.
fn play<const N: usize>(name: &str, steps: &[(usize, Option<usize>)]) -> bool {
    let pool = Pool::<[u8; N]>::builder().release_empty_chunks(true).build();
    let mut held: Vec<Option<PoolBox<'_, [u8; N]>>> = Vec::new();
    let (mut samples, mut sum, mut most) = (0_usize, 0.0, 0.0_f64);
    for &(object, size) in steps {
        if held.len() <= object {
            held.resize_with(object + 1, || None);
        }
        held[object] = size.filter(|size| *size == N).map(|_| pool.alloc([0; N]));
        if pool.len() * N > 64 << 10 {
            let stats = pool.stats();
            let ratio = stats.bytes_reserved as f64 / stats.bytes_live as f64;
            samples += 1;
            sum += ratio;
            most = most.max(ratio);
        }
    }
    let mean = if samples == 0 { 0.0 } else { sum / samples as f64 };
    let stats = pool.stats();
    let (reserved, live) = (stats.bytes_reserved, stats.bytes_live);
    println!(
        "{name}, {N} bytes: peak {} live, {} reserved; at the end {live}, {reserved}; reserved by \
         live above 64 KiB: mean {mean:.3}, most {most:.3}; {} upstream calls",
        stats.peak_bytes_live,
        stats.peak_bytes_reserved,
        stats.upstream_allocations + stats.upstream_releases,
    );
    live <= 64 << 10 || keeps(&format!("{name}, {N} bytes, at the end"), reserved, live, 1.25)
}
