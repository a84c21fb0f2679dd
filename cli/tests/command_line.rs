//! The command line as a whole: help, exit codes, completions, manual pages, output that is piped.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

mod running;

fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    running::run_in(&running::root(), arguments, input.as_bytes())
}

/// A folder that is gone at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("palisade-line-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every verb, as the help lists them.
fn verbs() -> Vec<String> {
    let (code, help, _) = run(&["--help"], "");
    assert_eq!(code, 0);
    let (_, list) = help.split_once("Commands:\n").expect("a list");
    let verbs: Vec<String> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect();
    assert!(verbs.len() >= 12, "{verbs:?}");
    verbs
}

#[test]
fn help_is_complete() {
    for verb in verbs() {
        let (code, help, _) = run(&[&verb, "--help"], "");
        assert_eq!(code, 0, "{verb}");
        assert!(
            help.contains("Examples:\n  palisade "),
            "{verb} has no examples: {help}"
        );
        // An option and its help: on the line of it, or indented on the lines below.
        let lines: Vec<&str> = help.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let text = line.trim_start();
            let option = text.starts_with('-') && line.len() - text.len() <= 6;
            if !option {
                continue;
            }
            let told = text.split("  ").skip(1).any(|rest| !rest.trim().is_empty())
                || lines
                    .get(index + 1)
                    .is_some_and(|next| next.trim().len() > 10);
            assert!(told, "{verb}: {line} has no help");
        }
        let (_, short, _) = run(&[&verb, "-h"], "");
        assert!(short.len() < help.len(), "{verb}");
    }
    let (code, _, err) = run(&[], "");
    assert_eq!(code, 2);
    assert!(err.contains("Usage:"), "{err}");
    let (code, _, err) = run(&["chekc"], "");
    assert_eq!(code, 2);
    assert!(err.contains("'check'"), "{err}");
}

/// What the examples of the help say can at least be read as arguments.
#[test]
fn examples_of_the_help_are_read() {
    let mut seen = 0;
    let folder = Folder::new("examples");
    for verb in verbs() {
        let (_, help, _) = run(&[&verb, "--help"], "");
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        for line in examples.lines().filter(|line| line.starts_with("  ")) {
            for piece in line.split(['|', '&']).map(str::trim) {
                let Some(rest) = piece.strip_prefix("palisade ") else {
                    continue;
                };
                let command = rest.split(" > ").next().unwrap_or(rest);
                // In a folder where no file of the examples is, none of them comes to run; what clap
                // refuses says "Usage".
                let output = std::process::Command::new(env!("CARGO_BIN_EXE_palisade"))
                    .current_dir(&folder.0)
                    .env("HOME", &folder.0)
                    .stdin(Stdio::null())
                    .args(
                        words(command)
                            .iter()
                            .map(|word| word.replace('~', folder.0.to_str().expect("UTF-8"))),
                    )
                    .output()
                    .expect("it runs");
                let err = String::from_utf8_lossy(&output.stderr);
                assert!(!err.contains("Usage:"), "{command}: {err}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 25, "{seen}");
}

/// The words of a line, as a shell would split it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// 0 where nothing was found, 1 where something was, 2 where a verb could not run.
#[test]
fn exit_codes_say_what_happened() {
    let folder = Folder::new("codes");
    let good = folder.write("good.json", r#"{"name": "a"}"#);
    let monitor = folder.write("monitor.yaml", "mode: monitor");
    let broken = folder.write("broken.json", r#"{"mode": "blok"}"#);
    let passing = "[[case]]\nname = \"a\"\n[case.request]\ntarget = \"/\"\n[case.expect]\naction = \"allow\"\n";
    let passing_file = folder.write("passing.toml", passing);
    let failing = folder.write(
        "failing.toml",
        &passing.replace("target = \"/\"", "target = \"/?q=1%27%20or%201=1--\""),
    );
    let ordinary = folder.write(
        "ordinary.jsonl",
        "{\"id\":\"a\",\"label\":\"benign\",\"path\":\"/\"}\n",
    );
    let blocked = folder.write(
        "blocked.jsonl",
        "{\"id\":\"a\",\"label\":\"benign\",\"path\":\"/\",\"query\":\"q=1%27%20or%201=1--\"}\n",
    );
    let fresh = folder.path("fresh");
    let pages = folder.path("pages");
    for (expected, arguments) in [
        (0, vec!["check", "/"]),
        (1, vec!["check", "/?q=1%27%20or%201=1--"]),
        (1, vec!["check", "-p", &monitor, "/?q=1%27%20or%201=1--"]),
        (2, vec!["check", "-p", &broken, "/"]),
        (2, vec!["check", "-p", "/no/such/file", "/"]),
        (2, vec!["check"]),
        (0, vec!["lint", &good]),
        (1, vec!["lint", &monitor]),
        (1, vec!["lint", &broken]),
        (2, vec!["lint", "/no/such/file"]),
        (2, vec!["lint"]),
        (0, vec!["test", &passing_file]),
        (1, vec!["test", &failing]),
        (2, vec!["test", &good]),
        (2, vec!["test", "/no/such/folder"]),
        (0, vec!["init", &fresh]),
        (2, vec!["init", &fresh]),
        (0, vec!["evaluate", &ordinary]),
        (1, vec!["evaluate", &blocked]),
        (2, vec!["evaluate", "/no/such/file"]),
        (0, vec!["replay", &good, &ordinary]),
        (2, vec!["replay", &good, "/no/such/file"]),
        (2, vec!["tune", "/no/such/file"]),
        (2, vec!["report", "/no/such/file"]),
        (0, vec!["rule", "17"]),
        (1, vec!["rule", "no such word anywhere"]),
        (2, vec!["rule", "-p", &broken]),
        (0, vec!["schema"]),
        (2, vec!["schema", "--no-such-option"]),
        (0, vec!["completions", "bash"]),
        (2, vec!["completions", "tcsh"]),
        (0, vec!["man"]),
        (0, vec!["man", "--dir", &pages]),
        (2, vec!["man", "--dir", &good]),
        (0, vec!["--version"]),
    ] {
        let (code, out, err) = run(&arguments, "");
        assert_eq!(code, expected, "{arguments:?}: {out} {err}");
        if code == 2 {
            assert!(err.starts_with("error: "), "{arguments:?}: {err}");
            assert_eq!(out, "", "{arguments:?}");
        }
    }
    for verb in verbs() {
        let tried = include_str!("command_line.rs").contains(&format!("vec![\"{verb}\""));
        assert!(tried, "the table has no row for {verb}");
    }
}

/// Verbs whose output is for people say the same to programs.
#[test]
fn what_is_said_to_people_is_said_to_programs() {
    for verb in verbs() {
        let (_, help, _) = run(&[&verb, "--help"], "");
        // What they print is for another program already.
        let is_text = ["schema", "completions", "man"].contains(&verb.as_str());
        assert_eq!(help.contains("--json"), !is_text, "{verb}");
    }
}

#[test]
fn piped_output_has_no_colours_unless_asked_for() {
    let attack = "/?q=1%27%20or%201=1--";
    let (_, out, _) = run(&["check", attack], "");
    assert!(!out.contains('\x1b'), "{out}");
    let (_, out, _) = run(&["check", attack, "--color", "always"], "");
    assert!(out.contains('\x1b'), "{out}");
    let (_, out, _) = run(&["check", attack, "--color", "never"], "");
    assert!(!out.contains('\x1b'), "{out}");
}

/// On a terminal there are colours, unless NO_COLOR says otherwise (no-color.org).
#[test]
fn a_terminal_gets_colours_unless_somebody_minds() {
    let here = std::process::Command::new("script")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !here.is_ok_and(|status| status.success()) {
        // util-linux is nowhere missing but in bare images; what it would show is tested above, too.
        println!("skipped: there is no `script` to make a terminal");
        return;
    }
    let on_terminal = |no_color: &str| {
        let line = format!(
            "{} check --brief '/?q=1%27%20or%201=1--'",
            env!("CARGO_BIN_EXE_palisade")
        );
        let output = std::process::Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("NO_COLOR", no_color)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(
        on_terminal("").contains("\x1b[31mblock"),
        "{}",
        on_terminal("")
    );
    let plain = on_terminal("1");
    assert!(
        plain.contains("verdict   block") && !plain.contains('\x1b'),
        "{plain}"
    );
}

/// Whoever closes the output early, as `head` does, sees no error.
#[test]
fn a_closed_output_is_no_error() {
    let output = std::process::Command::new("bash")
        .args([
            "-c",
            "set -o pipefail; \"$0\" rule --json | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}",
        ])
        .arg(env!("CARGO_BIN_EXE_palisade"))
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn completions_know_every_verb() {
    let verbs = verbs();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, err) = run(&["completions", shell], "");
        assert_eq!((code, err.as_str()), (0, ""));
        for verb in &verbs {
            assert!(script.contains(verb.as_str()), "{shell} {verb}");
        }
        assert!(
            script.contains("explain") && script.contains("junit"),
            "{shell}"
        );
    }
}

/// The completions are what bash makes of them: words after `palisade l`, options after `palisade lint --ex`.
#[test]
fn bash_completes_verbs_and_options() {
    let folder = Folder::new("bash");
    let (_, script, _) = run(&["completions", "bash"], "");
    let file = folder.write("palisade.bash", &script);
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let list: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let program = format!(
            "source {file}; COMP_WORDS=({}); COMP_CWORD={}; _palisade palisade '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            list.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = std::process::Command::new("bash")
            .args(["--norc", "-c", &program])
            .output()
            .expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("palisade li"), ["lint"]);
    assert_eq!(complete("palisade lint --exp"), ["--explain"]);
    assert_eq!(complete("palisade completions z"), ["zsh"]);
}

#[test]
fn manual_pages_are_pages() {
    let (code, page, _) = run(&["man"], "");
    assert_eq!(code, 0);
    assert!(
        page.contains(".TH palisade 1") && page.contains(".SH SUBCOMMANDS"),
        "{page}"
    );
    let folder = Folder::new("man");
    let (code, out, _) = run(&["man", "--dir", &folder.path("man1")], "");
    assert_eq!((code, out.as_str()), (0, ""));
    for verb in verbs() {
        let page =
            fs::read_to_string(folder.0.join(format!("man1/palisade-{verb}.1"))).expect("a page");
        for wanted in [".SH SYNOPSIS", ".SH DESCRIPTION", "Examples:"] {
            assert!(page.contains(wanted), "{verb} {wanted}: {page}");
        }
    }
    assert!(folder.0.join("man1/palisade.1").is_file());
}
