//! The few things that are asked of a proxy. Every call concerns the stream whose callback is
//! running, or the one that was entered last.

/// A map of names to values that the proxy keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// Headers of the request, pseudo-headers included.
    RequestHeaders,
    /// Trailers of the request.
    RequestTrailers,
    /// Headers of the response.
    ResponseHeaders,
}

/// How loud a line of the proxy's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something worth knowing once.
    Info,
    /// Something works differently than asked.
    Warn,
    /// Something does not work.
    Error,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// It only grows.
    Counter,
    /// It is what it was last set to.
    Gauge,
    /// Every value is kept, in buckets.
    Histogram,
}

/// An answer that the firewall gives instead of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// What `%RESPONSE_CODE_DETAILS%` prints: no spaces, nothing of the request.
    pub details: &'a str,
    /// Header names and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The status of a call where the client speaks gRPC; without it the proxy takes one from `status`.
    pub grpc_status: Option<u8>,
    /// The body; for gRPC the proxy makes it the `grpc-message`.
    pub body: &'a [u8],
}

/// What a proxy does for the firewall. Calls that fail leave things as they are; what that means
/// for the verdict is the caller's business.
pub trait Host {
    /// Appends a whole map, in the form that [`super::Pairs`] reads. False if it cannot be had.
    fn map(&self, map: Map, out: &mut Vec<u8>) -> bool;
    /// Sets the value of a name in a map in place of all values it has, or removes them.
    fn set_header(&self, map: Map, name: &str, value: Option<&[u8]>);
    /// Appends at most `most` bytes of the request body held so far, from `start` on. False if there
    /// are none to be had.
    fn request_body(&self, start: usize, most: usize, out: &mut Vec<u8>) -> bool;
    /// Appends a property; `path` is separated by null bytes. False if there is none.
    fn property(&self, path: &str, out: &mut Vec<u8>) -> bool;
    /// Sets a key of the stream's filter state, which access logs can print.
    fn set_filter_state(&self, key: &str, value: &[u8]);
    /// Says that a key of the filter state holds a serialised `google.protobuf.Struct`; only while an
    /// instance is configured.
    fn declare_struct(&self, key: &str);
    /// Makes a metric of that name known and returns its number; names are those of the proxy as a whole.
    fn define_metric(&self, metric: Metric, name: &str) -> Option<u32>;
    /// Adds to a counter.
    fn count(&self, metric: u32, by: u32);
    /// Sets a gauge, or adds a value to a histogram.
    fn gauge(&self, metric: u32, value: u64);
    /// Answers the request. False if the proxy would not.
    fn reply(&self, reply: &Reply<'_>) -> bool;
    /// Lets the held request of the entered stream go on.
    fn resume_request(&self);
    /// Makes another stream the one that calls concern; only from a tick. False if it is gone.
    fn enter(&self, stream: u32) -> bool;
    /// Ends what [`Host::enter`] began.
    fn leave(&self);
    /// Asks for a tick every so many milliseconds; 0 for none.
    fn tick_every(&self, milliseconds: u32);
    /// Nanoseconds since the epoch.
    fn now(&self) -> u64;
    /// Writes a line to the proxy's log.
    fn log(&self, level: Level, line: &str);
}
