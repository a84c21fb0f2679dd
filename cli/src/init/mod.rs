//! `palisade init`: a first policy, its first tests, and what makes Envoy or Istio load it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use palisade::model::Mode;
use serde_json::{Value, json};

use crate::policy::Document;
use crate::terminal::{Ink, Terminal, print};
use crate::{Failure, Outcome};

/// Write a commented starter policy, its first tests, and the configuration that loads it.
///
/// Writes `policy.yaml`, `tests/policy.toml` and `envoy.yaml`, or `wasmplugin.yaml` for Istio. With
/// `--policy` only the last of them, for a policy that is there. Nothing is overwritten without `--force`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade init
  palisade init --for istio --module oci://registry.example/palisade:0.1.0 gateway/
  palisade init --for envoy --policy policy.yaml --force")]
pub(crate) struct Arguments {
    /// The folder to write into; made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// What loads the policy.
    #[arg(long = "for", value_enum, default_value_t, value_name = "PROXY")]
    proxy: Proxy,
    /// Whether the policy is written in YAML, with comments, or in JSON, without.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        conflicts_with = "policy"
    )]
    format: Format,
    /// What the policy calls itself.
    #[arg(long, default_value = "my-service", value_name = "NAME", conflicts_with = "policy", value_parser = name)]
    name: String,
    /// Whether it blocks from the first day on.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "MODE",
        conflicts_with = "policy"
    )]
    mode: First,
    /// Write only the configuration of the proxy, for this policy.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Where the proxy finds the module: a path for Envoy, a URL for Istio.
    #[arg(long, value_name = "PATH|URL")]
    module: Option<String>,
    /// Overwrite what is there.
    #[arg(long)]
    force: bool,
    /// Print one JSON object that names what was written.
    #[arg(long)]
    json: bool,
}

/// What loads the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Proxy {
    /// Envoy by itself: entries of `http_filters`.
    #[default]
    Envoy,
    /// Istio: a WasmPlugin.
    Istio,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Yaml,
    Json,
}

/// The first mode of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum First {
    /// Everything is inspected and recorded, nothing is blocked.
    #[default]
    Monitor,
    /// Attacks are blocked.
    Block,
}

fn name(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-+@/".contains(&byte));
    match fits {
        true => Ok(text.to_owned()),
        false => {
            Err("expected 1 to 64 characters out of letters, digits and . _ - + @ /".to_owned())
        }
    }
}

/// A file to be written, and what it is for.
struct File {
    path: PathBuf,
    text: String,
    what: &'static str,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let files = files(arguments)?;
    // All or nothing.
    let there: Vec<String> = files
        .iter()
        .filter(|file| file.path.exists())
        .map(|file| file.path.display().to_string())
        .collect();
    if !there.is_empty() && !arguments.force {
        return Err(Failure(format!(
            "{} {} there already; `--force` overwrites",
            there.join(", "),
            if there.len() == 1 { "is" } else { "are" }
        )));
    }
    for file in &files {
        let failure = |error: std::io::Error| Failure(format!("{}: {error}", file.path.display()));
        if let Some(folder) = file.path.parent() {
            std::fs::create_dir_all(folder).map_err(failure)?;
        }
        std::fs::write(&file.path, &file.text).map_err(failure)?;
    }
    if arguments.json {
        let written = files
            .iter()
            .map(|file| json!({ "path": file.path.display().to_string(), "what": file.what }));
        let value = json!({ "written": written.collect::<Vec<_>>() });
        print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else if terminal.is_rich() {
        let mut out = String::new();
        for file in &files {
            let path = terminal.ink(Ink::Strong, &file.path.display().to_string());
            out += &format!("wrote {path}: {}\n", file.what);
        }
        print(&out)?;
    }
    Ok(Outcome::Clean)
}

fn files(arguments: &Arguments) -> Result<Vec<File>, Failure> {
    let folder = &arguments.folder;
    if let Some(path) = &arguments.policy {
        let document = Document::read(Some(path))?;
        // A policy that the module refuses is not handed to it.
        crate::policy::load(Some(path))?;
        return Ok(vec![configuration(arguments, &document, path)?]);
    }
    let mode = match arguments.mode {
        First::Monitor => Mode::Monitor,
        First::Block => Mode::Block,
    };
    let (text, ending) = starter(&arguments.name, mode, arguments.format, arguments.proxy)?;
    let path = folder.join(format!("policy.{ending}"));
    let yaml = arguments.format == Format::Yaml;
    let shown = path.display().to_string();
    let document = Document::new(&shown, text.clone().into_bytes(), yaml);
    let configuration = configuration(arguments, &document, &path)?;
    let action = mode.to_string();
    let cases = include_str!("cases.toml")
        .replace("{action}", &action)
        .replace("policy.yaml", &format!("policy.{ending}"));
    Ok(vec![
        File {
            path,
            text,
            what: "the policy",
        },
        File {
            path: folder.join("tests").join("policy.toml"),
            text: cases,
            what: "what has to pass it, and what must not: `palisade test`",
        },
        configuration,
    ])
}

/// What the starter policy says besides for Istio.
const NO_METADATA: &str = "
# Nothing in Istio's chain takes away the header that would carry the decision to metadata: without this,
# clients would see it.
telemetry:
  metadata: false
";

/// The starter policy, and the ending of its file.
fn starter(
    name: &str,
    mode: Mode,
    format: Format,
    proxy: Proxy,
) -> Result<(String, &'static str), Failure> {
    let allow = match mode {
        Mode::Monitor => "  # lint: allow monitor-mode until the first days were looked at",
        Mode::Off | Mode::Block => "",
    };
    let mut text = include_str!("policy.yaml")
        .replace("{name}", name)
        .replace("{mode}", &mode.to_string())
        .replace("{allow}", allow);
    if proxy == Proxy::Istio {
        text += NO_METADATA;
    }
    if format == Format::Yaml {
        return Ok((text, "yaml"));
    }
    let mut value: Value =
        serde_saphyr::from_str(&text).map_err(|error| Failure(error.to_string()))?;
    if let Value::Object(members) = &mut value {
        // There for the comments behind them alone.
        members.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    Ok((
        format!("{}\n", serde_json::to_string_pretty(&value)?),
        "json",
    ))
}

/// What makes the proxy load a policy.
fn configuration(arguments: &Arguments, document: &Document, path: &Path) -> Result<File, Failure> {
    let json = document
        .json()
        .map_err(|wrong| Failure(format!("{}: {}", document.name, wrong.said())))?;
    let value: Value = match json.trim_ascii().is_empty() {
        true => json!({}),
        false => serde_json::from_slice(&json)?,
    };
    let pretty = serde_json::to_string_pretty(&value)?;
    let (template, file, indent, what, policy, module) = match arguments.proxy {
        Proxy::Envoy => (
            include_str!("envoy.yaml"),
            "envoy.yaml",
            10,
            "the entries of Envoy's `http_filters` that load it",
            pretty,
            "/etc/envoy/palisade.wasm",
        ),
        Proxy::Istio => (
            include_str!("wasmplugin.yaml"),
            "wasmplugin.yaml",
            4,
            "the WasmPlugin that loads it",
            // As it is written, comments and all; JSON is YAML too.
            match document.yaml {
                true => String::from_utf8_lossy(&document.text).into_owned(),
                false => pretty,
            },
            concat!(
                "oci://registry.example/palisade:",
                env!("CARGO_PKG_VERSION")
            ),
        ),
    };
    let module = arguments.module.as_deref().unwrap_or(module);
    let indented: Vec<String> = policy
        .trim_end()
        .lines()
        // The name of a document's beginning has no place inside of another one.
        .filter(|line| line.trim_end() != "---")
        .map(|line| match line.is_empty() {
            true => String::new(),
            false => format!("{:indent$}{line}", ""),
        })
        .collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let behind = match value["telemetry"]["metadata_on_request"] == true {
        true => include_str!("metadata_on_request.yaml"),
        false => "",
    };
    let text = template
        .replace("{file}", &name)
        .replace("{behind}", behind)
        // A string of JSON is one of YAML, whatever stands in it.
        .replace("{module}", &serde_json::to_string(module)?)
        .replace("{policy}", &indented.join("\n"));
    Ok(File {
        path: arguments.folder.join(file),
        text,
        what,
    })
}
