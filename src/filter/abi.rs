//! proxy-wasm: the only file that names it. Host calls are declared here rather than taken from the
//! SDK, because its wrappers panic on what a hostile request may bring about (headers that are not
//! UTF-8, maps that are gone) and copy every header twice.
#![expect(unsafe_code, reason = "host calls take pointers and hand over memory")]

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use super::host::Metric;
use super::{Flow, Host, Level, Map, Refusal, Reply, Root, Stream, count_error};
use crate::model::ProxyError;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|id| Box::new(Instance { id, state: State::Unconfigured }));
}}

/// Calls of the proxy-wasm ABI 0.2.1. Each answers with a status, 0 for success; memory that the
/// host hands over was allocated through this module's own allocator and becomes ours.
mod calls {
    unsafe extern "C" {
        pub(super) fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
        pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(super) fn proxy_set_effective_context(context: u32) -> u32;
        pub(super) fn proxy_continue_stream(stream: u32) -> u32;
        pub(super) fn proxy_get_property(
            path: *const u8,
            path_size: usize,
            value: *mut *mut u8,
            value_size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_property(
            path: *const u8,
            path_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(super) fn proxy_define_metric(
            metric: u32,
            name: *const u8,
            name_size: usize,
            number: *mut u32,
        ) -> u32;
        pub(super) fn proxy_increment_metric(metric: u32, by: i64) -> u32;
        pub(super) fn proxy_record_metric(metric: u32, value: u64) -> u32;
        pub(super) fn proxy_call_foreign_function(
            name: *const u8,
            name_size: usize,
            argument: *const u8,
            argument_size: usize,
            result: *mut *mut u8,
            result_size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            most: usize,
            value: *mut *mut u8,
            value_size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_get_header_map_pairs(
            map: u32,
            value: *mut *mut u8,
            value_size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_replace_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
        ) -> u32;
        pub(super) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_size: usize,
            body: *const u8,
            body_size: usize,
            headers: *const u8,
            headers_size: usize,
            grpc_status: i32,
        ) -> u32;
    }
}

/// The buffer that holds the request body.
const REQUEST_BODY: u32 = 0;
/// The buffer that holds the plugin configuration.
const CONFIGURATION: u32 = 7;
/// The request half of a stream.
const REQUEST: u32 = 0;
/// Lets the proxy derive the gRPC status from the HTTP status.
const GRPC_STATUS_DERIVED: i32 = -1;

/// The proxy, as seen from the context of this number.
struct Proxy {
    /// The root context to come back to after another stream was entered.
    root: u32,
}

/// The root context of tick callbacks; streams never enter another.
const STREAM: Proxy = Proxy { root: 0 };

/// Appends what a call hands over.
fn receive(out: &mut Vec<u8>, call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> bool {
    let mut data = std::ptr::null_mut();
    let mut size = 0;
    if call(&raw mut data, &raw mut size) != 0 {
        return false;
    }
    if !data.is_null() {
        // SAFETY: on success the host has allocated exactly `size` bytes at `data` through this
        // module's allocator and filled them; it gives up its claim.
        let bytes = unsafe { Vec::from_raw_parts(data, size, size) };
        out.extend_from_slice(&bytes);
    }
    true
}

const fn number(map: Map) -> u32 {
    match map {
        Map::RequestHeaders => 0,
        Map::RequestTrailers => 1,
        Map::ResponseHeaders => 2,
    }
}

// SAFETY of the calls below: every pointer comes with the length of a slice that outlives the call,
// and the host reads no further.
impl Host for Proxy {
    fn map(&self, map: Map, out: &mut Vec<u8>) -> bool {
        receive(out, |data, size| unsafe {
            calls::proxy_get_header_map_pairs(number(map), data, size)
        })
    }

    fn set_header(&self, map: Map, name: &str, value: Option<&[u8]>) {
        let map = number(map);
        match value {
            Some(value) => unsafe {
                calls::proxy_replace_header_map_value(
                    map,
                    name.as_ptr(),
                    name.len(),
                    value.as_ptr(),
                    value.len(),
                );
            },
            None => unsafe {
                calls::proxy_remove_header_map_value(map, name.as_ptr(), name.len());
            },
        }
    }

    fn request_body(&self, start: usize, most: usize, out: &mut Vec<u8>) -> bool {
        receive(out, |data, size| unsafe {
            calls::proxy_get_buffer_bytes(REQUEST_BODY, start, most, data, size)
        })
    }

    fn property(&self, path: &str, out: &mut Vec<u8>) -> bool {
        receive(out, |data, size| unsafe {
            calls::proxy_get_property(path.as_ptr(), path.len(), data, size)
        })
    }

    fn set_filter_state(&self, key: &str, value: &[u8]) {
        unsafe {
            calls::proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len());
        }
    }

    fn declare_struct(&self, key: &str) {
        let name = "declare_property";
        let argument = super::metadata::struct_declaration(key);
        let mut nothing = Vec::new();
        receive(&mut nothing, |data, size| unsafe {
            calls::proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                argument.as_ptr(),
                argument.len(),
                data,
                size,
            )
        });
    }

    fn define_metric(&self, metric: Metric, name: &str) -> Option<u32> {
        let metric = match metric {
            Metric::Counter => 0,
            Metric::Gauge => 1,
            Metric::Histogram => 2,
        };
        let mut number = 0;
        let status = unsafe {
            calls::proxy_define_metric(metric, name.as_ptr(), name.len(), &raw mut number)
        };
        (status == 0).then_some(number)
    }

    fn count(&self, metric: u32, by: u32) {
        unsafe {
            calls::proxy_increment_metric(metric, by.into());
        }
    }

    fn gauge(&self, metric: u32, value: u64) {
        unsafe {
            calls::proxy_record_metric(metric, value);
        }
    }

    fn reply(&self, reply: &Reply<'_>) -> bool {
        let headers: Vec<(&[u8], &[u8])> = reply
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), *value))
            .collect();
        let mut map = Vec::with_capacity(256);
        super::Pairs::write(&headers, &mut map);
        let status = unsafe {
            calls::proxy_send_local_response(
                reply.status.into(),
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                map.as_ptr(),
                map.len(),
                reply.grpc_status.map_or(GRPC_STATUS_DERIVED, i32::from),
            )
        };
        status == 0
    }

    fn resume_request(&self) {
        unsafe {
            calls::proxy_continue_stream(REQUEST);
        }
    }

    fn enter(&self, stream: u32) -> bool {
        unsafe { calls::proxy_set_effective_context(stream) == 0 }
    }

    fn leave(&self) {
        unsafe {
            calls::proxy_set_effective_context(self.root);
        }
    }

    fn tick_every(&self, milliseconds: u32) {
        unsafe {
            calls::proxy_set_tick_period_milliseconds(milliseconds);
        }
    }

    fn now(&self) -> u64 {
        let mut time = 0;
        unsafe {
            calls::proxy_get_current_time_nanoseconds(&raw mut time);
        }
        time
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        unsafe {
            calls::proxy_log(level, line.as_ptr(), line.len());
        }
    }
}

/// One configured instance, as the SDK drives it.
struct Instance {
    id: u32,
    state: State,
}

enum State {
    Unconfigured,
    Ready(Rc<Root>),
    /// Too little memory for the policy in this VM: every request is refused.
    Refusing,
}

impl Context for Instance {}

impl RootContext for Instance {
    fn on_configure(&mut self, _size: usize) -> bool {
        let proxy = Proxy { root: self.id };
        let mut json = Vec::new();
        // Without a configuration there is no buffer; that means the default policy.
        receive(&mut json, |data, size| unsafe {
            calls::proxy_get_buffer_bytes(CONFIGURATION, 0, usize::MAX >> 1, data, size)
        });
        match Root::configure(&proxy, &json) {
            Ok(root) => {
                self.state = State::Ready(root);
                true
            }
            Err(Refusal::Policy) => false,
            Err(Refusal::Memory) => {
                self.state = State::Refusing;
                true
            }
        }
    }

    fn on_tick(&mut self) {
        if let State::Ready(root) = &self.state {
            root.tick(&Proxy { root: self.id });
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.state {
            State::Ready(root) => Box::new(Request(Stream::new(root, id))),
            State::Unconfigured | State::Refusing => Box::new(Refused),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request, as the SDK drives it.
struct Request(Rc<RefCell<Stream>>);

impl Request {
    fn drive(&self, step: impl FnOnce(&mut Stream) -> Flow) -> Action {
        match self.0.try_borrow_mut().map(|mut stream| step(&mut stream)) {
            Ok(Flow::Continue) => Action::Continue,
            // A callback within a callback does not happen; if it did, nothing may pass unseen.
            Ok(Flow::Pause) | Err(_) => Action::Pause,
        }
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        self.drive(|stream| stream.request_headers(&STREAM, end))
    }

    fn on_http_request_body(&mut self, held: usize, end: bool) -> Action {
        self.drive(|stream| stream.request_body(&STREAM, held, end))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.drive(|stream| stream.request_trailers(&STREAM))
    }

    fn on_http_response_headers(&mut self, _count: usize, _end: bool) -> Action {
        self.drive(|stream| stream.response_headers(&STREAM))
    }

    fn on_log(&mut self) {
        if let Ok(mut stream) = self.0.try_borrow_mut() {
            stream.ended(&STREAM);
        }
    }
}

/// A request in a VM that could not hold the policy.
struct Refused;

impl Context for Refused {}

impl HttpContext for Refused {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        count_error(&STREAM, ProxyError::OutOfMemory);
        STREAM.reply(&Reply {
            status: 503,
            details: "waf_unavailable",
            headers: &[],
            grpc_status: None,
            body: b"",
        });
        Action::Pause
    }
}
