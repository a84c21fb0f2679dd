//! The results as a picture: what each variant adds to a request, on a logarithmic scale.

use std::fmt::Write as _;

use crate::report::number;
use crate::results::Results;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 64.0;
const ROW: f64 = 34.0;
const COLOURS: [(&str, &str); 5] = [
    ("noop", "#8b949e"),
    ("default", "#0969da"),
    ("strict", "#bf3989"),
    ("large", "#1a7f37"),
    ("bare", "#9a6700"),
];

/// Draws the ordinary requests as SVG.
pub(crate) fn svg(results: &Results) -> String {
    let shapes: Vec<_> = results
        .shapes()
        .into_iter()
        .filter(|own| !own.attack)
        .collect();
    let added = |shape: &str, variant: &str| {
        let own = results.find(shape, variant)?;
        Some(own.added().max(0.1))
    };
    let every = shapes.iter().flat_map(|own| {
        COLOURS
            .iter()
            .filter_map(|(variant, _)| added(&own.shape, variant))
    });
    let (mut least, mut most) = (1.0_f64, 100.0_f64);
    for value in every {
        least = least.min(value);
        most = most.max(value);
    }
    let (low, high) = (least.log10().floor(), most.log10().ceil());
    let x = |value: f64| LEFT + (value.log10() - low) / (high - low) * (WIDTH - LEFT - RIGHT);
    let bottom = TOP + ROW * shapes.len() as f64;
    let height = bottom + 44.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"16\" font-weight=\"bold\">CPU time added to a request, in microseconds</text>\n"
    );
    let mut decade = low;
    while decade <= high {
        let at = x(10_f64.powf(decade));
        let _ = writeln!(
            out,
            "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#d0d7de\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{}</text>",
            bottom + 20.0,
            10_f64.powf(decade)
        );
        decade += 1.0;
    }
    let mut legend = LEFT;
    for (variant, colour) in COLOURS {
        if results.variants().contains(&variant) {
            let _ = writeln!(
                out,
                "<circle cx=\"{legend}\" cy=\"46\" r=\"5\" fill=\"{colour}\"/><text x=\"{}\" y=\"50\">{variant}</text>",
                legend + 10.0
            );
            legend += 90.0;
        }
    }
    for (row, own) in shapes.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><path d=\"M{LEFT} {y:.1}H{}\" stroke=\"#eaeef2\"/>",
            LEFT - 10.0,
            y + 4.0,
            own.title,
            WIDTH - RIGHT
        );
        for (variant, colour) in COLOURS {
            if let Some(value) = added(&own.shape, variant) {
                let _ = writeln!(
                    out,
                    "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\" fill-opacity=\"0.8\"><title>{variant}: {} µs</title></circle>",
                    x(value),
                    number(value)
                );
            }
        }
    }
    out.push_str("</svg>\n");
    out
}
