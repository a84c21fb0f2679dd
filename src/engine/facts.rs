//! What a policy may ask about a request as a whole: host, path, method, client, time.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;

use super::directory::first_segment;
use super::hash;
use super::text::Text;
use crate::decode;
use crate::model::{Day, RequestMatch};
use crate::request::Head;

/// What the proxy knows of the other end, and of the time.
#[derive(Default)]
pub struct Peer<'a> {
    /// What is known of the client's address; `None` if nobody wanted to know it yet.
    client: Cell<Option<Option<IpAddr>>>,
    ask: Option<&'a dyn Fn() -> Option<IpAddr>>,
    /// Seconds since 1970-01-01 (UTC). Without it no exception expires.
    pub now: Option<u64>,
}

impl<'a> Peer<'a> {
    /// A client of that address, if it is known.
    pub const fn known(client: Option<IpAddr>, now: Option<u64>) -> Self {
        Self {
            client: Cell::new(Some(client)),
            ask: None,
            now,
        }
    }

    /// A client whose address is asked for, once, where something depends on it.
    pub const fn asking(client: &'a dyn Fn() -> Option<IpAddr>, now: Option<u64>) -> Self {
        Self {
            client: Cell::new(None),
            ask: Some(client),
            now,
        }
    }

    pub(super) fn client(&self) -> Option<IpAddr> {
        let ask = || self.ask.and_then(|ask| ask());
        let client = self.client.get().unwrap_or_else(ask);
        self.client.set(Some(client));
        client
    }
}

/// A request as scopes and exceptions look at it.
pub(super) struct Facts<'a> {
    /// Without port, in lower case.
    host: Cow<'a, [u8]>,
    /// Decoded and resolved, as a server routes it: `/a/../b`, `//b` and `/%62` are `/b`.
    path: Cow<'a, [u8]>,
    method: &'a [u8],
    peer: &'a Peer<'a>,
    pub(super) today: Option<Day>,
    keys: Keys,
}

/// The numbers of host, path and first segment, by which a directory finds what concerns them.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub(super) host: u64,
    pub(super) path: u64,
    pub(super) segment: Option<u64>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(head: &Head<'a>, peer: &'a Peer<'a>) -> Self {
        let (host, path) = (host_of(head.authority), path_of(head.target));
        let keys = Keys {
            host: hash::of(&host),
            path: hash::of(&path),
            segment: first_segment(&path).map(hash::of),
        };
        Self {
            host,
            path,
            method: head.method,
            peer,
            today: peer.now.map(Day::of_seconds),
            keys,
        }
    }
}

/// The host of an authority, `user@` and `:port` apart.
fn host_of(authority: &[u8]) -> Cow<'_, [u8]> {
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let end = match host.first() {
        Some(b'[') => memchr::memchr(b']', host).map(|at| at + 1),
        _ => memchr::memchr(b':', host),
    };
    let host = end.and_then(|end| host.get(..end)).unwrap_or(host);
    // A dot at the end names the same host (RFC 1034, 3.1).
    let host = host.strip_suffix(b".").unwrap_or(host);
    if host.iter().any(u8::is_ascii_uppercase) {
        host.to_ascii_lowercase().into()
    } else {
        host.into()
    }
}

fn path_of(target: &[u8]) -> Cow<'_, [u8]> {
    let target = match target.first() {
        Some(b'/') | None => target,
        // An absolute target (RFC 9112, 3.2.2): the path begins behind the authority.
        _ => memchr::memmem::find(target, b"://")
            .and_then(|at| target.get(at + 3..))
            .map_or(target, |rest| {
                memchr::memchr(b'/', rest)
                    .and_then(|at| rest.get(at..))
                    .unwrap_or(b"/")
            }),
    };
    let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    let path = target.get(..end).unwrap_or(target);
    if is_resolved(path) {
        return path.into();
    }
    let mut decoded = Vec::with_capacity(path.len());
    decode::percent::decode(path, false, &mut decoded);
    let mut resolved = Vec::with_capacity(decoded.len());
    decode::path::decode(&decoded, &mut resolved);
    resolved.into()
}

/// Whether a path surely stays as it is: it begins with a slash, and no segment is empty, begins with a
/// dot, or holds anything to decode.
fn is_resolved(path: &[u8]) -> bool {
    let mut last = b'.';
    path.first() == Some(&b'/')
        && path.iter().all(|byte| {
            let odd = matches!(byte, b'%' | b'\\' | b';') || last == b'/' && b"/.".contains(byte);
            last = *byte;
            !odd
        })
}

/// A compiled [`RequestMatch`].
#[derive(Debug)]
pub(super) struct Requests {
    hosts: Vec<Text>,
    paths: Vec<Text>,
    methods: Vec<Vec<u8>>,
}

impl Requests {
    pub(super) fn new(request: &RequestMatch) -> Self {
        Self {
            hosts: request.hosts.iter().map(Text::new).collect(),
            paths: request.paths.iter().map(Text::new).collect(),
            methods: request
                .methods
                .iter()
                .map(|method| method.as_bytes().to_vec())
                .collect(),
        }
    }

    /// Whether a request is one of them.
    pub(super) fn contain(&self, facts: &Facts<'_>) -> bool {
        let any = |texts: &[Text], text: &[u8]| {
            texts.is_empty() || texts.iter().any(|wanted| wanted.matches(text, false))
        };
        (self.methods.is_empty() || self.methods.iter().any(|method| method == facts.method))
            && any(&self.hosts, &facts.host)
            && any(&self.paths, &facts.path)
    }
}

impl Facts<'_> {
    pub(super) const fn keys(&self) -> Keys {
        self.keys
    }

    pub(super) fn client(&self) -> Option<IpAddr> {
        self.peer.client()
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }
}

/// A number from 0 to 9,999 that is always the same for the same bytes (FNV-1a), by which a share of
/// traffic is told from the rest.
pub(super) fn bucket(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    // The upper bits are the better mixed ones.
    ((hash >> 20) % 10_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_as_servers_route_them() {
        for (authority, host) in [
            ("Example.COM:8080", "example.com"),
            ("example.com.", "example.com"),
            ("user@example.com", "example.com"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(
                host_of(authority.as_bytes()),
                host.as_bytes(),
                "{authority}"
            );
        }
        for (target, path) in [
            ("/a/b?c=/d", "/a/b"),
            ("/a/../b", "/b"),
            ("//a//b", "/a/b"),
            ("/%61/b#x", "/a/b"),
            ("/a;x=1/b", "/a/b"),
            ("/a/", "/a/"),
            ("/a/.", "/a/"),
            ("/.a", "/.a"),
            ("/a.b/c", "/a.b/c"),
            ("/a\\..\\b", "/b"),
            ("a//b", "a/b"),
            ("http://host/a?b", "/a"),
            ("http://host", "/"),
            ("*", "*"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&path_of(target.as_bytes())),
                path,
                "{target}"
            );
        }
    }

    #[test]
    fn a_share_is_a_share() {
        let in_share = (0..10_000_u32)
            .filter(|n| bucket(&n.to_be_bytes()) < 2_500)
            .count();
        assert!((2_300..2_700).contains(&in_share), "{in_share}");
    }
}
