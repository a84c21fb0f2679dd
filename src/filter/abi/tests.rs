//! The callbacks as a proxy makes them, and a proxy that answers from what a test has put into it.

use std::cell::RefCell;

use super::*;
use crate::filter::Pairs;

/// What the proxy has, and what was asked of it.
#[derive(Default)]
struct Proxy {
    request: Vec<u8>,
    configuration: Vec<u8>,
    /// It asks for memory that it then makes no use of.
    wasteful: bool,
    replies: Vec<u32>,
    state: Vec<String>,
}

thread_local! {
    static PROXY: RefCell<Proxy> = RefCell::default();
}

fn with<T>(work: impl FnOnce(&mut Proxy) -> T) -> T {
    PROXY.with_borrow_mut(work)
}

/// Hands over a copy as a proxy does; of nothing there is no copy.
fn hand_over(bytes: &[u8], data: *mut *mut u8, size: *mut usize) -> u32 {
    if bytes.is_empty() {
        return 0;
    }
    if with(|proxy| proxy.wasteful) {
        proxy_on_memory_allocate(bytes.len());
    }
    let at = proxy_on_memory_allocate(bytes.len());
    // SAFETY: the module has given that much memory, and asks with places of its own.
    unsafe {
        at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        data.write(at);
        size.write(bytes.len());
    }
    0
}

/// In place of the calls that a proxy takes.
pub(super) mod calls {
    use super::{hand_over, with};

    const NOT_FOUND: u32 = 1;

    pub(crate) unsafe fn proxy_log(_: u32, _: *const u8, _: usize) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_get_current_time_nanoseconds(_: *mut u64) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_set_tick_period_milliseconds(_: u32) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_set_effective_context(_: u32) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_continue_stream(_: u32) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_get_property(
        _: *const u8,
        _: usize,
        _: *mut *mut u8,
        _: *mut usize,
    ) -> u32 {
        NOT_FOUND
    }

    pub(crate) unsafe fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        _: *const u8,
        _: usize,
    ) -> u32 {
        // SAFETY: the module's own slice.
        let path = unsafe { std::slice::from_raw_parts(path, path_size) };
        with(|proxy| proxy.state.push(String::from_utf8_lossy(path).into_owned()));
        0
    }

    pub(crate) unsafe fn proxy_define_metric(_: u32, _: *const u8, _: usize, _: *mut u32) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_increment_metric(_: u32, _: i64) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_record_metric(_: u32, _: u64) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_call_foreign_function(
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *mut *mut u8,
        _: *mut usize,
    ) -> u32 {
        NOT_FOUND
    }

    pub(crate) unsafe fn proxy_get_buffer_bytes(
        buffer: u32,
        _: usize,
        _: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32 {
        match buffer {
            super::CONFIGURATION => {
                hand_over(&with(|proxy| proxy.configuration.clone()), data, size)
            }
            _ => NOT_FOUND,
        }
    }

    pub(crate) unsafe fn proxy_get_header_map_pairs(
        map: u32,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32 {
        match map {
            0 => hand_over(&with(|proxy| proxy.request.clone()), data, size),
            _ => NOT_FOUND,
        }
    }

    pub(crate) unsafe fn proxy_replace_header_map_value(
        _: u32,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
    ) -> u32 {
        0
    }

    pub(crate) unsafe fn proxy_remove_header_map_value(_: u32, _: *const u8, _: usize) -> u32 {
        0
    }

    #[expect(clippy::too_many_arguments, reason = "as the ABI has it")]
    pub(crate) unsafe fn proxy_send_local_response(
        status: u32,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: i32,
    ) -> u32 {
        with(|proxy| proxy.replies.push(status));
        0
    }
}

/// Starts an instance. Whether it was configured.
fn start(root: u32, policy: &str) -> bool {
    with(|proxy| proxy.configuration = policy.into());
    proxy_on_context_create(root, 0);
    assert_eq!(proxy_on_vm_start(root, 0), 1);
    proxy_on_configure(root, policy.len()) == 1
}

/// Shows the head of a request without a body; what the callback answers, and with what the client was.
fn ask(stream: u32, target: &str) -> (u32, Vec<u32>) {
    let headers: [(&[u8], &[u8]); 5] = [
        (b":method", b"GET"),
        (b":authority", b"shop.example"),
        (b":path", target.as_bytes()),
        (b"accept", b"*/*"),
        (b"user-agent", b"curl/8.5.0"),
    ];
    let mut map = Vec::new();
    Pairs::write(&headers, &mut map);
    with(|proxy| proxy.request = map);
    let answer = proxy_on_request_headers(stream, 5, 1);
    (answer, with(|proxy| std::mem::take(&mut proxy.replies)))
}

const CLEAN: &str = "/articles?page=2";
const ATTACK: &str = "/articles?page=1'%20UNION%20SELECT%20password%20FROM%20users--";

fn is_judged(stream: u32, root: u32) {
    proxy_on_context_create(stream, root);
    with(|proxy| proxy.state.clear());
    assert_eq!(ask(stream, CLEAN), (CONTINUE, vec![]));
    assert_eq!(with(|proxy| proxy.state.clone()), ["waf", "waf.action"]);
    assert_eq!(proxy_on_response_headers(stream, 3, 0), CONTINUE);
    proxy_on_log(stream);
    proxy_on_delete(stream);

    proxy_on_context_create(stream, root);
    assert_eq!(ask(stream, ATTACK), (PAUSE, vec![403]));
    proxy_on_log(stream);
    proxy_on_delete(stream);
}

fn is_refused(stream: u32) {
    assert_eq!(ask(stream, CLEAN), (PAUSE, vec![503]));
    assert_eq!(proxy_on_request_body(stream, 5, 1), PAUSE);
    assert_eq!(proxy_on_request_trailers(stream, 1), PAUSE);
    // That is the answer.
    assert_eq!(proxy_on_response_headers(stream, 3, 0), CONTINUE);
    proxy_on_log(stream);
    proxy_on_delete(stream);
}

#[test]
fn requests_of_an_instance_are_judged() {
    assert!(start(100, "{}"));
    is_judged(101, 100);
    with(|proxy| proxy.wasteful = true);
    is_judged(102, 100);
    // Nothing is left behind.
    for gone in [101, 102] {
        assert!(stream(gone).is_none());
        is_refused(gone);
    }
}

#[test]
fn what_no_policy_can_judge_does_not_pass() {
    // Nobody has heard of it; nor of its instance; its instance has no policy; or was refused one.
    is_refused(201);
    proxy_on_context_create(202, 299);
    is_refused(202);
    proxy_on_context_create(210, 0);
    proxy_on_context_create(211, 210);
    is_refused(211);
    assert!(!start(220, r#"{"mode": 1}"#));
    proxy_on_context_create(221, 220);
    is_refused(221);
    // A root context is no request, a request no root context.
    is_refused(220);
    proxy_on_tick(221);
    proxy_on_delete(299);
}

#[test]
fn an_instance_lives_as_long_as_its_requests() {
    assert!(start(300, "{}"));
    assert!(start(310, r#"{"mode": "off"}"#));
    proxy_on_context_create(301, 300);
    proxy_on_delete(300);
    assert_eq!(ask(301, ATTACK), (PAUSE, vec![403]));
    proxy_on_context_create(302, 300);
    is_refused(302);
    // Another has a policy of its own.
    proxy_on_context_create(311, 310);
    assert_eq!(ask(311, ATTACK), (CONTINUE, vec![]));
}

#[test]
fn an_instance_that_is_started_again_keeps_its_policy_until_it_has_another() {
    assert!(start(400, "{}"));
    proxy_on_context_create(400, 0);
    is_judged(401, 400);
    assert!(!start(400, "{"));
    is_judged(402, 400);
    assert!(start(400, r#"{"mode": "off"}"#));
    proxy_on_context_create(403, 400);
    assert_eq!(ask(403, ATTACK), (CONTINUE, vec![]));
}

#[test]
fn what_a_call_hands_over_is_appended() {
    for wasteful in [false, true] {
        with(|proxy| proxy.wasteful = wasteful);
        let mut out = b"before".to_vec();
        for bytes in [&b" behind"[..], b"", &[b'x'; 5000]] {
            let expected = [&out, bytes].concat();
            assert!(receive(&mut out, |data, size| hand_over(bytes, data, size)));
            assert_eq!(out, expected);
        }
        // A call that fails may have taken memory.
        let expected = out.clone();
        assert!(!receive(&mut out, |data, size| {
            hand_over(b"what went wrong", data, size);
            1
        }));
        assert_eq!(out, expected);
    }
    with(|proxy| proxy.wasteful = false);
    // Room that is there is used, and no other.
    let mut out = Vec::with_capacity(100);
    let room: *const u8 = out.as_ptr();
    assert!(receive(&mut out, |data, size| hand_over(
        &[b'x'; 100],
        data,
        size
    )));
    assert_eq!((out.as_ptr(), out.len()), (room, 100));
    // Behind the call nothing is lent.
    let own = proxy_on_memory_allocate(4);
    assert!(!out.as_ptr_range().contains(&own.cast_const()));
    // SAFETY: it is the memory that was just given.
    drop(unsafe { Vec::from_raw_parts(own, 0, 4) });
}
