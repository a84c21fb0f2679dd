//! The context-checked detectors: what they must let through, made from grammars of ordinary
//! traffic, and what they must not.

use palisade::detect::Detector;

fn found(text: &str) -> Vec<&'static str> {
    use palisade::model::Named;
    [
        Detector::LibinjectionSqlInContext,
        Detector::LibinjectionXssInContext,
    ]
    .into_iter()
    .filter(|detector| detector.matches(text.as_bytes()))
    .map(Named::name)
    .collect()
}

/// Every combination of one part from each list.
fn combinations(parts: &[&[&str]]) -> Vec<String> {
    parts.iter().fold(vec![String::new()], |texts, part| {
        texts
            .iter()
            .flat_map(|text| part.iter().map(move |piece| format!("{text}{piece}")))
            .collect()
    })
}

#[track_caller]
fn lets_through(texts: impl IntoIterator<Item = String>) {
    let mut count = 0;
    let alarms: Vec<(String, Vec<&str>)> = texts
        .into_iter()
        .inspect(|_| count += 1)
        .map(|text| {
            let found = found(&text);
            (text, found)
        })
        .filter(|(_, found)| !found.is_empty())
        .collect();
    assert!(
        alarms.is_empty(),
        "{} of {count}: {:#?}",
        alarms.len(),
        &alarms[..alarms.len().min(20)]
    );
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn names_pass() {
    let names: &[&str] = &[
        "O'Brien",
        "D'Angelo",
        "L'Hôpital",
        "Ng'ang'a",
        "Dell'Orto",
        "O'Neill-Smith",
        "van 't Hoff",
        "M'Baye",
        "Jean d'Arc",
        "Drop Table",
        "Null",
        "Union",
        "Andy Or",
        "Select",
        "Robert'); smith",
    ];
    let joins: &[&str] = &[
        " and ", " or ", " & ", ", ", "; ", " - ", " / ", " -- ", " vs. ",
    ];
    lets_through(combinations(&[names, joins, &names[..14]]));
    lets_through(combinations(&[
        &["Mr. ", "Dr ", "1 ", "\"", "'"],
        names,
        &["", " Jr.", "'s", "' house", " (1999)", "\""],
    ]));
}

#[test]
fn prose_passes() {
    let subject: &[&str] = &[
        "The boys' team",
        "Rock 'n' Roll",
        "It's",
        "The \"union\"",
        "A select few",
        "1 of us",
        "80% of it",
        "We (all)",
        "'Tis",
        "Don't",
        "The students' union",
        "She said \"no\" and",
        "5 o'clock",
        "The '90s",
        "Table 1:",
    ];
    let verb: &[&str] = &[
        " will select and insert",
        " is like",
        " or",
        " and",
        " - not",
        ", having been ordered by",
        " drops; then creates",
        " = ",
        " updates (sets)",
        " is 'not'",
        " is \"like\"",
        " has 2 or 3",
        " between 1 and 2",
    ];
    let object: &[&str] = &[
        " the boys' coats",
        " a table from the list.",
        " 5 or 6 items",
        " O'Hara's",
        " \"quotes\" and 'more'.",
        " 100%!",
        " (see section 3)",
        " where it's at",
        " 1 + 1 = 2",
        " -- as ever",
        " # 1",
        " /* sic */",
        "; use it.",
        " 7\" x 5\"",
    ];
    lets_through(combinations(&[subject, verb, object]));
}

#[test]
fn search_phrases_pass() {
    let phrases: &[&str] = &[
        "union select committee",
        "student union select your seat",
        "select from the menu",
        "drop table tennis",
        "insert into slot",
        "delete from my account",
        "update set top box",
        "how to drop table in sql",
        "sql select distinct",
        "order by phone",
        "group by age",
        "having fun",
        "table and chairs",
        "create table top",
        "\"like new\"",
        "36\" x 48\" frame",
        "1/4\"-1/2\" ribbon",
        "80% cotton and 20% wool",
        "20 or 30",
        "black and white",
        "\"*\"",
        "c++ or c#",
        "rock & roll",
        "at&t",
        "size=10",
        "price<20",
        "a || b",
        "cats && dogs",
        "what's new",
        "exec summary",
        "declare war",
        "waitfor me",
        "char (unit)",
        "left join vs right join",
        "case when to use",
        "sleep (band)",
        "script tag",
        "on click handler",
        "style = vintage",
        "data: a love story",
        "javascript: the good parts",
    ];
    lets_through(combinations(&[
        &["", " ", "buy ", "the ", "1 ", "+"],
        phrases,
        &["", " ", " 2024", " -ebay", "?", " \"new\""],
    ]));
}

#[test]
fn header_like_values_pass() {
    lets_through(owned(&[
        "*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "application/json; charset=utf-8",
        "text/*;q=0.3, text/html;q=0.7, text/html;level=1",
        "multipart/form-data; boundary=----x",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "2024-01-01T00:00:00+02:00",
        "bytes=0-499, -500",
        "W/\"67ab43\", \"54ed21\"",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 1.1.4322)",
        "curl/8.5.0",
        "en-US,en;q=0.8,de;q=0.5",
        "max-age=0, no-cache",
        "\"Chromium\";v=\"122\", \"Not(A:Brand\";v=\"24\"",
        "default-src 'self'; img-src *; script-src 'none'",
        "Basic dXNlcjpwYXNz",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln--",
        "GS1.1.1700000000.1.1.1700000001.0.0.0",
        "550e8400-e29b-41d4-a716-446655440000",
        "1.2.3.4, 10.0.0.1",
        "(555) 123-4567",
        "+49 (0) 30 / 1234-5678",
        "me+tag@example.com",
        "\"O'Brien, Pat\" <pat@example.com>",
        "https://example.com/a?b=1&c=2#d",
        "//cdn.example.com/x.js",
        "C:\\Program Files\\App",
        "/usr/local/bin",
        "a=1; b='two'; c=\"3\"",
        "1,2,3",
        "(1,2),(3,4)",
        "[1, 2]",
        "-1",
        "--",
        "#fff",
        "rgba(0, 0, 0, 0.5)",
        "calc(100% - 10px)",
        "x > 1 && y < 2",
        "1 + 1",
        "$1,000.00",
        "100%",
        "?",
        "N/A",
        "null",
    ]));
}

#[test]
fn filter_expressions_pass() {
    let field: &[&str] = &[
        "name",
        "status",
        "createdAt",
        "price",
        "user.id",
        "labels.env",
    ];
    let compare: &[&str] = &[
        " eq 'x'",
        " = \"Done\"",
        " gt 20",
        " LIKE '%a%'",
        " in ('a', 'b')",
        ":\"x y\"",
        " != null",
        "=prod",
    ];
    let join: &[&str] = &[" and ", " AND ", " or ", " && "];
    lets_through(combinations(&[field, compare, join, field, compare]));
    lets_through(combinations(&[
        &["("],
        field,
        compare,
        &[") AND ("],
        field,
        compare,
        &[")"],
    ]));
}

#[test]
fn code_passes() {
    lets_through(owned(&[
        "print('hello', \"world\")",
        "const a = b || 'c';",
        "if (x == 1 && y == 'a') { return foo(\"bar\"); }",
        "x = [('a', 1), ('b', 2)]",
        "'a', 'b'),\n('c', 'd'",
        "\"key\": \"value\", \"n\": [1, 2]",
        "{\"a\": {\"b\": 'c'}}",
        "for (let i = 0; i < n; i++) { console.log(`${i}`); }",
        "else if (!strcmp(key, \"protocol\")) {",
        "def f(x='a', *args, **kw): return x or 'b'",
        "fn main() { println!(\"{}\", 'a'); }",
        "SELECT your favourite",
        "b'-' | b'+' => 1,",
        "return f\"<{self.name!r} ({self.kind!r})>\"",
        "List<Object> x = new ArrayList<>();",
        "Option<Script>",
        "Map<String, Style> styles = of();",
        "Vec<Box<dyn Fn(&str)>>",
        "use the <link> element in the head",
        "put it into a <script> tag",
        "the <style> and <base> tags",
        "<p style=\"color: red\">It's <b>fine</b></p>",
        "<a href=\"https://example.com/?a=1&b=2\">link</a>",
        "<!-- a comment with `code` -->",
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>x</title></head><body>hi</body></html>",
        "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"a\">",
        "<svg viewBox=\"0 0 16 16\" xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>",
        "<?xml version=\"1.0\"?><order><id>1</id></order>",
        "<!--[if mso]><table><tr><td><![endif]-->",
        "<button onClick={handleClick}>Save</button>",
        "<Button onClick={() => save(id)} style={{ color: 'red' }} />",
        "style = self.styles[kind]",
        "onerror = retry",
        "onboarding=complete",
        "from = data, to=java",
        "src=javascript/app.js",
        "exec(\"cfg.\" + line)",
        "time.sleep(5)",
        "await sleep(100);",
        "/*! jQuery v3.7.1 | (c) OpenJS */",
        "/* outer /* inner */ */",
        "git commit -m 'fix' -- file",
        "ls -la | grep 'x' && echo \"ok\"",
        "a ? 'b' : \"c\"; // d",
        "#define X(a) ((a) + 1)",
        "WHERE clause or HAVING clause?",
        "i <3 u",
        "a<b>c",
        "x<-5; y->z",
        "'%s' % (a, b)",
        "\"%{logicalId}\",",
        "'+': add, '-': sub, '*': mul",
    ]));
}

#[test]
fn injections_are_found() {
    // Places to break out of, and what then follows; after sqlmap's boundaries and payloads.
    let boundary: &[&str] = &[
        "1",
        "-1",
        "1)",
        "1'",
        "1\"",
        "1')",
        "x'))",
        "admin'",
        "%'",
        "Hill Hotel'",
        "'",
        "\")",
    ];
    let payload: &[&str] = &[
        " or 1=1-- ",
        " and 7533=7533 -- x",
        " or 'a'='a' -- ",
        " union select 1,2,3-- ",
        " UNION ALL SELECT NULL,NULL#",
        "/**/union/**/select/**/password/**/from/**/users#",
        " and sleep(5)#",
        " or (select 1)=1 -- ",
        "; drop table users-- ",
        "; waitfor delay '0:0:5'-- ",
        " and extractvalue(1,concat(0x5c,version()))#",
        " order by 5-- ",
        " and ascii(substr(user(),1,1))>64#",
        " rlike sleep(5)#",
        " procedure analyse(extractvalue(1,2),1)#",
        " having 1=1-- ",
        " or exists(select 1 from dual)-- ",
    ];
    let missed: Vec<String> = combinations(&[boundary, payload])
        .into_iter()
        .filter(|text| !Detector::LibinjectionSqlInContext.matches(text.as_bytes()))
        .collect();
    // What libinjection itself has no fingerprint for is for the signatures.
    let ours: Vec<&String> = missed
        .iter()
        .filter(|text| Detector::LibinjectionSql.matches(text.as_bytes()))
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
    assert!(
        missed.len() * 20 < boundary.len() * payload.len(),
        "{missed:#?}"
    );
    for text in [
        "admin'--",
        "' or ''='",
        "'='",
        "' | '",
        "1 * 1 /*",
        "a' like 'b",
        "1/*!50000union*/ select 2",
        "x' and email='a' or name='b",
        "(select 99999999 from pg_sleep(15))",
        "if(now()=sysdate(),sleep(5),0)/*",
        "id,(select 1 from users)",
        "HOPE AND (8)=(3)",
        "chr(11)||chr(12)||chr(13)",
        "1;exec xp_cmdshell 'dir'",
    ] {
        assert!(
            Detector::LibinjectionSqlInContext.matches(text.as_bytes()),
            "{text}"
        );
    }
}

#[test]
fn scripts_are_found() {
    for text in [
        "<script>alert(1)</script>",
        "x<script>alert(1)</script>",
        "<ScRiPt src=//evil.example></sCrIpT>",
        "<script\n>alert`1`</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><script>alert&#40;1)</script>",
        "<body onload=x>",
        "\" onmouseover=\"alert(1)",
        "' autofocus onfocus='alert(1)",
        "x onclick=alert(1)",
        "` onload=`alert(1)",
        "<a href=javascript:alert(1)>x</a>",
        "<a href=\"&#106;ava&#x0a;script&colon;alert(1)\">",
        "<a href=' \tjavas\ncript:alert(1)'>",
        "<iframe src=//evil.example>",
        "<iframe srcdoc='&lt;script>'>",
        "<object data=\"data:text/html,<script>\">",
        "<base href=//evil.example/>",
        "<embed src=x.swf>",
        "<meta http-equiv=refresh content=\"0;url=//evil.example\">",
        "<form action=javascript:alert(1)>",
        "<button formaction=javascript:alert(1)>",
        "<style>@import '//evil.example'</style>",
        "<p style=\"x:expression(alert(1))\">",
        "<link rel=import href=//evil.example>",
        "<x onpointerover=alert(1)>",
        "<!--[if IE]><script>alert(1)</script><![endif]-->",
        "<svg><animate attributeName=href values=javascript:alert(1)>",
        "<svg><set attributeName=onmouseover to=alert(1)>",
        "<img src=1 onerror=\0alert(1)>",
        "<a href=\"data:text/html;base64,PHN2Zz4=\">",
        "<x:script xmlns:x=\"http://www.w3.org/1999/xhtml\">alert(1)</x:script>",
    ] {
        assert!(
            Detector::LibinjectionXss.matches(text.as_bytes()),
            "plain: {text}"
        );
        assert!(
            Detector::LibinjectionXssInContext.matches(text.as_bytes()),
            "{text}"
        );
    }
}

/// What the checked strength finds, the plain one finds too.
#[test]
fn context_only_takes_away() {
    for text in [
        "' or 1=1-- ",
        "select 1,2 from x",
        "O'Brien",
        "<script>alert(1)</script>",
        "<link>",
        "1",
    ] {
        let text = text.as_bytes();
        assert!(
            Detector::LibinjectionSql.matches(text)
                || !Detector::LibinjectionSqlInContext.matches(text)
        );
        assert!(
            Detector::LibinjectionXss.matches(text)
                || !Detector::LibinjectionXssInContext.matches(text)
        );
    }
}
