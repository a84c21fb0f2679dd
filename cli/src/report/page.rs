//! Fills the templates. Everything that requests or policies name is escaped where it is put in.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};

use super::chart::{Lying, Trend};
use super::summary::{Row, Summary};
use crate::Failure;

/// Categories that the chart has room for.
const BARS: usize = 12;

/// The report as a page that needs nothing but itself.
///
/// # Errors
/// If the template is wrong, which a test would show.
pub(super) fn html(summary: &Summary) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("number", number);
    environment.add_filter("percent", percent);
    environment.add_template("report.html", include_str!("../../templates/report.html"))?;
    let page = environment.get_template("report.html")?;
    let stopped = summary.totals.stopped();
    Ok(page.render(context! {
        report => Value::from(Serde(summary)),
        stopped,
        trend => Value::from(Serde(Trend::new(&summary.trend))),
        categories => Value::from(Serde(Lying::new(&summary.categories, BARS))),
        longest_endpoint => longest(&summary.endpoints),
        longest_client => longest(&summary.clients),
        version => env!("CARGO_PKG_VERSION"),
    })?)
}

/// The same as Markdown.
///
/// # Errors
/// As [`html`].
pub(super) fn markdown(summary: &Summary) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // Lines that hold a tag alone leave nothing behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.add_filter("number", number);
    environment.add_filter("cell", cell);
    environment.add_template("report.md", include_str!("../../templates/report.md"))?;
    let page = environment.get_template("report.md")?;
    Ok(page.render(
        context! { report => Value::from(Serde(summary)), stopped => summary.totals.stopped() },
    )?)
}

fn longest(rows: &[Row]) -> u64 {
    rows.iter().map(Row::stopped).max().unwrap_or(0).max(1)
}

/// A number with its thousands apart.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent, never none or all where it is neither.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let share = 100.0 * part as f64 / whole as f64;
    match share {
        share if part > 0 && share < 0.1 => "< 0.1 %".to_owned(),
        share if part < whole && share > 99.9 => "> 99.9 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

/// A text in the cell of a table, in which nothing of it means anything.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            // Everything that is punctuation may be escaped (CommonMark 2.4).
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (value, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), expected);
        }
        for (part, whole, expected) in [
            (0, 0, "0 %"),
            (0, 5, "0.0 %"),
            (1, 100_000, "< 0.1 %"),
            (99_999, 100_000, "> 99.9 %"),
            (1, 4, "25.0 %"),
        ] {
            assert_eq!(percent(part, whole), expected);
        }
        assert_eq!(cell("<a|`b`>\n"), "&lt;a\\|\\`b\\`&gt; ");
    }
}
