//! Policies that are refused: what is wrong is told, all of it at once, each with its place, what is allowed,
//! and what was probably meant; and nothing of what stands there is repeated that could be a secret.

use palisade::config::{Config, Problem};
use palisade::engine::Engine;

fn problems(policy: &str) -> Vec<Problem> {
    match Config::parse(policy.as_bytes()).and_then(Engine::compile) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    }
}

/// Where, what (a part of the message), and the suggestion, empty for none.
type Told<'a> = &'a [(&'a str, &'a str, &'a str)];

#[test]
fn every_problem_with_its_place() {
    let rows: &[(&str, Told<'_>)] = &[
        (
            "{",
            &[(
                "$",
                "not JSON: EOF while parsing an object at line 1 column 1",
                "",
            )],
        ),
        ("[]", &[("$", "expected an object, found a list", "")]),
        ("null", &[("$", "expected an object, found null", "")]),
        (
            r#""block""#,
            &[("$", "expected an object, found a string", "")],
        ),
        (
            r#"{"mode":"block",}"#,
            &[("$", "not JSON: trailing comma at line 1 column 17", "")],
        ),
        (
            r#"{"mod":"block"}"#,
            &[("$.mod", "unknown key; expected version", "mode")],
        ),
        (
            r#"{"Mode":"block"}"#,
            &[("$.Mode", "unknown key; expected version", "mode")],
        ),
        (
            r#"{"mode":"blocks"}"#,
            &[(
                "$.mode",
                "`blocks` is not a mode; expected one of off, monitor, block",
                "block",
            )],
        ),
        (
            r#"{"mode":true}"#,
            &[(
                "$.mode",
                "`true` is not a mode; expected one of off, monitor, block",
                "",
            )],
        ),
        (
            r#"{"mode":null}"#,
            &[(
                "$.mode",
                "expected one of off, monitor, block, found null",
                "",
            )],
        ),
        (
            r#"{"mode":"block","mode":"monitor"}"#,
            &[("$.mode", "this key stands twice; keep one of them", "")],
        ),
        (
            r#"{"version":2}"#,
            &[(
                "$.version",
                "this build reads version 1 of the policy language",
                "",
            )],
        ),
        (
            r#"{"version":"1"}"#,
            &[("$.version", "expected a whole number, found a string", "")],
        ),
        (
            r#"{"version":1.5}"#,
            &[("$.version", "expected a whole number, found a fraction", "")],
        ),
        (
            r#"{"name":""}"#,
            &[(
                "$.name",
                "expected 1 to 64 characters out of letters, digits and . _ - + @ /",
                "",
            )],
        ),
        (
            r#"{"name":"a b"}"#,
            &[(
                "$.name",
                "expected 1 to 64 characters out of letters, digits and . _ - + @ /",
                "",
            )],
        ),
        (
            r#"{"revision":7}"#,
            &[("$.revision", "expected a string, found an integer", "")],
        ),
        (
            r#"{"hold_request_headers":"yes"}"#,
            &[(
                "$.hold_request_headers",
                "`yes` is not a hold_request_headers; expected one of auto, true, false",
                "",
            )],
        ),
        (
            r#"{"hold_request_headers":1}"#,
            &[(
                "$.hold_request_headers",
                "expected one of auto, true, false, found an integer",
                "",
            )],
        ),
        (
            r#"{"preset":"balancd"}"#,
            &[(
                "$.preset",
                "`balancd` is not a preset; expected one of balanced, strict",
                "balanced",
            )],
        ),
        (
            r#"{"sensitivity":"hihg"}"#,
            &[(
                "$.sensitivity",
                "`hihg` is not a sensitivity; expected one of highest, high, medium, low, lowest",
                "high",
            )],
        ),
        (
            r#"{"sensitivity":8}"#,
            &[(
                "$.sensitivity",
                "expected a sensitivity, or an object from category to sensitivity, found an integer",
                "",
            )],
        ),
        (
            r#"{"sensitivity":{"sql":"high"}}"#,
            &[("$.sensitivity.sql", "not a category", "")],
        ),
        (
            r#"{"sensitivity":{"sql_injection":"hgih"}}"#,
            &[(
                "$.sensitivity.sql_injection",
                "`hgih` is not a sensitivity; expected one of highest, high, medium, low, lowest",
                "high",
            )],
        ),
        (
            r#"{"category_modes":{"sql_injecton":"off"}}"#,
            &[(
                "$.category_modes.sql_injecton",
                "not a category",
                "sql_injection",
            )],
        ),
        (
            r#"{"category_modes":"off"}"#,
            &[(
                "$.category_modes",
                "expected an object from category to mode, found a string",
                "",
            )],
        ),
        (
            r#"{"category_modes":{"sql_injection":"of"}}"#,
            &[(
                "$.category_modes.sql_injection",
                "`of` is not a mode; expected one of off, monitor, block",
                "off",
            )],
        ),
        (
            r#"{"overrides":{}}"#,
            &[("$.overrides", "expected a list, found an object", "")],
        ),
        (
            r#"{"overrides":[{}]}"#,
            &[
                (
                    "$.overrides[0]",
                    "no rule is named; give rules, categories or tags",
                    "",
                ),
                (
                    "$.overrides[0]",
                    "nothing is changed; give mode or score",
                    "",
                ),
            ],
        ),
        (
            r#"{"overrides":[{"rules":[17]}]}"#,
            &[(
                "$.overrides[0]",
                "nothing is changed; give mode or score",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[17],"mode":"blok"}]}"#,
            &[(
                "$.overrides[0].mode",
                "`blok` is not a mode; expected one of off, monitor, block",
                "block",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[9],"mode":"off"}]}"#,
            &[("$.overrides[0].rules[0]", "there is no rule 9", "")],
        ),
        (
            r#"{"overrides":[{"rules":["1309-1304"],"mode":"off"}]}"#,
            &[(
                "$.overrides[0].rules[0]",
                r#"expected an id such as 1013, or a range such as "1000-1399""#,
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":["1304-1309"],"mode":"off"}]}"#,
            &[(
                "$.overrides[0].rules[0]",
                "there is no rule from 1304 to 1309",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":"x","mode":"off"}]}"#,
            &[(
                "$.overrides[0].rules",
                r#"expected an id such as 1013, or a range such as "1000-1399""#,
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[],"mode":"off"}]}"#,
            &[(
                "$.overrides[0].rules",
                "the list is empty; leave the key out to mean any",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[17],"mode":"monitor","even_in_monitor":true}]}"#,
            &[(
                "$.overrides[0].even_in_monitor",
                "only rules in mode block can block",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[17],"score":{}}]}"#,
            &[(
                "$.overrides[0].score",
                "at least one category is needed",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"rules":[17],"score":{"sql_injection":1001}}]}"#,
            &[(
                "$.overrides[0].score.sql_injection",
                "a score is at most 1000",
                "",
            )],
        ),
        (
            r#"{"overrides":[{"tags":["nonesuch"],"mode":"off"}]}"#,
            &[("$.overrides[0].tags", "no rule has this tag", "")],
        ),
        (
            r#"{"overrides":[{"categories":["sqli"],"mode":"off"}]}"#,
            &[(
                "$.overrides[0].categories[0]",
                "`sqli` is not a category",
                "",
            )],
        ),
        (
            r#"{"enforce_percent":101}"#,
            &[("$.enforce_percent", "expected 0 to 100", "")],
        ),
        (
            r#"{"enforce_percent":-1}"#,
            &[("$.enforce_percent", "expected 0 to 100", "")],
        ),
        (
            r#"{"enforce_percent":"50"}"#,
            &[(
                "$.enforce_percent",
                "expected a number from 0 to 100, or an object with percent and header, found a string",
                "",
            )],
        ),
        (
            r#"{"enforce_percent":{"header":"x-a"}}"#,
            &[("$.enforce_percent", "`percent` is missing", "")],
        ),
        (
            r#"{"enforce_percent":{"percent":5,"header":"X A"}}"#,
            &[(
                "$.enforce_percent.header",
                "expected the name of a header in lower case",
                "",
            )],
        ),
        (
            r#"{"allow_clients":"10.0.0.0/8"}"#,
            &[("$.allow_clients", "expected a list, found a string", "")],
        ),
        (
            r#"{"allow_clients":["10.0.0.1/8","10.0.0.0/33","host","::1/64"]}"#,
            &[
                (
                    "$.allow_clients[0]",
                    "the address has bits behind the length of the network",
                    "",
                ),
                (
                    "$.allow_clients[1]",
                    "expected an address or a network such as 192.0.2.0/24 or 2001:db8::/32",
                    "",
                ),
                (
                    "$.allow_clients[2]",
                    "expected an address or a network such as 192.0.2.0/24 or 2001:db8::/32",
                    "",
                ),
                (
                    "$.allow_clients[3]",
                    "the address has bits behind the length of the network",
                    "",
                ),
            ],
        ),
        (
            r#"{"limits":{"body_byte":1}}"#,
            &[(
                "$.limits.body_byte",
                "unknown key; expected body_bytes",
                "body_bytes",
            )],
        ),
        (
            r#"{"limits":{"body_bytes":-1}}"#,
            &[(
                "$.limits.body_bytes",
                "expected a whole number from 0 to 4294967295",
                "",
            )],
        ),
        (
            r#"{"limits":{"json_depth":0}}"#,
            &[("$.limits.json_depth", "expected 1 to 256", "")],
        ),
        (
            r#"{"uninspected":{"null_byte":"block"}}"#,
            &[(
                "$.uninspected.null_byte",
                "unknown key; expected unreadable",
                "",
            )],
        ),
        (
            r#"{"uninspected":{"body_too_large":"ignore"}}"#,
            &[(
                "$.uninspected.body_too_large",
                "`ignore` is not a fallback; expected one of block, inspect_prefix, pass",
                "",
            )],
        ),
        (
            r#"{"on_error":"inspect_prefix"}"#,
            &[("$.on_error", "expected one of block, pass", "")],
        ),
        (
            r#"{"on_error":"fail"}"#,
            &[("$.on_error", "expected one of block, pass", "")],
        ),
        (
            r#"{"block_response":{"status":200}}"#,
            &[(
                "$.block_response.status",
                "expected a status from 400 to 599",
                "",
            )],
        ),
        (
            r#"{"block_response":{"status":"403"}}"#,
            &[(
                "$.block_response.status",
                "expected a whole number, found a string",
                "",
            )],
        ),
        (
            r#"{"block_response":{"body":"x"}}"#,
            &[("$.block_response.body", "unknown key; expected status", "")],
        ),
        (
            r#"{"block_response":{"json":"{\"id\":{request_id}x}"}}"#,
            &[(
                "$.block_response.json",
                "the body would not be JSON: line 1, column 8",
                "",
            )],
        ),
        (
            r#"{"block_response":{"json":"{\"id\":\"{requestid}\"}"}}"#,
            &[(
                "$.block_response.json",
                "`{requestid}` stands for nothing; expected {request_id}, {status}",
                "request_id",
            )],
        ),
        (
            r#"{"block_response":{"headers":{"Content-Type":"text/plain"}}}"#,
            &[(
                r#"$.block_response.headers["Content-Type"]"#,
                "expected the name of a header in lower case",
                "",
            )],
        ),
        (
            r#"{"block_response":{"headers":{"content-length":"7"}}}"#,
            &[(
                r#"$.block_response.headers["content-length"]"#,
                "this header is not for a policy to write",
                "",
            )],
        ),
        (
            r#"{"block_response":{"headers":{"x-a":"b\r\nc: d"}}}"#,
            &[(
                r#"$.block_response.headers["x-a"]"#,
                "expected printable ASCII",
                "",
            )],
        ),
        (
            r#"{"block_response":{"headers":{"x-a":7}}}"#,
            &[(
                r#"$.block_response.headers["x-a"]"#,
                "expected a string, found an integer",
                "",
            )],
        ),
        (
            r#"{"block_response":{"headers":["x-a"]}}"#,
            &[(
                "$.block_response.headers",
                "expected an object from header name to value, found a list",
                "",
            )],
        ),
        (
            r#"{"exceptions":{}}"#,
            &[(
                "$.exceptions",
                "expected a list of exceptions, found an object",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{}]}"#,
            &[(
                "$.exceptions[0]",
                "no rule is named; `rules: [0]` means every rule",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zone":"query"},{"rule_id":1013,"match_zone":"querystring"}]}"#,
            &[(
                "$.exceptions[1].match_zone",
                "`querystring` is not a zone",
                "query_string",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013}]}"#,
            &[(
                "$.exceptions[0]",
                "`rule_id` goes with match_zone, match_zones or conditions; without them say `rules`",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"match_zone":"path"}]}"#,
            &[("$.exceptions[0]", "`rule_id` is missing", "")],
        ),
        (
            r#"{"exceptions":[{"rule_id":-1,"match_zone":"path"}]}"#,
            &[(
                "$.exceptions[0].rule_id",
                "expected a whole number from 0 to 4294967295",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zone":"path","conditions":[]}]}"#,
            &[(
                "$.exceptions[0]",
                "match_zone and conditions belong to different shapes; keep one",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zone":"path","match_pattern":"("}]}"#,
            &[(
                "$.exceptions[0].match_pattern",
                "unclosed group at byte 0",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zone":"path","path":"api"}]}"#,
            &[("$.exceptions[0].path", "a path begins with `/`", "")],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zone":"path","path":"/api?x=1"}]}"#,
            &[(
                "$.exceptions[0].path",
                "a path has no query; name the parameter instead",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[]}]}"#,
            &[(
                "$.exceptions[0].match_zones",
                "at least one zone is needed",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":"path"}]}"#,
            &[(
                "$.exceptions[0].match_zones",
                "expected a list of zones",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[{"zone":"conditional_path","zone_input":"a"}]}]}"#,
            &[(
                "$.exceptions[0].match_zones[0].zone",
                "`conditional_path` is not a zone of this shape",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[{"zone":"conditional_query_string"}]}]}"#,
            &[(
                "$.exceptions[0].match_zones[0]",
                "a conditional zone names one variable in `zone_input`",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[{"zone":"query_string","zone_input":"a"}]}]}"#,
            &[(
                "$.exceptions[0].match_zones[0].zone_input",
                "only a conditional zone names a variable: `conditional_query_string`",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[{"zone":"query_string","matches_on":"both"}]}]}"#,
            &[(
                "$.exceptions[0].match_zones[0].matches_on",
                "expected name or value",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"match_zones":[{"zone":"query_sting"}]}]}"#,
            &[(
                "$.exceptions[0].match_zones[0].zone",
                "`query_sting` is not a zone of this shape",
                "query_string",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[]}]}"#,
            &[(
                "$.exceptions[0].conditions",
                "at least one condition is needed",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{}]}]}"#,
            &[("$.exceptions[0].conditions[0]", "`match` is missing", "")],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{"match":"any_query_string"}]}]}"#,
            &[(
                "$.exceptions[0].conditions[0].match",
                "`any_query_string` is not a condition",
                "any_query_string_name",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{"match":"specific_query_string_value"}]}]}"#,
            &[(
                "$.exceptions[0].conditions[0]",
                "`name` is missing: which field is meant",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{"match":"any_url","operator":"equals","value":"/a"}]}]}"#,
            &[(
                "$.exceptions[0].conditions[0].operator",
                "expected regex or contains",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{"match":"raw_body","name":"q"}]}]}"#,
            &[(
                "$.exceptions[0].conditions[0].name",
                "this condition has no name to compare",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rule_id":1013,"conditions":[{"match":"any_query_string_value","name":"q"}]}]}"#,
            &[(
                "$.exceptions[0].conditions[0].name",
                "this condition concerns every field; say `specific_query_string_value` for one of them",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":"api"}]}"#,
            &[("$.exceptions[0].path", "a path begins with `/`", "")],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":{"exact":"/a","prefix":"/b"}}]}"#,
            &[(
                "$.exceptions[0].path",
                "one way to compare is enough; keep one of the keys",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":{}}]}"#,
            &[(
                "$.exceptions[0].path",
                "expected a string, or one of exact, prefix, suffix, contains, glob, regex",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":{"prefx":"/a"}}]}"#,
            &[(
                "$.exceptions[0].path.prefx",
                "unknown key; expected exact",
                "prefix",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":{"prefix":""}}]}"#,
            &[("$.exceptions[0].path", "a path begins with `/`", "")],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":{"regex":"(a"}}]}"#,
            &[("$.exceptions[0].path.regex", "unclosed group at byte 0", "")],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"value":{"regex":"(?:a{1000}){1000}"}}]}"#,
            &[(
                "$.exceptions[0].value.regex",
                "compiles to more than 4194304 bytes; at most 1048576",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"host":"https://example.com"}]}"#,
            &[(
                "$.exceptions[0].host",
                "expected a host name without scheme, port or path",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"host":"example.com:8080"}]}"#,
            &[(
                "$.exceptions[0].host",
                "expected a host name without scheme, port or path",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"method":"get"}]}"#,
            &[(
                "$.exceptions[0].method",
                "`get` is not a method; methods are written in capitals",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"zones":["path"],"name":"q"}]}"#,
            &[(
                "$.exceptions[0].name",
                "fields of these zones have no names; this condition never holds",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"zones":["cookie"]}]}"#,
            &[(
                "$.exceptions[0].zones[0]",
                "`cookie` is not a zone",
                "cookies",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"zones":[]}]}"#,
            &[(
                "$.exceptions[0].zones",
                "the list is empty; leave the key out to mean any",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"part":"key"}]}"#,
            &[("$.exceptions[0].part", "expected name or value", "")],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"expires":"31.12.2026"}]}"#,
            &[(
                "$.exceptions[0].expires",
                "expected a date such as 2026-12-31",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"expires":"2026-02-30"}]}"#,
            &[(
                "$.exceptions[0].expires",
                "expected a date such as 2026-12-31",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"active":"yes"}]}"#,
            &[(
                "$.exceptions[0].active",
                "expected true or false, found a string",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"id":""}]}"#,
            &[(
                "$.exceptions[0].id",
                "expected 1 to 64 printable characters",
                "",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"id":"a"},{"rules":[17],"id":"a"}]}"#,
            &[("$.exceptions[1].id", "the id a stands twice", "")],
        ),
        (
            r#"{"exceptions":[{"rules":[1012]},{"rules":[100001]},{"rules":["200000-300000"]}]}"#,
            &[
                ("$.exceptions[0].rules[0]", "there is no rule 1012", ""),
                (
                    "$.exceptions[1].rules[0]",
                    "there is no rule 100001: it would be one of this policy's own `rules`",
                    "",
                ),
                (
                    "$.exceptions[2].rules[0]",
                    "there is no rule from 200000 to 300000: it would be one of this policy's own `rules`",
                    "",
                ),
            ],
        ),
        (
            r#"{"exceptions":[{"rules":[0],"tags":["x"]}]}"#,
            &[("$.exceptions[0].tags", "no rule has this tag", "")],
        ),
        (
            r#"{"exceptions":[{"tags":["nonesuch"]}]}"#,
            &[("$.exceptions[0].tags", "no rule has this tag", "")],
        ),
        (
            r#"{"scopes":{}}"#,
            &[("$.scopes", "expected a list of scopes, found an object", "")],
        ),
        (
            r#"{"scopes":[{}]}"#,
            &[(
                "$.scopes[0]",
                "a scope needs a host, a path or a method; what holds for every request stands at the top",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"mode":"monitor"}]}"#,
            &[(
                "$.scopes[0]",
                "a scope needs a host, a path or a method; what holds for every request stands at the top",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"host":"a","mode":"monitr"}]}"#,
            &[(
                "$.scopes[0].mode",
                "`monitr` is not a mode; expected one of off, monitor, block",
                "monitor",
            )],
        ),
        (
            r#"{"scopes":[{"host":"a","name":"s"},{"host":"b","name":"s"}]}"#,
            &[(
                "$.scopes[1].name",
                "the name stands twice, see $.scopes[0]",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"host":"a"},{"host":"A"}]}"#,
            &[(
                "$.scopes[1]",
                "concerns the same requests as $.scopes[0]",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"host":["a","b"]},{"host":["b","a"]}]}"#,
            &[(
                "$.scopes[1]",
                "concerns the same requests as $.scopes[0]",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"host":"a","version":1}]}"#,
            &[("$.scopes[0].version", "unknown key; expected name", "")],
        ),
        (
            r#"{"scopes":[{"host":"a","hold_request_headers":"auto"}]}"#,
            &[(
                "$.scopes[0].hold_request_headers",
                "unknown key; expected name",
                "",
            )],
        ),
        (
            r#"{"scopes":[{"host":"a","scopes":[]}]}"#,
            &[("$.scopes[0].scopes", "unknown key; expected name", "")],
        ),
        (
            r#"{"scopes":[{"host":"a","exceptions":[{"id":"x","rules":[17]}]}],"exceptions":[{"id":"x","rules":[17]}]}"#,
            &[("$.scopes[0].exceptions[0].id", "the id x stands twice", "")],
        ),
        (
            r#"{"scopes":[{"host":"a","rules":[{"id":100001,"literals":["x"],"score":{"scanner":4}}]}],"rules":[{"id":100001,"literals":["x"],"score":{"scanner":4}}]}"#,
            &[("$.scopes[0].rules[0].id", "the id 100001 stands twice", "")],
        ),
        (
            r#"{"rules":{}}"#,
            &[("$.rules", "expected a list of rules, found an object", "")],
        ),
        (
            r#"{"rules":[{}]}"#,
            &[
                ("$.rules[0]", "`id` is missing", ""),
                (
                    "$.rules[0]",
                    r#"`score` is missing: an object from category to points, such as { "sql_injection": 24 }"#,
                    "",
                ),
                (
                    "$.rules[0]",
                    "exactly one of literals, regex, detector, anomalies, when is needed, found 0",
                    "",
                ),
            ],
        ),
        (
            r#"{"rules":[{"id":1013,"literals":["x"],"score":{"scanner":4}}]}"#,
            &[(
                "$.rules[0].id",
                "1013 is reserved; rules of a policy have ids from 100000",
                "",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"],"score":{"scanner":4}},{"id":100001,"literals":["x"],"score":{"scanner":4}}]}"#,
            &[("$.rules[1].id", "the id 100001 stands twice", "")],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"],"regex":"x","score":{"scanner":4}}]}"#,
            &[(
                "$.rules[0]",
                "exactly one of literals, regex, detector, anomalies, when is needed, found 2",
                "",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":[],"score":{"scanner":4}}]}"#,
            &[("$.rules[0].literals", "at least one text is needed", "")],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":[""],"score":{"scanner":4}}]}"#,
            &[("$.rules[0].literals[0]", "expected 1 to 1024 bytes", "")],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"]}]}"#,
            &[(
                "$.rules[0]",
                r#"`score` is missing: an object from category to points, such as { "sql_injection": 24 }"#,
                "",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"],"score":{"scaner":4}}]}"#,
            &[("$.rules[0].score.scaner", "not a category", "scanner")],
        ),
        (
            r#"{"rules":[{"id":100001,"regex":"(x","score":{"scanner":4}}]}"#,
            &[("$.rules[0].regex", "unclosed group at byte 0", "")],
        ),
        (
            r#"{"rules":[{"id":100001,"regex":"\\p{L}","score":{"scanner":4}}]}"#,
            &[("$.rules[0].regex", "Unicode not allowed here at byte 0", "")],
        ),
        (
            r#"{"rules":[{"id":100001,"regex":"(?:a{1000}){1000}","score":{"scanner":4}}]}"#,
            &[(
                "$.rules[0].regex",
                "compiles to more than 4194304 bytes; at most 1048576",
                "",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"detector":"sqli","score":{"scanner":4}}]}"#,
            &[(
                "$.rules[0].detector",
                "`sqli` is not a detector; expected one of libinjection_sql, libinjection_sql_in_context, libinjection_xss, libinjection_xss_in_context",
                "",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"],"score":{"scanner":4},"zones":["qury_string"]}]}"#,
            &[(
                "$.rules[0].zones[0]",
                "`qury_string` is not a zone; expected one of path, query_string, request_header, cookies, request_body, raw_body, file_name, file_content",
                "query_string",
            )],
        ),
        (
            r#"{"rules":[{"id":100001,"literals":["x"],"score":{"scanner":4},"action":"deny"}]}"#,
            &[(
                "$.rules[0].action",
                "`deny` is not an action; expected one of score, block, monitor, allow",
                "",
            )],
        ),
        (
            r#"{"mod":"block","preset":"x","limits":{"a":1},"exceptions":[{"rules":[1013],"pth":"/a"}],"scopes":[{}],"rules":[{"id":1}]}"#,
            &[
                (
                    "$.preset",
                    "`x` is not a preset; expected one of balanced, strict",
                    "",
                ),
                ("$.limits.a", "unknown key; expected body_bytes", ""),
                ("$.exceptions[0].pth", "unknown key; expected id", "path"),
                (
                    "$.rules[0]",
                    r#"`score` is missing: an object from category to points, such as { "sql_injection": 24 }"#,
                    "",
                ),
                (
                    "$.rules[0]",
                    "exactly one of literals, regex, detector, anomalies, when is needed, found 0",
                    "",
                ),
                (
                    "$.rules[0].id",
                    "1 is reserved; rules of a policy have ids from 100000",
                    "",
                ),
                (
                    "$.scopes[0]",
                    "a scope needs a host, a path or a method; what holds for every request stands at the top",
                    "",
                ),
                ("$.mod", "unknown key; expected version", "mode"),
            ],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"path":"/a//b"},{"rules":[1013],"path":"/a%20b"},{"rules":[1013],"path":{"prefix":"/a/"}},{"rules":[1013],"path":{"prefix":"/a/../"}}]}"#,
            &[
                (
                    "$.exceptions[0].path",
                    "paths are compared decoded and resolved; write it without %, //, ; and dots",
                    "",
                ),
                (
                    "$.exceptions[1].path",
                    "paths are compared decoded and resolved; write it without %, //, ; and dots",
                    "",
                ),
                (
                    "$.exceptions[3].path",
                    "paths are compared decoded and resolved; write it without %, //, ; and dots",
                    "",
                ),
            ],
        ),
        (
            r#"{"block_response":{"html":"{request-id} {reqest_id} {color:red}"}}"#,
            &[(
                "$.block_response.html",
                "`{reqest_id}` stands for nothing; expected {request_id}, {status}",
                "request_id",
            )],
        ),
        (
            r#"{"exceptions":[{"rules":[1013],"name":{"regex":"a","glob":"b"}}]}"#,
            &[(
                "$.exceptions[0].name",
                "one way to compare is enough; keep one of the keys",
                "",
            )],
        ),
        // Its size is told, as long as it is not beyond all bounds.
        (
            r#"{"rules":[{"id":100001,"regex":"(?:a{100}){900}","score":{"scanner":4}}]}"#,
            &[("$.rules[0].regex", " bytes; at most 1048576", "")],
        ),
    ];
    let mut wrong = Vec::new();
    for (policy, expected) in rows {
        let found = problems(policy);
        let same = found.len() == expected.len()
            && found
                .iter()
                .zip(*expected)
                .all(|(problem, (path, message, suggestion))| {
                    problem.path == *path
                        && problem.message.contains(message)
                        && problem.suggestion.as_deref().unwrap_or_default() == *suggestion
                });
        if !same {
            let told: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{policy}\n    {}", told.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_value_is_repeated() {
    for policy in [
        r#"{"mode":"hunter2secret-hunter2secret-hunter2secret-hunter2secret"}"#,
        r#"{"exceptions":[{"rules":[1013],"value":{"regex":"hunter2secret("}}]}"#,
        r#"{"exceptions":[{"rules":[1013],"value":"hunter2secret","host":"hunter2secret/"}]}"#,
        r#"{"allow_clients":["hunter2secret"]}"#,
        r#"{"rules":[{"id":100001,"regex":"hunter2secret(","score":{"scanner":4}}]}"#,
        r#"{"name":"hunter2 secret"}"#,
        r#"{"block_response":{"headers":{"x-key":"hunter2secret\n"}}}"#,
        r#"{"block_response":{"json":"hunter2secret"}}"#,
    ] {
        let found = problems(policy);
        assert!(!found.is_empty(), "{policy}");
        for problem in found {
            let told = problem.to_string();
            assert!(!told.contains("hunter2"), "{policy}: {told}");
        }
    }
}

/// Every place where a pattern may stand: one that is too large is refused there, with its size, and so is one that
/// is none.
#[test]
fn a_pattern_is_checked_wherever_it_stands() {
    let rule = |when: &str| {
        format!(r#"{{"rules":[{{"id":100001,"action":"block","score":{{"scanner":4}},{when}}}]}}"#)
    };
    let exception = |rest: &str| format!(r#"{{"exceptions":[{{{rest}}}]}}"#);
    let places = [
        (rule(r#""regex":@"#), "rules[0].regex"),
        (
            rule(r#""when":{"path":{"regex":@}}"#),
            "rules[0].when.path.regex",
        ),
        (
            rule(r#""when":{"host":["a",{"regex":@}]}"#),
            "rules[0].when.host[1].regex",
        ),
        (
            rule(r#""when":{"field":"a","regex":@}"#),
            "rules[0].when.regex",
        ),
        (
            rule(r#""when":{"not":{"any":[{"field":"a","regex":["b",@]}]}}"#),
            "rules[0].when.not.any[0].regex",
        ),
        (
            rule(r#""when":{"field":{"name":{"regex":@}},"equals":"b"}"#),
            "rules[0].when.field.name.regex",
        ),
        (
            rule(r#""when":{"header":{"regex":@},"equals":"b"}"#),
            "rules[0].when.header.regex",
        ),
        (
            exception(r#""rules":17,"path":{"regex":@}"#),
            "exceptions[0].path.regex",
        ),
        (
            exception(r#""rules":17,"host":{"regex":@}"#),
            "exceptions[0].host.regex",
        ),
        (
            exception(r#""rules":17,"name":{"regex":@}"#),
            "exceptions[0].name.regex",
        ),
        (
            exception(r#""rules":17,"value":{"regex":@}"#),
            "exceptions[0].value.regex",
        ),
        (
            exception(r#""rule_id":17,"match_zone":"path","match_pattern":@"#),
            "exceptions[0].match_pattern",
        ),
        (
            exception(
                r#""rule_id":17,"use_regex":true,"path":@,"match_zones":[{"zone":"raw_body"}]"#,
            ),
            "exceptions[0].path",
        ),
        (
            exception(
                r#""rule_id":17,"use_regex":true,"match_zones":[{"zone":"conditional_query_string","zone_input":@}]"#,
            ),
            "exceptions[0].match_zones[0].zone_input",
        ),
        (
            exception(
                r#""rule_id":17,"operator":"regex","path":@,"conditions":[{"match":"raw_body"}]"#,
            ),
            "exceptions[0].path",
        ),
        (
            exception(r#""rule_id":17,"conditions":[{"match":"raw_body","value":@}]"#),
            "exceptions[0].conditions[0].value",
        ),
        (
            exception(r#""rule_id":17,"conditions":[{"match":"any_url","value":@}]"#),
            "exceptions[0].conditions[0].value",
        ),
        (
            exception(r#""rule_id":17,"conditions":[{"match":"file_extension","value":@}]"#),
            "exceptions[0].conditions[0].value",
        ),
        (
            r#"{"scopes":[{"path":{"regex":@}}]}"#.to_owned(),
            "scopes[0].path.regex",
        ),
        (
            r#"{"scopes":[{"host":[{"regex":@}]}]}"#.to_owned(),
            "scopes[0].host[0].regex",
        ),
        (
            r#"{"scopes":[{"host":"a","exceptions":[{"rules":17,"value":{"regex":@}}]}]}"#
                .to_owned(),
            "scopes[0].exceptions[0].value.regex",
        ),
        (
            r#"{"scopes":[{"host":"a","rules":[{"id":100001,"regex":@,"score":{"scanner":4}}]}]}"#
                .to_owned(),
            "scopes[0].rules[0].regex",
        ),
    ];
    for (template, place) in places {
        for (pattern, message) in [
            ("\"(?:a{100}){900}\"", "compiles to 2160684 bytes; at most"),
            (
                "\"(?:a{1000}){1000}\"",
                "compiles to more than 4194304 bytes",
            ),
            ("\"(a\"", "unclosed group"),
        ] {
            let policy = template.replace('@', pattern);
            let found = problems(&policy);
            let told: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert!(
                matches!(found.as_slice(), [one] if one.message.starts_with(message)),
                "{policy}: {told:?}"
            );
            // Of a list, the list may be named.
            let path = found[0].path.trim_start_matches("$.");
            let list = place.trim_end_matches(".regex");
            assert!(
                path == place || path == list,
                "{policy}: {path}, not {place}"
            );
        }
        let fine = template.replace('@', "\"/a\"");
        assert!(problems(&fine).is_empty(), "{fine}: {:?}", problems(&fine));
    }
}

/// Texts of conditions are searched for in every request, as literals of rules are.
#[test]
fn texts_of_conditions_count_as_literals() {
    let policy = |key: &str, count: usize| {
        let rules: Vec<String> = (0..count)
            .map(|n| {
                format!(
                    r#"{{"id":{},"score":{{"scanner":4}},"when":{{"field":"a","{key}":["{n:01000}"]}}}}"#,
                    100_000 + n
                )
            })
            .collect();
        format!(r#"{{"rules":[{}]}}"#, rules.join(","))
    };
    for key in ["equals", "prefix", "suffix", "contains", "glob", "literals"] {
        assert!(problems(&policy(key, 250)).is_empty(), "{key}");
        let found = problems(&policy(key, 300));
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        let Problem { path, message, .. } = &found[0];
        assert_eq!(path, &format!("$.rules[262].when.{key}"));
        assert!(
            message.contains("all literals together have more than 262144 bytes"),
            "{message}"
        );
    }
}

#[test]
fn an_exception_has_no_more_conditions_than_are_kept() {
    let with = |count| {
        let conditions = vec![r#"{"match": "raw_body"}"#; count].join(", ");
        format!(r#"{{"exceptions": [{{"rule_id": 1013, "conditions": [{conditions}]}}]}}"#)
    };
    assert!(problems(&with(32)).is_empty());
    let found = problems(&with(33));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "$.exceptions[0]");
    assert_eq!(found[0].message, "at most 32 conditions");
}

#[test]
fn there_is_an_end_of_scopes_and_of_problems() {
    let scopes = |count: u32| {
        let each = (0..count).map(|n| format!(r#"{{"host": "h{n}.test"}}"#));
        let each: Vec<_> = each.collect();
        format!(r#"{{"scopes": [{}]}}"#, each.join(", "))
    };
    assert!(problems(&scopes(1000)).is_empty());
    assert_eq!(
        problems(&scopes(1001))[0].message,
        "1001 scopes; at most 1000"
    );
    let keys: Vec<_> = (0..150).map(|n| format!("\"key{n}\": 1")).collect();
    let found = problems(&format!("{{{}}}", keys.join(", ")));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].message, "50 more problems");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(problems(&deep).len(), 1);
}
