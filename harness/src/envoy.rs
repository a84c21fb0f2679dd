//! A real Envoy: one process, a listener for every policy and body mode, its access log read back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, process};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Http1, Response, head};

/// The header in which the filter hands its decision to `header_to_metadata`; private to the proxy.
pub const DECISION_HEADER: &str = "x-palisade-decision";

/// How long Envoy may take to start: the module is compiled once, and every policy once a thread.
const START: Duration = Duration::from_secs(90);

/// How the host treats a body while the filter wants to see it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyMode {
    /// `allow_on_headers_stop_iteration: true`: the headers wait for the verdict on the body.
    Hold,
    /// The flag is absent: the headers go on, the body waits.
    Continue,
}

impl BodyMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hold, Self::Continue];

    /// The word for it in the documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Continue => "continue",
        }
    }
}

/// One listener with its own policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// The policy, as JSON text.
    pub policy: String,
    /// How bodies are treated.
    pub mode: BodyMode,
    /// Whether Envoy normalises the path first (dot segments, double slashes).
    pub normalize_path: bool,
    /// How many addresses at the end of `x-forwarded-for` are trusted.
    pub trusted_hops: u32,
}

impl Listener {
    /// A listener with that policy and body mode; paths as they come, no address believed.
    pub fn new(policy: &str, mode: BodyMode) -> Self {
        Self {
            policy: policy.to_owned(),
            mode,
            normalize_path: false,
            trusted_hops: 0,
        }
    }
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The module.
    pub module: PathBuf,
    /// Where requests go that pass.
    pub upstream: SocketAddr,
    /// The listeners.
    pub listeners: Vec<Listener>,
    /// Worker threads, each with a VM of its own.
    pub concurrency: u32,
    /// Whether the listeners come from a file that Envoy watches, so that [`Envoy::update`] can replace
    /// them; a bad policy then leaves Envoy running.
    pub watched: bool,
}

impl Setup {
    /// One worker, listeners that stay as they are, the module of [`module`].
    pub fn new(upstream: SocketAddr, listeners: Vec<Listener>) -> Self {
        Self {
            module: module(),
            upstream,
            listeners,
            concurrency: 1,
            watched: false,
        }
    }
}

/// The module under test: `PALISADE_WASM`, else the one that `make wasm` builds.
///
/// # Panics
/// If it is not there.
pub fn module() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let built = repository()
        .join(target)
        .join("wasm32-wasip1/release/palisade.wasm");
    let path = env::var_os("PALISADE_WASM").map_or(built, PathBuf::from);
    assert!(
        path.is_file(),
        "no module at {}: run `make wasm`, or set PALISADE_WASM",
        path.display()
    );
    path
}

/// The Envoy to test with: `ENVOY`, else what `scripts/envoy.sh` finds or fetches.
///
/// # Panics
/// If there is none: a machine that cannot run Envoy has not tested anything.
pub fn binary() -> PathBuf {
    static FOUND: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut found = FOUND
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    found.get_or_insert_with(find_binary).clone()
}

fn find_binary() -> PathBuf {
    // The script understands ENVOY too, where it is a name on the PATH.
    let stated = env::var_os("ENVOY")
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    let path = if let Some(path) = stated {
        path
    } else {
        let script = repository().join("scripts/envoy.sh");
        let run = Command::new(&script).stderr(Stdio::inherit()).output();
        let run = run.unwrap_or_else(|error| {
            panic!(
                "no Envoy: ENVOY is not set, and {} does not run: {error}",
                script.display()
            )
        });
        assert!(
            run.status.success(),
            "no Envoy: {} failed",
            script.display()
        );
        let said = String::from_utf8_lossy(&run.stdout);
        PathBuf::from(said.trim().lines().next_back().unwrap_or_default())
    };
    assert!(path.is_file(), "no Envoy at `{}`", path.display());
    path
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the harness is a member")
}

/// One line of the access log. Fields that Envoy had nothing for are `None`.
#[derive(Clone, Debug, Deserialize)]
pub struct LogEntry {
    /// The request's `x-case` header.
    pub case: Option<String>,
    /// The request's `x-request-id`.
    pub request_id: Option<String>,
    /// The status.
    #[serde(rename = "status")]
    pub code: u16,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: Option<String>,
    /// `%RESPONSE_FLAGS%`.
    pub flags: Option<String>,
    /// The decision as one JSON object, from filter state.
    pub waf: Option<String>,
    /// The action alone, from filter state.
    pub waf_action: Option<String>,
    /// The decision from dynamic metadata, structured.
    pub metadata: Option<Value>,
    /// The action alone, from dynamic metadata.
    pub metadata_action: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path, without the query.
    pub path: Option<String>,
    /// The decision as a typed object, below `value`, where the policy asks for it.
    pub typed: Option<Value>,
    /// The ids of the rules as one word, where the policy asks for it.
    pub rules: Option<String>,
    /// The matches as one word, where the policy asks for it.
    pub matches: Option<String>,
    /// The client's trace context.
    pub traceparent: Option<String>,
    /// The client's address as Envoy decided it, without the port.
    pub client: Option<String>,
}

/// A running Envoy; it is killed when dropped, and also when this process ends in any other way.
pub struct Envoy {
    child: Child,
    folder: PathBuf,
    setup: Mutex<Setup>,
    admin: SocketAddr,
    ports: Mutex<HashMap<Listener, SocketAddr>>,
    access: Mutex<Access>,
}

#[derive(Default)]
struct Access {
    offset: u64,
    partial: Vec<u8>,
    entries: Vec<LogEntry>,
}

impl Envoy {
    /// Starts Envoy and waits until every listener is ready.
    ///
    /// # Errors
    /// Envoy's log, if it refused its configuration.
    ///
    /// # Panics
    /// If it cannot be started at all, or neither refuses nor becomes ready.
    pub fn start(setup: Setup) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("palisade-test-{}-{count}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let configuration = configuration(&setup, &folder);
        fs::write(folder.join("envoy.json"), configuration.to_string()).expect("a file");
        if setup.watched {
            write_watched(&setup, &folder, 1);
        }
        let log = File::create(folder.join("envoy.log")).expect("a file");
        // The shell waits for Envoy and, beside it, for the end of its own input, which comes when this
        // process ends, however it ends: neither Envoy nor its folder is left behind by a test that was killed.
        let script = r#"exec 3<&0; "$@" 3<&- </dev/null & envoy=$!
            { cat <&3 >/dev/null; : >"$FOLDER/over"; kill -9 $envoy; } 2>/dev/null & watch=$!
            exec 3<&-; wait $envoy; status=$?; kill $watch 2>/dev/null
            if [ -e "$FOLDER/over" ]; then rm -rf "$FOLDER"; fi; exit $status"#;
        let child = Command::new("sh")
            .env("FOLDER", &folder)
            .args(["-c", script, "sh"])
            .arg(binary())
            .arg("--config-path")
            .arg(folder.join("envoy.json"))
            .arg("--admin-address-path")
            .arg(folder.join("admin"))
            .args(["--disable-hot-restart", "--file-flush-interval-msec", "20"])
            .args(["--drain-time-s", "1", "--log-level", "info"])
            .args(["--concurrency", &setup.concurrency.to_string()])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file handle"))
            .stderr(log)
            .spawn()
            .expect("sh runs");
        let mut envoy = Self {
            child,
            folder,
            setup: Mutex::new(setup),
            admin: (Ipv4Addr::LOCALHOST, 0).into(),
            ports: Mutex::default(),
            access: Mutex::default(),
        };
        envoy.wait_until_ready()?;
        Ok(envoy)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Err(format!("Envoy ended, {status}:\n{}", self.log()));
            }
            let written = fs::read_to_string(self.folder.join("admin")).unwrap_or_default();
            if let Ok(admin) = written.trim().parse() {
                self.admin = admin;
                let ready = self
                    .admin("GET", "/ready")
                    .is_ok_and(|answer| answer.status == 200);
                if ready && self.read_ports() {
                    return Ok(());
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("Envoy was not ready after {START:?}:\n{}", self.log());
    }

    /// Learns the ports of the listeners, and says whether all are there. Listeners that Envoy reads from a
    /// file and refused are not; then there is nothing to wait for.
    fn read_ports(&self) -> bool {
        let Ok(answer) = self.admin("GET", "/listeners?format=json") else {
            return false;
        };
        let listed: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut ports = HashMap::new();
        let setup = self.setup.lock().expect("no test panics here");
        for status in listed["listener_statuses"].as_array().into_iter().flatten() {
            let name = status["name"].as_str().unwrap_or_default();
            let index = name
                .rsplit('-')
                .next()
                .and_then(|index| index.parse::<usize>().ok());
            let port = status["local_address"]["socket_address"]["port_value"].as_u64();
            let port = port.and_then(|port| u16::try_from(port).ok());
            if let (Some(index), Some(port)) = (index, port)
                && let Some(listener) = setup.listeners.get(index)
            {
                ports.insert(listener.clone(), (Ipv4Addr::LOCALHOST, port).into());
            }
        }
        let all = ports.len() == setup.listeners.len();
        *self.ports.lock().expect("no test panics here") = ports;
        all || setup.watched
    }

    /// Where a listener listens.
    ///
    /// # Panics
    /// If it was not set up.
    pub fn address(&self, listener: &Listener) -> SocketAddr {
        let ports = self.ports.lock().expect("no test panics here");
        *ports
            .get(listener)
            .unwrap_or_else(|| panic!("no such listener: {listener:?}"))
    }

    /// Replaces the listeners of a watched setup, by their position, and waits until Envoy has taken or
    /// refused them.
    ///
    /// # Errors
    /// What Envoy logged meanwhile, if it refused them.
    ///
    /// # Panics
    /// If the setup is not watched, or Envoy does neither.
    pub fn update(&self, listeners: Vec<Listener>) -> Result<(), String> {
        let count = |name: &str| {
            self.stat(&format!("listener_manager.lds.{name}"))
                .unwrap_or(0)
        };
        let (taken, refused) = (count("update_success"), count("update_rejected"));
        let logged = self.log().len();
        let mut next = self.setup.lock().expect("no test panics here").clone();
        assert!(next.watched, "only watched listeners can be replaced");
        next.listeners = listeners;
        write_watched(&next, &self.folder, taken + refused + 1);
        let end = Instant::now() + START;
        while Instant::now() < end {
            if count("update_rejected") > refused {
                return Err(self.log().split_off(logged));
            }
            if count("update_success") > taken {
                *self.setup.lock().expect("no test panics here") = next;
                self.read_ports();
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "Envoy neither took nor refused the listeners:\n{}",
            self.log()
        );
    }

    /// Asks the admin interface.
    ///
    /// # Errors
    /// A sentence, if it does not answer.
    pub fn admin(&self, method: &str, target: &str) -> Result<Response, String> {
        let mut client = Http1::connect(self.admin).map_err(|error| error.to_string())?;
        let close = vec![("connection".to_owned(), b"close".to_vec())];
        let request = head(method.as_bytes(), target.as_bytes(), b"admin", &close);
        client.send(&request).map_err(|error| error.to_string())?;
        client
            .response(method)
            .map_err(|broken| format!("{broken:?}"))
    }

    /// The value of one counter or gauge.
    pub fn stat(&self, name: &str) -> Option<u64> {
        let answer = self.admin("GET", "/stats").ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.and_then(|value| value.parse().ok())
    }

    /// Envoy's own log.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.join("envoy.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The access log as it stands there.
    pub fn access_log(&self) -> String {
        let log = fs::read(self.folder.join("access.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The records in Envoy's own log, by the id of the request. Those of one id are listed in order.
    pub fn records(&self) -> HashMap<String, Vec<Value>> {
        let mut records: HashMap<String, Vec<Value>> = HashMap::new();
        for line in self.log().lines() {
            let Some(at) = line.find("{\"record\":") else {
                continue;
            };
            let record: Value = serde_json::from_str(&line[at..])
                .unwrap_or_else(|error| panic!("a record: {error}: {line}"));
            let id = record["request_id"].as_str().unwrap_or_default();
            records.entry(id.to_owned()).or_default().push(record);
        }
        records
    }

    /// Every counter and gauge, by name.
    pub fn stats(&self) -> HashMap<String, u64> {
        let Ok(answer) = self.admin("GET", "/stats") else {
            return HashMap::new();
        };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        text.lines()
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(": ")?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect()
    }

    /// The lines of Envoy's own log that complain, without the records of requests.
    pub fn complaints(&self) -> String {
        let levels = ["[warning]", "[error]", "[critical]"];
        let log = self.log();
        let lines = log
            .lines()
            .filter(|line| levels.iter().any(|level| line.contains(level)))
            .filter(|line| !line.contains("{\"record\":"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Waits for the access log's line about a case.
    ///
    /// # Errors
    /// A sentence, if it does not come.
    pub fn entry(&self, case: &str) -> Result<LogEntry, String> {
        let end = Instant::now() + Duration::from_secs(2);
        loop {
            if let Some(entry) = self.entries(case).into_iter().next() {
                return Ok(entry);
            }
            if Instant::now() > end {
                return Err(format!("no line in the access log for {case}"));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The lines that the access log has so far about a case.
    pub fn entries(&self, case: &str) -> Vec<LogEntry> {
        let mut access = self
            .access
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        access
            .read(&self.folder.join("access.log"))
            .expect("the access log can be read");
        let about = |entry: &&LogEntry| entry.case.as_deref() == Some(case);
        access.entries.iter().filter(about).cloned().collect()
    }

    /// Shows what Envoy complained of if the test that holds this fails.
    pub fn show_on_failure(&self) -> impl Drop + '_ {
        struct Show<'a>(&'a Envoy);
        impl Drop for Show<'_> {
            fn drop(&mut self) {
                if thread::panicking() {
                    eprintln!("Envoy complained:\n{}", self.0.complaints());
                }
            }
        }
        Show(self)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // The shell kills Envoy when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Access {
    fn read(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.read_to_end(&mut self.partial)? as u64;
        let end = self
            .partial
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.partial.drain(..end).collect();
        for line in whole.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let entry = serde_json::from_slice(line);
            self.entries.push(entry.unwrap_or_else(|error| {
                panic!("access log: {error}: {}", String::from_utf8_lossy(line))
            }));
        }
        Ok(())
    }
}

fn type_url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

fn configuration(setup: &Setup, folder: &Path) -> Value {
    let bootstrap_listeners: Vec<Value> = match setup.watched {
        true => Vec::new(),
        false => listeners(setup, folder),
    };
    let mut bootstrap = json!({
        "node": { "id": "test", "cluster": "test" },
        "admin": { "address": socket_address(0) },
        "static_resources": {
            "listeners": bootstrap_listeners,
            "clusters": [{
                "name": "upstream",
                "type": "STATIC",
                "connect_timeout": "5s",
                // Trailers are for the upstream too.
                "typed_extension_protocol_options": {
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": type_url("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
                        "explicit_http_config": { "http_protocol_options": { "enable_trailers": true } },
                    },
                },
                "load_assignment": {
                    "cluster_name": "upstream",
                    "endpoints": [{ "lb_endpoints": [{
                        "endpoint": { "address": socket_address(setup.upstream.port()) },
                    }] }],
                },
            }],
        },
    });
    if setup.watched {
        bootstrap["dynamic_resources"] = json!({ "lds_config": {
            "resource_api_version": "V3",
            "path_config_source": { "path": folder.join("listeners.json") },
        } });
    }
    bootstrap
}

fn socket_address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// Envoy sees a new file only when it is renamed into place.
fn write_watched(setup: &Setup, folder: &Path, version: u64) {
    let resources: Vec<Value> = listeners(setup, folder)
        .into_iter()
        .map(|mut listener| {
            listener["@type"] = type_url("envoy.config.listener.v3.Listener").into();
            listener
        })
        .collect();
    let file = json!({ "version_info": version.to_string(), "resources": resources });
    fs::write(folder.join("next.json"), file.to_string()).expect("a file");
    fs::rename(folder.join("next.json"), folder.join("listeners.json")).expect("a file");
}

fn listeners(setup: &Setup, folder: &Path) -> Vec<Value> {
    let each = setup.listeners.iter().enumerate();
    each.map(|(index, listener)| listener_json(setup, listener, index, folder))
        .collect()
}

/// The header in which an upstream sees what metadata said of the action when the request went on to it.
pub const SEEN_HEADER: &str = "x-action-seen";

/// The filters around the module that its policy needs, with it, and what the route adds to a request.
fn filters(setup: &Setup, listener: &Listener) -> (Vec<Value>, Value) {
    let policy: Value = serde_json::from_str(&listener.policy).unwrap_or_default();
    let mut filters = vec![header_to_metadata(), wasm(setup, listener)];
    let mut added = Vec::new();
    if policy["telemetry"]["metadata_on_request"] == true {
        filters.push(shipped("envoy/metadata_on_request.json"));
        let seen = "%DYNAMIC_METADATA(waf:decision:action)%";
        added.push(json!({ "header": { "key": SEEN_HEADER, "value": seen } }));
    }
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": type_url("envoy.extensions.filters.http.router.v3.Router") },
    }));
    (filters, added.into())
}

fn listener_json(setup: &Setup, listener: &Listener, index: usize, folder: &Path) -> Value {
    let (filters, added) = filters(setup, listener);
    let hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    json!({
        "name": format!("listener-{index}"),
        "address": socket_address(0),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": type_url(hcm),
                "stat_prefix": "test",
                "codec_type": "AUTO",
                "http_protocol_options": { "enable_trailers": true },
                "http2_protocol_options": { "allow_connect": true },
                "use_remote_address": true,
                "xff_num_trusted_hops": listener.trusted_hops,
                "generate_request_id": true,
                "normalize_path": listener.normalize_path,
                "merge_slashes": listener.normalize_path,
                "upgrade_configs": [{ "upgrade_type": "websocket" }],
                "access_log": [access_log(folder)],
                "http_filters": filters,
                "route_config": { "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{
                        "match": { "prefix": "/" },
                        "route": { "cluster": "upstream", "timeout": "30s" },
                        "request_headers_to_add": added,
                    }],
                }] },
            },
        }] }],
    })
}

/// The filter before the module that turns its decision into metadata.
pub fn header_to_metadata() -> Value {
    json!({
        "name": "decision_of_responses",
        "typed_config": {
            "@type": type_url("envoy.extensions.filters.http.header_to_metadata.v3.Config"),
            "response_rules": [{
                "header": DECISION_HEADER,
                "on_header_present": {
                    "metadata_namespace": "waf",
                    "key": "decision",
                    "type": "PROTOBUF_VALUE",
                    "encode": "BASE64",
                },
                "remove": true,
            }],
        },
    })
}

fn wasm(setup: &Setup, listener: &Listener) -> Value {
    json!({
        "name": "palisade",
        "typed_config": {
            "@type": type_url("envoy.extensions.filters.http.wasm.v3.Wasm"),
            "config": {
                "name": "palisade",
                "root_id": "palisade",
                "allow_on_headers_stop_iteration": listener.mode == BodyMode::Hold,
                "configuration": {
                    "@type": type_url("google.protobuf.StringValue"),
                    "value": listener.policy,
                },
                // One VM a worker for all policies: what leaks from one into another shows.
                "vm_config": {
                    "vm_id": "palisade",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": setup.module } },
                },
            },
        },
    })
}

/// A part of a configuration that is shipped.
fn shipped(path: &str) -> Value {
    let path = repository().join(path);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The access log that is shipped, into a file, with what only tests ask for.
fn access_log(folder: &Path) -> Value {
    let mut log = shipped("envoy/access_log.json");
    log["name"] = "envoy.access_loggers.file".into();
    let config = &mut log["typed_config"];
    config["@type"] = type_url("envoy.extensions.access_loggers.file.v3.FileAccessLog").into();
    config["path"] = json!(folder.join("access.log"));
    let format = &mut config["log_format"]["json_format"];
    for (key, value) in [
        ("case", "%REQ(X-CASE)%"),
        ("metadata", "%DYNAMIC_METADATA(waf:decision)%"),
        ("metadata_action", "%DYNAMIC_METADATA(waf:decision:action)%"),
        ("typed", "%FILTER_STATE(wasm.waf.decision:TYPED)%"),
        ("rules", "%FILTER_STATE(wasm.waf.rules:PLAIN)%"),
        ("matches", "%FILTER_STATE(wasm.waf.matches:PLAIN)%"),
    ] {
        format[key] = value.into();
    }
    log
}
