//! Machines that talk to machines: REST, webhooks, telemetry, SOAP, browser reports, WebDAV, health checks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::{address, person, sentence};
use super::{Dice, Request, lines, xml};

const AGENTS: &str = include_str!("data/agents.txt");
const SNIPPETS: &str = include_str!("data/snippets.txt");
const TECHNICAL: &str = include_str!("data/technical.txt");

/// A nested document.
pub(crate) fn rest(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let place = address(dice);
    let body = json!({
        "id": dice.uuid(), "etag": format!("W/\"{}\"", dice.hex(16)), "type": "com.example.order.v1", "createdAt": "2024-11-20T08:15:30.123456Z",
        "timeout": "PT1H30M", "interval": "R5/2008-03-01T13:00:00Z/P1Y2M10DT2H30M", "schedule": "*/5 0-6 * * MON-FRI", "ratio": -1.5e-7, "big": 9_007_199_254_740_993_i64,
        "callbackUrl": "https://hooks.example.com/in/abc?token=x%2By&sig=sha256%3D00ff", "links": {"self": {"href": "/orders/{id}{?expand*}", "templated": true}},
        "buyer": {"name": format!("{family}, {given}"), "street": place[0], "tags": ["VIP", "#1", "50%", "a/b", "c\\d"]},
        "lines": [[1, 2, [3, {"x": null}]], {"sku": "A'1", "note": sentence(dice), "expr": "qty >= 10 && price < 5 ? 'bulk' : 'unit'"}],
        "matrix": [[1.0, 0.0], [0.0, 1.0]], "color": "#ff00aa", "mime": "text/html; charset=utf-8", "cidr": "10.0.0.0/8", "ip": "2001:db8::1", "range": "[1,10)", "version": ">=1.2.0 <2.0.0 || ~3.1",
        "$schema": "http://json-schema.org/draft-07/schema#", "@context": "https://schema.org", "@type": "Product", "_links": [], "data-x": "", "path": "/home/jane/../shared/file.txt", "win": "C:\\Users\\jane\\file.txt",
        "template": "Hello {{name}}, ${amount} is due on {date}; %s #{id}", "image": format!("data:image/png;base64,{}", STANDARD.encode(dice.bytes(90))), "key": STANDARD.encode(dice.bytes(64)), "hash": dice.hex(64),
    });
    match dice.below(3) {
        0 => Request::new("rest patch", "PATCH", format!("/api/v2/orders/{}", dice.uuid())).header("if-match", "\"abc\"").body("application/json-patch+json", json!([{"op": "replace", "path": "/buyer/name", "value": format!("{given} {family}")}, {"op": "add", "path": "/lines/-", "value": body}, {"op": "remove", "path": "/a~1b/0"}, {"op": "test", "path": "/c", "value": null}]).to_string()),
        1 => Request::new("rest post", "POST", "/api/v2/orders").json(&body),
        _ => Request::new("rest form", "POST", "/v1/charges").header("idempotency-key", dice.uuid()).form(&[("amount", "2000"), ("currency", "eur"), ("metadata[order]", "#4711"), ("description", sentence(dice)), ("expand[]", "customer"), ("items[0][price_data][product_data][name]", "T-shirt \"O'Reilly\"")]),
    }
}

/// Signed deliveries of other services.
pub(crate) fn webhook(dice: &mut Dice) -> Request {
    let technical = lines(TECHNICAL);
    let text = technical[dice.below(technical.len())];
    match dice.below(4) {
        0 => Request::new("webhook push", "POST", "/hooks/git").header("user-agent", "GitHub-Hookshot/044aadd").header("x-github-event", "push").header("x-github-delivery", dice.uuid()).header("x-hub-signature-256", format!("sha256={}", dice.hex(64))).json(&json!({"ref": "refs/heads/feature/it's-ok", "before": dice.hex(40), "commits": [{"message": format!("Fix: {text}\n\nCloses #12; see https://example.com/?a=b&c=d"), "author": {"name": person(dice).0, "email": "j@example.com"}, "added": ["src/../x.php", ".github/workflows/ci.yml", "web.config", "db/config/database.yml", ".env.example"], "removed": [".htaccess", "public/.htaccess"]}], "compare": "https://git.example.com/o/r/compare/a...b"})),
        1 => Request::new("webhook payment", "POST", "/hooks/pay").header("stripe-signature", format!("t=1732000000,v1={},v0={}", dice.hex(64), dice.hex(64))).header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)").json(&json!({"id": format!("evt_{}", dice.token(24)), "object": "event", "type": "invoice.paid", "data": {"object": {"description": sentence(dice), "hosted_invoice_url": "https://pay.example.com/i/acct_1/test_YWNj?s=ap", "previous_attributes": {}}}})),
        2 => Request::new("webhook payload form", "POST", "/slack/interactive").header("x-slack-signature", format!("v0={}", dice.hex(64))).form(&[("payload", &json!({"type": "block_actions", "user": {"name": "o'neil"}, "message": {"text": text}, "response_url": "https://hooks.example.com/actions/T0/1/abc"}).to_string())]),
        _ => Request::new("webhook alert", "POST", "/hooks/alerts").header("user-agent", "Alertmanager/0.27.0").json(&json!({"version": "4", "groupKey": "{}/{severity=\"critical\"}:{alertname=\"HighErrorRate\"}", "alerts": [{"labels": {"alertname": "HighErrorRate", "instance": "10.0.0.5:9100"}, "annotations": {"summary": text, "description": "{{ $labels.instance }} has > 5% errors"}, "generatorURL": "http://prometheus:9090/graph?g0.expr=sum%28rate%28x%5B5m%5D%29%29+%3E+0.05"}]})),
    }
}

/// What applications and probes report.
pub(crate) fn telemetry(dice: &mut Dice) -> Request {
    let agent = lines(AGENTS)[34];
    match dice.below(4) {
        0 => Request::new("telemetry json", "POST", "/v1/batch").header("user-agent", agent).json(&json!({"batch": [{"event": "Screen Viewed", "anonymousId": dice.uuid(), "properties": {"title": sentence(dice), "path": "/a/b?c=d", "fps": 59.94, "trace": STANDARD.encode(dice.bytes(120))}, "context": {"device": {"model": "SM-S918B", "manufacturer": "samsung"}, "userAgent": agent, "locale": "de-DE", "network": {"wifi": true}}}], "sentAt": "2024-11-20T08:15:30.123Z"})),
        1 => Request::new("telemetry binary", "POST", "/v1/traces").body("application/x-protobuf", dice.bytes(300)),
        2 => {
            let technical = lines(TECHNICAL);
            let text = technical[dice.below(technical.len())];
            let envelope = format!("{}\n{}\n{}", json!({"event_id": dice.hex(32), "dsn": "https://abc@o1.ingest.example.io/2"}), json!({"type": "event"}), json!({"exception": {"values": [{"type": "TypeError", "value": text, "stacktrace": {"frames": [{"filename": "app:///main.js", "function": "Array.<anonymous>", "context_line": "  if (a && b) { eval_result(x); }"}]}}]}, "breadcrumbs": [{"category": "ui.click", "message": "div#root > button.btn[type=\"submit\"]"}]}));
            Request::new("telemetry envelope", "POST", "/api/2/envelope/?sentry_key=abc&sentry_version=7&sentry_client=sentry.javascript.react%2F8.38.0").body("text/plain;charset=UTF-8", envelope)
        }
        _ => Request::new("telemetry octets", "POST", "/ingest").header("user-agent", agent).body("application/octet-stream", dice.bytes(500)),
    }
}

/// Business messages in XML.
pub(crate) fn soap(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let place = address(dice);
    let note = sentence(dice);
    if dice.once_in(2) {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:o=\"urn:example:orders\"><soapenv:Header><wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"><wsse:UsernameToken><wsse:Username>svc</wsse:Username><wsse:Nonce>{}</wsse:Nonce></wsse:UsernameToken></wsse:Security></soapenv:Header><soapenv:Body><o:CreateOrder id=\"A&amp;B-1\"><o:Buyer>{}</o:Buyer><o:Street>{}</o:Street><o:Note><![CDATA[{note}]]></o:Note><o:Total currency=\"EUR\">19.90</o:Total><!-- created by ERP --></o:CreateOrder></soapenv:Body></soapenv:Envelope>",
            STANDARD.encode(dice.bytes(16)),
            xml(&format!("{given} {family}")),
            xml(place[0]),
        );
        return Request::new("soap", "POST", "/services/OrderService")
            .header("soapaction", "\"urn:example:orders#CreateOrder\"")
            .body("text/xml; charset=utf-8", body);
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel><title>{}</title><link>https://blog.example.org/?feed=rss2&amp;cat=1</link><item><guid isPermaLink=\"false\">{}</guid><description>{}</description></item></channel></rss>",
        xml(sentence(dice)),
        dice.uuid(),
        xml(&format!("<p>{note}</p>")),
    );
    Request::new("xml feed", "POST", "/import/feed").body("application/xml", body)
}

/// What browsers report about pages.
pub(crate) fn reports(dice: &mut Dice) -> Request {
    if dice.once_in(2) {
        return Request::new("csp report", "POST", "/csp").body("application/csp-report", json!({"csp-report": {"document-uri": "https://shop.example.com/p?q=men%27s", "referrer": "", "violated-directive": "script-src-elem", "effective-directive": "script-src-elem", "original-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.example.com; report-uri /csp", "disposition": "report", "blocked-uri": "inline", "line-number": 12, "source-file": "chrome-extension", "status-code": 200, "script-sample": "window.dataLayer = window.dataLayer || []"}}).to_string());
    }
    Request::new("report api", "POST", "/reports").body("application/reports+json", json!([{"age": 12, "type": "deprecation", "url": "https://shop.example.com/", "user_agent": lines(AGENTS)[dice.below(10)], "body": {"id": "UnloadHandler", "message": "Unload event listeners are deprecated and will be removed.", "sourceFile": "https://cdn.example.com/x.js?v=1", "lineNumber": 1}}]).to_string())
}

/// Files kept on a server, and calendars.
pub(crate) fn dav(dice: &mut Dice) -> Request {
    let path = dice.pick(&[
        "/remote.php/dav/files/jane/Fotos%20%26%20Videos/",
        "/remote.php/dav/calendars/jane/personal/",
        "/webdav/Projekte/M%C3%BCller's%20Haus/plan%20(v2).dwg",
        "/dav/a/b.ics",
    ]);
    match dice.below(4) {
        0 => Request::new("dav propfind", "PROPFIND", path).header("depth", "1").header("user-agent", "Mozilla/5.0 (Windows) mirall/3.14.3stable (build 20241028) (Nextcloud, windows-10.0.19045 ClientArchitecture: x86_64 OsArchitecture: x86_64)").body("application/xml; charset=utf-8", "<?xml version=\"1.0\" ?><d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop><d:resourcetype/><d:getetag/><oc:permissions/></d:prop></d:propfind>"),
        1 => Request::new("dav move", "MOVE", path).header("destination", "https://cloud.example.com/remote.php/dav/files/jane/Jane's%20(old)/").header("overwrite", "F"),
        2 => Request::new("dav calendar", "PUT", path).header("if-none-match", "*").body("text/calendar; charset=utf-8", format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:{}\r\nDTSTART;TZID=Europe/Berlin:20241120T081500\r\nSUMMARY:{}\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", dice.uuid(), sentence(dice).replace(',', "\\,").replace(';', "\\;"))),
        _ => Request::new("dav lock", "LOCK", path).header("timeout", "Second-3600").body("text/xml", "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>EXAMPLE\\jane</D:href></D:owner></D:lockinfo>"),
    }
}

/// Probes and robots.
pub(crate) fn health(dice: &mut Dice) -> Request {
    let path = dice.pick(&[
        "/healthz",
        "/health?full=1",
        "/actuator/health/readiness",
        "/ping",
        "/metrics",
        "/status",
        "/livez?verbose",
        "/",
        "/robots.txt",
        "/sitemap.xml",
    ]);
    let agents = lines(AGENTS);
    let request = Request::new("probe", dice.pick(&["GET", "HEAD", "OPTIONS"]), path)
        .header("user-agent", agents[dice.below(agents.len())])
        .header("accept", "*/*");
    match dice.below(3) {
        0 => request
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,x-requested-with",
            ),
        1 => request
            .header("from", "googlebot(at)googlebot.com")
            .header("if-modified-since", "Wed, 20 Nov 2024 08:15:30 GMT"),
        _ => request
            .header(
                "traceparent",
                format!("00-{}-{}-01", dice.hex(32), dice.hex(16)),
            )
            .header(
                "baggage",
                "userId=alice,serverNode=DF%2028,isProduction=false",
            )
            .header("x-b3-sampled", "1"),
    }
}

/// Files of a repository, sent in base64 as the interfaces of code hosts want them.
pub(crate) fn repository(dice: &mut Dice) -> Request {
    let snippets: Vec<&str> = SNIPPETS.split("\n---\n").collect();
    let (language, code) = snippets[dice.below(snippets.len())]
        .split_once('\n')
        .expect("a snippet names its language first");
    let note = sentence(dice);
    match dice.below(3) {
        0 => Request::new("repository file", "PUT", format!("/api/v3/repos/o/r/contents/src/{}-1/main.txt", language.replace(['+', '#'], "x"))).json(&json!({"message": note, "content": STANDARD.encode(format!("// {note}\n{code}\n")), "sha": dice.hex(40), "branch": "feature/o'neil"})),
        1 => Request::new("repository commit", "POST", "/api/v4/projects/1/repository/commits").json(&json!({"branch": "main", "commit_message": note, "actions": [{"action": "update", "file_path": format!("docs/{language}.md"), "content": format!("# {language}\n\n{code}\n"), "encoding": "text"}]})),
        _ => Request::new("manifest", "POST", "/apis/apps/v1/namespaces/default/configmaps").json(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"apiVersion\":\"v1\"}\n"}}, "data": {"example.txt": format!("{note}\n{code}"), "nginx.conf": "server { listen 80; location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Host $host; } }", "app.properties": "spring.datasource.url=jdbc:postgresql://db:5432/app?ssl=true\nlogging.pattern=%d{HH:mm:ss} %-5level %msg%n\n", "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n"}, "binaryData": {"key.bin": STANDARD.encode(dice.bytes(64))}})),
    }
}

/// Calls of other remote procedures: JSON-RPC, gRPC-web in text, form callbacks of payment and telephony providers.
pub(crate) fn remote_call(dice: &mut Dice) -> Request {
    let text = sentence(dice);
    match dice.below(5) {
        0 => Request::new("json-rpc", "POST", "/rpc").json(&json!([{"jsonrpc": "2.0", "id": 1, "method": "system.listMethods", "params": []}, {"jsonrpc": "2.0", "id": 2, "method": "user.update", "params": {"name": person(dice).0, "note": text}}])),
        1 => Request::new("sms callback", "POST", "/hooks/sms").header("x-twilio-signature", STANDARD.encode(dice.bytes(20))).form(&[("From", "+15550109999"), ("To", "+15550100000"), ("Body", text), ("NumMedia", "0"), ("AccountSid", &format!("AC{}", dice.hex(32)))]),
        2 => Request::new("mail callback", "POST", "/hooks/mail").multipart(dice, &[("from", "", "", b"\"O'Neil, Jane\" <jane@example.com>"), ("to", "", "", b"support@example.com"), ("subject", "", "", text.as_bytes()), ("headers", "", "", b"Received: from mail.example.com ([203.0.113.7])\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"b1\"\nBcc: x@example.com\n"), ("html", "", "", b"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><style>p{margin:0}</style></head><body dir=\"ltr\"><p>Hi,<br>it&#39;s fine.</p></body></html>"), ("envelope", "", "", b"{\"to\":[\"support@example.com\"],\"from\":\"jane@example.com\"}")]),
        3 => Request::new("payment callback", "POST", "/hooks/ipn").form(&[("mc_gross", "19.95"), ("address_street", address(dice)[0]), ("payer_email", "jane.o'neil@example.com"), ("item_name", text), ("custom", "{\"order\":4711,\"lang\":\"de\"}"), ("charset", "windows-1252"), ("verify_sign", &dice.token(56)), ("payment_date", "08:15:30 Nov 20, 2024 PST")]),
        _ => Request::new("translation call", "POST", "/v2/translate").header("authorization", format!("DeepL-Auth-Key {}:fx", dice.uuid())).json(&json!({"text": [text, "Hello, {name}! You have <b>{count, plural, one {# message} other {# messages}}</b>.", "%1$s of %2$d", "{{user.firstName}} - $t(common.ok)", "#{count} left", "%{amount} €"], "target_lang": "DE", "tag_handling": "xml"})),
    }
}
