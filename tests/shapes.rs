//! What is measured is what it is said to be: ordinary requests are inspected to their end and pass, those with an
//! attack are blocked, under every policy of the bench.

#![cfg(not(target_family = "wasm"))]

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::Action;
use palisade::request::Head;
use palisade_harness::policies;
use palisade_harness::shapes::{self, Shape};

#[test]
fn shapes_are_inspected_whole_and_judged_right() {
    for policy in [
        "{}".to_owned(),
        r#"{"preset": "strict"}"#.to_owned(),
        policies::large(1000, 200, 50),
    ] {
        let engine = Config::parse(policy.as_bytes())
            .and_then(Engine::compile)
            .unwrap_or_else(|problems| panic!("{problems:#?}"));
        let mut scratch = Scratch::default();
        for shape in shapes::all() {
            let headers: Vec<(&[u8], &[u8])> = shape
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect();
            let head = Head {
                method: shape.method.as_bytes(),
                scheme: b"https",
                authority: Shape::HOST.as_bytes(),
                target: shape.target.as_bytes(),
                protocol: b"HTTP/1.1",
                headers: &headers,
                end_of_stream: shape.body.is_empty(),
            };
            let mut seen = engine.begin(&mut scratch, &head);
            if !shape.body.is_empty() {
                engine.body(&mut scratch, &mut seen, &shape.body, true);
            }
            let verdict = engine.verdict(&seen);
            let expected = if shape.attack {
                Action::Block
            } else {
                Action::Allow
            };
            let start = &policy[..policy.len().min(24)];
            assert_eq!(verdict.action, expected, "{}, {start}", shape.name);
            assert!(verdict.uninspected.is_empty(), "{}, {start}", shape.name);
        }
    }
}
