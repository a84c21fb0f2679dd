//! `make bench`: what Palisade costs in a real Envoy, side by side with no filter and with one that does nothing.
//!
//! Everything is measured in one run and in turns: in each round every variant gets every request, those with narrow
//! bars several times, and what is reported is the median. CPU time is that of the whole Envoy process, as the kernel counts it.

mod bars;
mod load;
mod machine;
mod plot;
mod proxy;
mod report;
mod results;
mod upstream;
mod vm;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;
use palisade_harness::envoy;
use palisade_harness::shapes::{self, Shape};

use machine::Machine;
use proxy::{Parts, Proxy, Variant};
use results::{Measured, Results, Round, Size};

/// Connections under full load.
const CONNECTIONS: usize = 16;

/// Measures the module in a real Envoy; ends with status 1 if a bar is not met.
#[derive(Parser)]
struct Arguments {
    /// Only these shapes: names, or how they begin, separated by commas (`get,json-2k`).
    #[arg(long, value_delimiter = ',')]
    shapes: Vec<String>,
    /// Only these variants (none, noop, default, strict, large, bare); `none` always runs.
    #[arg(long, value_delimiter = ',')]
    variants: Vec<String>,
    /// How many rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Few short rounds: rough numbers, soon.
    #[arg(long)]
    quick: bool,
    /// The module of the filter that does nothing.
    #[arg(long)]
    noop: PathBuf,
    /// The module as the compiler left it, for its size.
    #[arg(long)]
    compiled: Option<PathBuf>,
    /// The folder for results.json, results.md and results.svg.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let shapes = chosen_shapes(&arguments.shapes)?;
    let variants = chosen_variants(&arguments.variants)?;
    let parts = Parts {
        envoy: envoy::binary(),
        module: envoy::module(),
        noop: arguments.noop.clone(),
    };
    let out = &arguments.out;
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let module = read(&parts.module)?;
    let machine = Machine::describe(&parts.envoy, &module);
    let cores = machine::cores();
    let (first, last) = (cores.first().copied(), cores.last().copied());
    if first == last {
        eprintln!(
            "bench: only one core: the load takes turns with the proxy, so latencies and rates mean little"
        );
    }
    let upstream = upstream::start(last).map_err(|error| format!("the upstream: {error}"))?;
    if let Some(last) = last {
        machine::run_on(last);
    }

    let rounds = if arguments.quick { 3 } else { arguments.rounds };
    let proxy = Proxy::start(&parts, &variants, upstream, first, false)?;
    let time = if arguments.quick {
        Time::QUICK
    } else {
        Time::FULL
    };
    let measured = measure(&proxy, &shapes, &variants, rounds, time)?;
    drop(proxy);

    let mut configure = BTreeMap::new();
    for variant in [Variant::Default, Variant::Large] {
        if variants.contains(&variant) {
            let mut best: Vec<f64> = Vec::new();
            // Elapsed time, so the best of a few: what else runs on this machine only ever adds.
            for _ in 0..if arguments.quick { 1 } else { 3 } {
                let took = vm::configure(&parts, variant, upstream, first)?;
                best = match best.as_slice() {
                    [] => took,
                    best => best.iter().zip(took).map(|(a, b)| a.min(b)).collect(),
                };
            }
            configure.insert(variant.name().to_owned(), best);
        }
    }
    let results = Results {
        machine,
        rounds,
        measured,
        size: size(&module, arguments.compiled.as_deref())?,
        configure,
        memory: vm::memory(&parts.module, out)?,
    };
    let text = report::markdown(&results);
    let json = serde_json::to_string_pretty(&results).map_err(|error| error.to_string())?;
    for (name, text) in [
        ("results.json", &json),
        ("results.md", &text),
        ("results.svg", &plot::svg(&results)),
    ] {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{text}");
    println!(
        "In {}: results.md, results.json, results.svg",
        out.display()
    );
    Ok(bars::bars(&results).iter().all(bars::Bar::met))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn chosen_shapes(names: &[String]) -> Result<Vec<Shape>, String> {
    let all = shapes::all();
    for name in names {
        if !all.iter().any(|shape| shape.name.starts_with(name)) {
            let known: Vec<&str> = all.iter().map(|shape| shape.name.as_str()).collect();
            return Err(format!("no shape {name}; there are {}", known.join(", ")));
        }
    }
    let chosen = |shape: &Shape| {
        let mut names = names.iter();
        names.len() == 0 || names.any(|name| shape.name.starts_with(name))
    };
    Ok(all.into_iter().filter(chosen).collect())
}

fn chosen_variants(names: &[String]) -> Result<Vec<Variant>, String> {
    for name in names {
        if !Variant::ALL.iter().any(|variant| variant.name() == name) {
            let known = Variant::ALL.map(Variant::name);
            return Err(format!("no variant {name}; there are {}", known.join(", ")));
        }
    }
    let chosen = |variant: &Variant| match names {
        [] => *variant != Variant::Bare,
        names => *variant == Variant::None || names.iter().any(|name| variant.name() == name),
    };
    Ok(Variant::ALL.into_iter().filter(chosen).collect())
}

/// How long each variant gets each request in a round.
#[derive(Clone, Copy)]
struct Time {
    warm: Duration,
    full: Duration,
    alone: Duration,
}

impl Time {
    const FULL: Self = Self::of(300, 300, 150);
    const QUICK: Self = Self::of(100, 150, 60);

    const fn of(warm: u64, full: u64, alone: u64) -> Self {
        Self {
            warm: Duration::from_millis(warm),
            full: Duration::from_millis(full),
            alone: Duration::from_millis(alone),
        }
    }
}

fn measure(
    proxy: &Proxy,
    shapes: &[Shape],
    variants: &[Variant],
    rounds: usize,
    time: Time,
) -> Result<Vec<Measured>, String> {
    let mut all = Vec::new();
    for shape in shapes {
        for variant in variants {
            all.push(Measured {
                shape: shape.name.clone(),
                title: shape.title.to_owned(),
                attack: shape.attack,
                variant: variant.name().to_owned(),
                rounds: Vec::new(),
            });
        }
    }
    for turn in 0..=rounds * bars::OFTEN {
        // The first compiles and fills what a running proxy has compiled and filled; nothing of it counts.
        let warm = turn == 0;
        let whole = turn % bars::OFTEN == 0;
        for (row, shape) in shapes.iter().enumerate() {
            let narrow = bars::NARROW.contains(&shape.name.as_str());
            if !whole && !narrow {
                continue;
            }
            let own = if narrow { turn } else { turn / bars::OFTEN };
            let request = shape.http1();
            let mut told = Vec::new();
            for step in 0..variants.len() {
                // In another order each time: none always comes after the same other one.
                let column = (step + own + row) % variants.len();
                let variant = variants[column];
                let to = proxy.address(variant)?;
                let refused = shape.attack && variant.guards();
                let status = if refused { 403 } else { 200 };
                let said = |why| format!("{}, {}: {why}", shape.name, variant.name());
                if warm {
                    let least = (time.warm, 100);
                    load::run(to, &request, status, CONNECTIONS, least, |_| ()).map_err(said)?;
                } else {
                    let one = measure_once(proxy, to, &request, status, time).map_err(said)?;
                    told.push((column, one));
                }
            }
            let none = told
                .iter()
                .find(|(column, _)| variants[*column] == Variant::None);
            let none = none.map_or(f64::NAN, |(_, one)| one.cpu);
            for (column, mut one) in told {
                one.none = none;
                all[row * variants.len() + column].rounds.push(one);
            }
        }
        if warm {
            eprintln!(
                "bench: warm, {} requests under {} variants",
                shapes.len(),
                variants.len()
            );
        } else if whole {
            eprintln!("bench: round {} of {rounds}", turn / bars::OFTEN);
        }
    }
    Ok(all)
}

fn measure_once(
    proxy: &Proxy,
    to: SocketAddr,
    request: &[u8],
    status: u16,
    time: Time,
) -> Result<Round, String> {
    let mut looks = vec![(0, machine::ran(proxy.process())?)];
    let mut failed = None;
    let full =
        load::run(
            to,
            request,
            status,
            CONNECTIONS,
            (time.full, 50),
            |count| match machine::ran(proxy.process()) {
                Ok(ran) => looks.push((count, ran)),
                Err(why) => failed = Some(why),
            },
        )?;
    if let Some(why) = failed {
        return Err(why);
    }
    let alone = load::run(to, request, status, 1, (time.alone, 20), |_| ())?;
    let count = full.latencies.len() as f64;
    // Whatever else the machine does comes in bursts: between most looks it does nothing.
    let between = looks.windows(2).filter_map(|looks| match looks {
        [(before, ran_before), (count, ran)] if count > before => {
            let ran = ran.saturating_sub(*ran_before);
            Some(ran.as_secs_f64() * 1e6 / (count - before) as f64)
        }
        _ => None,
    });
    Ok(Round {
        cpu: results::median(between.collect()),
        none: f64::NAN,
        rate: count / full.elapsed.as_secs_f64(),
        p50: alone.quantile(0.5),
        p99: alone.quantile(0.99),
    })
}

fn size(module: &[u8], compiled: Option<&Path>) -> Result<Size, String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let gzipped = gzip.write_all(module).and_then(|()| gzip.finish());
    let gzipped = gzipped.map_err(|error| error.to_string())?;
    let compiled = compiled.and_then(|path| Some(fs::metadata(path).ok()?.len()));
    Ok(Size {
        compiled,
        module: module.len() as u64,
        gzipped: gzipped.len() as u64,
    })
}
