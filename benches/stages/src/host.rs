//! A proxy that hands out one request and takes everything: the filter runs as in Envoy, and nothing but the filter costs.

use palisade::filter::{Host, Level, Map, Metric, Pairs, Reply, Root, Stream};
use palisade_harness::shapes::Shape;
use std::cell::Cell;
use std::rc::Rc;

/// One request, as the proxy keeps it.
pub(crate) struct Proxy {
    /// Its headers; of several that differ in every value, each is sent in turn.
    headers: Vec<Headers>,
    sent: Cell<usize>,
    body: Vec<u8>,
}

struct Headers {
    map: Vec<u8>,
    /// Where the value of `x-request-id` begins: no two requests have one.
    id: usize,
}

impl Proxy {
    pub(crate) fn new(shape: &Shape) -> Self {
        Self {
            headers: vec![headers_of(shape)],
            sent: Cell::new(0),
            body: shape.body.clone(),
        }
    }

    /// One whose every request has another path, and another value in every header: nothing of them is remembered,
    /// but for the names.
    pub(crate) fn of_strangers(shape: &Shape) -> Self {
        let stranger = |number: u32| {
            let number = number.wrapping_mul(0x9E37_79B1);
            let mut shape = shape.clone();
            shape.target = format!("/{number}{}", shape.target);
            for (_, value) in &mut shape.headers {
                value.push_str(&number.to_string());
            }
            headers_of(&shape)
        };
        Self {
            headers: (1..=2048).map(stranger).collect(),
            ..Self::new(shape)
        }
    }

    /// Sends the request through the filter, from its headers to the end of the stream.
    pub(crate) fn send(&self, root: &Rc<Root>) {
        self.sent.set(self.sent.get().wrapping_add(1));
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

fn headers_of(shape: &Shape) -> Headers {
    const REQUEST_ID: &[u8] = b"550e8400-e29b-41d4-a716-446655440000";
    let mut headers: Vec<(&[u8], &[u8])> = vec![
        (b":method", shape.method.as_bytes()),
        (b":scheme", b"https"),
        (b":authority", Shape::HOST.as_bytes()),
        (b":path", shape.target.as_bytes()),
        (b"x-forwarded-for", b"203.0.113.7"),
        (b"x-request-id", REQUEST_ID),
    ];
    let own = shape.headers.iter();
    headers.extend(own.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let mut map = Vec::new();
    Pairs::write(&headers, &mut map);
    let mut places = map.windows(REQUEST_ID.len());
    let id = places
        .position(|text| text == REQUEST_ID)
        .unwrap_or(map.len());
    Headers { map, id }
}

impl Host for Proxy {
    fn map(&self, map: Map, out: &mut Vec<u8>) -> bool {
        if map == Map::RequestHeaders {
            let sent = self.sent.get();
            if let Some(Headers { map, id }) = self.headers.get(sent % self.headers.len()) {
                out.extend_from_slice(map);
                let place = out.get_mut(*id..).and_then(<[u8]>::first_chunk_mut);
                if let Some(digits) = place {
                    let number = (sent as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    *digits = number
                        .to_be_bytes()
                        .map(|byte| b"0123456789abcdef"[usize::from(byte & 15)]);
                }
            }
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
