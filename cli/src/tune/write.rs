//! Exceptions into the file of a policy: put into its text, so that comments and layout stay.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// An exception: keys and values in the order in which they are written.
pub(super) type Exception = Vec<(&'static str, Value)>;

/// The text of a policy with exceptions added.
///
/// # Errors
/// Why there is no place for them that a text editor could find.
pub(super) fn added(text: &str, yaml: bool, exceptions: &[Exception]) -> Result<String, String> {
    let out = match yaml && !text.trim_start().starts_with('{') {
        true => into_yaml(text, exceptions)?,
        false => into_json(text, exceptions)?,
    };
    // Line ends as they were.
    Ok(match text.contains("\r\n") {
        true => out.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => out,
    })
}

/// One exception as JSON, its keys one below the other.
fn json_of(exception: &Exception, indent: &str) -> String {
    let lines: Vec<String> = exception
        .iter()
        .map(|(key, value)| format!("{indent}  {}: {value}", Value::from(*key)))
        .collect();
    format!("{indent}{{\n{}\n{indent}}}", lines.join(",\n"))
}

fn into_json(text: &str, exceptions: &[Exception]) -> Result<String, String> {
    let listed = |indent: &str| {
        let items: Vec<String> = exceptions.iter().map(|one| json_of(one, indent)).collect();
        items.join(",\n")
    };
    if text.trim().is_empty() {
        return Ok(format!(
            "{{\n  \"exceptions\": [\n{}\n  ]\n}}\n",
            listed("    ")
        ));
    }
    let document: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    // Where a raw value stands: it is a piece of the text.
    let offset = |value: &RawValue| {
        let own = value.get().as_ptr() as usize;
        own.checked_sub(text.as_ptr() as usize)
            .filter(|start| start + value.get().len() <= text.len())
            .ok_or_else(|| "the text has no place for a list".to_owned())
    };
    let Some(list) = document.get("exceptions") else {
        // Behind the last value there are only spaces and the brace.
        let end = text.rfind('}').ok_or("no object")?;
        let (before, after) = text.split_at(end);
        let before = before.trim_end();
        let comma = if document.is_empty() { "" } else { "," };
        return Ok(format!(
            "{before}{comma}\n  \"exceptions\": [\n{}\n  ]\n{after}",
            listed("    ")
        ));
    };
    let items: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|error| format!("exceptions: {error}"))?;
    let start = offset(list)?;
    let (at, indent, comma) = match items.last() {
        Some(last) => {
            let first = items.first().map_or(Ok(start), |first| offset(first))?;
            (
                offset(last)? + last.get().len(),
                indent_at(text, first),
                ",",
            )
        }
        None => (start + 1, format!("{}  ", indent_at(text, start)), ""),
    };
    let (before, after) = text.split_at(at);
    let after = match items.is_empty() {
        true => format!("\n{}{}", indent_at(text, start), after.trim_start()),
        false => after.to_owned(),
    };
    Ok(format!("{before}{comma}\n{}{after}", listed(&indent)))
}

/// The white space at the beginning of the line that holds an offset.
fn indent_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(line..).unwrap_or_default();
    line.chars()
        .take_while(|c| matches!(c, ' ' | '\t'))
        .collect()
}

fn into_yaml(text: &str, exceptions: &[Exception]) -> Result<String, String> {
    let item = |exception: &Exception, indent: &str| -> String {
        let mut out = String::new();
        for (index, (key, value)) in exception.iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            // Every JSON value on one line is YAML.
            out.push_str(&format!("{indent}{mark}{key}: {value}\n"));
        }
        out
    };
    let all = |indent: &str| -> String { exceptions.iter().map(|one| item(one, indent)).collect() };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_key = |line: &&str| {
        let rest = line.strip_prefix("exceptions").or_else(|| {
            let quoted = line.strip_prefix("\"exceptions\"");
            quoted.or_else(|| line.strip_prefix("'exceptions'"))
        });
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let joined = |lines: &[&str]| lines.concat();
    let with_end = |mut text: String| {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    };
    let Some(key) = lines.iter().position(is_key) else {
        // The end of a document is the end of the file, or `...`.
        let end = lines
            .iter()
            .position(|line| line.trim_end() == "...")
            .unwrap_or(lines.len());
        let (before, after) = lines.split_at(end);
        return Ok(format!(
            "{}exceptions:\n{}{}",
            with_end(joined(before)),
            all("  "),
            joined(after)
        ));
    };
    let (before, rest) = lines.split_at(key);
    let (line, rest) = rest.split_first().ok_or("no line")?;
    let value = line.split_once(':').map_or("", |(_, value)| value).trim();
    let value = match value.starts_with('#') {
        true => "",
        false => value.split(" #").next().unwrap_or_default().trim(),
    };
    match value {
        "" => {}
        "[]" | "~" | "null" => {
            let line = line.replacen(value, "", 1);
            let line = with_end(line.trim_end().to_owned());
            return Ok(format!(
                "{}{line}{}{}",
                joined(before),
                all("  "),
                joined(rest)
            ));
        }
        _ => {
            return Err(
                "`exceptions` is written as a list in brackets; write one entry a line".to_owned(),
            );
        }
    }
    // The block goes on while lines are indented, or are entries of the list themselves.
    let inside = |line: &&str| {
        line.starts_with([' ', '\t']) || line.starts_with("- ") || line.trim_end() == "-"
    };
    let blank = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let mut end = 0;
    for (index, line) in rest.iter().enumerate() {
        if blank(line) {
            continue;
        }
        if !inside(line) {
            break;
        }
        end = index + 1;
    }
    let (block, after) = rest.split_at(end);
    let entry = block.iter().find(|line| line.trim_start().starts_with('-'));
    let indent: String = entry
        .map(|line| line.chars().take_while(|c| *c == ' ').collect())
        .unwrap_or_else(|| "  ".to_owned());
    Ok(format!(
        "{}{line}{}{}{}",
        joined(before),
        with_end(joined(block)),
        all(&indent),
        joined(after)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn two() -> Vec<Exception> {
        ["A", "B: #"]
            .map(|id| {
                vec![
                    ("id", json!(id)),
                    ("rules", json!([17])),
                    ("path", json!({"regex": "^/a\\.b$"})),
                ]
            })
            .to_vec()
    }

    /// The list that a text comes to, as JSON.
    fn read(text: &str, yaml: bool) -> Value {
        match yaml {
            true => serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}")),
            false => serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}")),
        }
    }

    #[test]
    fn exceptions_are_added_and_nothing_else_changes() {
        for (yaml, text) in [
            (false, ""),
            (false, "{}"),
            (false, "{\n  \"mode\": \"monitor\"\n}\n"),
            (false, "{\"exceptions\":[],\"mode\":\"monitor\"}"),
            (
                false,
                "{\n  \"exceptions\": [\n    {\"id\": \"X\", \"rules\": 1}\n  ],\n  \"mode\": \"block\"\n}\n",
            ),
            (
                false,
                "{\"exceptions\": [{\"id\": \"[x]}\", \"rules\": 1}]}",
            ),
            (true, ""),
            (true, "mode: monitor\n"),
            (
                true,
                "mode: monitor # why\nexceptions: [] # none yet\nname: x",
            ),
            (
                true,
                "# first\nexceptions:\n  # about X\n  - id: X\n    rules: [1]\n    reason: |\n      exceptions:\n\n      two\n\n# last\nmode: block\n",
            ),
            (true, "exceptions:\n- id: X\n  rules: 1\nmode: block\n"),
            (true, "exceptions:\n    -   id: X\n        rules: 1"),
            (
                true,
                "mode: block\r\nexceptions:\r\n- id: X\r\n  rules: 1\r\n",
            ),
            (true, "{\"mode\": \"block\"}"),
            (true, "--- \nmode: block\n...\n"),
        ] {
            let out =
                added(text, yaml, &two()).unwrap_or_else(|problem| panic!("{problem}: {text}"));
            let mut expected = match text.trim() {
                "" => json!({}),
                _ => read(text, yaml),
            };
            let list = expected.as_object_mut().expect("an object");
            let list = list.entry("exceptions").or_insert(json!([]));
            let new = two().into_iter().map(|one| {
                Value::Object(
                    one.into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            });
            list.as_array_mut().expect("a list").extend(new);
            assert_eq!(read(&out, yaml), expected, "{text}\n---\n{out}");
            // Every line that was there is still there.
            for line in text.lines().filter(|line| yaml && line.contains('#')) {
                let comment = line.split('#').next_back().unwrap_or_default().trim();
                assert!(out.contains(comment), "{line}: {out}");
            }
            assert_eq!(out.contains('\r'), text.contains('\r'));
        }
        assert!(added("exceptions: [{id: X, rules: 1}]\n", true, &two()).is_err());
        assert!(added("[1]", false, &two()).is_err());
    }
}
