//! Policies of realistic size: so many exceptions, rules and scopes, as a company with many APIs has them.

/// A policy of that size, which decides about ordinary requests as the default policy does: every shape of exceptions,
/// every sort of rules and scopes in turn.
pub fn large(exceptions: usize, rules: usize, scopes: usize) -> String {
    let list = |count: usize, of: &dyn Fn(usize) -> String| {
        (0..count).map(of).collect::<Vec<_>>().join(",\n")
    };
    format!(
        "{{\"exceptions\": [{}],\n\"rules\": [{}],\n\"scopes\": [{}]}}",
        list(exceptions, &exception),
        list(rules, &rule),
        list(scopes, &scope)
    )
}

fn exception(n: usize) -> String {
    match n % 5 {
        0 => format!(
            r#"{{"id": "E{n}", "rules": [1013], "path": "/api/v1/resource{n}", "zones": "query_string", "name": "filter"}}"#
        ),
        1 => format!(
            r#"{{"id": "E{n}", "rules": [1013, "1000-1017"], "path": {{"prefix": "/service{n}/"}}, "zones": "request_body", "name": {{"glob": "items[*].comment{n}"}}}}"#
        ),
        2 => format!(
            r#"{{"id": "E{n}", "rule_id": 1302, "match_zone": "body", "match_pattern": "^<p>[a-z ]*{n}</p>$", "path": "/cms/page{n}"}}"#
        ),
        3 => format!(
            r#"{{"id": "E{n}", "categories": ["sql_injection"], "host": "tenant{n}.example.com", "path": {{"glob": "/tenants/*/reports/{n}"}}, "part": "value"}}"#
        ),
        _ => format!(
            r#"{{"id": "E{n}", "rule_id": 1000, "match_zones": [{{"zone": "conditional_query_string", "zone_input": "q{n}"}}], "path": "/search/{n}"}}"#
        ),
    }
}

fn rule(n: usize) -> String {
    let id = 100_000 + n;
    match n % 8 {
        0 => format!(
            r#"{{"id": {id}, "literals": ["legacy-call-{n}", "old-endpoint-{n}"], "score": {{"unwanted_access": 8}}}}"#
        ),
        1 => format!(
            r#"{{"id": {id}, "regex": "(?i)\\btoken{n}[a-z0-9]{{8,16}}\\b", "score": {{"scanner": 16}}, "zones": ["query_string", "request_body"]}}"#
        ),
        2 => format!(
            r#"{{"id": {id}, "regex": "^export_v{n}$", "parts": ["value"], "score": {{"unwanted_access": 16}}, "zones": ["query_string"]}}"#
        ),
        3 => format!(
            r#"{{"id": {id}, "score": {{"unwanted_access": 16}}, "when": {{"all": [{{"path": {{"prefix": "/admin/{n}/"}}, "method": ["PUT", "DELETE"]}}, {{"not": {{"client_address": ["10.{n}.0.0/16", "2001:db8:{n}::/48"]}}}}]}}}}"#
        ),
        4 => format!(
            r#"{{"id": {id}, "action": "block", "score": {{"unwanted_access": 8}}, "when": {{"path": {{"regex": "^/v{n}/[a-z]+/[0-9]+$"}}}}}}"#
        ),
        5 => format!(
            r#"{{"id": {id}, "score": {{"unwanted_access": 16}}, "when": {{"all": [{{"path": {{"prefix": "/login/{n}"}}}}, {{"field": {{"zones": ["request_body"], "name": "user"}}, "length": {{"min": 200}}}}]}}}}"#
        ),
        6 => format!(
            r#"{{"id": {id}, "action": "monitor", "score": {{"unwanted_access": 4}}, "when": {{"field": {{"zones": ["request_body"]}}, "length": {{"min": {}}}}}}}"#,
            5_000 + n
        ),
        _ => format!(
            r#"{{"id": {id}, "score": {{"unwanted_access": 16}}, "when": {{"any": [{{"header": "x-debug-{n}", "equals": ["1", "true"]}}, {{"field": "role{n}", "equals": "admin{n}"}}]}}}}"#
        ),
    }
}

fn scope(n: usize) -> String {
    match n % 3 {
        0 => format!(
            r#"{{"name": "S{n}", "host": "api{n}.example.com", "sensitivity": "high", "overrides": [{{"rules": [11080], "mode": "monitor"}}]}}"#
        ),
        1 => format!(r#"{{"name": "S{n}", "path": {{"prefix": "/team{n}/"}}, "mode": "monitor"}}"#),
        _ => format!(
            r#"{{"name": "S{n}", "host": "*.shop{n}.example.com", "path": {{"regex": "^/v[0-9]/item{n}"}}, "preset": "strict"}}"#
        ),
    }
}
