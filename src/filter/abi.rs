//! proxy-wasm, ABI 0.2.1: the calls to the proxy and the callbacks that it makes, and the only file with
//! either. Both are declared here rather than taken from the SDK. Its wrappers panic on what a hostile
//! request may bring about (headers that are not UTF-8, maps that are gone) and copy every header twice; it
//! exports every callback there is, and each that a request runs into costs the crossing.
#![expect(
    unsafe_code,
    reason = "host calls take pointers and hand over memory; exports have names"
)]

use std::alloc::{Layout, alloc};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

use super::host::Metric;
use super::numbered::Numbered;
use super::{Flow, Host, Level, Map, Refusal, Reply, Root, Stream, count_error};
use crate::model::ProxyError;

#[cfg(test)]
mod tests;
#[cfg(test)]
use tests::calls;

/// Each answers with a status, 0 for success; memory that the host hands over is what
/// [`proxy_on_memory_allocate`] gave it during the call.
#[cfg(not(test))]
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
/// The loudest level of the proxy's log.
const CRITICAL: u32 = 5;
/// Lets the proxy derive the gRPC status from the HTTP status.
const GRPC_STATUS_DERIVED: i32 = -1;

/// The proxy, as seen from the context of this number.
struct Proxy {
    /// The root context to come back to after another stream was entered.
    root: u32,
}

/// The root context of tick callbacks; streams never enter another.
const STREAM: Proxy = Proxy { root: 0 };

/// A buffer that the host may write into during the call that is under way.
struct Lent {
    buffer: Vec<u8>,
    /// Whether it is still to be had: what a call hands over is one piece.
    open: bool,
}

thread_local! {
    static LENT: RefCell<Lent> = const {
        RefCell::new(Lent {
            buffer: Vec::new(),
            open: false,
        })
    };
}

/// Memory for what a call hands over: behind what the lent buffer holds, or new. Null if there is none,
/// which the host takes for a call that failed.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let lent = LENT.with(|lent| {
        let mut lent = lent.try_borrow_mut().ok()?;
        let open = std::mem::take(&mut lent.open);
        if !open || lent.buffer.try_reserve(size).is_err() {
            return None;
        }
        Some(lent.buffer.spare_capacity_mut().as_mut_ptr().cast())
    });
    lent.unwrap_or_else(|| match Layout::array::<u8>(size) {
        Ok(_) if size == 0 => NonNull::dangling().as_ptr(),
        // SAFETY: the layout is not that of nothing.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => null_mut(),
    })
}

/// Appends what a call hands over.
fn receive(out: &mut Vec<u8>, call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> bool {
    let offer = |buffer: &mut Vec<u8>, open| {
        LENT.with(|lent| {
            if let Ok(mut lent) = lent.try_borrow_mut() {
                std::mem::swap(&mut lent.buffer, buffer);
                lent.open = open;
            }
        });
    };
    let mut data = null_mut();
    let mut size = 0;
    offer(out, true);
    let status = call(&raw mut data, &raw mut size);
    offer(out, false);
    if status != 0 {
        return false;
    }
    if data.is_null() || size == 0 {
        return true;
    }
    let room = out.spare_capacity_mut();
    if !room.is_empty() && std::ptr::eq(room.as_ptr().cast(), data) {
        let size = size.min(room.len());
        // SAFETY: nothing else can be where this buffer has room, so it is what the host was given for
        // these `size` bytes; on success it has filled them.
        unsafe { out.set_len(out.len().saturating_add(size)) };
    } else {
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

thread_local! {
    /// The instances by their root contexts; a few at most. One without a policy refuses every request:
    /// it was not configured, or this VM has too little memory for it.
    static INSTANCES: RefCell<Vec<(u32, Option<Rc<Root>>)>> = const { RefCell::new(Vec::new()) };
    /// The requests of instances with a policy. No borrow lasts while a stream runs.
    static STREAMS: RefCell<Numbered<Rc<RefCell<Stream>>>> = const { RefCell::new(Numbered::new()) };
}

fn instance(root: u32) -> Option<Rc<Root>> {
    INSTANCES.with(|instances| {
        let instances = instances.try_borrow().ok()?;
        let mut those = instances.iter().filter(|(id, _)| *id == root);
        those.next().and_then(|(_, instance)| instance.clone())
    })
}

/// Sets what an instance has become. What was there goes once nothing else needs it.
fn set_instance(root: u32, instance: Option<Rc<Root>>) {
    INSTANCES.with(|instances| {
        if let Ok(mut instances) = instances.try_borrow_mut() {
            instances.retain(|(id, _)| *id != root);
            instances.push((root, instance));
        }
    });
}

fn stream(id: u32) -> Option<Rc<RefCell<Stream>>> {
    STREAMS.with(|streams| streams.try_borrow().ok()?.get(id).map(Rc::clone))
}

/// What a callback answers.
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

/// Shows a request something of itself. `None` if it is none of an instance with a policy.
fn drive(id: u32, step: impl FnOnce(&mut Stream) -> Flow) -> Option<u32> {
    let stream = stream(id)?;
    let flow = stream.try_borrow_mut().map(|mut stream| step(&mut stream));
    Some(match flow {
        Ok(Flow::Continue) => CONTINUE,
        // A callback within a callback does not happen; if it did, nothing may pass unseen.
        Ok(Flow::Pause) | Err(_) => PAUSE,
    })
}

/// Answers a request that no policy can judge.
fn refuse() -> u32 {
    count_error(&STREAM, ProxyError::OutOfMemory);
    STREAM.reply(&Reply {
        status: 503,
        details: "waf_unavailable",
        headers: &[],
        grpc_status: None,
        body: b"",
    });
    PAUSE
}

#[cfg(target_os = "wasi")]
unsafe extern "C" {
    /// What the linker has gathered to be run before anything else.
    fn __wasm_call_ctors();
}

/// Called once for each VM, before all else (the reactors of WASI).
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    #[cfg(target_os = "wasi")]
    // SAFETY: once, and first.
    unsafe {
        __wasm_call_ctors();
    }
    std::panic::set_hook(Box::new(|panic| {
        let mut line = String::new();
        let _ = write!(line, "{panic}");
        // SAFETY: as of all calls.
        unsafe {
            calls::proxy_log(CRITICAL, line.as_ptr(), line.len());
        }
    }));
}

/// Says by its name which ABI this is.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: usize) -> u32 {
    1
}

/// A root context if it has no parent, else a request of the instance of that root context. Callbacks that
/// are not exported do nothing; without `proxy_on_done`, the proxy deletes a context where it would ask.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, parent: u32) {
    if parent == 0 {
        // The proxy may start an instance again: it keeps its policy until it is given another.
        set_instance(id, instance(id));
    } else if let Some(root) = instance(parent) {
        let stream = Stream::new(&root, id);
        STREAMS.with(|streams| {
            if let Ok(mut streams) = streams.try_borrow_mut() {
                streams.insert(id, stream);
            }
        });
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: usize) -> u32 {
    let proxy = Proxy { root };
    let mut json = Vec::new();
    // Without a configuration there is no buffer; that means the default policy.
    receive(&mut json, |data, size| unsafe {
        calls::proxy_get_buffer_bytes(CONFIGURATION, 0, usize::MAX >> 1, data, size)
    });
    let instance = match Root::configure(&proxy, &json) {
        Ok(root) => Some(root),
        Err(Refusal::Memory) => None,
        Err(Refusal::Policy) => return 0,
    };
    set_instance(root, instance);
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    if let Some(instance) = instance(root) {
        instance.tick(&Proxy { root });
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _count: u32, end: u32) -> u32 {
    drive(id, |stream| stream.request_headers(&STREAM, end != 0)).unwrap_or_else(refuse)
}

/// A request that was refused has nothing to show; if it had, it would not pass.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, held: usize, end: u32) -> u32 {
    drive(id, |stream| stream.request_body(&STREAM, held, end != 0)).unwrap_or(PAUSE)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _count: u32) -> u32 {
    drive(id, |stream| stream.request_trailers(&STREAM)).unwrap_or(PAUSE)
}

/// Of a request that was refused, this is the answer given here.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _count: u32, _end: u32) -> u32 {
    drive(id, |stream| stream.response_headers(&STREAM)).unwrap_or(CONTINUE)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(id: u32) {
    if let Some(stream) = stream(id)
        && let Ok(mut stream) = stream.try_borrow_mut()
    {
        stream.ended(&STREAM);
    }
}

/// A context is gone: a request, or an instance, which lives on until its requests are over.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    let stream = STREAMS.with(|streams| streams.try_borrow_mut().ok()?.remove(id));
    if stream.is_none() {
        INSTANCES.with(|instances| {
            if let Ok(mut instances) = instances.try_borrow_mut() {
                instances.retain(|(root, _)| *root != id);
            }
        });
    }
}
