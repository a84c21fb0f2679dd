//! What each stage of a request costs: `cargo run -p palisade-stages --profile bench` prints nanoseconds, `make perf-test` counts instructions,
//! which are the same on a busy machine, and compares them with `benches/baseline.toml`.
//!
//!   stages                     nanoseconds, the best of many runs
//!   stages --check FILE        instructions, compared with the baseline; fails where one grew by more than 5 %
//!   stages --write FILE        makes a new baseline; one that grew needs WHY, a sentence of CHANGELOG.md
//!   stages --once              every stage once, for a profiler
//!   stages --times N NAME      the stage of that name, N times after a first one, for a profiler
//!   stages --loop SECONDS TEXT the stage of that name, or all with that text in theirs, in turns

mod baseline;
mod count;
mod host;
mod list;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use list::Stage;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => {
            print_times();
            Ok(())
        }
        ["--check", path] => baseline::check(Path::new(path)),
        ["--write", path] => baseline::write(Path::new(path)),
        ["--once"] => {
            run_once();
            Ok(())
        }
        ["--loop", seconds, text] => run_for(seconds, text),
        ["--times", times, name] => run_times(times, name),
        other => Err(format!("unknown arguments: {other:?}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("stages: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Under its own name in a profile, so that what is around it can be left out.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    // Keeps the call above from becoming a jump.
    std::hint::black_box(());
}

/// Every stage once, after it was warmed.
fn run_once() {
    for Stage { run, .. } in &mut list::stages() {
        run();
        run();
        measured(run);
    }
}

fn run_times(times: &str, name: &str) -> Result<(), String> {
    let times: usize = times.parse().map_err(|_| "no number of times")?;
    let mut stages = list::stages();
    let mut all = stages.iter_mut();
    let stage = all
        .find(|stage| stage.name == name)
        .ok_or_else(|| format!("no stage is called {name}"))?;
    (stage.run)();
    (0..times).for_each(|_| measured(&mut stage.run));
    Ok(())
}

fn run_for(seconds: &str, text: &str) -> Result<(), String> {
    let seconds: f64 = seconds.parse().map_err(|_| "no number of seconds")?;
    let mut stages = list::stages();
    let exact = stages.iter().any(|stage| stage.name == text);
    stages.retain(|stage| {
        if exact {
            stage.name == text
        } else {
            stage.name.contains(text)
        }
    });
    if stages.is_empty() {
        return Err(format!("no stage has {text} in its name"));
    }
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        for stage in &mut stages {
            (0..100).for_each(|_| measured(&mut stage.run));
        }
    }
    Ok(())
}

fn print_times() {
    println!("{:40} {:>12}", "stage", "ns");
    for Stage { name, run } in &mut list::stages() {
        let mut best = Duration::MAX;
        run();
        let end = Instant::now() + Duration::from_millis(200);
        while Instant::now() < end {
            let start = Instant::now();
            run();
            best = best.min(start.elapsed());
        }
        println!("{name:40} {:12}", best.as_nanos());
    }
}
