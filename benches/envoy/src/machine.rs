//! The machine: which core a thread runs on, how long a process has run, and what all of it is.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Where everything was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) envoy: String,
    /// SHA-256 of the module.
    pub(crate) module: String,
    /// The load average of the last minute before the first request: what else ran.
    pub(crate) load_before: String,
}

impl Machine {
    pub(crate) fn describe(envoy: &Path, module: &[u8]) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let cpu = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let version = Command::new(envoy).arg("--version").output();
        let version = version.map_or(String::new(), |run| {
            String::from_utf8_lossy(&run.stdout).into_owned()
        });
        // `envoy  version: HASH/1.40.0/Clean/RELEASE/BoringSSL`
        let version = version.split("version: ").nth(1).unwrap_or_default();
        let version = version.split('/').nth(1).unwrap_or("unknown").to_owned();
        let hash = Sha256::digest(module);
        Self {
            cpu: cpu.unwrap_or("unknown").to_owned(),
            cores: cores().len(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            envoy: version,
            module: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            load_before: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// The cores that this process may use.
pub(crate) fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect()
}

/// Keeps this thread, and what it starts from now on, on one core.
pub(crate) fn run_on(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    // Where that is not permitted the numbers are less steady, and still right.
    let _ = sched_setaffinity(None, &set);
}

/// How long the threads of a process have run so far.
pub(crate) fn ran(process: u32) -> Result<Duration, String> {
    let folder = format!("/proc/{process}/task");
    let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut total = 0;
    for thread in threads.flatten() {
        let path = thread.path().join("schedstat");
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let first = text.split(' ').next().unwrap_or_default();
        total += first
            .parse::<u64>()
            .map_err(|_| format!("{}: {text:?}", path.display()))?;
    }
    Ok(Duration::from_nanos(total))
}
