//! One configured instance of the filter: its engine, the streams it waits for, and what it has
//! found out about the proxy. One VM holds several of these; they share nothing that a policy says.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::effects::{Clean, FILTER_STATE_TYPED};
use super::host::{Host, Level};
use super::log::{self, Asked, Limiter};
use super::metrics::{Metrics, count_error};
use super::numbered::Numbered;
use super::stream::Stream;
use crate::config::Config;
use crate::engine::{Engine, Record};
use crate::model::{Hold, Mode, ProxyError};

/// Whether the proxy keeps the headers of a request back while its body is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    /// Not known yet; the first body tells.
    Unknown,
    /// It does: the upstream hears nothing before the verdict.
    Holds,
    /// It does not: a filter that keeps the headers never sees the body.
    Continues,
}

/// One configured instance of the filter.
#[derive(Debug)]
pub struct Root {
    engine: Engine,
    holding: Cell<Holding>,
    waiting: RefCell<Numbered<Weak<RefCell<Stream>>>>,
    ticking: Cell<u32>,
    /// The moment at which another exception of the policy expires, in seconds since 1970-01-01 (UTC).
    next_expiry: Cell<u64>,
    metrics: Option<Metrics>,
    clean: Option<Clean>,
    limiter: RefCell<Limiter>,
}

/// How often streams are looked after while it is not known how the proxy holds headers.
const DISCOVERY_TICK_MS: u32 = 20;
/// How often they are looked after otherwise.
const WATCH_TICK_MS: u32 = 1000;

/// Bytes that must be free before a policy is compiled, whatever its size: for the shipped rules where
/// they are not there yet, and for the requests that run meanwhile. Failing here, before anything was
/// changed, is harmless; failing later would end the VM.
const BASE: usize = 8 << 20;
/// The same where the shipped rules are there.
const WARM_BASE: usize = 2 << 20;
/// The same for each byte of the document: its text, copied a few times, and automata over it.
const PER_BYTE: usize = 80;
/// The same for each place where another value of the document begins: what is known of one exception
/// takes many times the bytes of `{"rules":0}`.
const PER_VALUE: usize = 640;
/// The same for each scope, for each rule of the policy in it, and for each override.
const PER_SCOPE: usize = 2048;
const PER_SCOPED_RULE: usize = 20;
const PER_SCOPED_OVERRIDE: usize = 512;
/// For a document whose keys are written with escapes, so that none of this can be counted.
const UNCOUNTED: usize = 64 << 20;

/// What a policy is and how long it took, for the proxy's log.
fn ready(config: &Config, milliseconds: u64) -> String {
    let part = |what: &str, text: &Option<String>| match text {
        Some(text) => format!(" {what}{text}"),
        None => String::new(),
    };
    let settings = || config.scopes.iter().map(|scope| &scope.settings);
    let of_scopes: usize = settings().map(|of| of.exceptions.len()).sum();
    format!(
        "palisade: policy{}{} ready after {milliseconds} ms; exceptions: {}, own rules: {}, scopes: {}",
        part("", &config.name),
        part("revision ", &config.revision),
        config.settings.exceptions.len().saturating_add(of_scopes),
        config.rules.len(),
        config.scopes.len()
    )
}

/// Expired exceptions that are named one by one.
const MOST_TOLD: usize = 100;

/// Bytes of a policy document.
const MOST_JSON: usize = 16 << 20;

/// Why there is no instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The document is not a policy. The same everywhere, so the proxy may refuse it.
    Policy,
    /// This VM has too little memory left. Other VMs may have enough, so the proxy must not be
    /// told to do without the firewall: every request is refused until the VM is replaced.
    Memory,
}

impl Root {
    /// Reads and compiles a policy.
    ///
    /// # Errors
    /// Why there is no instance; the proxy's log has the particulars.
    pub fn configure(host: &dyn Host, json: &[u8]) -> Result<Rc<Self>, Refusal> {
        // What passes in the proxy's trial VM must not fail in a worker, where it would switch the
        // firewall off: everything here depends on the document alone, except memory, so that is
        // asked for first.
        if json.len() > MOST_JSON {
            host.log(
                Level::Error,
                "palisade: policy refused: $: larger than 16 MiB",
            );
            count_error(host, ProxyError::PolicyRefused);
            return Err(Refusal::Policy);
        }
        let mut room: Vec<u8> = Vec::new();
        if room.try_reserve_exact(Self::memory_for(json)).is_err() {
            host.log(
                Level::Error,
                "palisade: too little memory for the policy; requests are refused",
            );
            return Err(Refusal::Memory);
        }
        drop(room);
        let start = host.now();
        let engine = Config::parse(json).and_then(Engine::compile);
        match engine {
            Ok(engine) => {
                let took = host.now().saturating_sub(start) / 1_000_000;
                host.log(Level::Info, &ready(engine.config(), took));
                let holding = match engine.config().hold_request_headers {
                    Hold::Auto => Holding::Unknown,
                    Hold::Yes => Holding::Unknown,
                    Hold::No => Holding::Continues,
                };
                let metrics = Metrics::define(host, &engine, json);
                let root = Rc::new(Self {
                    clean: Clean::of(&engine),
                    engine,
                    holding: Cell::new(holding),
                    waiting: RefCell::new(Numbered::new()),
                    ticking: Cell::new(0),
                    next_expiry: Cell::new(0),
                    metrics,
                    limiter: RefCell::default(),
                });
                if root.engine.config().telemetry.typed {
                    host.declare_struct(FILTER_STATE_TYPED);
                }
                if root.engine.needs_time() {
                    root.tell_expired(host, host.now() / 1_000_000_000);
                }
                Ok(root)
            }
            Err(problems) => {
                count_error(host, ProxyError::PolicyRefused);
                let count = problems.len();
                host.log(
                    Level::Error,
                    &format!("palisade: policy refused, problems: {count}"),
                );
                for problem in problems {
                    host.log(Level::Error, &format!("palisade: {problem}"));
                }
                Err(Refusal::Policy)
            }
        }
    }

    /// Bytes of memory that are surely enough to read and to compile a document, and to keep what comes of
    /// it; a test measures that.
    pub fn memory_for(json: &[u8]) -> usize {
        let all = |text: &[u8], key: &[u8]| memchr::memmem::find_iter(text, key).count();
        let behind = |key: &[u8]| {
            let at = memchr::memmem::find(json, key);
            at.and_then(|at| json.get(at..)).unwrap_or_default()
        };
        let values = memchr::memchr3_iter(b'{', b'[', b',', json).count();
        // Every scope names a host, a path or a method, every rule has a score or allows, every override
        // names rules: of those there are at most as many as of these words.
        let scopes = behind(b"\"scopes\"");
        let scopes: usize = [&b"\"host\""[..], b"\"path\"", b"\"method\""]
            .map(|key| all(scopes, key))
            .iter()
            .sum();
        let rules = all(json, b"\"score\"").saturating_add(all(json, b"\"allow\""));
        let overrides = all(behind(b"\"overrides\""), b"\"rules\"");
        let scope = PER_SCOPE
            .saturating_add(rules.saturating_mul(PER_SCOPED_RULE))
            .saturating_add(overrides.saturating_mul(PER_SCOPED_OVERRIDE));
        let escaped = memchr::memmem::find(json, b"\\u").is_some();
        let base = if Engine::is_warm() { WARM_BASE } else { BASE };
        base.saturating_add(json.len().saturating_mul(PER_BYTE))
            .saturating_add(values.saturating_mul(PER_VALUE))
            .saturating_add(scopes.saturating_mul(scope))
            .saturating_add(if escaped { UNCOUNTED } else { 0 })
    }

    /// The engine of this instance.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Tells which exceptions no longer apply, once as the policy is configured and again when another one
    /// expires. Asks the proxy nothing: whoever knows the time passes it on, in seconds.
    pub(super) fn tell_expired(&self, host: &dyn Host, now: u64) {
        let told = self.next_expiry.get();
        if now < told {
            return;
        }
        self.next_expiry
            .set(self.engine.next_expiry(now).unwrap_or(u64::MAX));
        if let Some(metrics) = &self.metrics {
            metrics.expired(host, self.engine.expired(now).count());
        }
        let mut more = 0_usize;
        for (index, (label, last)) in self
            .engine
            .expired(now)
            .filter(|(_, last)| last.end() >= told)
            .enumerate()
        {
            if index < MOST_TOLD {
                let line =
                    format!("palisade: exception {label} expired on {last} and no longer applies");
                host.log(Level::Warn, &line);
            } else {
                more = more.saturating_add(1);
            }
        }
        if more > 0 {
            host.log(
                Level::Warn,
                &format!("palisade: {more} more exceptions expired and no longer apply"),
            );
        }
    }

    /// Tells of a request that is over: counts it, and leaves a record where the policy wants one.
    pub(super) fn tell(
        &self,
        host: &dyn Host,
        record: &Record<'_>,
        mode: Mode,
        (asked, request_id): (Option<&Asked>, &[u8]),
    ) {
        if let Some(metrics) = &self.metrics {
            metrics.count(host, record.verdict, mode);
            if let Some(microseconds) = record.microseconds {
                metrics.time(host, microseconds);
            }
        }
        let telemetry = &self.engine.config().telemetry;
        if let Some(asked) = asked
            && log::wants(telemetry, record)
            && let Ok(mut limiter) = self.limiter.try_borrow_mut()
        {
            let asked = (asked, request_id);
            if !log::write(host, &mut limiter, telemetry, record, asked)
                && let Some(metrics) = &self.metrics
            {
                metrics.dropped(host);
            }
        }
    }

    /// What is written of requests of which there is nothing to say; `None` if all of them have something.
    pub(super) const fn clean(&self) -> Option<&Clean> {
        self.clean.as_ref()
    }

    /// Tells of such a request that it is over.
    pub(super) fn tell_clean(&self, host: &dyn Host, mode: Mode) {
        if let Some(metrics) = &self.metrics {
            metrics.count_clean(host, mode);
        }
    }

    pub(super) fn holding(&self) -> Holding {
        self.holding.get()
    }

    /// Remembers what a stream has shown about the proxy.
    pub(super) fn learn(&self, host: &dyn Host, holding: Holding) {
        if self.holding.get() == holding {
            return;
        }
        self.holding.set(holding);
        let asked = self.engine.config().hold_request_headers;
        match (asked, holding) {
            (Hold::Yes, Holding::Continues) => host.log(
                Level::Error,
                "palisade: hold_request_headers is true, but the proxy does not hold request \
                 headers: set allow_on_headers_stop_iteration on the filter; headers go on, bodies are held",
            ),
            (_, Holding::Continues) => host.log(
                Level::Info,
                "palisade: the proxy lets request headers go on; bodies are held until the verdict",
            ),
            (_, Holding::Holds) => host.log(
                Level::Info,
                "palisade: the proxy holds request headers until the verdict on the body",
            ),
            (_, Holding::Unknown) => {}
        }
    }

    /// Looks after a stream from now on until it is decided.
    pub(super) fn watch(&self, host: &dyn Host, id: u32, stream: Weak<RefCell<Stream>>) {
        self.waiting.borrow_mut().insert(id, stream);
        let every = if self.holding() == Holding::Unknown {
            DISCOVERY_TICK_MS
        } else {
            WATCH_TICK_MS
        };
        self.tick_every(host, every);
    }

    /// Looks after a stream no longer: it is decided. To leave that to the next tick would keep the memory of
    /// thousands.
    pub(super) fn unwatch(&self, id: u32) {
        self.waiting.borrow_mut().remove(id);
    }

    fn tick_every(&self, host: &dyn Host, milliseconds: u32) {
        // The shortest wins while anything waits.
        let now = self.ticking.get();
        if now == 0 || milliseconds < now {
            self.ticking.set(milliseconds);
            host.tick_every(milliseconds);
        }
    }

    /// The proxy's clock struck: nothing that waits may wait for ever.
    pub fn tick(&self, host: &dyn Host) {
        let waiting: Vec<_> = {
            let waiting = self.waiting.borrow();
            waiting.iter().map(|(id, it)| (id, it.upgrade())).collect()
        };
        let now = host.now();
        for (id, stream) in waiting {
            let Some(stream) = stream else {
                self.unwatch(id);
                continue;
            };
            let Ok(mut state) = stream.try_borrow_mut() else {
                continue;
            };
            if !state.is_waiting() || !host.enter(id) {
                self.unwatch(id);
                continue;
            }
            // It says itself when it waits no longer.
            state.look_after(host, now);
            host.leave();
        }
        let every = match (self.waiting.borrow().is_empty(), self.holding()) {
            (true, _) => 0,
            (false, Holding::Unknown) => DISCOVERY_TICK_MS,
            (false, _) => WATCH_TICK_MS,
        };
        if every != self.ticking.get() {
            self.ticking.set(every);
            host.tick_every(every);
        }
    }
}
