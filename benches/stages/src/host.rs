//! A proxy that hands out one request and takes everything: the filter runs as in Envoy, and nothing but the filter costs.

use palisade::filter::{Host, Level, Map, Metric, Pairs, Reply, Root, Stream};
use palisade_harness::shapes::Shape;
use std::rc::Rc;

/// One request, as the proxy keeps it.
pub(crate) struct Proxy {
    map: Vec<u8>,
    body: Vec<u8>,
}

impl Proxy {
    pub(crate) fn new(shape: &Shape) -> Self {
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b":method", shape.method.as_bytes()),
            (b":scheme", b"https"),
            (b":authority", Shape::HOST.as_bytes()),
            (b":path", shape.target.as_bytes()),
            (b"x-forwarded-for", b"203.0.113.7"),
            (b"x-request-id", b"550e8400-e29b-41d4-a716-446655440000"),
        ];
        let own = shape.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        let mut map = Vec::new();
        Pairs::write(&headers, &mut map);
        Self {
            map,
            body: shape.body.clone(),
        }
    }

    /// Sends the request through the filter, from its headers to the end of the stream.
    pub(crate) fn send(&self, root: &Rc<Root>) {
        let stream = Stream::new(root, 2);
        stream
            .borrow_mut()
            .request_headers(self, self.body.is_empty());
        if !self.body.is_empty() {
            let length = self.body.len();
            stream.borrow_mut().request_body(self, length, true);
        }
        stream.borrow_mut().response_headers(self);
        stream.borrow_mut().ended(self);
    }
}

impl Host for Proxy {
    fn map(&self, map: Map, out: &mut Vec<u8>) -> bool {
        if map == Map::RequestHeaders {
            out.extend_from_slice(&self.map);
        }
        map == Map::RequestHeaders
    }

    fn set_header(&self, _: Map, _: &str, _: Option<&[u8]>) {}

    fn request_body(&self, start: usize, most: usize, out: &mut Vec<u8>) -> bool {
        let rest = self.body.get(start..).unwrap_or_default();
        out.extend_from_slice(rest.get(..most).unwrap_or(rest));
        !rest.is_empty()
    }

    fn property(&self, path: &str, out: &mut Vec<u8>) -> bool {
        match path {
            "source\0address" => out.extend_from_slice(b"203.0.113.7:4711"),
            "request\0total_size" => out.extend_from_slice(&1000_u64.to_le_bytes()),
            _ => return false,
        }
        true
    }

    fn set_filter_state(&self, _: &str, _: &[u8]) {}

    fn declare_struct(&self, _: &str) {}

    fn define_metric(&self, _: Metric, _: &str) -> Option<u32> {
        Some(1)
    }

    fn count(&self, _: u32, _: u32) {}

    fn gauge(&self, _: u32, _: u64) {}

    fn reply(&self, _: &Reply<'_>) -> bool {
        true
    }

    fn resume_request(&self) {}

    fn enter(&self, _: u32) -> bool {
        true
    }

    fn leave(&self) {}

    fn tick_every(&self, _: u32) {}

    fn now(&self) -> u64 {
        1_800_000_000_000_000_000
    }

    fn log(&self, _: Level, _: &str) {}
}
