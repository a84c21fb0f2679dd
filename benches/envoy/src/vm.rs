//! One VM: how long it takes to take a policy, inside Envoy, and how much memory it needs, in Node.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use palisade_harness::shapes::{self, Shape};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::proxy::{Parts, Proxy, Variant};

/// Bytes of linear memory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// With a policy, before the first request.
    pub(crate) idle: u64,
    /// After requests of every shape.
    pub(crate) loaded: u64,
    /// After ten more policies, and requests under each.
    pub(crate) reloaded: u64,
}

/// How long each VM of an Envoy with this policy took in `on_configure`, in milliseconds: the trial VM, that of the
/// main thread, that of the worker.
pub(crate) fn configure(
    parts: &Parts,
    variant: Variant,
    upstream: SocketAddr,
    core: Option<usize>,
) -> Result<Vec<f64>, String> {
    let proxy = Proxy::start(parts, &[variant], upstream, core, true)?;
    let log = proxy.log();
    let mut took = Vec::new();
    let mut began = None;
    for line in log.lines() {
        let time = line.split(' ').next().and_then(seconds);
        if line.contains("[host->vm] proxy_on_configure(") {
            began = time;
        } else if line.contains("[host<-vm] proxy_on_configure return")
            && let (Some(from), Some(to)) = (began.take(), time)
        {
            took.push((to - from) * 1e3);
        }
    }
    if took.is_empty() {
        return Err("Envoy's log does not tell of proxy_on_configure".to_owned());
    }
    Ok(took)
}

/// Seconds within a day: the whole time would leave an `f64` no microseconds.
fn seconds(text: &str) -> Option<f64> {
    let (whole, nanoseconds) = text.split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    let nanoseconds: u32 = nanoseconds.parse().ok()?;
    Some(f64::from(u32::try_from(whole % 86_400).ok()?) + f64::from(nanoseconds) / 1e9)
}

/// How much memory a VM needs, by the name of the policy.
pub(crate) fn memory(module: &Path, out: &Path) -> Result<BTreeMap<String, Memory>, String> {
    let requests: Vec<Value> = shapes::all().iter().map(request).collect();
    let policies: BTreeMap<&str, String> = [Variant::Default, Variant::Large]
        .into_iter()
        .filter_map(|variant| Some((variant.name(), variant.policy()?)))
        .collect();
    let input = out.join("vm.json");
    let text = json!({ "policies": policies, "requests": requests }).to_string();
    fs::write(&input, text).map_err(|error| format!("{}: {error}", input.display()))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm.mjs");
    let run = Command::new("node")
        .arg(script)
        .arg(module)
        .arg(&input)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("node does not run: {error}"))?;
    if !run.status.success() {
        return Err(format!("the VM in Node failed, {}", run.status));
    }
    serde_json::from_slice(&run.stdout).map_err(|error| format!("the VM in Node: {error}"))
}

/// A request as the proxy shows it to a filter.
fn request(shape: &Shape) -> Value {
    let mut headers = vec![
        (":method", shape.method.to_owned()),
        (":scheme", "http".to_owned()),
        (":authority", Shape::HOST.to_owned()),
        (":path", shape.target.clone()),
        ("x-forwarded-for", "203.0.113.7".to_owned()),
        (
            "x-request-id",
            "550e8400-e29b-41d4-a716-446655440000".to_owned(),
        ),
    ];
    headers.extend(shape.headers.iter().cloned());
    json!({ "headers": headers, "body": STANDARD.encode(&shape.body) })
}
