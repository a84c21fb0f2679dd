//! Whether a text in which libinjection sees script could run any.
//!
//! libinjection refuses whole kinds of markup: every `style`, every `<link>`, every document type,
//! a name and an equals sign that look like an attribute. Rich text, mail templates, documentation
//! and lines of code hold these. What runs is narrower: a script element with something in it, a
//! handler with code, an address that is code, a style or a frame that loads one.

use libinjectionrs::xss::{Html5Flags, Html5State, TokenType};
use memchr::{memchr, memmem};

/// Whether the text, read in this context, holds something that a browser runs.
pub(super) fn runs_script(text: &[u8], context: Html5Flags) -> bool {
    let mut html = Html5State::new(text, context);
    let mut reader = Reader {
        // Behind a quote the text leaves an attribute of a tag that is already open.
        in_tag: context != Html5Flags::DataState,
        quoted: !matches!(context, Html5Flags::DataState | Html5Flags::ValueNoQuote),
        tag: Vec::new(),
        attribute: Vec::new(),
    };
    while html.next() {
        let token = html
            .token_start
            .get(..html.token_len)
            .unwrap_or(html.token_start);
        let behind = html.token_start.get(html.token_len..).unwrap_or_default();
        let before = text
            .len()
            .checked_sub(html.token_start.len())
            .and_then(|at| text.get(..at))
            .unwrap_or_default();
        if reader.sees(html.token_type, before, token, behind) {
            return true;
        }
    }
    false
}

/// What is known while the tokens of one text go by.
struct Reader {
    /// Whether a tag of the text itself is open, or a quote has been left.
    in_tag: bool,
    quoted: bool,
    /// The name of the open tag, lower case.
    tag: Vec<u8>,
    /// The name of the attribute whose value is next, lower case.
    attribute: Vec<u8>,
}

impl Reader {
    fn sees(&mut self, kind: TokenType, before: &[u8], token: &[u8], behind: &[u8]) -> bool {
        match kind {
            TokenType::TagNameOpen => {
                self.tag = plain(token);
                self.in_tag = true;
                self.quoted = true;
                self.attribute.clear();
                return opens_code(&self.tag, before, token, behind);
            }
            TokenType::AttrName => self.attribute = plain(token),
            TokenType::AttrValue => {
                let value = self.value_runs(token);
                self.attribute.clear();
                return value;
            }
            TokenType::TagComment => return comment_runs(token, behind),
            TokenType::TagNameClose | TokenType::TagNameSelfclose => {
                self.attribute.clear();
                self.quoted = false;
            }
            TokenType::DataText | TokenType::TagData | TokenType::TagClose | TokenType::Doctype => {
            }
        }
        false
    }

    fn value_runs(&mut self, value: &[u8]) -> bool {
        // A prefix is bound by the text itself: `x:onload` may be `onload`.
        let name = self
            .attribute
            .rsplit(|byte| *byte == b':')
            .next()
            .unwrap_or_default();
        if name.starts_with(b"on") && name.len() > 4 {
            return is_code(value, self.quoted);
        }
        if self.attribute.starts_with(b"xmlns") {
            return memmem::find(&plain(value), b"schemas-microsoft-com:time").is_some();
        }
        // A reference to another host from inside SVG or MathML, where it may load or link.
        if self.attribute == b"xlink:href" && resolved(value).starts_with(b"//") {
            return true;
        }
        match name {
            b"style" | b"filter" => style_runs(value),
            b"attributename" => {
                let name = plain(value);
                name.starts_with(b"on") || name.ends_with(b"href") || name == b"innerhtml"
            }
            b"http-equiv" if self.tag == b"meta" => {
                !HARMLESS_HEADERS.contains(&plain(value).as_slice())
            }
            b"charset" if self.tag == b"meta" => {
                let charset = plain(value);
                !HARMLESS_CHARSETS
                    .iter()
                    .any(|start| charset.starts_with(start))
            }
            b"rel" if self.tag == b"link" => plain(value) == b"import",
            // Data islands of old browsers: markup bound to data.
            b"id" if self.tag == b"xml" => true,
            b"dataformatas" => plain(value) == b"html",
            b"srcdoc" => true,
            b"src" | b"href" | b"action" | b"formaction" | b"data" | b"background" | b"poster"
            | b"dynsrc" | b"lowsrc" | b"from" | b"to" | b"by" | b"values" | b"handler"
            | b"folder" | b"datasrc" | b"codebase" => {
                is_code_address(value) || self.tag == b"xml" && name == b"src"
            }
            _ => false,
        }
    }
}

/// Headers that a page may set for itself without harm to another.
const HARMLESS_HEADERS: &[&[u8]] = &[
    b"content-type",
    b"content-language",
    b"content-style-type",
    b"content-script-type",
    b"content-security-policy",
    b"x-ua-compatible",
    b"x-dns-prefetch-control",
    b"cache-control",
    b"pragma",
    b"expires",
    b"default-style",
    b"cleartype",
    b"imagetoolbar",
    b"origin-trial",
    b"accept-ch",
];

/// Charsets in which `<` is `<` and nothing else is.
const HARMLESS_CHARSETS: &[&[u8]] = &[
    b"utf-8",
    b"utf8",
    b"us-ascii",
    b"ascii",
    b"iso-8859",
    b"latin",
    b"windows-125",
    b"koi8",
    b"gb",
    b"big5",
    b"euc-",
    b"shift",
];

/// A name without the null bytes that old browsers ignored, lower case.
fn plain(name: &[u8]) -> Vec<u8> {
    name.iter()
        .filter(|byte| **byte != 0)
        .map(u8::to_ascii_lowercase)
        .take(64)
        .collect()
}

/// Bytes behind a tag that are looked at to judge it: enough for its attributes or the first lines
/// of its script, few enough that a text of nothing but tags costs no square.
const NEARBY: usize = 512;

/// Whether this tag runs or loads something by itself.
fn opens_code(tag: &[u8], before: &[u8], token: &[u8], behind: &[u8]) -> bool {
    let behind = behind.get(..NEARBY).unwrap_or(behind);
    let content = match behind.trim_ascii_start() {
        [b'>', content @ ..] => Some(content),
        _ => None,
    };
    match tag.rsplit(|byte| *byte == b':').next().unwrap_or_default() {
        b"script" => content.is_none_or(|content| !is_mention(before, token, content)),
        // Without an attribute these do nothing; `List<Object>` and `the <link> element` have none.
        b"iframe" => content.is_none() && has_attribute(behind) && !shows_page(behind),
        b"frame" | b"frameset" | b"embed" | b"object" | b"applet" | b"base" | b"isindex"
        | b"import" | b"listener" | b"handler" | b"vmlframe" | b"xss" => {
            content.is_none() && has_attribute(behind)
        }
        // A style holds no `<`, so the next one ends it.
        b"style" => content.is_some_and(|content| {
            let end = memchr(b'<', content).unwrap_or(content.len());
            content.get(..end).is_some_and(style_runs)
        }),
        _ => false,
    }
}

/// Whether the frame shows a page that another host keeps, as every editor embeds a film or a map. What else
/// stands in the tag is read as any attribute is.
fn shows_page(behind: &[u8]) -> bool {
    let end = memchr(b'>', behind).unwrap_or(behind.len());
    let tag = behind.get(..end).unwrap_or_default().to_ascii_lowercase();
    memmem::find(&tag, b" src=\"https://").is_some() && memmem::find_iter(&tag, b"src").count() == 1
}

/// Whether an equals sign follows in this tag.
fn has_attribute(behind: &[u8]) -> bool {
    let end = memchr(b'>', behind).unwrap_or(behind.len());
    behind
        .get(..end)
        .is_some_and(|tag| memchr(b'=', tag).is_some())
}

/// Whether `<script>` is named rather than written: `Option<Script>`, `put it into a <script> tag`.
fn is_mention(before: &[u8], token: &[u8], content: &[u8]) -> bool {
    let generic = before
        .strip_suffix(b"<")
        .and_then(<[u8]>::last)
        .is_some_and(u8::is_ascii_alphanumeric)
        && token.first().is_some_and(u8::is_ascii_uppercase)
        && token.iter().skip(1).all(u8::is_ascii_lowercase);
    let end = content
        .windows(8)
        .position(|part| part.eq_ignore_ascii_case(b"</script"));
    let body = content
        .get(..end.unwrap_or(content.len()))
        .unwrap_or(content);
    if generic && end.is_none() {
        return true;
    }
    // In a sentence the word behind the tag stands behind a space, and nothing is called.
    let sentence = match body {
        [b' ', first, ..] => first.is_ascii_alphabetic() && end.is_none(),
        // A Referer holds the blanks of a search as plus signs.
        [b'+', first, ..] => {
            first.is_ascii_alphabetic()
                && end.is_none()
                && !body.iter().any(|byte| b"(`".contains(byte))
        }
        _ => false,
    };
    let calls = body.iter().any(|byte| b"(=`;[".contains(byte));
    sentence || end.is_some() && !calls && body.first() == Some(&b' ')
}

/// Whether a value is script rather than a word: what stands in a handler of a real tag is run
/// whatever it is, a bare `onerror = retry` is a setting.
fn is_code(value: &[u8], in_real_tag: bool) -> bool {
    let value = value.trim_ascii();
    // `onClick={handler}` and `onClick={() => save()}` are code of a component, not of a page.
    if let [b'{', inside @ ..] = value {
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$".contains(byte);
        let braces = inside.strip_suffix(b"}").unwrap_or(inside);
        // The blank in front of an arrow ends a value without quotes: `{(event)` is all there is.
        let parameters = |braces: &[u8]| {
            let inside = braces
                .strip_prefix(b"(")
                .and_then(|list| list.strip_suffix(b")"));
            inside.is_some_and(|list| list.iter().all(|byte| name(byte) || b", ".contains(byte)))
        };
        if braces.iter().all(name)
            || braces.starts_with(b"()")
            || parameters(braces)
            || memmem::find(braces, b"=>").is_some()
        {
            return false;
        }
    }
    // `onclick="..."` is how people write about a handler.
    if value.iter().all(|byte| *byte == b'.') || value == "\u{2026}".as_bytes() {
        return false;
    }
    if in_real_tag {
        return true;
    }
    value.iter().any(|byte| b"(`=[;&\\".contains(byte)) || is_code_address(value)
}

/// The text with its character references resolved, lower case, and without the white space and
/// control characters that browsers leave out of addresses (WHATWG URL, 4.4).
fn resolved(text: &[u8]) -> Vec<u8> {
    let mut resolved = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let (octet, tail) = match entity(rest) {
            Some((octet, length)) => (octet, rest.get(length..).unwrap_or_default()),
            None => (*byte, tail),
        };
        rest = tail;
        if octet > b' ' && octet != 0x7F {
            resolved.push(octet.to_ascii_lowercase());
        }
    }
    resolved
}

/// Whether an address is code: `javascript:` and its like.
fn is_code_address(value: &[u8]) -> bool {
    let value = resolved(value);
    let colon = memchr(b':', &value).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(colon).unwrap_or((&value, &[]));
    let rest = rest.get(1..).unwrap_or_default();
    let scheme: Vec<u8> = scheme.iter().copied().filter(|byte| *byte < 0x80).collect();
    match scheme.as_slice() {
        // The usual ways to say that a link goes nowhere.
        b"javascript" => ![
            b"".as_slice(),
            b";",
            b"void(0)",
            b"void(0);",
            b"void0",
            b"void0;",
        ]
        .contains(&rest),
        b"vbscript" | b"livescript" | b"mocha" | b"view-source" => true,
        b"data" => {
            !(rest.starts_with(b"image/") && !rest.starts_with(b"image/svg")
                || rest.starts_with(b"font/"))
        }
        // What stands in front of it is something that the reader of the address may drop.
        _ => scheme.starts_with(b"java") && memmem::find(rest, b"javascript:").is_some(),
    }
}

/// The octet that a character reference at the start of the text stands for, and its length. What
/// is no octet counts as a question mark, which no scheme has.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    const NAMED: [(&[u8], u8); 3] = [(b"&colon;", b':'), (b"&tab;", b'\t'), (b"&newline;", b'\n')];
    for (name, octet) in NAMED {
        if text
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
        {
            return Some((octet, name.len()));
        }
    }
    let digits = text.strip_prefix(b"&#")?;
    let (digits, radix, mut length) = match digits {
        [b'x' | b'X', digits @ ..] => (digits, 16, 3usize),
        digits => (digits, 10, 2usize),
    };
    let mut value = 0u32;
    let mut seen = false;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        value = value.saturating_mul(radix).saturating_add(digit);
        seen = true;
        length = length.saturating_add(1);
    }
    if text.get(length) == Some(&b';') {
        length = length.saturating_add(1);
    }
    seen.then(|| (u8::try_from(value).unwrap_or(b'?'), length))
}

/// Whether a style loads or runs something: an expression of old browsers, a binding, an import.
fn style_runs(style: &[u8]) -> bool {
    // Escapes and comments are used to hide the words.
    let style = resolved(style);
    const WORDS: [&[u8]; 8] = [
        b"expression(",
        b"javascript:",
        b"vbscript:",
        b"behavior:",
        b"-moz-binding",
        b"@import",
        b"\\",
        b"/*",
    ];
    WORDS
        .iter()
        .any(|word| memmem::find(&style, word).is_some())
}

/// Whether a comment hides something from this reader but not from a browser: conditional comments
/// with script, a backtick that ends the comment in old browsers, pseudo-tags that load.
fn comment_runs(comment: &[u8], behind: &[u8]) -> bool {
    let comment: Vec<u8> = comment.iter().map(u8::to_ascii_lowercase).collect();
    let holds = |word: &[u8]| memmem::find(&comment, word).is_some();
    comment.starts_with(b"import")
        || comment.starts_with(b"entity")
        || memmem::find_iter(&comment, b"<script").any(|at| {
            // `<?php` opens a comment that the next tag ends, even one that is named in a sentence.
            let ended_by_tag = at.saturating_add(b"<script".len()) == comment.len();
            let content = behind.get(..NEARBY).unwrap_or(behind);
            let content = content.strip_prefix(b">").unwrap_or(content);
            !(ended_by_tag && is_mention(b"<", b"script", content))
        })
        || holds(b"javascript:")
        || memmem::find_iter(&comment, b"on").any(|at| {
            let handler = comment.get(at.saturating_add(2)..).unwrap_or_default();
            let name = handler
                .iter()
                .take(32)
                .take_while(|byte| byte.is_ascii_alphabetic())
                .count();
            name >= 3
                && handler
                    .get(name..)
                    .is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b'='))
        })
}
