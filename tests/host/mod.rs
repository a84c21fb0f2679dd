//! A proxy that is none: what a filter does to it can be looked at.

#![allow(
    dead_code,
    reason = "each test that shares this file uses its own part of it"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use palisade::filter::{Host, Level, Map, Metric, Pairs, Reply};

/// A proxy with one request, of which everything can be set and everything that was done be seen.
#[derive(Default)]
pub(crate) struct FakeHost {
    pub(crate) headers: RefCell<Vec<(String, Vec<u8>)>>,
    /// In mode *continue* the maps are gone once the headers have gone on.
    pub(crate) headers_gone: Cell<bool>,
    /// The proxy does not show its header maps, for whatever reason.
    pub(crate) unreadable: Cell<bool>,
    pub(crate) response: RefCell<Vec<(String, Vec<u8>)>>,
    pub(crate) trailers: RefCell<Vec<(String, Vec<u8>)>>,
    pub(crate) body: RefCell<Vec<u8>>,
    pub(crate) received: Cell<u64>,
    pub(crate) client: Cell<Option<std::net::IpAddr>>,
    pub(crate) state: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) reply: RefCell<Option<u16>>,
    pub(crate) reply_headers: RefCell<Vec<String>>,
    pub(crate) resumed: Cell<bool>,
    pub(crate) tick: Cell<u32>,
    pub(crate) now: Cell<u64>,
    /// By how much the clock goes on each time it is read.
    pub(crate) ticks: Cell<u64>,
    pub(crate) log: RefCell<Vec<String>>,
    /// Keys of the filter state that hold a protobuf `Struct`.
    pub(crate) structs: RefCell<Vec<String>>,
    /// Headers and body of the answer that was given.
    pub(crate) answer: RefCell<Vec<(String, Vec<u8>)>>,
    /// Names of the calls that were made.
    pub(crate) calls: RefCell<Vec<&'static str>>,
}

thread_local! {
    /// The metrics of the proxy as a whole, which outlive every request: by number, name and values.
    static METRICS: RefCell<Vec<(Metric, String, Vec<u64>)>> = RefCell::default();
}

/// The values of all metrics that are not zero, by name: the sum of a counter, the last value of a gauge,
/// the values of a histogram.
pub(crate) fn metrics() -> BTreeMap<String, Vec<u64>> {
    METRICS.with_borrow(|all| {
        all.iter()
            .map(|(metric, name, values)| {
                let values = match metric {
                    Metric::Counter => vec![values.iter().sum()],
                    Metric::Gauge => values.last().copied().into_iter().collect(),
                    Metric::Histogram => values.clone(),
                };
                (name.clone(), values)
            })
            .filter(|(_, values)| values.iter().any(|value| *value != 0))
            .collect()
    })
}

/// The names of all metrics.
pub(crate) fn metric_names() -> Vec<String> {
    METRICS.with_borrow(|all| all.iter().map(|(_, name, _)| name.clone()).collect())
}

/// Forgets what was counted, but no name.
pub(crate) fn reset_metrics() {
    METRICS.with_borrow_mut(|all| all.iter_mut().for_each(|(_, _, values)| values.clear()));
}

impl FakeHost {
    fn called(&self, name: &'static str) {
        self.calls.borrow_mut().push(name);
    }

    fn entries(&self, map: Map) -> &RefCell<Vec<(String, Vec<u8>)>> {
        match map {
            Map::RequestHeaders => &self.headers,
            Map::RequestTrailers => &self.trailers,
            Map::ResponseHeaders => &self.response,
        }
    }
}

impl Host for FakeHost {
    fn map(&self, map: Map, out: &mut Vec<u8>) -> bool {
        self.called("map");
        if self.unreadable.get() || map == Map::RequestHeaders && self.headers_gone.get() {
            return false;
        }
        let entries = self.entries(map).borrow();
        let entries: Vec<(&[u8], &[u8])> = entries
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        Pairs::write(&entries, out);
        true
    }

    fn set_header(&self, map: Map, name: &str, value: Option<&[u8]>) {
        self.called("set_header");
        assert!(
            !(map == Map::RequestHeaders && self.headers_gone.get()),
            "the headers are gone"
        );
        let mut entries = self.entries(map).borrow_mut();
        entries.retain(|(own, _)| own != name);
        if let Some(value) = value {
            entries.push((name.to_owned(), value.to_vec()));
        }
    }

    fn request_body(&self, start: usize, most: usize, out: &mut Vec<u8>) -> bool {
        self.called("request_body");
        let body = self.body.borrow();
        if start >= body.len() {
            return false;
        }
        out.extend_from_slice(&body[start..start.saturating_add(most).min(body.len())]);
        true
    }

    fn property(&self, path: &str, out: &mut Vec<u8>) -> bool {
        self.called("property");
        if path == "request\0protocol" {
            out.extend_from_slice(b"HTTP/1.1");
            return true;
        }
        if path == "source\0address" {
            let client = self.client.get();
            out.extend(
                client
                    .map(|client| {
                        std::net::SocketAddr::new(client, 40_000)
                            .to_string()
                            .into_bytes()
                    })
                    .unwrap_or_default(),
            );
            return client.is_some();
        }
        assert_eq!(path, "request\0total_size");
        out.extend_from_slice(&self.received.get().to_le_bytes());
        true
    }

    fn set_filter_state(&self, key: &str, value: &[u8]) {
        self.called("set_filter_state");
        self.state
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
    }

    fn declare_struct(&self, key: &str) {
        self.structs.borrow_mut().push(key.to_owned());
    }

    fn define_metric(&self, metric: Metric, name: &str) -> Option<u32> {
        METRICS.with_borrow_mut(|all| {
            // A proxy would give another number, and both would count.
            assert!(
                all.iter().all(|(_, known, _)| known != name),
                "{name} is defined twice"
            );
            all.push((metric, name.to_owned(), Vec::new()));
            u32::try_from(all.len() - 1).ok()
        })
    }

    fn count(&self, metric: u32, by: u32) {
        self.called("count");
        METRICS.with_borrow_mut(|all| all[metric as usize].2.push(by.into()));
    }

    fn gauge(&self, metric: u32, value: u64) {
        self.called("gauge");
        METRICS.with_borrow_mut(|all| all[metric as usize].2.push(value));
    }

    fn reply(&self, reply: &Reply<'_>) -> bool {
        self.called("reply");
        assert!(
            !reply.details.contains(' '),
            "the proxy would change {}",
            reply.details
        );
        let earlier = self.reply.replace(Some(reply.status));
        assert_eq!(earlier, None, "answered twice");
        self.reply_headers.replace(
            reply
                .headers
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        );
        let mut answer: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect();
        answer.push((String::new(), reply.body.to_vec()));
        answer.push(("details".to_owned(), reply.details.as_bytes().to_vec()));
        self.answer.replace(answer);
        true
    }

    fn resume_request(&self) {
        self.called("resume_request");
        self.resumed.set(true);
    }

    fn enter(&self, _stream: u32) -> bool {
        true
    }

    fn leave(&self) {}

    fn tick_every(&self, milliseconds: u32) {
        self.called("tick_every");
        self.tick.set(milliseconds);
    }

    fn now(&self) -> u64 {
        self.called("now");
        self.now.set(self.now.get() + self.ticks.get());
        self.now.get()
    }

    fn log(&self, _level: Level, line: &str) {
        self.called("log");
        self.log.borrow_mut().push(line.to_owned());
    }
}
