//! Runs the binary on files of a folder that goes away again.

#![allow(dead_code)] // Each test takes what it needs.

use std::fs;
use std::path::PathBuf;
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
