//! The laws of the code that a compiler or a lint cannot hold: who may import whom, who may name the
//! proxy, how files open, and that the documents speak of what is there.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers in the order of the flow; each imports only those before it.
const LAYERS: [&str; 7] = [
    "model", "config", "decode", "detect", "request", "engine", "filter",
];

fn files_below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of the checkout")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, ending, found);
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files_below(&root().join(folder), "rs", &mut found);
    assert!(!found.is_empty(), "{folder} holds no source");
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            (path, text)
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of a source file that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
}

#[test]
fn only_the_abi_names_proxy_wasm() {
    for (path, text) in sources("src") {
        let own = ["extern \"C\"", "proxy_on_"];
        let names = code(&text).any(|line| own.iter().any(|word| line.contains(word)));
        let abi = path.starts_with(root().join("src/filter/abi"))
            || path == root().join("src/filter/abi.rs");
        assert_eq!(names, abi, "{}", path.display());
    }
}

#[test]
fn imports_go_up_the_list() {
    for (path, text) in sources("src") {
        let relative = path.strip_prefix(root().join("src")).expect("below src");
        let Some(own) = relative.iter().next().and_then(|first| first.to_str()) else {
            continue;
        };
        let Some(rank) = LAYERS.iter().position(|layer| *layer == own) else {
            continue;
        };
        for line in code(&text) {
            for (other, layer) in LAYERS.iter().enumerate() {
                if line.contains(&format!("crate::{layer}")) {
                    assert!(other <= rank, "{}: `{line}`", relative.display());
                }
            }
        }
    }
}

#[test]
fn every_layer_is_in_the_list() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(
        declared, LAYERS,
        "src/lib.rs declares the layers in the order of the flow"
    );
}

#[test]
fn every_source_file_opens_with_what_lives_there() {
    for folder in ["src", "cli", "harness", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{}", path.display());
        }
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    for folder in ["src", "cli", "harness", "tests"] {
        for (path, _) in sources(folder) {
            for part in path
                .strip_prefix(root())
                .expect("below the root")
                .with_extension("")
                .iter()
            {
                let part = part.to_str().expect("a UTF-8 path");
                let empty = [
                    "util", "utils", "common", "helper", "helpers", "misc", "core", "types",
                ];
                assert!(!empty.contains(&part), "{}", path.display());
            }
        }
    }
}

/// Paths in backticks and in links of a document, without those that are plainly made on the way.
fn paths_in(text: &str) -> Vec<String> {
    let ticked = text.split('`').skip(1).step_by(2);
    let linked = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    ticked
        .chain(linked)
        .map(|word| word.split('#').next().unwrap_or_default())
        .filter(|word| {
            let known = [
                "src/",
                "cli/",
                "tests/",
                "rules/",
                "envoy/",
                "scripts/",
                "docs/",
                "examples/",
                "harness/",
                "fuzz/",
                "benches/",
            ];
            known.iter().any(|folder| word.starts_with(folder))
                && !word.contains([' ', '*', '<', '{', '$', '=', ':'])
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn documents_speak_of_what_is_there() {
    let mut documents: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        .iter()
        .map(|name| root().join(name))
        .collect();
    for folder in ["docs", "examples", "tests", "rules"] {
        if root().join(folder).is_dir() {
            files_below(&root().join(folder), "md", &mut documents);
        }
    }
    let mut missing = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).expect("a document is UTF-8");
        let folder = document.parent().expect("a file stands in a folder");
        for path in paths_in(&text) {
            if !root().join(&path).exists() && !folder.join(&path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Envoy's default takes the client's address from a header that the client writes: no configuration of ours leaves
/// it at that, neither a file nor what a document or the command line shows.
#[test]
fn the_address_of_clients_is_never_what_they_say() {
    let mut shown = Vec::new();
    for (folder, ending) in [
        ("envoy", "yaml"),
        ("examples", "yaml"),
        ("examples", "md"),
        ("docs", "md"),
        ("cli/src", "rs"),
        ("cli/src", "yaml"),
    ] {
        files_below(&root().join(folder), ending, &mut shown);
    }
    let mut managers = 0;
    for path in shown {
        let text = fs::read_to_string(&path).expect("UTF-8");
        for part in text.split("HttpConnectionManager").skip(1) {
            // A name in a sentence is no configuration.
            if part.contains("http_filters") {
                let manager = part.split("http_filters").next().unwrap_or_default();
                let right = manager.contains("use_remote_address: true");
                assert!(right, "{}: {manager}", path.display());
                managers += 1;
            }
        }
    }
    assert!(managers > 0, "envoy/envoy.yaml has one");
}
