//! One request inside the proxy: headers, body, trailers, response, end; in any order in which a
//! proxy calls, cut wherever a client cuts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::{Rc, Weak};

use super::effects::{self, Carrier, Clean, DECISION_HEADER};
use super::host::{Host, Map};
use super::log::Asked;
use super::metrics::count_error;
use super::pairs::Pairs;
use super::reply::{self, Asker};
use super::root::{Holding, Root};
use crate::engine::{Inspection, Peer, Scratch};
use crate::model::{Action, Anomaly, Limits, Mode, ProxyError, Recorded, Verdict};
use crate::request::{self, Frame, FrameSplitter, Head};

/// What the proxy does with what it just showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It is kept.
    Pause,
}

/// How far a request has come.
#[derive(Debug)]
enum Phase {
    /// Nothing was seen yet.
    Start,
    /// The head was inspected, the body is awaited.
    Body,
    /// The verdict is written.
    Decided,
    /// The request was answered here.
    Replied,
}

/// Where the request headers are while the body is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Headers {
    /// Held back; `size` is what the proxy had received when it asked.
    Held { size: u64 },
    /// Gone to the upstream.
    Gone,
}

/// One request.
#[derive(Debug)]
pub struct Stream {
    id: u32,
    root: Rc<Root>,
    myself: Weak<RefCell<Self>>,
    phase: Phase,
    headers: Headers,
    inspection: Option<Box<Inspection>>,
    asker: Asker,
    since: u64,
    /// The upstream answered while the body was still awaited.
    answered: bool,
    /// The head asks for an upgrade without being a handshake: where the proxy makes a tunnel of it all
    /// the same, its body never ends.
    claims_upgrade: bool,
    /// The body is a stream of messages, each judged and let go by itself: to wait for the end of it
    /// would keep both sides of a call waiting for each other.
    messages: Option<Messages>,
    /// The decision as it was last written.
    verdict: Option<Box<Verdict>>,
    /// There was nothing to say of it under this mode, and neither inspection nor verdict were kept: nothing comes
    /// behind headers that were the end of a request.
    clean: Option<Mode>,
    /// What a record would need, if there may be one.
    asked: Option<Box<Asked>>,
    /// How long the inspection has taken so far, in nanoseconds, where the policy times it.
    spent: u64,
    /// When the callback that is running began, in the same case.
    began: u64,
}

/// A body that is a stream of messages.
#[derive(Debug)]
struct Messages {
    splitter: FrameSplitter,
    /// Bytes of what the proxy holds that the splitter has seen.
    fed: usize,
}

/// How long the headers of a stream of messages wait for the first message, in nanoseconds: a call with
/// one message brings it at once, and in any other the server may have to speak first.
const HOLD_STREAM_NS: u64 = 50_000_000;

/// How long request headers are kept when nothing at all follows them, in nanoseconds. They then go
/// on; the body is still held.
const HOLD_HEADERS_NS: u64 = 10_000_000_000;

/// The name and the value of a header.
type Header<'a> = (&'a [u8], &'a [u8]);

/// Buffers of the VM, shared by all streams: nothing in them survives a callback, but the memory of headers in
/// which nothing was found.
struct Buffers {
    map: Vec<u8>,
    /// Empty; the room for the headers of a head.
    headers: Vec<Header<'static>>,
    body: Vec<u8>,
    scratch: Scratch,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            map: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            scratch: Scratch::remembering(),
        }
    }
}

/// Capacity of the body buffer that is kept between requests.
const KEEP_BODY: usize = 256 << 10;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// The property that counts what the proxy has received of a request, headers included.
const TOTAL_SIZE: &str = "request\0total_size";

impl Stream {
    /// A new request of an instance. `id` is the proxy's number for it.
    pub fn new(root: &Rc<Root>, id: u32) -> Rc<RefCell<Self>> {
        Rc::new_cyclic(|myself| {
            RefCell::new(Self {
                id,
                root: Rc::clone(root),
                myself: Weak::clone(myself),
                phase: Phase::Start,
                headers: Headers::Gone,
                inspection: None,
                asker: Asker::default(),
                since: 0,
                answered: false,
                claims_upgrade: false,
                messages: None,
                verdict: None,
                clean: None,
                asked: None,
                spent: 0,
                began: 0,
            })
        })
    }

    /// The request headers came; `end` says that nothing follows.
    pub fn request_headers(&mut self, host: &dyn Host, end: bool) -> Flow {
        self.timed(host, |stream| stream.judge_headers(host, end))
    }

    fn judge_headers(&mut self, host: &dyn Host, end: bool) -> Flow {
        let root = Rc::clone(&self.root);
        let engine = root.engine();
        let (action, over, forged) = with_buffers(|buffers| {
            buffers.map.clear();
            let readable = host.map(Map::RequestHeaders, &mut buffers.map);
            let mut headers: Vec<Header<'_>> = std::mem::take(&mut buffers.headers);
            let mut head = Head {
                method: b"",
                scheme: b"",
                authority: b"",
                target: b"",
                protocol: b"",
                headers: &[],
                end_of_stream: end,
            };
            // What cannot be read may hold a forged decision.
            let mut forged = !readable;
            let mut id: &[u8] = b"";
            for (name, value) in Pairs::new(&buffers.map) {
                match name {
                    b":method" => head.method = value,
                    b":scheme" => head.scheme = value,
                    b":authority" => head.authority = value,
                    b":path" => head.target = value,
                    b":protocol" => head.protocol = value,
                    b"x-request-id" => {
                        id = value;
                        headers.push((name, value));
                    }
                    _ if name == DECISION_HEADER.as_bytes() => forged = true,
                    _ => headers.push((name, value)),
                }
            }
            head.headers = &headers;
            // Over HTTP/2 a WebSocket has no key (RFC 8441), and the proxy shows it as if it were HTTP/1.
            let mut version = Vec::new();
            let claims = request::claims_upgrade(&head);
            if claims
                && head.protocol.is_empty()
                && request::claims_websocket(&head)
                && host.property("request\0protocol", &mut version)
            {
                head.protocol = &version;
            }

            let ask = || client(host);
            let now = engine.needs_time().then(|| host.now() / 1_000_000_000);
            let peer = Peer::asking(&ask, now);
            if let Some(now) = peer.now {
                root.tell_expired(host, now);
            }
            let mut inspection = engine.begin_for(&mut buffers.scratch, &head, &peer);
            if !readable {
                count_error(host, ProxyError::Unreadable);
                engine.cannot_inspect(&mut inspection, Anomaly::Unreadable);
            }
            let upgrade = claims && request::is_websocket_upgrade(&head);
            self.claims_upgrade = claims && !upgrade;
            if self.claims_upgrade && request::claims_websocket(&head) {
                engine.cannot_inspect(&mut inspection, Anomaly::FalseUpgrade);
            }
            if upgrade {
                engine.cannot_inspect(&mut inspection, Anomaly::UninspectedUpgrade);
                engine.close(&mut buffers.scratch, &mut inspection);
            }
            self.asker.grpc = inspection.plan().is_grpc();
            let html = &engine.settings(&inspection).block_response.html;
            self.asker.html = html.is_some() && reply::prefers_html(head.values(b"accept"));
            if inspection.plan().is_message_stream() {
                let limit = engine.settings(&inspection).limits.body_bytes;
                self.messages = Some(Messages {
                    splitter: FrameSplitter::new(limit),
                    fed: 0,
                });
            }
            let over = end || upgrade || engine.ends(&inspection);
            let action = engine.action(&inspection);
            // Of most requests there is nothing to say, neither to the client nor in a record.
            let record = engine.config().telemetry.record;
            let something = !over || inspection.has_something();
            if !end || something || action == Action::Block || record == Recorded::All {
                self.asker.request_id = printable(id);
            }
            self.asked = match record {
                Recorded::Off => None,
                Recorded::All => Some(Box::new(Asked::of(&head))),
                Recorded::Blocked | Recorded::Matched => {
                    something.then(|| Box::new(Asked::of(&head)))
                }
            };
            if end && !something && action == Action::Allow && root.clean().is_some() {
                self.clean = Some(engine.settings(&inspection).mode);
            } else {
                self.clean = None;
                self.inspection = Some(Box::new(inspection));
            }
            buffers.headers = emptied(headers);
            (action, over, forged)
        });
        if forged {
            host.set_header(Map::RequestHeaders, DECISION_HEADER, None);
        }
        if action == Action::Block {
            return self.block(host);
        }
        if over {
            if self.clean.is_none() {
                self.decide();
            }
            self.allow(host, Carrier::Request);
            return Flow::Continue;
        }
        self.phase = Phase::Body;
        self.since = host.now();
        let flow = match root.holding() {
            Holding::Continues => {
                self.headers = Headers::Gone;
                Flow::Continue
            }
            Holding::Holds | Holding::Unknown => {
                // Only who does not know what the proxy does will compare it.
                let size = match root.holding() {
                    Holding::Unknown => total_size(host),
                    _ => 0,
                };
                self.headers = Headers::Held { size };
                Flow::Pause
            }
        };
        root.watch(host, self.id, Weak::clone(&self.myself));
        flow
    }

    /// A piece of the body came; `held` bytes of it are kept so far.
    pub fn request_body(&mut self, host: &dyn Host, held: usize, end: bool) -> Flow {
        self.timed(host, |stream| stream.piece_of_body(host, held, end))
    }

    fn piece_of_body(&mut self, host: &dyn Host, held: usize, end: bool) -> Flow {
        match self.phase {
            Phase::Body => {}
            Phase::Replied => return Flow::Pause,
            Phase::Start | Phase::Decided => return Flow::Continue,
        }
        if let Headers::Held { .. } = self.headers {
            // The body is shown while the headers are kept: the proxy holds.
            self.root.learn(host, Holding::Holds);
        }
        if self.messages.is_some() {
            return self.judge_messages(host, held, end);
        }
        let limit = self.limits().body_bytes;
        if !end && held == 0 && self.claims_upgrade {
            // A piece of nothing that is not the end: the proxy has made a tunnel.
            self.note(Anomaly::FalseUpgrade);
            self.close();
            return self.conclude(host);
        }
        if !end && held <= limit {
            return Flow::Pause;
        }
        self.judge_body(host, held, end);
        self.conclude(host)
    }

    /// The trailers came: nothing follows.
    pub fn request_trailers(&mut self, host: &dyn Host) -> Flow {
        self.timed(host, |stream| stream.end_of_body(host))
    }

    fn end_of_body(&mut self, host: &dyn Host) -> Flow {
        match self.phase {
            Phase::Body => {}
            Phase::Replied => return Flow::Pause,
            Phase::Start => return Flow::Continue,
            // The body outgrew the limit and went on. What comes behind it is read all the same.
            Phase::Decided => return self.late_trailers(host),
        }
        if let Headers::Held { .. } = self.headers {
            self.root.learn(host, Holding::Holds);
        }
        if self.messages.is_some() {
            if self.judge_messages(host, usize::MAX, true) == Flow::Pause {
                return Flow::Pause;
            }
        } else {
            if let Some(inspection) = &mut self.inspection {
                self.root.engine().expect_trailers(inspection);
            }
            self.judge_body(host, usize::MAX, true);
        }
        self.judge_trailers(host);
        self.conclude(host)
    }

    /// Trailers of a request that was let go. The upstream has most of it, but not its end.
    fn late_trailers(&mut self, host: &dyn Host) -> Flow {
        self.judge_trailers(host);
        if self.condemned() {
            return self.block(host);
        }
        self.write(host, Carrier::None);
        Flow::Continue
    }

    fn judge_trailers(&mut self, host: &dyn Host) {
        let root = Rc::clone(&self.root);
        let Some(inspection) = &mut self.inspection else {
            return;
        };
        with_buffers(|buffers| {
            buffers.map.clear();
            if !host.map(Map::RequestTrailers, &mut buffers.map) {
                root.engine()
                    .cannot_inspect(inspection, Anomaly::Unreadable);
            }
            let trailers: Vec<_> = Pairs::new(&buffers.map).collect();
            root.engine()
                .end(&mut buffers.scratch, inspection, &trailers);
        });
    }

    /// Runs a part of the inspection, by the clock if the policy wants that.
    fn timed(&mut self, host: &dyn Host, work: impl FnOnce(&mut Self) -> Flow) -> Flow {
        if !self.root.engine().config().telemetry.timing {
            return work(self);
        }
        self.began = host.now();
        let flow = work(self);
        self.spent = self.spent.saturating_add(self.running(host));
        self.began = 0;
        flow
    }

    /// How long the callback that is running has taken so far, in nanoseconds.
    fn running(&self, host: &dyn Host) -> u64 {
        match self.began {
            0 => 0,
            began => host.now().saturating_sub(began),
        }
    }

    /// How long the inspection has taken so far, in microseconds, where the policy times it.
    fn microseconds(&self, host: &dyn Host) -> Option<u64> {
        let timing = self.root.engine().config().telemetry.timing;
        timing.then(|| self.spent.saturating_add(self.running(host)) / 1000)
    }

    /// The response headers came, of the upstream or of an answer given here.
    pub fn response_headers(&mut self, host: &dyn Host) -> Flow {
        if matches!(self.phase, Phase::Replied) {
            return Flow::Continue;
        }
        if matches!(self.phase, Phase::Decided) {
            // Written over what stands there: that is none of ours.
            let decision = self.header(host);
            host.set_header(Map::ResponseHeaders, DECISION_HEADER, decision.as_deref());
            return Flow::Continue;
        }
        host.set_header(Map::ResponseHeaders, DECISION_HEADER, None);
        if matches!(self.phase, Phase::Body) && self.messages.is_some() {
            // In a stream of messages the two sides take turns.
            self.answered = true;
            self.write(host, Carrier::Response);
        } else if matches!(self.phase, Phase::Body) && !self.answered {
            // The upstream did not wait for the body. The body is still held and judged, but this
            // answer was given without it.
            self.answered = true;
            self.note(Anomaly::EarlyResponse);
            if self.condemned() {
                return self.block(host);
            }
            self.write(host, Carrier::Response);
        }
        Flow::Continue
    }

    /// The request is over. If its body never came whole, that is what the log says.
    pub fn ended(&mut self, host: &dyn Host) {
        if matches!(self.phase, Phase::Body) {
            self.note(Anomaly::IncompleteRequest);
            self.write(host, Carrier::None);
        }
        self.enter(Phase::Decided);
        self.tell(host);
    }

    /// Goes on to a phase in which nothing is awaited.
    fn enter(&mut self, phase: Phase) {
        if self.is_waiting() {
            self.root.unwatch(self.id);
        }
        self.phase = phase;
    }

    /// Whether something is kept that must be let go some day.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Body)
    }

    /// Called from a tick while the request waits. Finds out whether the proxy shows bodies of
    /// requests whose headers are kept, and lets nothing wait for ever.
    pub(super) fn look_after(&mut self, host: &dyn Host, now: u64) {
        let waited = now.saturating_sub(self.since);
        if let Some(messages) = &self.messages {
            if waited > HOLD_STREAM_NS && matches!(self.headers, Headers::Held { .. }) {
                self.release(host);
                return;
            }
            if !messages.splitter.is_inside_frame() {
                return;
            }
        }
        let most = self.limits().hold_seconds as u64;
        if waited > most.saturating_mul(1_000_000_000) {
            self.note(Anomaly::HoldTimeout);
            self.judge_body(host, usize::MAX, false);
            if self.conclude(host) == Flow::Continue {
                host.resume_request();
            }
            return;
        }
        let Headers::Held { size } = self.headers else {
            return;
        };
        match self.root.holding() {
            Holding::Holds => {}
            // More has come than the headers, and no callback showed it: it never will.
            Holding::Unknown if total_size(host) > size => {
                self.root.learn(host, Holding::Continues);
                self.release(host);
            }
            Holding::Continues => self.release(host),
            // Time alone says nothing about the proxy: a client may be slow. It only says that
            // this one request has waited long enough.
            Holding::Unknown if waited > HOLD_HEADERS_NS => {
                self.release(host);
            }
            Holding::Unknown => {}
        }
    }

    fn release(&mut self, host: &dyn Host) {
        self.headers = Headers::Gone;
        host.resume_request();
    }

    fn judge_body(&mut self, host: &dyn Host, held: usize, end: bool) {
        let root = Rc::clone(&self.root);
        let engine = root.engine();
        let Some(inspection) = &mut self.inspection else {
            return;
        };
        with_buffers(|buffers| {
            buffers.body.clear();
            // One byte more than the limit tells whether there is more.
            let most = engine
                .settings(inspection)
                .limits
                .body_bytes
                .saturating_add(1);
            let readable = held == 0 || host.request_body(0, most, &mut buffers.body);
            // Trailers come after bodies of no bytes too: then there is nothing to read.
            if !readable && held != usize::MAX {
                engine.cannot_inspect(inspection, Anomaly::Unreadable);
            }
            engine.body(&mut buffers.scratch, inspection, &buffers.body, end);
            buffers.body.clear();
            buffers.body.shrink_to(KEEP_BODY);
        });
    }

    /// Judges the messages that have come whole. What is held goes on at the end of a message; a message
    /// of which a part is missing stays until the rest has come and was judged.
    fn judge_messages(&mut self, host: &dyn Host, held: usize, end: bool) -> Flow {
        let root = Rc::clone(&self.root);
        let engine = root.engine();
        let (Some(messages), Some(inspection)) = (&mut self.messages, &mut self.inspection) else {
            return Flow::Pause;
        };
        let blocked = with_buffers(|buffers| {
            buffers.body.clear();
            let new = held.saturating_sub(messages.fed);
            if new > 0
                && !host.request_body(messages.fed, new, &mut buffers.body)
                && held != usize::MAX
            {
                engine.cannot_inspect(inspection, Anomaly::Unreadable);
            }
            let mut chunk = buffers.body.as_slice();
            let mut blocked = engine.action(inspection) == Action::Block;
            while !blocked && let Some(frame) = messages.splitter.next_frame(&mut chunk) {
                engine.message(&mut buffers.scratch, inspection, &frame);
                blocked = engine.action(inspection) == Action::Block;
            }
            if !blocked && end && messages.splitter.is_inside_frame() {
                let rest = Frame {
                    flags: 0,
                    message: messages.splitter.unfinished(),
                    complete: false,
                };
                engine.message(&mut buffers.scratch, inspection, &rest);
                blocked = engine.action(inspection) == Action::Block;
            }
            buffers.body.clear();
            buffers.body.shrink_to(KEEP_BODY);
            blocked
        });
        messages.fed = held;
        if blocked {
            return self.block(host);
        }
        if end {
            return if held == usize::MAX {
                Flow::Continue
            } else {
                // A stream may end without a message.
                self.close();
                self.conclude(host)
            };
        }
        if messages.splitter.is_inside_frame() {
            return Flow::Pause;
        }
        messages.fed = 0;
        self.since = host.now();
        if let Headers::Held { .. } = self.headers {
            self.headers = Headers::Gone;
            self.write(host, Carrier::Request);
        }
        Flow::Continue
    }

    /// How much of this request is read.
    fn limits(&self) -> &Limits {
        let engine = self.root.engine();
        let settings = self
            .inspection
            .as_ref()
            .map(|inspection| engine.settings(inspection));
        &settings.unwrap_or(&engine.config().settings).limits
    }

    fn condemned(&self) -> bool {
        let engine = self.root.engine();
        self.inspection
            .as_ref()
            .is_some_and(|inspection| engine.action(inspection) == Action::Block)
    }

    /// Nothing more of this request will be inspected.
    fn close(&mut self) {
        if let Some(inspection) = &mut self.inspection {
            let engine = self.root.engine();
            with_buffers(|buffers| engine.close(&mut buffers.scratch, inspection));
        }
    }

    fn note(&mut self, anomaly: Anomaly) {
        if let Some(inspection) = &mut self.inspection {
            self.root.engine().cannot_inspect(inspection, anomaly);
        }
    }

    /// Acts on a verdict that came with the body or the trailers.
    fn conclude(&mut self, host: &dyn Host) -> Flow {
        if self.decide() == Action::Block {
            return self.block(host);
        }
        let carrier = match self.headers {
            Headers::Held { .. } => Carrier::Request,
            Headers::Gone => Carrier::None,
        };
        self.allow(host, carrier);
        Flow::Continue
    }

    /// What is written of it, if there is nothing to say.
    fn clean(&self) -> Option<&Clean> {
        self.clean.and_then(|_| self.root.clean())
    }

    /// The decision as the header that carries it.
    fn header(&self, host: &dyn Host) -> Option<Cow<'_, [u8]>> {
        if let Some(clean) = self.clean() {
            return clean.header().map(Cow::Borrowed);
        }
        let config = self.root.engine().config();
        let verdict = self.verdict.as_deref()?;
        let record = effects::record(config, verdict, self.microseconds(host));
        effects::header(&config.telemetry, &record).map(Cow::Owned)
    }

    /// Makes the verdict. What was never inspected does not pass.
    fn decide(&mut self) -> Action {
        let Some(inspection) = &self.inspection else {
            return Action::Block;
        };
        let verdict = self.root.engine().verdict(inspection);
        self.verdict.insert(Box::new(verdict)).action
    }

    /// Lets go what was decided.
    fn allow(&mut self, host: &dyn Host, carrier: Carrier) {
        self.write_verdict(host, carrier);
        self.enter(Phase::Decided);
    }

    /// Decides, and writes the decision.
    fn write(&mut self, host: &dyn Host, carrier: Carrier) {
        self.decide();
        self.write_verdict(host, carrier);
    }

    fn write_verdict(&self, host: &dyn Host, carrier: Carrier) {
        let config = self.root.engine().config();
        if let Some(clean) = self.clean() {
            clean.write(host, &config.telemetry, carrier);
        } else if let Some(verdict) = &self.verdict {
            let record = effects::record(config, verdict, self.microseconds(host));
            match self.root.clean() {
                Some(clean) if record.is_clean() => {
                    clean.write(host, &config.telemetry, carrier);
                }
                _ => effects::write_decision(host, &config.telemetry, &record, carrier),
            }
        }
    }

    fn block(&mut self, host: &dyn Host) -> Flow {
        self.enter(Phase::Replied);
        self.write(host, Carrier::None);
        let decision = self.header(host);
        let engine = self.root.engine();
        if let (Some(inspection), Some(verdict)) = (&self.inspection, &self.verdict) {
            let response = &engine.settings(inspection).block_response;
            let decision = decision.as_deref();
            if !reply::reply_blocked(host, response, verdict, decision, &self.asker) {
                count_error(host, ProxyError::ReplyFailed);
            }
        }
        Flow::Pause
    }

    /// Counts the request and leaves its record, once.
    fn tell(&mut self, host: &dyn Host) {
        if let Some(mode) = self.clean.take() {
            self.root.tell_clean(host, mode);
        }
        let engine = self.root.engine();
        if let (Some(inspection), Some(verdict)) = (&self.inspection, &self.verdict) {
            let microseconds = self.microseconds(host);
            let record = effects::record(engine.config(), verdict, microseconds);
            let mode = engine.settings(inspection).mode;
            let asked = (self.asked.as_deref(), self.asker.request_id.as_slice());
            self.root.tell(host, &record, mode, asked);
        }
        self.verdict = None;
    }
}

fn with_buffers<T>(work: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.with(|buffers| match buffers.try_borrow_mut() {
        Ok(mut buffers) => work(&mut buffers),
        // A callback within a callback: nothing does that, and it would work all the same.
        Err(_) => work(&mut Buffers::default()),
    })
}

/// The room that headers took, for those of the next head: nothing is dropped or allocated.
fn emptied(mut headers: Vec<Header<'_>>) -> Vec<Header<'static>> {
    headers.clear();
    headers.into_iter().map_while(|_| None).collect()
}

/// The client's address, as the proxy sees it: `192.0.2.1:33480`, `[2001:db8::1]:0`.
fn client(host: &dyn Host) -> Option<IpAddr> {
    let mut bytes = Vec::with_capacity(48);
    if !host.property("source\0address", &mut bytes) {
        return None;
    }
    let text = std::str::from_utf8(&bytes).ok()?;
    let address = text
        .rsplit_once(':')
        .map_or(text, |(address, _port)| address);
    address
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Bytes that the proxy has received of this request.
fn total_size(host: &dyn Host) -> u64 {
    let mut bytes = Vec::with_capacity(8);
    if !host.property(TOTAL_SIZE, &mut bytes) {
        return 0;
    }
    bytes
        .first_chunk::<8>()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What of an id may stand in an answer: a client can choose it.
fn printable(value: &[u8]) -> Vec<u8> {
    const MOST: usize = 64;
    let may_stand = |byte: &u8| byte.is_ascii_graphic() && *byte != b'<';
    if value.len() <= MOST && value.iter().all(may_stand) {
        return value.to_vec();
    }
    let those = value.iter().copied().filter(may_stand);
    those.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_headers_is_kept() {
        let text = b"accept: text/html".to_vec();
        let mut headers: Vec<Header<'_>> = Vec::with_capacity(20);
        headers.push(text.split_at(6));
        let kept = emptied(headers);
        assert!(kept.is_empty() && kept.capacity() >= 20);
    }
}
