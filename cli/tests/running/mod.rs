//! Runs the binary on files of a folder that goes away again.

#![allow(dead_code)] // Each test takes what it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value;

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Its output, which is one JSON object.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// A folder for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("palisade-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).expect("the folder is ours");
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command with these words, run inside the folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::cargo_bin("palisade").expect("the binary");
        command.current_dir(&self.0).args(words);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_with(words, b"")
    }

    pub(crate) fn run_with(&self, words: &[&str], input: &[u8]) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(words));
        let output = command.write_stdin(input).output().expect("it runs");
        Ran {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Runs it on a stream and gives the most memory that it held, in MiB, with its output.
    pub(crate) fn peak(
        &self,
        words: &[&str],
        input: impl Fn(&mut dyn std::io::Write),
    ) -> (u64, Ran) {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let status = format!("/proc/{}/status", child.id());
        let watch = move || {
            let mut most = 0;
            // The highest mark never falls, and is gone with the process.
            while let Ok(text) = fs::read_to_string(&status) {
                let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let Some(mark) = mark else { break };
                let mark = mark.trim().trim_end_matches(" kB").parse().unwrap_or(0);
                most = mark.max(most);
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            most / 1024
        };
        let watcher = std::thread::spawn(watch);
        let stdin = child.stdin.take().expect("it was asked for");
        let mut stdin = std::io::BufWriter::with_capacity(1 << 16, stdin);
        input(&mut stdin);
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let ran = Ran {
            code: output.status.code().expect("by itself"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        (watcher.join().expect("the watcher ends"), ran)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A line of Envoy's log that holds a record.
pub(crate) struct Line {
    /// Of the week that begins on 2026-11-09.
    pub(crate) day: u32,
    pub(crate) client: String,
    pub(crate) request_id: &'static str,
    pub(crate) path: String,
    pub(crate) action: &'static str,
    pub(crate) reasons: &'static [&'static str],
    pub(crate) matches: &'static [&'static str],
    pub(crate) dropped: u64,
    /// Whatever else the record says.
    pub(crate) more: Value,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            day: 0,
            client: "192.0.2.1".to_owned(),
            request_id: "",
            path: "/".to_owned(),
            action: "allow",
            reasons: &[],
            matches: &[],
            dropped: 0,
            more: Value::Null,
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rules: Vec<u32> = self
            .matches
            .iter()
            .filter_map(|text| text.split(':').nth(1)?.parse().ok())
            .collect();
        rules.sort_unstable();
        rules.dedup();
        let mut record = serde_json::json!({
            "time": format!("2026-11-{:02}T10:00:00.000Z", 9 + self.day), "request_id": self.request_id,
            "client": self.client, "method": "GET", "host": "shop.example", "path": self.path,
            "action": self.action, "reasons": self.reasons, "rules": rules, "matches": self.matches,
            "dropped": self.dropped,
        });
        if let (Some(record), Some(more)) = (record.as_object_mut(), self.more.as_object()) {
            record.extend(more.clone());
        }
        // The key by which a record is known comes first.
        let text = record.to_string();
        let rest = text.strip_prefix('{').unwrap_or_default();
        write!(
            f,
            "[2026-11-09 10:00:00.000][9][warning][wasm] wasm log: palisade: {{\"record\":1,{rest}"
        )
    }
}

impl Folder {
    /// Runs the command at a terminal at which somebody types.
    pub(crate) fn at_terminal(&self, words: &[&str], typed: &str) -> (i32, String) {
        const SPAWN: &str =
            "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
        let command = self.command(words);
        let mut python = Command::new("python3");
        python
            .current_dir(&self.0)
            .args(["-c", SPAWN])
            .arg(command.get_program());
        python.args(command.get_args());
        let mut python = assert_cmd::Command::from_std(python);
        let output = python.write_stdin(typed).output().expect("Python runs");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().expect("it ends by itself"), out)
    }
}

/// Runs the binary in some folder: its exit code, what it prints, and what it says beside that.
pub(crate) fn run_in(folder: &Path, words: &[&str], input: &[u8]) -> (i32, String, String) {
    let output = assert_cmd::Command::cargo_bin("palisade")
        .expect("the binary")
        .current_dir(folder)
        .args(words)
        .write_stdin(input)
        .output()
        .expect("it runs");
    (
        output.status.code().expect("it ends by itself"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// One file that goes away again.
pub(crate) struct Scrap {
    folder: Folder,
    path: PathBuf,
}

impl Scrap {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let folder = Folder::new();
        folder.write(name, text);
        let path = folder.path(name);
        Self { folder, path }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }

    /// The folder in which it is alone.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(crate) fn name(&self) -> &str {
        let name = self.path.file_name().expect("a name");
        name.to_str().expect("UTF-8")
    }
}

/// Where the checkout begins.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
