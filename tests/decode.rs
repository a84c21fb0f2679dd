//! Each decoder by tables of cases, and all of them together as one text is expanded into its views.

use palisade::decode::{
    Expander, Outcome, base64, css, entity, expand, fold, javascript, null, path, percent, scheme,
    shell, sql, unicode_percent, utf7, utf8,
};
use palisade::model::{Anomaly, AnomalySet, View, ViewSet};

type Decode = fn(&[u8], &mut Vec<u8>) -> Outcome;

/// Checks a table of (input, output, where the case was learned), and that `changed` tells the truth.
#[track_caller]
fn check(decode: Decode, cases: &[(&[u8], &[u8], &str)]) {
    for (input, expected, source) in cases {
        let mut out = b"kept".to_vec();
        let outcome = decode(input, &mut out);
        let out = out.strip_prefix(b"kept").expect("appends to what is there");
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{} ({source})",
            input.escape_ascii()
        );
        assert_eq!(outcome.changed, out != *input, "changed, {source}");
    }
}

#[test]
fn percent_encoding() {
    let strict: Decode = |input, out| percent::decode(input, false, out);
    check(
        strict,
        &[
            (b"", b"", "nothing"),
            (b"%3Cscript%3e", b"<script>", "RFC 3986, 2.1: both cases"),
            (b"a+b", b"a+b", "RFC 3986: `+` is itself outside of forms"),
            (b"100%", b"100%", "WHATWG URL, 1.3: a stray % stays"),
            (b"%4", b"%4", "cut off"),
            (b"%zz%41", b"%zzA", "WHATWG URL, 1.3"),
            (
                b"%%32%37",
                b"%27",
                "half-broken: the second pass gives the quote",
            ),
            (b"%2%37", b"%27", "half-broken"),
            (b"%00", b"\0", "CWE-158"),
            (b"%ff%C3%A9", b"\xff\xc3\xa9", "bytes, not characters"),
            (b"%u0027", b"%u0027", "no percent-encoding of RFC 3986"),
        ],
    );
    let form: Decode = |input, out| percent::decode(input, true, out);
    check(form, &[(b"a+%2B+b", b"a + b", "WHATWG URL, 5.1")]);
    let mut out = Vec::new();
    for (input, odd) in [("50% off", true), ("50%25 off", false), ("%2", true)] {
        let anomalies = percent::decode(input.as_bytes(), true, &mut out).anomalies;
        assert_eq!(anomalies.contains(Anomaly::InvalidPercent), odd, "{input}");
    }
}

#[test]
fn unicode_percent_encoding() {
    check(
        unicode_percent::decode,
        &[
            (b"%u003cscript%U003E", b"<script>", "ECMA-262, B.2.1.1; IIS"),
            (b"%uff1c", "＜".as_bytes(), "best fit is the next step's"),
            (b"%ud83d%ude00", "😀".as_bytes(), "a pair of surrogates"),
            (
                b"%ud83dx%ude00",
                "\u{FFFD}x\u{FFFD}".as_bytes(),
                "half pairs",
            ),
            (
                b"%ud83d%ud83d%ude00",
                "\u{FFFD}😀".as_bytes(),
                "half, then whole",
            ),
            (b"%u00", b"%u00", "cut off"),
            (b"%u12g4 %3c", b"%u12g4 %3c", "no hexadecimal digit"),
        ],
    );
}

#[test]
fn overlong_utf8() {
    check(
        utf8::decode,
        &[
            (
                b"\xc0\xae\xc0\xae\xc0\xaf",
                b"../",
                "RFC 3629, 10; CVE-2000-0884",
            ),
            (b"\xc1\x9c", b"\\", "CVE-2000-0884"),
            (
                b"\xe0\x80\xaf\xf0\x80\x80\xaf",
                b"//",
                "three and four bytes",
            ),
            (
                b"\xf8\x80\x80\x80\xaf\xfc\x80\x80\x80\x80\xaf",
                b"//",
                "RFC 2279 forms",
            ),
            (
                b"\xc0\x2f\xc0\x2e\xc1\x1c",
                b"/.\\",
                "unchecked second byte, CVE-2000-0884",
            ),
            (b"\xe0\x83\xa9", "é".as_bytes(), "overlong but not ASCII"),
            (b"\xc0\x80", b"\0", "modified UTF-8 of Java"),
            (
                "café ＜ 😀".as_bytes(),
                "café ＜ 😀".as_bytes(),
                "ordinary UTF-8",
            ),
            (b"\xc0 la carte", b"\xc0 la carte", "Latin-1"),
            (b"\xe0\x80", b"\xe0\x80", "cut off"),
            (b"\xff\xfe\x80", b"\xff\xfe\x80", "no UTF-8 at all"),
        ],
    );
    let mut out = Vec::new();
    let odd = |text: &[u8], out: &mut Vec<u8>| {
        utf8::decode(text, out)
            .anomalies
            .contains(Anomaly::OverlongUtf8)
    };
    assert!(odd(
        "é\u{FF1C}"
            .as_bytes()
            .iter()
            .chain(b"\xc0\xaf")
            .copied()
            .collect::<Vec<_>>()
            .as_slice(),
        &mut out
    ));
    assert!(
        !odd(b"\x89PNG\xc0\xaf\xff", &mut out),
        "binary data has such bytes by chance"
    );
    assert!(!odd("café".as_bytes(), &mut out));
}

#[test]
fn null_bytes() {
    check(
        null::decode,
        &[
            (b"file.php\0.jpg", b"file.php.jpg", "CWE-158"),
            (b"<\0s\0c\0r\0i\0p\0t\0>\0", b"<script>", "UTF-16"),
            (b"text", b"text", "none"),
        ],
    );
}

#[test]
fn character_references() {
    check(
        entity::decode,
        &[
            (b"&lt;b&gt;", b"<b>", "WHATWG HTML, 13.2.5.73"),
            (b"&ltscript&GT", b"<script>", "without semicolon"),
            (b"&#60;&#x3c;&#X3C;", b"<<<", "13.2.5.75 to 13.2.5.79"),
        ],
    );
    check(
        entity::decode,
        &[
            (b"&#0000060x", b"<x", "leading zeros, no semicolon"),
            (b"&#x00000003e ", b"> ", "leading zeros, no semicolon"),
            (
                b"java&#x0A;script&colon;",
                b"java\nscript:",
                "OWASP XSS cheat sheet",
            ),
            (
                b"jav&#x09;ascript&Tab;&NewLine;",
                b"jav\tascript\t\n",
                "OWASP XSS cheat sheet",
            ),
            (
                b"&lpar;&rpar;&apos;&quot;&bsol;&sol;",
                b"()'\"\\/",
                "names of ASCII",
            ),
            (
                b"&lbrace;&lcub;&lsqb;&lbrack;&grave;&DiacriticalGrave;",
                b"{{[[``",
                "second names",
            ),
            (b"&amp;lt;", b"&lt;", "one level at a time"),
            (b"&#128;&#x99;", "€™".as_bytes(), "13.2.5.80: Windows-1252"),
            (
                b"&#0;&#xD800;&#x110000;&#99999999999999999999;",
                "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}".as_bytes(),
                "13.2.5.80",
            ),
            (b"&ltimes;&ltdot;", "⋉⋖".as_bytes(), "the longest name wins"),
            (
                b"&notit; &copy &unknown; &; &# &#x; &#xg;",
                b"&notit; &copy &unknown; &; &# &#x; &#xg;",
                "no ASCII, or none",
            ),
            (
                b"AT&T, Q&A, a&b=c&d",
                b"AT&T, Q&A, a&b=c&d",
                "prose and queries",
            ),
            (b"&nbsp;", "\u{A0}".as_bytes(), "white space to SQL"),
        ],
    );
}

#[test]
fn base64_text() {
    check(
        base64::decode,
        &[
            (
                b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
                b"<script>alert(1)</script>",
                "RFC 4648, 4",
            ),
            (
                b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
                b"<script>alert(1)</script>",
                "without padding",
            ),
            (
                b"Jz8-Jz8-Jz8-Jz8-",
                b"'?>'?>'?>'?>",
                "RFC 4648, 5: URL-safe",
            ),
            (
                b"Jz8 Jz8 Jz8 Jz8 ",
                b"'?>'?>'?>'?",
                "form decoding took the +",
            ),
            (
                b"PHNjcmlwdD5hbGVydCgx\r\nKTwvc2NyaXB0Pg==",
                b"<script>alert(1)</script>",
                "RFC 2045, 6.8",
            ),
            (
                b"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
                b"data:text/html;base64,<script>alert(1)</script>",
                "RFC 2397",
            ),
            (
                b"{\"q\":\"JyBvciAxPTEtLSBhbmQ=\"}",
                b"{\"q\":\"' or 1=1-- and\"}",
                "inside of JSON",
            ),
            (
                b"/go/aHR0cDovL2V2aWwuZXhhbXBsZS8",
                b"/go/http://evil.example/",
                "a segment of a path",
            ),
            (
                b"PABzAGMAcgBpAHAAdAA+AA==",
                b"<\0s\0c\0r\0i\0p\0t\0>\0",
                "UTF-16, as PowerShell has it",
            ),
            (
                "w6kgOyBjYXQgL2V0Yy9wYXNzd2Q=".as_bytes(),
                "é ; cat /etc/passwd".as_bytes(),
                "UTF-8",
            ),
        ],
    );
}

#[test]
fn what_is_no_base64() {
    let texts = [
        "information",
        "InternationalizationAndLocalization",
        "d41d8cd98f00b204e9800998ecf8427e",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "550e8400-e29b-41d4-a716-446655440000",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/",
        "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
        "api/v1/users/active/organizations/Members",
        "GA1.2.1234567890.1600000000",
        "MEUCIQDnLQm7zEZ1uGtJ0m2sD3Bq1u2c8KxXn4ql0nq8Xn5bWQIgX0Z8v6bq3kz4gq8F7g",
        "The quick brown fox jumps over the lazy dog",
        "Please call me back at noon tomorrow",
    ];
    for text in texts {
        assert!(!base64::applies(text.as_bytes()), "{text}");
    }
}

#[test]
fn utf_7() {
    check(
        utf7::decode,
        &[
            (
                b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
                b"<script>alert(1)</script>",
                "OWASP XSS cheat sheet",
            ),
            (
                b"+ADwAcwBjAHIAaQBwAHQAPg-",
                b"<script>",
                "RFC 2152: one run",
            ),
            (
                b"+ADw script+AD4 ",
                b"< script> ",
                "any other character ends a run",
            ),
            (b"+AGEAYgA+-", b"ab>", "`+` is a letter too"),
            (b"1+1+ADw-", b"1+1<", "behind an ordinary +"),
            (b"+ADwA6Q-", b"<?", "beyond ASCII"),
            (
                b"1+1=2, C++, +4912345678, A+B+C, a+-b",
                b"1+1=2, C++, +4912345678, A+B+C, a+-b",
                "prose",
            ),
            (b"+AGEAYg-", b"+AGEAYg-", "hides nothing"),
            (
                b"q+AAAA/8BCDEFGH+ijklmnop",
                b"q+AAAA/8BCDEFGH+ijklmnop",
                "base64",
            ),
        ],
    );
}

#[test]
fn characters_that_become_ascii() {
    check(
        fold::decode,
        &[
            (
                "＜ｓｃｒｉｐｔ＞".as_bytes(),
                b"<script>",
                "Unicode NFKC; CWE-176",
            ),
            (
                "ʼ or 1=1".as_bytes(),
                b"' or 1=1",
                "best fit to Windows-1252",
            ),
            (
                "∕etc∕passwd ‥⁄".as_bytes(),
                b"/etc/passwd ../",
                "best fit; NFKC",
            ),
            ("﹤svg﹥".as_bytes(), b"<svg>", "small forms"),
            ("http://ⓔⓥⓘⓛ①②⑦".as_bytes(), b"http://evil127", "UTS #46"),
            (
                "169。254。169.254".as_bytes(),
                b"169.254.169.254",
                "UTS #46: other full stops",
            ),
            (
                "<𝓼𝓬𝓻𝓲𝓹𝓽>𝟙𝐙".as_bytes(),
                b"<script>1Z",
                "mathematical letters",
            ),
            (
                "<ſcrıpt>".as_bytes(),
                b"<script>",
                "letters whose upper case is ASCII",
            ),
            ("\u{212A}ill".as_bytes(), b"Kill", "the sign of the kelvin"),
            (
                "你好，世界！（测试）：好；吗？".as_bytes(),
                "你好，世界！（测试）：好；吗？".as_bytes(),
                "Chinese prose",
            ),
            (
                "これはペンです。はい。".as_bytes(),
                "これはペンです。はい。".as_bytes(),
                "Japanese prose",
            ),
            (
                "Işık ve ıssız bir yol".as_bytes(),
                "Işık ve ıssız bir yol".as_bytes(),
                "Turkish prose",
            ),
            (
                "don’t “quote” … – café".as_bytes(),
                "don’t “quote” … – café".as_bytes(),
                "typography",
            ),
        ],
    );
}

#[test]
fn schemes_with_control_characters() {
    check(
        scheme::decode,
        &[
            (
                b"java\nscript:alert(1)",
                b"javascript:alert(1)",
                "WHATWG URL, 4.4",
            ),
            (
                b"<a href=\"J\ta\rV\nascript\x01:x\">",
                b"<a href=\"JaVascript:x\">",
                "each letter",
            ),
            (b"vb\tscript: d\nata: x", b"vbscript: data: x", "two"),
            (
                b"met\na data:\nand so: on\njavascript:",
                b"met\na data:\nand so: on\njavascript:",
                "lines of prose",
            ),
        ],
    );
}

#[test]
fn javascript_escapes() {
    check(
        javascript::decode,
        &[
            (b"\\u003cscript\\x3E", b"<script>", "ECMA-262, 12.9.4"),
            (b"\\u{3c}\\u{000000003C}", b"<<", "code point escapes"),
            (b"\\74\\047\\50x", b"<'(x", "B.1.2: octal"),
            (b"\\U0000003c", b"<", "Python, C"),
            (b"\\\"\\'\\/\\n\\t", b"\"'/\n\t", "RFC 8259, 7"),
            (b"ale\\\nrt", b"alert", "line continuation"),
            (
                b"\\ud83d\\ude00\\ud83d",
                "😀\u{FFFD}".as_bytes(),
                "surrogates",
            ),
            (b"\\\\u003c", b"\\u003c", "escaped twice"),
            (
                b"\\\\\\\\\\\\server",
                b"\\server",
                "any number of backslashes is one",
            ),
            (
                b"C:\\Windows\\system32 \\u12 \\x1 \\8 \\1 \\u{} \\u{3c",
                b"C:\\Windows\\system32 \\u12 \\x1 \\8 \\1 \\u{} \\u{3c",
                "no escapes",
            ),
        ],
    );
}

#[test]
fn css_escapes() {
    check(
        css::decode,
        &[
            (
                b"\\75rl(\\6a\\61 vascript:x)",
                b"url(javascript:x)",
                "CSS Syntax 3, 4.3.7",
            ),
            (
                b"\\00003c \\3c\r\n/",
                b"<</",
                "zeros and the space that ends",
            ),
            (
                b"e\\xpr/**/ession(1)",
                b"expression(1)",
                "OWASP XSS cheat sheet",
            ),
            (b"a\\0 b\\", b"ab\\", "null; nothing to escape"),
            (b"/*/ x", b"/*/ x", "no end"),
        ],
    );
}

#[test]
fn sql_comments() {
    check(
        sql::decode,
        &[
            (
                b"1/**/union/*x y*/select",
                b"1 union select",
                "comments as separators",
            ),
            (
                b"1 /*!50000union*/ /*!select*/ /*!080034a*/ /*M!100500b*/",
                b"1 union select a b",
                "MySQL 8.0, 11.7",
            ),
            (
                b"1 /*!99999union*/x",
                b"1 x",
                "a version that never was runs nowhere",
            ),
            (
                b"/*!50000 select /*x*/ 1 */ from",
                b"select 1 from",
                "a comment inside",
            ),
            (
                b"union\x0b\x0c\t\r\n select\xa0\xc2\xa01",
                b"union select 1",
                "white space of MySQL",
            ),
            (
                "union\u{3000}\u{2003}select\u{FEFF}1".as_bytes(),
                b"union select 1",
                "white space of Unicode",
            ),
            (
                b"union\x01\x1fselect",
                b"union select",
                "white space of SQL Server",
            ),
            (b"'+or+1=1", b"' or 1=1", "+ in a text with no space"),
            (b"1 + 2+3", b"1 + 2+3", "+ elsewhere"),
            (b"admin'/*", b"admin'/*", "a comment without end is a sign"),
            (b"a */ b", b"a */ b", "an end alone"),
            (
                "à\u{1F620} x".as_bytes(),
                "à\u{1F620} x".as_bytes(),
                "A0 as the end of a character",
            ),
            (b" text\n", b"text", "ends"),
        ],
    );
    check(
        sql::decode_innermost,
        &[
            (
                b"'/*'=0 union/*x*/select",
                b"'/*'=0 union select",
                "an opening in a string",
            ),
            (b"1/*x*/union", b"1 union", "as before"),
            (
                b"1 union/*/**/*/select",
                b"1 union select",
                "PostgreSQL nests comments",
            ),
            (b"a /* b /* c", b"a /* b /* c", "no end"),
        ],
    );
    check(
        sql::decode_lines,
        &[(
            b"union--x\nselect#y\r\n1 -- -",
            b"union select 1 -- -",
            "to the end of the line",
        )],
    );
    assert!(sql::nested(b"'/*'=0 union/*x*/select") && !sql::nested(b"/*x*//*y*/"));
    assert!(sql::has_lines(b"a # b\nc") && !sql::has_lines(b"a # b\n"));
}

#[test]
fn shell_words() {
    check(
        shell::decode,
        &[
            (
                b"c'a't /e\"t\"c/pass''wd",
                b"cat /etc/passwd",
                "quotes inside of words",
            ),
            (
                b"c\\at /et\\c/pa\\\nsswd",
                b"cat /etc/passwd",
                "backslashes",
            ),
            (b"w^h^o^ami", b"whoami", "cmd.exe"),
            (
                b"i`e`x Invoke`-Expression",
                b"iex Invoke-Expression",
                "PowerShell",
            ),
            (
                b"cat${IFS}/etc/passwd;cat$IFS$9/etc/passwd",
                b"cat /etc/passwd;cat /etc/passwd",
                "field separators",
            ),
            (b"cat${IFS%??}x", b"cat x", "with a modifier"),
            (
                b"ca$@t ca$*t w$1hoami c${x}at who$()ami",
                b"cat cat whoami cat whoami",
                "empty expansions",
            ),
            (
                b"cat$u /etc$u/passwd",
                b"cat /etc/passwd",
                "unset variables",
            ),
            (
                b"cat ${HOME:0:1}etc${PATH:0:1}passwd",
                b"cat /etc/passwd",
                "a slash out of nothing",
            ),
            (b"{cat,/etc/passwd}", b"cat /etc/passwd", "brace expansion"),
            (
                b"$'\\x63\\141t' /etc/pass[w]d",
                b"cat /etc/passwd",
                "ANSI-C quoting; brackets",
            ),
            (
                b"'; c'a't /etc/passwd",
                b"'; cat /etc/passwd",
                "behind the quote that was broken out of",
            ),
            (
                b"I don't, you can't; 5 o'clock",
                b"I don't, you can't; 5 o'clock",
                "prose",
            ),
            (
                b"use `code` here, US$ 5.00 or $10",
                b"use `code` here, US$ 5.00 or $10",
                "prose",
            ),
            (
                b"a{1,2} {} {x} f() { return }",
                b"a{1,2} {} {x} f() { return }",
                "code",
            ),
        ],
    );
}

#[test]
fn resolved_paths() {
    check(
        path::decode,
        &[
            (b"/a/./b/../c", b"/a/c", "RFC 3986, 5.2.4"),
            (b"/a/../../../etc/passwd", b"/etc/passwd", "above the root"),
            (b"//a///b//", b"/a/b/", "repeated slashes"),
            (b"\\a\\..\\b", b"/b", "backslashes"),
            (
                b"/app/..;/manager;jsessionid=1/html",
                b"/manager/html",
                "parameters, CVE-2020-5902",
            ),
            (b"/a/b/..", b"/a/", "RFC 3986, 5.2.4"),
            (b"/a/.", b"/a/", "RFC 3986, 5.2.4"),
            (b"/", b"/", "root"),
            (b"", b"", "nothing"),
            (b"a/../b", b"b", "relative"),
            (b"/...//.a", b"/.../.a", "no dot segments"),
        ],
    );
}

/// Every view of a text, in the order in which they come.
fn views_of(plain: &[u8], is_path: bool) -> (Vec<(View, Vec<u8>)>, AnomalySet) {
    let mut views = Vec::new();
    let anomalies =
        Expander::default().expand(plain, 5, ViewSet::all(), is_path, &mut |view, text| {
            views.push((view, text.to_vec()));
        });
    (views, anomalies)
}

#[test]
fn attacks_under_several_encodings() {
    let cases: &[(View, &[u8], &[u8], &str)] = &[
        (
            View::Decoded,
            b"%2527%2520or%25201=1",
            b"' or 1=1",
            "percent twice",
        ),
        (
            View::Decoded,
            b"%26lt%3Bscript%26gt%3B",
            b"<script>",
            "entity inside of percent",
        ),
        (
            View::Decoded,
            b"&#37;3Cscript&percnt;3e",
            b"<script>",
            "percent inside of entity",
        ),
        (
            View::Decoded,
            b"&amp;lt;script&amp;#62",
            b"<script>",
            "entity twice",
        ),
        (
            View::Decoded,
            b"%25u003cscript",
            b"<script",
            "%u inside of percent",
        ),
        (
            View::Decoded,
            b"%c0%ae%c0%ae%c0%afetc",
            b"../etc",
            "overlong inside of percent",
        ),
        (
            View::Decoded,
            b"%uff1cscript%uff1e",
            b"<script>",
            "full-width inside of %u, best fit of IIS",
        ),
        (
            View::Decoded,
            b"<scr%00ipt>",
            b"<script>",
            "a null byte inside of a tag",
        ),
        (
            View::Decoded,
            b"<scr\0ipt>",
            b"<script>",
            "a null byte inside of a tag",
        ),
        (
            View::Decoded,
            b"java&#x0A;script:alert(1)",
            b"javascript:alert(1)",
            "OWASP XSS cheat sheet",
        ),
        (
            View::Decoded,
            b"jav&Tab;ascript&colon;x",
            b"javascript:x",
            "OWASP XSS cheat sheet",
        ),
        (View::Decoded, b"+ADw-script+AD4-", b"<script>", "UTF-7"),
        (
            View::Decoded,
            b"<img onerror=\"\\u0061lert(1)\">",
            b"<img onerror=\"alert(1)\">",
            "an escape in a handler",
        ),
        (
            View::Decoded,
            b"&bsol;u0061lert(1)",
            b"alert(1)",
            "an escape out of an entity",
        ),
        (
            View::Decoded,
            b"\\u0026lt;script\\u003e",
            b"<script>",
            "an entity out of an escape",
        ),
        (
            View::Decoded,
            b"\\\\u0027 or 1=1",
            b"' or 1=1",
            "JSON inside of JSON",
        ),
        (
            View::Decoded,
            b"style=x:\\65xpression(1)",
            b"style=x:expression(1)",
            "CSS",
        ),
        (
            View::Decoded,
            b"%255c..%255c",
            b"\\..\\",
            "backslashes that separate stay",
        ),
        (
            View::Base64,
            b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg%3d%3d",
            b"<script>alert(1)</script>",
            "base64 inside of percent",
        ),
        (
            View::Base64,
            b"JTI3JTIwb3IlMjAmIzM5OzE9MS0t",
            b"' or '1=1--",
            "percent and entity inside of base64",
        ),
        (
            View::Base64,
            b"UEhOamNtbHdkRDVoYkdWeWRDZ3hLVHd2YzJOeWFYQjBQZz09",
            b"<script>alert(1)</script>",
            "base64 twice",
        ),
        (
            View::Base64,
            b"SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAKQA=",
            b"IEX (New-Object)",
            "PowerShell's UTF-16",
        ),
        (
            View::Compact,
            b"1/**/union/**/select",
            b"1 union select",
            "comments",
        ),
        (
            View::Compact,
            b"1%252f**%252funion%2509select",
            b"1 union select",
            "comments under percent twice",
        ),
        (
            View::Compact,
            b"1 union\\nselect 2",
            b"1 union select 2",
            "a line break under JSON",
        ),
        (
            View::Compact,
            b"'/*' or 1=1 union/**/select",
            b"'/*' or 1=1 union select",
            "an opening in a string",
        ),
        (
            View::Compact,
            b"union # x\nselect",
            b"union select",
            "a comment to the end of the line",
        ),
        (
            View::Shell,
            b";c%27a%27t${IFS}/etc/passwd",
            b";cat /etc/passwd",
            "quotes under percent",
        ),
        (
            View::Shell,
            b"MTtjJ2EndCAvZXRjL3Bhc3N3ZA==",
            b"1;cat /etc/passwd",
            "quotes under base64",
        ),
    ];
    for (view, plain, expected, source) in cases {
        let (views, _) = views_of(plain, false);
        assert!(
            views.iter().any(|(v, text)| v == view && text == expected),
            "{source}: {} gives {:?}",
            plain.escape_ascii(),
            views
                .iter()
                .map(|(view, text)| (view, text.escape_ascii().to_string()))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn every_stage_that_an_application_may_stop_at_is_seen() {
    let (views, _) = views_of(b"%252527", false);
    let decoded: Vec<_> = views
        .iter()
        .map(|(_, text)| String::from_utf8_lossy(text))
        .collect();
    assert_eq!(decoded, ["%2527", "'"]);
}

#[test]
fn paths_are_resolved() {
    let normal = |path: &[u8], is_path| {
        views_of(path, is_path)
            .0
            .into_iter()
            .find(|(view, _)| *view == View::Normal)
            .map(|(_, text)| text)
    };
    assert_eq!(normal(b"/a/%252e%252e/%5cb;x", true), Some(b"/b".to_vec()));
    assert_eq!(
        normal(b"/static/..%c0%af../etc/passwd", true),
        Some(b"/etc/passwd".to_vec())
    );
    assert_eq!(normal(b"/api/v1/users.json", true), None);
    assert_eq!(normal(b"/a/../b", false), None, "only of paths");
}

#[test]
fn nothing_is_emitted_for_ordinary_text() {
    let texts = [
        "",
        "john.smith@example.com",
        "2024-05-01T12:00:00.000Z",
        "O'Brien",
        "It's 5 o'clock, don't be late!",
        "https://example.com/path/to/page?x=1&y=2",
        "100% sure, 50% off",
        "R&D and Q&A at AT&T",
        "a=1&b=2&lang=en",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "gzip, deflate, br",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
        "550e8400-e29b-41d4-a716-446655440000",
        "+49 30 123456",
        "1 + 1 = 2",
        "Straße, Škoda, naïve, Владивосток, Ελλάδα",
        "don’t “quote” me… – ok",
        "你好，世界！（测试）",
        "#hashtag @user",
        "W/\"0815\"",
        "no-cache",
        "#1 -- the best",
        "session=d41d8cd98f00b204e9800998ecf8427e",
        "a*b*c = d",
        "/api/v1/users/42",
    ];
    for text in texts {
        let (views, anomalies) = views_of(text.as_bytes(), true);
        let views: Vec<_> = views
            .iter()
            .filter(|(view, _)| *view != View::Normal || text.starts_with('/'))
            .map(|(view, text)| (view, text.escape_ascii().to_string()))
            .collect();
        // A quoted value without its quotes is the one form that a shell shows of ordinary text.
        let permitted = if text.starts_with("W/") { 1 } else { 0 };
        assert!(
            views.len() <= permitted && anomalies.is_empty(),
            "{text}: {views:?}"
        );
    }
}

#[test]
fn no_attack_comes_out_of_ordinary_text() {
    let texts = [
        r"C:\new\table\x64\users\bin\74",
        r"\\server\share\readme.txt",
        r"D:\2024\05\report.docx",
        r"a regex \d+\s*\w{2,3}\1",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "use `cargo build` in src/ -- it's quick",
        "Line one\nLine two: see #3\n\nBye",
        "if (a < b && c > d) { return a; }",
        "price: $5.99, or $10 for two",
        "{\"a\": [1, 2], \"b\": \"c\"}",
        "a@b.example, \"Jane 'JJ' Doe\" <j@b.example>",
        "x^2 + y^2 = z^2",
    ];
    let attacks: [&[u8]; 9] = [
        b"<script",
        b"javascript:",
        b"union select",
        b"../",
        b"/etc/",
        b"' or ",
        b"cat /",
        b"onerror",
        b"\0",
    ];
    for text in texts {
        for (view, form) in views_of(text.as_bytes(), false).0 {
            for attack in attacks {
                assert!(
                    !form
                        .windows(attack.len())
                        .any(|part| part.eq_ignore_ascii_case(attack)),
                    "{text} as {view}: {}",
                    form.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn anomalies_of_expansion() {
    let limit = Anomaly::DecodeLimit;
    let nested = |depth: usize| format!("%{}27", "25".repeat(depth.saturating_sub(1)));
    for (depth, past) in [(1, false), (5, false), (6, true), (9, true)] {
        assert_eq!(
            views_of(nested(depth).as_bytes(), false).1.contains(limit),
            past,
            "{depth} times"
        );
    }
    let entity = |depth: usize| format!("&{}lt;", "amp;".repeat(depth.saturating_sub(1)));
    assert!(!views_of(entity(5).as_bytes(), false).1.contains(limit));
    assert!(views_of(entity(6).as_bytes(), false).1.contains(limit));
    let cases: &[(&[u8], &[Anomaly])] = &[
        (b"a\0b", &[Anomaly::NullByte]),
        (b"a%2500b", &[Anomaly::NullByte]),
        (b"%u0000", &[Anomaly::NullByte]),
        (b"%c0%80", &[Anomaly::NullByte, Anomaly::OverlongUtf8]),
        (b"%c0%ae", &[Anomaly::OverlongUtf8]),
        (b"char x[] = \"\\x00\\0\\u0000\"", &[]),
        (b"100% sure %zz", &[]),
        (b"SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAKQA=", &[]),
        (b"//////////////// \\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\ &&&&&&&& %%%%%%%%", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(
            views_of(text, false).1,
            AnomalySet::of(expected),
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn only_what_is_wanted_is_emitted() {
    let text = b"%27/**/c'a't PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg \\x41:".as_slice();
    let mut expander = Expander::default();
    for view in ViewSet::all().iter() {
        let mut views = Vec::new();
        expander.expand(text, 5, ViewSet::of(&[view]), true, &mut |view, _| {
            views.push(view)
        });
        assert!(
            views.iter().all(|emitted| *emitted == view),
            "{view}: {views:?}"
        );
        let carried = matches!(view, View::Wire | View::Plain);
        assert_eq!(views.is_empty(), carried, "{view}");
    }
}

#[test]
fn growth_is_bounded() {
    let parts: [&[u8]; 20] = [
        b"%25",
        b"%",
        b"&amp;",
        b"&#",
        b"\\u",
        b"\\\\",
        b"/*",
        b"*/",
        b"/*!50000",
        b"+A",
        b"+ADw-",
        b"'",
        b"$'",
        b"${",
        b"{a,",
        b"--x\n",
        b"#\n",
        b"\xc0\xaf",
        b"QUJD",
        "＜".as_bytes(),
    ];
    let mut expander = Expander::default();
    for (index, part) in parts.iter().enumerate() {
        for other in parts {
            let text = [part, other, b"a "].concat().repeat(50 + index);
            let mut total = 0;
            expander.expand(&text, 5, ViewSet::all(), true, &mut |_, form| {
                assert!(form.len() <= text.len());
                total += form.len();
            });
            assert!(
                total <= expand::MAX_GROWTH * text.len(),
                "{}",
                part.escape_ascii()
            );
        }
    }
}
