//! The results in words: tables in Markdown.

use std::fmt::Write as _;

use crate::bars::{OFTEN, bars};
use crate::results::{Measured, Results};

const MIB: f64 = (1 << 20) as f64;

/// A number with as many decimals as it deserves.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The tables, without a heading of their own.
pub(crate) fn markdown(results: &Results) -> String {
    let mut out = String::new();
    // A `String` takes everything.
    let _ = write(results, &mut out);
    out
}

fn write(results: &Results, out: &mut String) -> std::fmt::Result {
    let machine = &results.machine;
    writeln!(
        out,
        "Measured on {}, {} cores, Linux {}, Envoy {}, load average {} before; {} rounds, {} of requests with narrow bars; medians. Module {}….\n",
        machine.cpu,
        machine.cores,
        machine.kernel,
        machine.envoy,
        machine.load_before,
        results.rounds,
        results.rounds * OFTEN,
        machine.module.get(..16).unwrap_or_default(),
    )?;

    writeln!(
        out,
        "### Bars\n\n| what | at most | measured | met |\n|---|---|---|---|"
    )?;
    for bar in bars(results) {
        writeln!(
            out,
            "| {} | {} {} | {} {} | {} |",
            bar.what,
            bar.most,
            bar.unit,
            number(bar.measured),
            bar.unit,
            if bar.met() { "yes" } else { "**no**" }
        )?;
    }

    let variants = results.variants();
    let others: Vec<&str> = variants
        .iter()
        .copied()
        .filter(|name| *name != "none")
        .collect();
    writeln!(
        out,
        "\n### CPU time a request, in microseconds\n\nWith no filter, and what each adds to that.\n"
    )?;
    writeln!(out, "| request | none | {} |", others.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(variants.len()))?;
    for shape in results.shapes() {
        let none = results.find(&shape.shape, "none");
        let none = none.map_or(String::new(), |own| number(own.median(|round| round.cpu)));
        let added = others.iter().map(|variant| {
            let own = results.find(&shape.shape, variant)?;
            Some(signed(own.added()))
        });
        let added: Vec<String> = added.map(Option::unwrap_or_default).collect();
        writeln!(out, "| {} | {none} | {} |", title(shape), added.join(" | "))?;
    }

    writeln!(
        out,
        "\n### Everything\n\nLatencies are those of requests that come one after another; requests a second those of one worker with 16 connections.\n"
    )?;
    writeln!(
        out,
        "| request | variant | CPU µs | to none | p50 µs | p99 µs | requests/s |\n|---|---|---|---|---|---|---|"
    )?;
    for own in &results.measured {
        writeln!(
            out,
            "| {} | {} | {} | {}× | {:.0} | {:.0} | {:.0} |",
            title(own),
            own.variant,
            number(own.median(|round| round.cpu)),
            number(own.ratio()),
            own.median(|round| round.p50),
            own.median(|round| round.p99),
            own.median(|round| round.rate),
        )?;
    }

    let size = &results.size;
    writeln!(out, "\n### Size, start, memory\n\n| what | |\n|---|---|")?;
    if let Some(compiled) = size.compiled {
        writeln!(out, "| module as compiled | {compiled} bytes |")?;
    }
    writeln!(out, "| module as loaded | {} bytes |", size.module)?;
    writeln!(out, "| the same, gzipped | {} bytes |", size.gzipped)?;
    for (name, took) in &results.configure {
        let took: Vec<String> = took.iter().map(|took| number(*took)).collect();
        writeln!(
            out,
            "| `on_configure`, {name}, each VM | {} ms |",
            took.join(", ")
        )?;
    }
    for (name, memory) in &results.memory {
        let [idle, loaded, reloaded] =
            [memory.idle, memory.loaded, memory.reloaded].map(|bytes| number(bytes as f64 / MIB));
        writeln!(
            out,
            "| linear memory of a VM, {name}: idle, after load, after ten reloads | {idle}, {loaded}, {reloaded} MiB |"
        )?;
    }
    Ok(())
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "" } else { "+" };
    format!("{sign}{}", number(value))
}

fn title(own: &Measured) -> String {
    if own.attack {
        format!("{}, attack", own.title)
    } else {
        own.title.clone()
    }
}
