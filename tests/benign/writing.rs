//! People who write: pages in an editor, comments, issues, chats, code in all of them.

use serde_json::json;

use super::browser::{cookies, dressed};
use super::shop::{person, sentence};
use super::{Dice, Request, component, form, lines, xml};

const HTML: &str = include_str!("data/posts_html.txt");
const MARKDOWN: &str = include_str!("data/posts_markdown.txt");
const TECHNICAL: &str = include_str!("data/technical.txt");
const NEAR_MISSES: &str = include_str!("data/near_misses.txt");
const SNIPPETS: &str = include_str!("data/snippets.txt");

fn technical(dice: &mut Dice) -> &'static str {
    let all = lines(TECHNICAL);
    all[dice.below(all.len())]
}

/// A language and a piece of code in it.
fn code(dice: &mut Dice) -> (&'static str, &'static str) {
    let all: Vec<&str> = SNIPPETS.split("\n---\n").collect();
    all[dice.below(all.len())]
        .split_once('\n')
        .expect("a snippet names its language first")
}

/// Code that may stand alone: not a line of PowerShell, which is also what an attacker sends.
fn lone_code(dice: &mut Dice) -> (&'static str, &'static str) {
    loop {
        let (language, code) = code(dice);
        if language != "powershell" {
            return (language, code);
        }
    }
}

fn html(dice: &mut Dice) -> String {
    let all = lines(HTML);
    let first = all[dice.below(all.len())];
    let second = all[dice.below(all.len())];
    format!("{first}\r\n{second}")
}

fn markdown_text(dice: &mut Dice) -> String {
    let all = lines(MARKDOWN);
    all[dice.below(all.len())].replace("\\n", "\n")
}

/// A page saved in a content system.
pub(crate) fn page(dice: &mut Dice) -> Request {
    let content = html(dice);
    let title = sentence(dice);
    match dice.below(4) {
        0 => {
            let request = dressed(dice, Request::new("editor form", "POST", "/wp-admin/post.php"));
            let cookies = cookies(dice);
            request.header("cookie", cookies).form(&[("_wpnonce", &dice.hex(10)), ("_wp_http_referer", "/wp-admin/post.php?post=42&action=edit"), ("post_title", title), ("content", &content), ("excerpt", ""), ("tags_input", "c#, .net, it's"), ("save", "Update")])
        }
        1 => Request::new("editor call", "PUT", "/wp-json/wp/v2/posts/42?_locale=user").json(&json!({"id": 42, "title": title, "content": content, "status": "publish", "meta": {"_seo_title": "%%title%% %%sep%% %%sitename%%"}})),
        2 => {
            let (language, code) = code(dice);
            let body = format!("<p>{}</p><pre><code class=\"language-{language}\">{}</code></pre><p>{}</p>", xml(technical(dice)), xml(code), xml(sentence(dice)));
            Request::new("editor code block", "POST", "/api/articles").json(&json!({"title": title, "body_html": body, "slug": "how-to-select-rows", "published_at": "2024-11-20T08:15:30Z"}))
        }
        _ => Request::new("editor multipart", "POST", "/admin/content/edit").multipart(dice, &[("form_id", "", "", b"node_article_edit_form"), ("title[0][value]", "", "", title.as_bytes()), ("body[0][value]", "", "", content.as_bytes()), ("body[0][format]", "", "", b"full_html")]),
    }
}

/// Markdown in forms and JSON.
pub(crate) fn markdown(dice: &mut Dice) -> Request {
    let text = format!("{}\n\n{}", markdown_text(dice), markdown_text(dice));
    match dice.below(3) {
        0 => Request::new("markdown call", "POST", "/api/v4/projects/1/wikis")
            .json(&json!({"title": "Set-up", "format": "markdown", "content": text})),
        1 => Request::new("markdown form", "POST", "/wiki/save").form(&[
            ("page", "How to: set-up & run"),
            ("text", &text.replace('\n', "\r\n")),
            ("summary", "/* Usage */ typo"),
        ]),
        _ => Request::new("markdown plain", "PUT", "/notes/today.md")
            .body("text/markdown; charset=utf-8", text),
    }
}

/// A comment: prose, technical or not.
pub(crate) fn comment(dice: &mut Dice) -> Request {
    let text = if dice.once_in(2) {
        technical(dice).to_owned()
    } else {
        format!("{} {}", sentence(dice), technical(dice))
    };
    match dice.below(4) {
        0 => Request::new("comment form", "POST", "/comments").form(&[
            ("author", person(dice).1),
            ("url", "http://blog.example.net/?p=1"),
            ("comment", &text),
            ("comment_post_ID", "42"),
        ]),
        1 => Request::new("comment call", "POST", "/api/comments")
            .json(&json!({"body": text, "parent": null, "mentions": ["@o.neil"]})),
        2 => Request::new("comment plain", "POST", "/api/notes")
            .body("text/plain; charset=utf-8", text),
        _ => Request::new("comment multipart", "POST", "/forum/reply").multipart(
            dice,
            &[
                ("subject", "", "", b"Re: it's slow"),
                ("message", "", "", text.as_bytes()),
            ],
        ),
    }
}

/// An issue with a trace, a log or code.
pub(crate) fn issue(dice: &mut Dice) -> Request {
    let (language, code) = code(dice);
    let body = format!(
        "{}\n\n```{language}\n{code}\n```\n\n{}\n\n{}",
        technical(dice),
        technical(dice),
        sentence(dice)
    );
    match dice.below(3) {
        0 => Request::new("issue call", "POST", "/api/v3/repos/o/r/issues").json(&json!({"title": technical(dice), "body": body, "labels": ["bug", "help wanted"], "assignees": []})),
        1 => {
            let (language, code) = lone_code(dice);
            Request::new("issue document", "POST", "/rest/api/3/issue").json(&json!({"fields": {"project": {"key": "ABC"}, "summary": sentence(dice), "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": technical(dice)}]}, {"type": "codeBlock", "attrs": {"language": language}, "content": [{"type": "text", "text": code}]}]}}}))
        }
        _ => Request::new("issue form", "POST", "/issues").form(&[("issue[title]", technical(dice)), ("issue[description]", &body)]),
    }
}

/// A chat message.
pub(crate) fn chat(dice: &mut Dice) -> Request {
    let (language, code) = code(dice);
    let text = match dice.below(3) {
        0 => format!("{} :tada:", sentence(dice)),
        1 => format!("```{code}```"),
        _ => format!(
            "<@U123|jane> {} <https://example.com/a?b=c|link> `{}`",
            technical(dice),
            language
        ),
    };
    Request::new("chat message", "POST", "/api/chat.postMessage").header("authorization", format!("Bearer xoxb-{}", dice.token(40))).json(&json!({
        "channel": "C012AB3CD",
        "text": text,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}, {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "It's OK"}, "value": "ok"}]}],
        "client_msg_id": dice.uuid(),
    }))
}

/// A bare piece of code in a field made for it.
pub(crate) fn snippet(dice: &mut Dice) -> Request {
    let (language, code) = code(dice);
    let text = format!("{}\n{code}", technical(dice));
    match dice.below(3) {
        0 => Request::new("snippet call", "POST", "/api/snippets").json(&json!({"title": format!("{language} example"), "files": [{"path": format!("example.{language}"), "content": text}], "visibility": "private"})),
        1 => Request::new("snippet form", "POST", "/paste").form(&[("lang", language), ("expire", "1h"), ("text", &text)]),
        _ => Request::new("snippet completion", "POST", "/v1/chat/completions").json(&json!({"model": "m", "messages": [{"role": "system", "content": "You are a helpful assistant. Don't guess; ask."}, {"role": "user", "content": format!("Explain this {language} code:\n{code}")}], "temperature": 0.2, "stop": ["\n\n", "###"]})),
    }
}

/// A contact form in one of five languages.
pub(crate) fn contact(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let text = format!(
        "{}\r\n\r\n{}\r\n-- \r\n{given} {family}",
        sentence(dice),
        sentence(dice)
    );
    let request = dressed(dice, Request::new("contact form", "POST", "/kontakt/"));
    let cookies = cookies(dice);
    let request = request.header("cookie", cookies);
    let subject = sentence(dice);
    if dice.once_in(2) {
        return request.form(&[
            ("your-name", &format!("{given} {family}")),
            ("your-email", "jane.o'neil@example.co.uk"),
            ("your-subject", subject),
            ("your-message", &text),
            ("accept", "1"),
        ]);
    }
    request.multipart(
        dice,
        &[
            ("name", "", "", given.as_bytes()),
            ("subject", "", "", subject.as_bytes()),
            ("message", "", "", text.as_bytes()),
            (
                "attachment",
                "Screenshot 2024-11-20 at 08.15.30 (1).png",
                "image/png",
                b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            ),
        ],
    )
}

/// A line that resembles injected code more than most, alone in a field or amid words.
pub(crate) fn near_miss(dice: &mut Dice) -> Request {
    let all = lines(NEAR_MISSES);
    let line = all[dice.below(all.len())];
    let amid = format!("{} {line} -- {}", sentence(dice), technical(dice));
    match dice.below(5) {
        0 => Request::new("near miss call", "POST", "/api/notes").json(&json!({"text": line})),
        1 => Request::new("near miss form", "POST", "/notes")
            .form(&[("title", line), ("body", &amid)]),
        2 => Request::new(
            "near miss search",
            "GET",
            format!("/docs/search?q={}", form(line)),
        ),
        3 => Request::new("near miss referer", "GET", "/docs/").header(
            "referer",
            format!("https://www.google.com/search?q={}&hl=en", form(line)),
        ),
        _ => Request::new("near miss cookie", "GET", "/docs/").header(
            "cookie",
            format!("draft={}; last={}", component(&amid), component(line)),
        ),
    }
}
