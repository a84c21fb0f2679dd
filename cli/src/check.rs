//! `palisade check`: one request through a policy, and everything that led to the verdict.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use palisade::engine::Scratch;
use palisade::model::{Action, Mode, Named, Part, View};
use palisade::request::Kind;
use serde_json::{Value, json};

use crate::explain::{self, octets, shown};
use crate::proxied::{Proxied, Request, parse_raw};
use crate::terminal::{Ink, Terminal, print};
use crate::{Failure, Outcome, policy};

/// Run one request through a policy and say why it is blocked or not.
///
/// The request is written as for curl, or read from a file as it goes on the wire. Prints the fields
/// that were read, the forms that decoding added, each rule that matched, and the sums. Exits with 1 if
/// the request would be blocked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// URL, or path and query, exactly as it goes on the wire.
    #[arg(value_name = "URL", required_unless_present = "raw")]
    url: Option<String>,
    /// A whole request as it goes on the wire of HTTP/1.1; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "method", "header", "data", "cookie", "user_agent"])]
    raw: Option<PathBuf>,
    /// The policy; without it, the default policy `{}`.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// The method; GET, or POST where there is a body.
    #[arg(long = "request", short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// A header; may be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The body, or `@FILE`; a form, unless a Content-Type is given. May be repeated, joined by `&`.
    #[arg(long, short, value_name = "DATA", allow_hyphen_values = true)]
    data: Vec<String>,
    /// The Cookie header.
    #[arg(long, short = 'b', value_name = "COOKIES")]
    cookie: Option<String>,
    /// The User-Agent header.
    #[arg(long, short = 'A', value_name = "AGENT")]
    user_agent: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    text.split_once(':')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected NAME: VALUE".to_owned())
}

/// One field as it was inspected.
struct Seen {
    step: &'static str,
    zone: &'static str,
    kind: Kind,
    name: Vec<u8>,
    value: Vec<u8>,
    /// Forms beyond the plain one: of which half, which form, what it holds.
    views: Vec<(Part, View, Vec<u8>)>,
}

/// Something that a reader noticed.
struct Noticed {
    anomaly: &'static str,
    zone: &'static str,
    name: Vec<u8>,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let engine = policy::load(arguments.policy.as_deref())?;
    if engine.config().settings.mode == Mode::Off {
        terminal.warn("the policy's mode is `off`: nothing is inspected");
    }
    let proxied = Proxied::of(request(arguments)?);
    let mut scratch = Scratch::default();
    let (mut fields, mut noticed) = (Vec::new(), Vec::new());
    let mut step = "head";
    let inspection = proxied.inspect(&engine, &mut scratch, |scratch| {
        look(scratch, step, &mut fields, &mut noticed);
        step = "body";
    });
    let verdict = engine.verdict(&inspection);
    let stopped = verdict.action == Action::Block
        && !proxied.body.is_empty()
        && fields.iter().all(|field: &Seen| field.step == "head");
    if arguments.json {
        let value = json!({
            "decision": explain::decision(&verdict),
            "thresholds": verdict
                .scores
                .iter()
                .chain(verdict.recorded.iter())
                .map(|(category, _)| (category.name(), engine.threshold(category)))
                .collect::<std::collections::BTreeMap<_, _>>(),
            "fields": fields.iter().map(Seen::json).collect::<Vec<_>>(),
            "findings": noticed.iter().map(Noticed::json).collect::<Vec<_>>(),
            "body_skipped": stopped,
        });
        print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else {
        let mut out = String::new();
        explain::request(&proxied, &mut out);
        for field in &fields {
            field.write(terminal, &mut out);
        }
        for one in &noticed {
            let _ = write!(out, "  noticed   {} in {}", one.anomaly, one.zone);
            if !one.name.is_empty() {
                let _ = write!(out, " `{}`", shown(&one.name));
            }
            out.push('\n');
        }
        explain::verdict(&engine, &verdict, true, terminal, &mut out);
        if stopped {
            out.push_str("  the body was not looked at: the head alone decided\n");
        }
        print(&out)?;
    }
    Ok(match verdict.action {
        Action::Allow => Outcome::Clean,
        Action::Monitor | Action::Block => Outcome::Findings,
    })
}

/// The request that the arguments describe.
fn request(arguments: &Arguments) -> Result<Request, Failure> {
    if let Some(path) = &arguments.raw {
        let request = parse_raw(&read(path)?);
        if request.method.is_empty() || request.target.is_empty() {
            let name = path.display();
            return Err(Failure(format!(
                "{name}:1: expected a request line such as `GET /path HTTP/1.1`"
            )));
        }
        return Ok(request);
    }
    let url = arguments.url.as_deref().unwrap_or("/");
    let mut request = Request {
        // What is neither a URL nor a path is a URL without its scheme, as for curl.
        target: match url.starts_with('/') || url.contains("://") {
            true => url.as_bytes().to_vec(),
            false => format!("http://{url}").into_bytes(),
        },
        ..Request::default()
    };
    for (name, value) in &arguments.header {
        request
            .headers
            .push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    }
    for (name, value) in [
        ("user-agent", &arguments.user_agent),
        ("cookie", &arguments.cookie),
    ] {
        if let Some(value) = value {
            request
                .headers
                .push((name.into(), value.as_bytes().to_vec()));
        }
    }
    for (index, data) in arguments.data.iter().enumerate() {
        if index > 0 {
            request.body.push(b'&');
        }
        match data.strip_prefix('@') {
            Some(path) => request.body.extend(read(Path::new(path))?),
            None => request.body.extend_from_slice(data.as_bytes()),
        }
    }
    let has_data = !arguments.data.is_empty();
    if has_data && request.header("content-type").is_none() {
        request.headers.push((
            b"content-type".to_vec(),
            b"application/x-www-form-urlencoded".to_vec(),
        ));
    }
    if request.header("host").is_none() {
        request
            .headers
            .push((b"host".to_vec(), b"localhost".to_vec()));
    }
    request.method = match &arguments.method {
        Some(method) => method.as_bytes().to_vec(),
        None if has_data => b"POST".to_vec(),
        None => b"GET".to_vec(),
    };
    Ok(request)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}

/// Copies what a step looked at.
fn look(scratch: &Scratch, step: &'static str, seen: &mut Vec<Seen>, noticed: &mut Vec<Noticed>) {
    let fields = scratch.fields();
    let first = seen.len();
    for field in fields.iter() {
        seen.push(Seen {
            step,
            zone: field.zone.name(),
            kind: field.kind,
            name: fields.get(field.name).to_vec(),
            value: fields.get(field.value).to_vec(),
            views: Vec::new(),
        });
    }
    for (index, part, view, bytes) in scratch.texts() {
        if view != View::Plain
            && let Some(field) = seen.get_mut(first + index)
        {
            field.views.push((part, view, bytes.to_vec()));
        }
    }
    for finding in fields.findings() {
        noticed.push(Noticed {
            anomaly: finding.anomaly.name(),
            zone: finding.zone.name(),
            name: fields.get(finding.name).to_vec(),
        });
    }
}

/// What a kind of value means for the inspection.
const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Joined => "joined",
        Kind::Number => "number",
        Kind::Literal => "literal",
        Kind::Bytes => "bytes",
        Kind::Token => "token",
    }
}

impl Seen {
    fn write(&self, terminal: &Terminal, out: &mut String) {
        let _ = write!(out, "  field     {}", terminal.ink(Ink::Strong, self.zone));
        if !self.name.is_empty() {
            let _ = write!(out, " `{}`", shown(&self.name));
        }
        let _ = write!(out, " = {}", shown(&self.value));
        if !matches!(self.kind, Kind::Text | Kind::Joined) {
            let _ = write!(out, " ({}; only the name is scanned)", kind(self.kind));
        }
        out.push('\n');
        for (part, view, bytes) in &self.views {
            let half = match part {
                Part::Name => " of the name",
                Part::Value => "",
            };
            let _ = writeln!(out, "    {:<8}{half} {}", view.name(), shown(bytes));
        }
    }

    fn json(&self) -> Value {
        let views: Vec<_> = self
            .views
            .iter()
            .map(|(part, view, bytes)| {
                json!({"part": part.name(), "view": view.name(), "text": octets(bytes)})
            })
            .collect();
        json!({
            "step": self.step,
            "zone": self.zone,
            "kind": kind(self.kind),
            "name": octets(&self.name),
            "value": octets(&self.value),
            "views": views,
        })
    }
}

impl Noticed {
    fn json(&self) -> Value {
        json!({"anomaly": self.anomaly, "zone": self.zone, "name": octets(&self.name)})
    }
}
