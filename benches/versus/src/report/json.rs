//! Figures for programs, and back.

use serde_json::{Map, Value, json};

use crate::contenders::{self, COUNT};
use crate::machine::Machine;
use crate::measure::Figure;
use crate::results::{Results, RowResult, Run};

/// All figures as JSON.
pub(crate) fn to_text(results: &Results) -> String {
    let Machine { name, cpu, cpus, os, huge_pages, rustc } = &results.machine;
    let rows: Vec<Value> = results.rows.iter().map(of_row).collect();
    let value = json!({
        "machine": {
            "name": name,
            "cpu": cpu,
            "cpus": cpus,
            "os": os,
            "huge_pages": huge_pages,
            "rustc": rustc,
        },
        "unit": "nanoseconds for one operation",
        "rows": rows,
    });
    format!("{value:#}\n")
}

fn of_row(row: &RowResult) -> Value {
    let named = |contender: usize| contenders::ALL[contender].name.to_owned();
    let runs: Vec<Value> = row
        .runs
        .iter()
        .map(|run| {
            let timed = (0..COUNT).filter_map(|contender| Some((contender, run[contender]?)));
            let figures = timed.map(|(contender, Figure { minimum, median })| {
                (named(contender), json!({ "minimum": minimum, "median": median }))
            });
            Value::Object(figures.collect())
        })
        .collect();
    let unable: Map<String, Value> = (0..COUNT)
        .filter_map(|contender| {
            Some((named(contender), Value::from(row.unable[contender].as_deref()?)))
        })
        .collect();
    json!({ "task": row.task, "bytes": row.bytes, "runs": runs, "unable": unable })
}

/// The figures in a text that [`to_text`] wrote.
///
/// # Errors
///
/// What is missing in it.
pub(crate) fn from_text(text: &str) -> Result<Results, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let machine = &value["machine"];
    let rows = value["rows"].as_array().ok_or("no rows")?;
    Ok(Results {
        machine: Machine {
            name: string(machine, "name")?,
            cpu: string(machine, "cpu")?,
            cpus: whole(machine, "cpus")?,
            os: string(machine, "os")?,
            huge_pages: string(machine, "huge_pages")?,
            rustc: string(machine, "rustc")?,
        },
        rows: rows.iter().map(row_of).collect::<Result<_, _>>()?,
    })
}

fn row_of(value: &Value) -> Result<RowResult, String> {
    let runs = value["runs"].as_array().ok_or("a row without runs")?;
    let mut unable = [const { None }; COUNT];
    for (name, reason) in value["unable"].as_object().ok_or("a row without reasons")? {
        unable[place(name)?] = reason.as_str().map(str::to_owned);
    }
    Ok(RowResult {
        task: string(value, "task")?,
        bytes: whole(value, "bytes")?,
        runs: runs.iter().map(run_of).collect::<Result<_, _>>()?,
        unable,
    })
}

fn run_of(value: &Value) -> Result<Run, String> {
    let mut run = [None; COUNT];
    for (name, figure) in value.as_object().ok_or("a run without contenders")? {
        let time = |what: &str| figure[what].as_f64().ok_or_else(|| format!("no {what}: {name}"));
        run[place(name)?] = Some(Figure { minimum: time("minimum")?, median: time("median")? });
    }
    Ok(run)
}

/// The place of a contender.
fn place(name: &str) -> Result<usize, String> {
    let place = contenders::ALL.iter().position(|contender| contender.name == name);
    place.ok_or_else(|| format!("no contender is called {name:?}"))
}

fn string(value: &Value, key: &str) -> Result<String, String> {
    value[key].as_str().map(str::to_owned).ok_or_else(|| format!("no text {key:?}"))
}

fn whole(value: &Value, key: &str) -> Result<usize, String> {
    let number = value[key].as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("no number {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::row;

    #[test]
    fn figures_come_back_as_they_were() {
        let mut measured = row("pair", 8, &[&[(0, 1.5), (1, 3.25)], &[(1, 0.1)]]);
        measured.unable[5] = Some("never frees".to_owned());
        let results = Results { machine: Machine::here(), rows: vec![measured] };
        assert_eq!(from_text(&to_text(&results)), Ok(results));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "{}", "{\"machine\": {}, \"rows\": []}"] {
            assert!(from_text(text).is_err(), "{text:?}");
        }
    }
}
