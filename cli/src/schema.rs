//! `palisade schema`: the policy language as a JSON Schema, for editors and for other tools.
//!
//! Words, limits and their bounds come from the declarations that the reader uses. Which keys an object
//! has is said here once more; a test asks the reader for each object and fails on any difference.

use palisade::config;
use palisade::model::{
    Anomaly, AnomalySet, Category, Comparison, DecisionKey, Detector, Fallback, Hold, Limits,
    MetricDetail, Mode, Named, Part, Preset, Recorded, RuleAction, Sensitivity, View, Zone,
};
use serde_json::{Map, Value, json};

use crate::{Failure, Outcome};

/// Print the JSON Schema (2020-12) of the policy.
///
/// Editors complete and check a policy by it: in JSON by the settings of the editor, in YAML by a first
/// line `# yaml-language-server: $schema=policy.schema.json`.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  palisade schema > policy.schema.json")]
pub(crate) struct Arguments {}

/// Prints the schema.
pub(crate) fn run(_: &Arguments) -> Result<Outcome, Failure> {
    let text = serde_json::to_string_pretty(&schema())?;
    crate::terminal::print(&format!("{text}\n"))?;
    Ok(Outcome::Clean)
}

/// The whole schema.
fn schema() -> Value {
    let mut properties = Map::new();
    let mut add = |key: &str, value: Value| {
        properties.insert(key.to_owned(), value);
    };
    add(
        "version",
        json!({ "const": 1, "description": "The version of the policy language." }),
    );
    let label = json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9._@/+-]+$" });
    add(
        "name",
        described(&label, "What the policy calls itself, in every record."),
    );
    add(
        "revision",
        described(
            &label,
            "Which state of the policy this is, in every record.",
        ),
    );
    let hold = json!({ "oneOf": [{ "type": "boolean" }, words::<Hold>()] });
    add(
        "hold_request_headers",
        described(
            &hold,
            "Whether request headers wait for the verdict on the body.",
        ),
    );
    properties.insert("telemetry".to_owned(), telemetry());
    properties.extend(settings());
    properties.insert(
        "scopes".to_owned(),
        json!({
            "type": "array", "maxItems": 1000, "items": { "$ref": "#/$defs/scope" },
            "description": "Requests for which something else holds; the most specific scope wins.",
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy of Palisade",
        "description": "The plugin configuration. An empty object is the recommended default.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": definitions(),
    })
}

fn telemetry() -> Value {
    let switch = |default: bool, text: &str| json!({ "type": "boolean", "default": default, "description": text });
    json!({
        "type": "object", "additionalProperties": false,
        "description": "What is told about decisions.",
        "properties": {
            "record": described(&with_default(words::<Recorded>(), "blocked"), "Which requests leave a record, a JSON line in the log of the proxy."),
            "log_rate": { "type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 10, "description": "Records that each rule may leave in a second, in each worker; 0 for any number." },
            "keys": { "type": "array", "items": words::<DecisionKey>(), "description": "Parts of the decision that have a key of their own in filter state and metadata." },
            "metadata": switch(true, "Whether the decision is handed to a header_to_metadata filter, with the response."),
            "metadata_on_request": switch(false, "Whether it is also handed to one behind this filter, with the request; needs metadata."),
            "typed": switch(false, "Whether the decision is also written as a typed, nested object."),
            "timing": switch(false, "Whether inspections are timed."),
            "metrics": described(&with_default(words::<MetricDetail>(), "rules"), "How much is counted."),
            "excerpts": switch(false, "Whether records show a piece of what matched, with secrets struck out."),
            "redact": { "type": "array", "maxItems": 100, "items": { "type": "string", "minLength": 2, "maxLength": 64 }, "description": "Words in the names of fields whose values are secret, beyond those that always are." },
        },
    })
}

/// The keys that stand at the top and in scopes.
fn settings() -> Map<String, Value> {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let networks = json!({ "type": "array", "items": network() });
    let percent = json!({ "type": "number", "minimum": 0, "maximum": 100 });
    let per_category = |value: Value| json!({ "type": "object", "propertyNames": { "$ref": "#/$defs/category" }, "additionalProperties": value });
    let entries = [
        (
            "mode",
            with_default(words::<Mode>(), "block"),
            "What is done with what is found.",
        ),
        (
            "preset",
            with_default(words::<Preset>(), "balanced"),
            "Which families of rules decide.",
        ),
        (
            "sensitivity",
            json!({ "oneOf": [{ "$ref": "#/$defs/sensitivity" }, per_category(json!({ "$ref": "#/$defs/sensitivity" }))], "default": "medium" }),
            "The sum of scores at which a category acts: one level, or one for each category.",
        ),
        (
            "category_modes",
            per_category(words::<Mode>()),
            "The mode of single categories.",
        ),
        ("limits", limits(), "How much of a request is read."),
        (
            "uninspected",
            uninspected(),
            "What becomes of a request of which something was not seen.",
        ),
        ("exceptions", list("exception"), "Hits that do not count."),
        (
            "overrides",
            list("override"),
            "Rules that do something else than the preset says; later entries win.",
        ),
        (
            "enforce_percent",
            json!({ "oneOf": [percent, {
                "type": "object", "additionalProperties": false, "required": ["percent"],
                "properties": {
                    "percent": percent,
                    "header": { "type": "string", "pattern": "^[a-z0-9._-]+$", "description": "The header whose value chooses the share; a client that writes it chooses too." },
                },
            }], "default": 100 }),
            "The share of traffic that is blocked; the rest is monitored.",
        ),
        (
            "allow_clients",
            networks.clone(),
            "Clients that are not inspected.",
        ),
        ("deny_clients", networks, "Clients that are refused."),
        (
            "on_error",
            json!({ "enum": [Fallback::Block.name(), Fallback::Pass.name()], "default": "block" }),
            "Short for `uninspected.unreadable`: the proxy would not show something.",
        ),
        (
            "block_response",
            block_response(),
            "What a blocked client is told.",
        ),
        ("rules", list("rule"), "Rules of the policy's own."),
    ];
    entries
        .into_iter()
        .map(|(key, value, text)| (key.to_owned(), described(&value, text)))
        .collect()
}

fn definitions() -> Value {
    let mut scope = request();
    scope.insert("name".to_owned(), json!({ "type": "string", "minLength": 1, "maxLength": 64, "description": "What records call it." }));
    scope.extend(settings());
    json!({
        "category": words::<Category>(),
        "sensitivity": words::<Sensitivity>(),
        "text": {
            "description": "A text, exactly; or one way to compare.",
            "oneOf": [
                { "type": "string", "maxLength": 1024 },
                {
                    "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
                    "properties": {
                        "exact": text("It is this."),
                        "equals": text("The same as `exact`."),
                        "prefix": text("It begins with this."),
                        "suffix": text("It ends with this."),
                        "contains": text("This stands in it."),
                        "glob": text("`*` stands for any run of bytes, `?` for any one byte."),
                        "regex": text("A regular expression over bytes matches somewhere in it."),
                    },
                },
            ],
        },
        "texts": one_or_more(json!({ "$ref": "#/$defs/text" })),
        "rules": one_or_more(json!({ "oneOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            { "type": "string", "pattern": "^ *[0-9]+ *- *[0-9]+ *$" },
        ] })),
        "categories": one_or_more(json!({ "$ref": "#/$defs/category" })),
        "tags": one_or_more(json!({ "type": "string" })),
        "score": {
            "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/category" },
            "additionalProperties": { "type": "integer", "minimum": 0, "maximum": 1000 },
        },
        "scope": {
            "type": "object", "additionalProperties": false, "properties": scope,
            "anyOf": [{ "required": ["host"] }, { "required": ["path"] }, { "required": ["method"] }],
        },
        "override": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "rules": { "$ref": "#/$defs/rules" },
                "categories": { "$ref": "#/$defs/categories" },
                "tags": { "$ref": "#/$defs/tags" },
                "mode": words::<Mode>(),
                "score": { "$ref": "#/$defs/score" },
                "even_in_monitor": { "type": "boolean", "default": false, "description": "Blocks even where the policy only monitors." },
            },
            "allOf": [
                { "anyOf": [{ "required": ["rules"] }, { "required": ["categories"] }, { "required": ["tags"] }] },
                { "anyOf": [{ "required": ["mode"] }, { "required": ["score"] }] },
                {
                    "if": { "required": ["even_in_monitor"], "properties": { "even_in_monitor": { "const": true } } },
                    "then": { "required": ["mode"], "properties": { "mode": { "const": Mode::Block.name() } } },
                },
            ],
        },
        "rule": rule(),
        "condition": {
            "description": "Holds of a request or does not: one sort of condition in each object.",
            "oneOf": [
                { "$ref": "#/$defs/condition_all" },
                { "$ref": "#/$defs/condition_any" },
                { "$ref": "#/$defs/condition_not" },
                { "$ref": "#/$defs/condition_request" },
                { "$ref": "#/$defs/condition_field" },
                { "$ref": "#/$defs/condition_header" },
            ],
        },
        "condition_all": condition_of("all", &conditions("Each of these holds.")),
        "condition_any": condition_of("any", &conditions("One of these holds.")),
        "condition_not": condition_of("not", &described(&json!({ "$ref": "#/$defs/condition" }), "This does not hold.")),
        "condition_request": condition_request(),
        "condition_field": condition_fields("field", &json!({
            "description": "The name of a field; or where it is, how it is called, and which half of it is meant.",
            "oneOf": [{ "type": "string", "maxLength": 1024 }, { "$ref": "#/$defs/place" }],
        })),
        "condition_header": condition_fields("header", &described(&json!({ "$ref": "#/$defs/text" }), "The name of a header, compared without case.")),
        "place": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "zones": set(&words::<Zone>()),
                "name": { "$ref": "#/$defs/text" },
                "parts": set(&words::<Part>()),
            },
        },
        "bounds": {
            "type": "object", "additionalProperties": false, "minProperties": 1,
            "properties": {
                "min": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                "max": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            },
        },
        "comparisons": comparisons(),
        "exception": {
            "oneOf": [
                { "$ref": "#/$defs/exception_own" },
                { "$ref": "#/$defs/exception_zone" },
                { "$ref": "#/$defs/exception_zones" },
                { "$ref": "#/$defs/exception_conditions" },
            ],
        },
        "exception_own": exception_own(),
        "exception_zone": exception_zone(),
        "exception_zones": exception_zones(),
        "exception_conditions": exception_conditions(),
    })
}

fn rule() -> Value {
    let matchers = ["literals", "regex", "detector", "anomalies"];
    let mut one_of: Vec<Value> = matchers
        .iter()
        .map(|key| json!({ "required": [key] }))
        .collect();
    // Conditions say themselves where they look.
    one_of.push(json!({
        "required": ["when"],
        "not": { "anyOf": [{ "required": ["zones"] }, { "required": ["parts"] }] },
    }));
    json!({
        "type": "object", "additionalProperties": false, "required": ["id"], "oneOf": one_of,
        // What ends the inspection adds to nothing.
        "anyOf": [
            { "required": ["score"] },
            { "required": ["action"], "properties": { "action": { "const": RuleAction::Allow.name() } } },
        ],
        "properties": {
            "id": { "type": "integer", "minimum": 100_000, "maximum": u32::MAX },
            "name": { "type": "string" },
            "what": { "type": "string" },
            "why": { "type": "string" },
            "zones": set(&words::<Zone>()),
            "parts": set(&words::<Part>()),
            "views": set(&words::<View>()),
            "action": with_default(words::<RuleAction>(), "score"),
            "tags": { "type": "array", "items": { "type": "string" } },
            "once": { "type": "boolean", "default": false, "description": "The score counts once in a request, however many fields match." },
            "score": { "$ref": "#/$defs/score" },
            "literals": literals(),
            "regex": { "type": "string" },
            "detector": words::<Detector>(),
            "anomalies": set(&words::<Anomaly>()),
            "when": described(&json!({ "$ref": "#/$defs/condition" }), "A condition on the request as a whole; it hits once for each request."),
        },
    })
}

fn literals() -> Value {
    set(&json!({ "type": "string", "minLength": 1, "maxLength": 1024 }))
}

fn conditions(description: &str) -> Value {
    described(&set(&json!({ "$ref": "#/$defs/condition" })), description)
}

/// A condition that is made of others.
fn condition_of(key: &str, value: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": [key], "properties": { key: value } })
}

fn condition_request() -> Value {
    let mut properties = request();
    let clients = described(
        &one_or_more(network()),
        "The client's address is in one of these networks; an address that nobody knows is in none.",
    );
    properties.insert("client_address".to_owned(), clients);
    json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties })
}

/// A condition on fields: where they are, under `key`, and the tests beside it.
fn condition_fields(key: &str, place: &Value) -> Value {
    let texts = |description: &str, least: usize| {
        let one = json!({ "type": "string", "minLength": least, "maxLength": 1024 });
        described(&one_or_more(one), description)
    };
    let bounds = |description: &str| described(&json!({ "$ref": "#/$defs/bounds" }), description);
    let compares = [
        ("equals", texts("It is one of these.", 0)),
        ("exact", texts("The same as `equals`.", 0)),
        ("prefix", texts("It begins with one of these.", 1)),
        ("suffix", texts("It ends with one of these.", 1)),
        ("contains", texts("One of these stands in it.", 1)),
        (
            "glob",
            texts("`*` stands for any run of bytes, `?` for any one byte.", 1),
        ),
    ];
    let searches = [
        (
            "regex",
            texts(
                "One of these regular expressions matches somewhere in it.",
                1,
            ),
        ),
        (
            "literals",
            described(&literals(), "One of these stands in it, in whatever case."),
        ),
        ("detector", words::<Detector>()),
        ("length", bounds("It has so many bytes.")),
        (
            "number",
            described(
                &json!({ "$ref": "#/$defs/comparisons" }),
                "It reads as a decimal number, and all of these hold of it.",
            ),
        ),
        ("count", bounds("So many fields pass the other tests.")),
    ];
    let required = |key: &&str| json!({ "required": [key] });
    let comparing: Vec<&str> = compares.iter().map(|(key, _)| *key).collect();
    let tests: Vec<Value> = comparing
        .iter()
        .chain(&searches.iter().map(|(key, _)| *key).collect::<Vec<_>>())
        .map(required)
        .collect();
    let comparing: Vec<Value> = comparing.iter().map(required).collect();
    let more = [
        (key, place.clone()),
        (
            "ignore_case",
            json!({ "type": "boolean", "default": false, "description": "Whether equals, prefix, suffix, contains and glob disregard ASCII case." }),
        ),
        ("views", set(&words::<View>())),
    ];
    let properties: Map<String, Value> = compares
        .into_iter()
        .chain(searches)
        .chain(more)
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    json!({
        "type": "object", "additionalProperties": false, "required": [key], "anyOf": tests,
        "not": { "required": ["equals", "exact"] },
        "dependentSchemas": { "ignore_case": { "anyOf": comparing } },
        "properties": properties,
    })
}

fn comparisons() -> Value {
    let properties: Map<String, Value> = Comparison::ALL
        .iter()
        .map(|comparison| {
            let value = json!({ "type": "number", "description": comparison.meaning() });
            (comparison.name().to_owned(), value)
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties })
}

/// The keys that all shapes of exceptions share.
fn exception(more: Value, required: &[&str]) -> Value {
    let mut properties = Map::new();
    for (key, value) in [
        (
            "id",
            json!({ "oneOf": [{ "type": "integer" }, { "type": "string", "minLength": 1, "maxLength": 64 }], "description": "What records call it." }),
        ),
        (
            "reason",
            json!({ "type": "string", "description": "Why it was made." }),
        ),
        (
            "expires",
            json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "The last day on which it applies (UTC)." }),
        ),
        ("active", json!({ "type": "boolean", "default": true })),
    ] {
        properties.insert(key.to_owned(), value);
    }
    if let Value::Object(more) = more {
        properties.extend(more);
    }
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn exception_own() -> Value {
    let mut more = request();
    for (key, value) in [
        ("rules", json!({ "$ref": "#/$defs/rules" })),
        ("categories", json!({ "$ref": "#/$defs/categories" })),
        ("tags", json!({ "$ref": "#/$defs/tags" })),
        ("zones", one_or_more(zone_words())),
        ("name", json!({ "$ref": "#/$defs/text" })),
        ("part", words::<Part>()),
        ("value", json!({ "$ref": "#/$defs/text" })),
    ] {
        more.insert(key.to_owned(), value);
    }
    let mut schema = exception(more.into(), &[]);
    schema["anyOf"] = json!([{ "required": ["rules"] }, { "required": ["categories"] }, { "required": ["tags"] }]);
    schema
}

fn exception_zone() -> Value {
    let more = json!({
        "rule_id": rule_id(),
        "match_zone": zone_words(),
        "match_pattern": nullable("A regular expression that the part that hit must match."),
        "path": nullable("The path, exactly; empty or null for any."),
    });
    let mut schema = exception(more, &["rule_id", "match_zone"]);
    schema["properties"]["path"]["pattern"] = PATH_OR_ANY.into();
    schema
}

fn exception_zones() -> Value {
    let more = json!({
        "rule_id": rule_id(),
        "use_regex": { "type": "boolean", "default": false },
        "status": { "type": "boolean", "default": true },
        "path": nullable("The path, exactly, or by a regular expression with `use_regex`."),
        "match_zones": {
            "type": "array", "minItems": 1, "maxItems": 32,
            "items": {
                "type": "object", "additionalProperties": false, "required": ["zone"],
                "properties": {
                    "zone": { "enum": config::shape_zone_words().collect::<Vec<_>>() },
                    "zone_input": nullable("The variable that a conditional zone names."),
                    "matches_on": { "enum": ["name", "value", null] },
                },
                "if": { "properties": { "zone": { "pattern": "^conditional_" } } },
                "then": given("zone_input"),
                "else": not_given("zone_input"),
            },
        },
    });
    let mut schema = exception(more, &["rule_id", "match_zones"]);
    schema["if"] =
        json!({ "required": ["use_regex"], "properties": { "use_regex": { "const": true } } });
    schema["else"] = json!({ "properties": { "path": { "pattern": PATH_OR_ANY } } });
    schema
}

fn exception_conditions() -> Value {
    let operator = json!({ "enum": ["regex", "contains", null] });
    let more = json!({
        "rule_id": rule_id(),
        "name": { "type": "string", "description": "A title for people." },
        "status": { "type": "boolean", "default": true },
        "operator": operator,
        "path": nullable("The path, by the operator; exactly without one."),
        "conditions": {
            "type": "array", "minItems": 1, "maxItems": 32,
            "items": {
                "type": "object", "additionalProperties": false, "required": ["match"],
                "properties": {
                    "match": { "enum": config::condition_words().collect::<Vec<_>>() },
                    "operator": operator,
                    "condition_type": { "type": "string" },
                    "name": nullable("The field that a `specific_…` condition names."),
                    "value": nullable("What must stand there."),
                },
                "if": { "properties": { "match": { "pattern": "^specific_" } } },
                // Exports write the name as the value where they have no name.
                "then": { "anyOf": [given("name"), given("value")] },
                "else": not_given("name"),
            },
        },
    });
    let mut schema = exception(more, &["rule_id", "conditions"]);
    schema["if"] = given("operator");
    schema["else"] = json!({ "properties": { "path": { "pattern": PATH_OR_ANY } } });
    schema
}

/// A path that requests can have, as far as a pattern can tell.
const PATH: &str = "^(\\*|/[^?#;]*)$";
/// The same, or nothing for any.
const PATH_OR_ANY: &str = "^(\\*|/[^?#;]*)?$";
/// A host without scheme, port and path, an address in brackets, or a glob.
const HOST: &str = "^(\\[.*|[^/ :]+|.*\\*.*)$";

/// A text, a way to compare, or a list of these, where what is compared as a whole or from its start is of a pattern.
fn texts_of(pattern: &str, keys: &[&str]) -> Value {
    let of = json!({ "pattern": pattern });
    let keys: Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), of.clone()))
        .collect();
    json!({
        "$ref": "#/$defs/texts",
        "pattern": pattern, "properties": keys,
        "items": { "pattern": pattern, "properties": keys },
    })
}

/// An object in which a key has some text.
fn given(key: &str) -> Value {
    json!({ "required": [key], "properties": { key: { "type": "string", "minLength": 1 } } })
}

/// An object in which a key is missing, or says nothing.
fn not_given(key: &str) -> Value {
    json!({ "properties": { key: { "enum": [null, ""] } } })
}

/// The keys by which scopes and exceptions point at requests.
fn request() -> Map<String, Value> {
    let method = json!({ "type": "string", "pattern": "^[A-Z_-]+$" });
    let entries = [
        (
            "host",
            texts_of(HOST, &["exact", "equals"]),
            "Hosts, without port, compared without case; `*` in one makes it a glob.",
        ),
        (
            "path",
            texts_of(PATH, &["exact", "equals", "prefix"]),
            "Paths, decoded and resolved.",
        ),
        ("method", one_or_more(method), "Methods, in capitals."),
    ];
    entries
        .into_iter()
        .map(|(key, value, text)| (key.to_owned(), described(&value, text)))
        .collect()
}

fn limits() -> Value {
    let mut properties = Map::new();
    for (key, value, range) in Limits::default().entries() {
        let (least, most) = range.into_inner();
        properties.insert(
            key.to_owned(),
            json!({ "type": "integer", "minimum": least, "maximum": most, "default": *value }),
        );
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn uninspected() -> Value {
    let anomalies: AnomalySet = Anomaly::UNINSPECTED;
    let properties: Map<String, Value> = anomalies
        .iter()
        .map(|anomaly| {
            let value = with_default(words::<Fallback>(), anomaly.default_fallback().name());
            (
                anomaly.name().to_owned(),
                described(&value, anomaly.meaning()),
            )
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn block_response() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "default": 403 },
            "headers": {
                "type": "object", "maxProperties": 16,
                "propertyNames": { "pattern": "^[a-z0-9_-]{1,64}$", "not": { "enum": config::headers_of_the_proxy() } },
                "additionalProperties": { "type": "string", "maxLength": 1024, "pattern": "^[ -~]*$" },
                "description": "Headers of the answer, names in lower case; {request_id} and {status} stand for what they say.",
            },
            "json": { "type": "string", "maxLength": 16384, "description": "The body for programs; {request_id} and {status} stand for what they say." },
            "html": { "type": "string", "maxLength": 16384, "description": "The body for clients whose Accept prefers HTML." },
        },
    })
}

fn zone_words() -> Value {
    json!({ "enum": config::zone_words().collect::<Vec<_>>() })
}

fn rule_id() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "0 means every rule." })
}

fn nullable(description: &str) -> Value {
    json!({ "type": ["string", "null"], "maxLength": 1024, "description": description })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "maxLength": 1024, "description": description })
}

fn network() -> Value {
    json!({
        "type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
        "examples": ["192.0.2.0/24", "2001:db8::/32"],
    })
}

/// A list that is not empty.
fn set(of: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": of })
}

fn one_or_more(of: Value) -> Value {
    json!({ "oneOf": [of.clone(), { "type": "array", "minItems": 1, "items": of }] })
}

/// The words of a closed list, each with its meaning.
fn words<T: Named>() -> Value {
    let names: Vec<&str> = T::ALL.iter().map(|word| word.name()).collect();
    let each: Vec<String> = T::ALL
        .iter()
        .map(|word| format!("{}: {}", word.name(), word.meaning()))
        .collect();
    json!({ "enum": names, "description": each.join("\n") })
}

/// The value with a sentence before whatever it says about itself.
fn described(value: &Value, text: &str) -> Value {
    let mut value = value.clone();
    let more = value["description"].as_str().map(str::to_owned);
    value["description"] = match more {
        Some(more) => format!("{text}\n{more}").into(),
        None => text.into(),
    };
    value
}

fn with_default(mut value: Value, default: &str) -> Value {
    value["default"] = default.into();
    value
}
