//! What `palisade init` writes for Envoy is accepted by a real Envoy, and refused where the policy is broken.

use std::fs;
use std::path::Path;
use std::process::Command;

use palisade_harness::envoy;
use serde_json::{Value, json};

fn palisade(folder: &Path, arguments: &[&str]) {
    let status = assert_cmd::Command::cargo_bin("palisade")
        .expect("the binary")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(status.status.success(), "{arguments:?}: {status:?}");
}

/// Puts the filters in front of a router, as the comment in the file says, and asks Envoy.
fn accepts(folder: &Path, filters: &Value) -> Result<(), String> {
    let mut filters = filters.as_array().expect("a list").clone();
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
    }));
    let bootstrap = json!({ "static_resources": { "listeners": [{
        "name": "ingress",
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "ingress",
                "http_filters": filters,
                "route_config": { "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }],
                }] },
            },
        }] }],
    }] } });
    let file = folder.join("bootstrap.json");
    fs::write(&file, bootstrap.to_string()).expect("a file");
    let output = Command::new(envoy::binary())
        .args(["--mode", "validate", "--concurrency", "1", "-c"])
        .arg(&file)
        .output()
        .expect("Envoy runs");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn envoy_accepts_what_is_written_for_it() {
    let folder = std::env::temp_dir().join(format!("palisade-init-envoy-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let module = envoy::module();
    let module = fs::canonicalize(module).expect("the module");
    let module = module.to_str().expect("UTF-8");
    let read = || -> Value {
        let text = fs::read_to_string(folder.join("envoy.yaml")).expect("a file");
        serde_saphyr::from_str(&text).expect("YAML")
    };
    palisade(&folder, &["init", "--module", module]);
    let filters = read()["http_filters"].clone();
    assert_eq!(accepts(&folder, &filters), Ok(()));
    // The module is really asked: it refuses a policy that is broken.
    let mut broken = filters.clone();
    broken[1]["typed_config"]["config"]["configuration"]["value"] = json!("{\"mode\": \"blok\"}");
    let refused = accepts(&folder, &broken).expect_err("a broken policy");
    assert!(
        refused.contains("not a mode") || refused.contains("palisade"),
        "{refused}"
    );
    // And a policy of somebody's own, in JSON, with text that YAML would read otherwise.
    let policy = json!({
        "name": "shop", "mode": "off", "scopes": [{"path": "/a: b", "mode": "block"}],
        "telemetry": {"metadata_on_request": true},
        "block_response": {"html": "<p>\n  #{request_id}\n\n---\n"},
    });
    fs::write(folder.join("p.json"), policy.to_string()).expect("a file");
    palisade(
        &folder,
        &["init", "--policy", "p.json", "--module", module, "--force"],
    );
    assert_eq!(accepts(&folder, &read()["http_filters"]), Ok(()));
    let _ = fs::remove_dir_all(&folder);
}
