//! What a policy takes while it is read and compiled, and what is left of it, against what the filter asks for
//! first. Where a policy took more, a VM that has just enough would break down in the middle, and the proxy
//! would go on without the firewall.

#![cfg(not(target_family = "wasm"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use palisade::config::Config;
use palisade::engine::Engine;
use palisade::filter::Root;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Counts what is allocated.
struct Counting;

fn more(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there at once.
        more(size);
        let moved = unsafe { System.realloc(at, layout, size) };
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn list(count: usize, of: impl Fn(usize) -> String) -> String {
    let all: Vec<String> = (0..count).map(of).collect();
    all.join(",")
}

/// The most that compiling took above what was there before, and what it asks for first.
fn measure(name: &str, policy: &str) {
    let needed = Root::memory_for(policy.as_bytes());
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let compiled = Config::parse(policy.as_bytes()).and_then(Engine::compile);
    let took = MOST.load(Ordering::Relaxed) - before;
    let kept = NOW.load(Ordering::Relaxed) - before;
    println!(
        "{name:24} {:>9} bytes, takes {took:>10}, keeps {kept:>10}, asks for {needed:>10}, {}",
        policy.len(),
        if compiled.is_ok() { "good" } else { "refused" }
    );
    assert!(took <= needed, "{name} takes {took}, asks for {needed}");
}

#[test]
fn no_policy_takes_more_than_it_asks_for() {
    measure("the default", "{}");
    let exceptions =
        |of: &str| format!(r#"{{"exceptions":[{}]}}"#, list(60_000, |_| of.to_owned()));
    for of in [
        r#"{"rules":0}"#,
        r#"{"tags":"core"}"#,
        r#"{"rules":17,"path":"/a","name":"b","value":"c","host":"d","method":"E"}"#,
        r#"{"rules":17,"path":["/a","/b","/c","/d"],"host":["a","b","c"]}"#,
        r#"{"rule_id":17,"match_zone":"path"}"#,
        r#"{"rule_id":17,"match_zones":[{"zone":"path"},{"zone":"path"}]}"#,
        r#"{"rule_id":17,"conditions":[{"match":"any_url"}]}"#,
        r#"{"rules":17,"path":{"prefix":"/a"}}"#,
        r#"{"rules":17,"value":{"regex":"^a+$"}}"#,
        "{}",
    ] {
        measure(of.get(..24).unwrap_or(of), &exceptions(of));
    }
    let rules = list(10_000, |n| {
        format!(
            r#"{{"id":{},"literals":["{n}"],"score":{{"scanner":4}}}}"#,
            100_000 + n
        )
    });
    measure("10,000 small rules", &format!(r#"{{"rules":[{rules}]}}"#));
    let rules = list(10_000, |n| {
        format!(
            r#"{{"id":{},"regex":"x{n}[a-z]+y{n}","score":{{"scanner":4}}}}"#,
            100_000 + n
        )
    });
    measure("10,000 patterns", &format!(r#"{{"rules":[{rules}]}}"#));
    let literals = list(60_000, |n| format!("\"{n:04x}\""));
    measure(
        "60,000 literals",
        &format!(
            r#"{{"rules":[{{"id":100001,"literals":[{literals}],"score":{{"scanner":4}}}}]}}"#
        ),
    );
    // A few bytes of a pattern may stand for many literals.
    let bomb = |n: usize| format!("{}{n:04x}{}", "[ab]".repeat(6), "x".repeat(14));
    let rules = list(3_000, |n| {
        format!(
            r#"{{"id":{},"regex":"{}","score":{{"scanner":4}}}}"#,
            100_000 + n,
            bomb(n)
        )
    });
    measure(
        "patterns of many texts",
        &format!(r#"{{"rules":[{rules}]}}"#),
    );
    for test in ["{\"field\":{},\"regex\":", "{\"path\":{\"regex\":"] {
        let end = if test.contains("path") { "}}" } else { "}" };
        let rules = list(3_000, |n| {
            format!(
                r#"{{"id":{},"when":{test}"{}"{end},"score":{{"scanner":4}}}}"#,
                100_000 + n,
                bomb(n)
            )
        });
        measure(test, &format!(r#"{{"rules":[{rules}]}}"#));
    }
    let rules = list(1000, |n| {
        let texts = list(64, |m| format!("\"{n:04x}{m:04x}abcdefghijklmnop\""));
        format!(
            r#"{{"id":{},"when":{{"field":"a","contains":[{texts}]}},"score":{{"scanner":4}}}}"#,
            100_000 + n
        )
    });
    measure("texts of conditions", &format!(r#"{{"rules":[{rules}]}}"#));
    for path in ["suffix", "glob", "regex"] {
        let of = list(10_000, |n| {
            let text = match path {
                "regex" => bomb(n),
                _ => format!("*/{n:08x}abcdefgh"),
            };
            format!(r#"{{"rules":17,"path":{{"{path}":"{text}"}}}}"#)
        });
        measure(
            &format!("paths by {path}"),
            &format!(r#"{{"exceptions":[{of}]}}"#),
        );
    }
    let long = list(200, |n| format!("\"{n}{}\"", "abcdefgh".repeat(120)));
    measure(
        "long literals",
        &format!(r#"{{"rules":[{{"id":100001,"literals":[{long}],"score":{{"scanner":4}}}}]}}"#),
    );
    let rules = list(2000, |n| {
        format!(
            r#"{{"id":{},"literals":["{n}"],"score":{{"scanner":4}}}}"#,
            100_000 + n
        )
    });
    let scopes = list(1000, |n| format!(r#"{{"host":"h{n}"}}"#));
    measure(
        "rules times scopes",
        &format!(r#"{{"rules":[{rules}],"scopes":[{scopes}]}}"#),
    );
    let overrides = list(100, |_| {
        r#"{"rules":17,"mode":"off","score":{"scanner":4}}"#.to_owned()
    });
    measure(
        "overrides times scopes",
        &format!(r#"{{"overrides":[{overrides}],"scopes":[{scopes}]}}"#),
    );
    let networks = list(100_000, |n| {
        format!("\"10.{}.{}.0/24\"", n / 256 % 256, n % 256)
    });
    measure("networks", &format!(r#"{{"deny_clients":[{networks}]}}"#));
    measure(
        "empty lists",
        &format!("[{}]", list(500_000, |_| "[]".to_owned())),
    );
    measure(
        "numbers",
        &format!("[{}]", list(1_000_000, |_| "1".to_owned())),
    );
    measure(
        "unknown keys",
        &format!("{{{}}}", list(200_000, |n| format!("\"{n}\":1"))),
    );
}
