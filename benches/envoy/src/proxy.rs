//! The proxy under test: one Envoy with one worker, and a listener for each variant.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use palisade_harness::client::{Http1, head};
use palisade_harness::envoy::header_to_metadata;
use serde_json::{Value, json};

/// Exceptions, rules and scopes of the large policy.
const LARGE: (usize, usize, usize) = (1000, 200, 50);
const START: Duration = Duration::from_secs(120);

/// What stands in the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Nothing but the router.
    None,
    /// A Wasm filter that does nothing.
    Noop,
    /// Palisade with `{}`, as `envoy/envoy.yaml` configures it.
    Default,
    /// The same with the strict preset.
    Strict,
    /// The same with a policy of [`LARGE`] size.
    Large,
    /// Palisade with `{}` without the filter that turns its decision into metadata.
    Bare,
}

impl Variant {
    pub(crate) const ALL: [Self; 6] = [
        Self::None,
        Self::Noop,
        Self::Default,
        Self::Strict,
        Self::Large,
        Self::Bare,
    ];

    /// The name by which it is chosen, and by which the results know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Noop => "noop",
            Self::Default => "default",
            Self::Strict => "strict",
            Self::Large => "large",
            Self::Bare => "bare",
        }
    }

    /// Whether it blocks attacks.
    pub(crate) fn guards(self) -> bool {
        !matches!(self, Self::None | Self::Noop)
    }

    /// The policy, where there is one.
    pub(crate) fn policy(self) -> Option<String> {
        match self {
            Self::None | Self::Noop => None,
            Self::Default | Self::Bare => Some("{}".to_owned()),
            Self::Strict => Some(r#"{"preset": "strict"}"#.to_owned()),
            Self::Large => Some(palisade_harness::policies::large(LARGE.0, LARGE.1, LARGE.2)),
        }
    }
}

/// The programs that the proxy is made of.
pub(crate) struct Parts {
    pub(crate) envoy: PathBuf,
    pub(crate) module: PathBuf,
    pub(crate) noop: PathBuf,
}

/// A running Envoy; killed when dropped.
pub(crate) struct Proxy {
    child: Child,
    folder: PathBuf,
    addresses: Vec<(Variant, SocketAddr)>,
}

impl Proxy {
    /// Starts it on a core and waits until every listener is ready. With `trace` its log says when each call into
    /// a module began and ended.
    pub(crate) fn start(
        parts: &Parts,
        variants: &[Variant],
        upstream: SocketAddr,
        core: Option<usize>,
        trace: bool,
    ) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("palisade-bench-{}", std::process::id()));
        let said = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(said)?;
        let _ = fs::remove_file(folder.join("admin"));
        let configuration = configuration(parts, variants, upstream);
        fs::write(folder.join("envoy.json"), configuration.to_string()).map_err(said)?;
        let log = File::create(folder.join("envoy.log")).map_err(said)?;
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command
                    .args(["--cpu-list", &core.to_string()])
                    .arg(&parts.envoy);
                command
            }
            None => Command::new(&parts.envoy),
        };
        command
            .arg("--config-path")
            .arg(folder.join("envoy.json"))
            .arg("--admin-address-path")
            .arg(folder.join("admin"))
            .args(["--concurrency", "1", "--disable-hot-restart"])
            .args(["--log-level", "warning", "--log-format", "%E.%F %v"]);
        if trace {
            command.args(["--component-log-level", "wasm:trace"]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(said)?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("Envoy does not start: {error}"))?;
        let mut proxy = Self {
            child,
            folder,
            addresses: Vec::new(),
        };
        proxy.wait_until_ready(variants)?;
        Ok(proxy)
    }

    fn wait_until_ready(&mut self, variants: &[Variant]) -> Result<(), String> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("Envoy ended, {status}:\n{}", self.log()));
            }
            let written = fs::read_to_string(self.folder.join("admin")).unwrap_or_default();
            if let Ok(admin) = written.trim().parse()
                && ask(admin, "/ready").is_some_and(|body| body.starts_with(b"LIVE"))
            {
                let listed = ask(admin, "/listeners?format=json").unwrap_or_default();
                let listed: Value = serde_json::from_slice(&listed).unwrap_or_default();
                for status in listed["listener_statuses"].as_array().into_iter().flatten() {
                    let name = status["name"].as_str().unwrap_or_default();
                    let port = status["local_address"]["socket_address"]["port_value"].as_u64();
                    let variant = variants.iter().find(|variant| variant.name() == name);
                    if let (Some(variant), Some(Ok(port))) = (variant, port.map(u16::try_from)) {
                        let address = (Ipv4Addr::LOCALHOST, port).into();
                        self.addresses.push((*variant, address));
                    }
                }
                return if self.addresses.len() == variants.len() {
                    Ok(())
                } else {
                    Err(format!("listeners are missing:\n{}", self.log()))
                };
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!(
            "Envoy is not ready after {START:?}:\n{}",
            self.log()
        ))
    }

    /// Where the listener of a variant listens.
    pub(crate) fn address(&self, variant: Variant) -> Result<SocketAddr, String> {
        let mut all = self.addresses.iter();
        let found = all.find(|(own, _)| *own == variant);
        found
            .map(|(_, address)| *address)
            .ok_or(format!("no listener {}", variant.name()))
    }

    /// Its process id: `taskset` has become Envoy.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("envoy.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn ask(admin: SocketAddr, target: &str) -> Option<Vec<u8>> {
    let mut client = Http1::connect(admin).ok()?;
    let close = vec![("connection".to_owned(), b"close".to_vec())];
    let request = head(b"GET", target.as_bytes(), b"admin", &close);
    client.send(&request).ok()?;
    Some(client.response("GET").ok()?.body)
}

fn type_url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

fn socket_address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

fn configuration(parts: &Parts, variants: &[Variant], upstream: SocketAddr) -> Value {
    let listeners: Vec<Value> = variants
        .iter()
        .map(|variant| listener(parts, *variant))
        .collect();
    json!({
        "node": { "id": "bench", "cluster": "bench" },
        "admin": { "address": socket_address(0) },
        // Flushed seldom: what the main thread does is no part of a request.
        "stats_flush_interval": "60s",
        "static_resources": {
            "listeners": listeners,
            "clusters": [{
                "name": "upstream",
                "type": "STATIC",
                "connect_timeout": "5s",
                "load_assignment": {
                    "cluster_name": "upstream",
                    "endpoints": [{ "lb_endpoints": [{
                        "endpoint": { "address": socket_address(upstream.port()) },
                    }] }],
                },
            }],
        },
    })
}

fn listener(parts: &Parts, variant: Variant) -> Value {
    let hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let router = json!({
        "name": "router",
        "typed_config": { "@type": type_url("envoy.extensions.filters.http.router.v3.Router") },
    });
    let filters = match variant {
        Variant::None => vec![router],
        Variant::Noop => vec![wasm(&parts.noop, variant), router],
        Variant::Bare => vec![wasm(&parts.module, variant), router],
        Variant::Default | Variant::Strict | Variant::Large => {
            vec![header_to_metadata(), wasm(&parts.module, variant), router]
        }
    };
    json!({
        "name": variant.name(),
        "address": socket_address(0),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": type_url(hcm),
                "stat_prefix": variant.name(),
                "codec_type": "AUTO",
                "http_protocol_options": { "enable_trailers": true },
                "use_remote_address": true,
                "generate_request_id": true,
                "http_filters": filters,
                "route_config": { "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "upstream" } }],
                }] },
            },
        }] }],
    })
}

/// Each variant has a VM of its own: none profits from, or pays for, what another has left there.
fn wasm(module: &Path, variant: Variant) -> Value {
    json!({
        "name": variant.name(),
        "typed_config": {
            "@type": type_url("envoy.extensions.filters.http.wasm.v3.Wasm"),
            "config": {
                "name": variant.name(),
                "root_id": variant.name(),
                "allow_on_headers_stop_iteration": true,
                "configuration": {
                    "@type": type_url("google.protobuf.StringValue"),
                    "value": variant.policy().unwrap_or_default(),
                },
                "vm_config": {
                    "vm_id": variant.name(),
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": module } },
                },
            },
        },
    })
}
