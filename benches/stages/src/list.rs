//! The stages: what a request goes through, each by itself on what the stage before it made, and then all of it.

use std::hint::black_box;
use std::rc::Rc;

use palisade::config::{Config, SHIPPED_SAMPLES};
use palisade::decode::{Expander, Signs};
use palisade::detect::{Detector, cross_site_scripting, sql_injection};
use palisade::engine::Engine;
use palisade::filter::Root;
use palisade::model::{Limits, ViewSet, Zone};
use palisade::request::{BodyPlan, Fields, Head, read_body, read_head};
use palisade_harness::policies;
use palisade_harness::shapes::{self, Shape};
use serde_json::Value;

use crate::host::Proxy;

/// One thing that is measured.
pub(crate) struct Stage {
    pub(crate) name: String,
    /// Does it once. What lasts, buffers and what is compiled at first use, was made before.
    pub(crate) run: Box<dyn FnMut()>,
}

fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// All of them. A shape's name behind the stage's says what it works on.
pub(crate) fn stages() -> Vec<Stage> {
    let mut all = Vec::new();
    let mut add = |name: String, run: Box<dyn FnMut()>| all.push(Stage { name, run });
    let large = policies::large(1000, 200, 50);
    let policy = large.clone();
    let compiling = move || drop(black_box(compile(&policy)));
    add("compile, large".to_owned(), Box::new(compiling));
    for shape in shapes::all().into_iter().filter(|shape| !shape.attack) {
        let name = shape.name.clone();
        if ["get-20-10", "cookies-2k"].contains(&name.as_str()) {
            add(format!("read head, {name}"), reading(&shape, false));
        }
        if !shape.body.is_empty() {
            add(format!("read body, {name}"), reading(&shape, true));
        }
        add(format!("decode, {name}"), decoding(&shape));
        add(format!("detect, {name}"), detecting(&shape));
    }
    add("confirm".to_owned(), confirming());
    let filters = [
        ("default", "{}"),
        ("strict", r#"{"preset": "strict"}"#),
        ("large", &large),
    ];
    for (policy, text) in filters {
        for shape in shapes::all() {
            // The small requests say under every policy what the policy costs.
            let short = shape.body.len() < 3000 && !shape.attack;
            if policy == "default" || short {
                let name = format!("whole, {policy}, {}", shape.name);
                add(name, whole(Proxy::new(&shape), text));
            }
        }
    }
    // What it costs where nothing is remembered of the path and the values of headers.
    let strangers = shapes::all().into_iter().filter(|shape| !shape.attack);
    for shape in strangers.filter(|shape| shape.body.is_empty()) {
        let name = format!("whole, never seen, {}", shape.name);
        add(name, whole(Proxy::of_strangers(&shape), "{}"));
    }
    all
}

fn reading(shape: &Shape, body: bool) -> Box<dyn FnMut()> {
    let shape = shape.clone();
    let mut fields = Fields::default();
    Box::new(move || {
        fields.clear();
        read(&shape, !body, body, &mut fields);
        black_box(&fields);
    })
}

fn read(shape: &Shape, head: bool, body: bool, fields: &mut Fields) {
    let headers: Vec<(&[u8], &[u8])> = shape
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let of = Head {
        method: shape.method.as_bytes(),
        scheme: b"https",
        authority: Shape::HOST.as_bytes(),
        target: shape.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: shape.body.is_empty(),
    };
    let limits = Limits::default();
    if head {
        read_head(&of, &limits, fields);
    }
    if body && !shape.body.is_empty() {
        read_body(&BodyPlan::of(&of), &shape.body, true, &limits, fields);
    }
}

/// The values of a request, as the readers cut them out.
fn values(shape: &Shape) -> Vec<Vec<u8>> {
    let mut fields = Fields::default();
    read(shape, true, true, &mut fields);
    let values = fields.iter().map(|field| fields.get(field.value).to_vec());
    values.collect()
}

fn decoding(shape: &Shape) -> Box<dyn FnMut()> {
    let values = values(shape);
    let mut expander = Expander::default();
    Box::new(move || {
        let mut bytes = 0;
        for value in &values {
            let mut emit = |_, form: &[u8]| bytes += form.len();
            expander.expand(black_box(value), 5, ViewSet::all(), false, &mut emit);
        }
        black_box(bytes);
    })
}

/// Both halves of libinjection on every value.
fn detecting(shape: &Shape) -> Box<dyn FnMut()> {
    let values = values(shape);
    Box::new(move || {
        for value in &values {
            let signs = Signs::of(value);
            if Detector::LibinjectionSql.may_match(value, signs) {
                black_box(sql_injection::is_sql_injection(black_box(value)));
            }
            if Detector::LibinjectionXss.may_match(value, signs) {
                black_box(cross_site_scripting::is_cross_site_scripting(value));
            }
        }
    })
}

/// Every rule on the first of its own samples of attacks.
fn confirming() -> Box<dyn FnMut()> {
    let engine = compile("{}");
    let samples: Value = serde_json::from_str(SHIPPED_SAMPLES).expect("samples are JSON");
    let texts: Vec<(u32, String)> = samples
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| {
            let id = u32::try_from(rule["id"].as_u64()?).ok()?;
            Some((id, rule["attacks"][0].as_str()?.to_owned()))
        })
        .collect();
    assert!(texts.len() > 200, "{}", texts.len());
    Box::new(move || {
        for (id, text) in &texts {
            let zone = Zone::QueryString;
            black_box(engine.matches(*id, zone, black_box(text.as_bytes())));
        }
    })
}

/// The filter, from the headers to the end of the stream, on a proxy that costs nothing.
fn whole(proxy: Proxy, policy: &str) -> Box<dyn FnMut()> {
    let root: Rc<Root> = Root::configure(&proxy, policy.as_bytes())
        .unwrap_or_else(|refusal| panic!("{refusal:?}: {policy}"));
    Box::new(move || proxy.send(&root))
}
