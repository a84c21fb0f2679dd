//! An HTTP/1.1 upstream that remembers everything it heard, so that a test can say "it never heard of it".
//!
//! Requests are told apart by their `x-case` header. How it answers is asked for in the header
//! `x-upstream`, a list of words separated by spaces: `early` (answers before it reads the body), `opening`
//! (sends the head of its answer before it does), `echo`
//! (answers with the body), `delay=MS` (waits before it answers), `forge=VALUE` (sends the response header
//! `x-palisade-decision: VALUE`), `hangup` (closes in place of an answer). A request with an `upgrade`
//! header is answered 101 if it says `accept-upgrade`; then every byte is sent back.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Headers, write_body, write_headers};

/// What the upstream heard of one request.
#[derive(Clone, Default)]
pub struct Heard {
    /// The value of its `x-case` header.
    pub case: String,
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Headers,
    /// The body, as much as came.
    pub body: Vec<u8>,
    /// The trailers, names in lower case.
    pub trailers: Headers,
    /// Whether the request came to its end.
    pub complete: bool,
    /// Whether the connection ended before the request did.
    pub cut: bool,
}

impl Heard {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_slice())
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            target,
            complete,
            cut,
            ..
        } = self;
        writeln!(f, "{method} {target} (complete: {complete}, cut: {cut})")?;
        write_headers(f, &self.headers)?;
        write_body(f, &self.body)?;
        write_headers(f, &self.trailers)
    }
}

#[derive(Default)]
struct Memory {
    heard: Mutex<Vec<Heard>>,
    news: Condvar,
    stop: AtomicBool,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Heard)) {
        change(&mut self.lock()[index]);
        self.news.notify_all();
    }
}

/// A running upstream; it stops when dropped.
pub struct Upstream {
    address: SocketAddr,
    memory: Arc<Memory>,
}

impl Upstream {
    /// Starts one on a free port of the loopback device.
    ///
    /// # Panics
    /// If there is none.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let memory = Arc::new(Memory::default());
        let shared = Arc::clone(&memory);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                let Ok(stream) = stream else { continue };
                thread::spawn(move || {
                    // What ends a connection early is in the memory; there is no one else to tell.
                    let _ = Connection {
                        stream,
                        read: Vec::new(),
                        memory: shared,
                    }
                    .serve();
                });
            }
        });
        Self { address, memory }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has heard of a case so far, oldest first.
    pub fn heard(&self, case: &str) -> Vec<Heard> {
        self.memory
            .lock()
            .iter()
            .filter(|heard| heard.case == case)
            .cloned()
            .collect()
    }

    /// Waits until something it heard of a case is as asked.
    ///
    /// # Errors
    /// What it has heard, if that does not come true in time.
    pub fn wait_for(
        &self,
        case: &str,
        patience: Duration,
        is: impl Fn(&Heard) -> bool,
    ) -> Result<Heard, Vec<Heard>> {
        let end = Instant::now() + patience;
        let mut memory = self.memory.lock();
        loop {
            if let Some(found) = memory.iter().find(|heard| heard.case == case && is(heard)) {
                return Ok(found.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(memory
                    .iter()
                    .filter(|heard| heard.case == case)
                    .cloned()
                    .collect());
            }
            let waited = self.memory.news.wait_timeout(memory, left);
            memory = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.memory.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    memory: Arc<Memory>,
}

impl Connection {
    fn serve(&mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        while let Some(mut heard) = self.head()? {
            let words = heard.header("x-upstream").unwrap_or_default().to_vec();
            let words = String::from_utf8_lossy(&words).into_owned();
            let says = |word: &str| words.split(' ').any(|own| own == word);
            let value = |key: &str| {
                words
                    .split(' ')
                    .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
            };
            heard.case = String::from_utf8_lossy(heard.header("x-case").unwrap_or_default()).into();
            let upgrade = heard.header("upgrade").is_some() && says("accept-upgrade");
            let head = heard.method == "HEAD";
            let index = self.remember(heard.clone());
            if upgrade {
                return self.upgraded(index, &heard);
            }
            if says("early") {
                self.answer(head, value("forge"), br#"{"upstream":"early"}"#)?;
            }
            if says("opening") {
                // The head of the answer, and no more of it before the request is whole.
                self.answer(true, value("forge"), br#"{"upstream":true}"#)?;
            }
            let read = self.body(index, &heard);
            self.memory.change(index, |heard| match read {
                Ok(()) => heard.complete = true,
                Err(_) => heard.cut = true,
            });
            read?;
            if let Some(delay) = value("delay").and_then(|ms| ms.parse().ok()) {
                thread::sleep(Duration::from_millis(delay));
            }
            if says("hangup") {
                return Ok(());
            }
            if says("opening") {
                self.stream.write_all(br#"{"upstream":true}"#)?;
            } else if !says("early") {
                let body = match says("echo") {
                    true => self.memory.lock()[index].body.clone(),
                    false => br#"{"upstream":true}"#.to_vec(),
                };
                self.answer(head, value("forge"), &body)?;
            }
        }
        Ok(())
    }

    fn remember(&self, heard: Heard) -> usize {
        let mut memory = self.memory.lock();
        memory.push(heard);
        self.memory.news.notify_all();
        memory.len() - 1
    }

    fn answer(&mut self, head: bool, forge: Option<&str>, body: &[u8]) -> io::Result<()> {
        let forged = forge.map(|value| format!("x-palisade-decision: {value}\r\n"));
        let mut out = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            forged.unwrap_or_default(),
        )
        .into_bytes();
        if !head {
            out.extend(body);
        }
        self.stream.write_all(&out)
    }

    fn upgraded(&mut self, index: usize, heard: &Heard) -> io::Result<()> {
        let protocol = String::from_utf8_lossy(heard.header("upgrade").unwrap_or_default());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        self.stream.write_all(answer.as_bytes())?;
        loop {
            let bytes = std::mem::take(&mut self.read);
            self.stream.write_all(&bytes)?;
            self.memory.change(index, |heard| heard.body.extend(&bytes));
            self.more()?;
        }
    }

    fn head(&mut self) -> io::Result<Option<Heard>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 256];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&self.read) {
                Ok(httparse::Status::Complete(length)) => {
                    let heard = Heard {
                        method: parsed.method.unwrap_or_default().to_owned(),
                        target: parsed.path.unwrap_or_default().to_owned(),
                        headers: owned(parsed.headers),
                        ..Heard::default()
                    };
                    self.read.drain(..length);
                    return Ok(Some(heard));
                }
                Ok(httparse::Status::Partial) => {}
                Err(error) => {
                    // A target that is no UTF-8, for one, is nothing that httparse takes; the bytes
                    // are kept, so that a test does not believe in silence.
                    let raw = String::from_utf8_lossy(&self.read).into_owned();
                    let case = raw
                        .lines()
                        .find_map(|line| line.strip_prefix("x-case: "))
                        .unwrap_or_default()
                        .to_owned();
                    let target = raw.lines().next().unwrap_or_default().to_owned();
                    self.remember(Heard {
                        case,
                        target,
                        cut: true,
                        ..Heard::default()
                    });
                    self.answer(false, None, br#"{"upstream":"unreadable"}"#)?;
                    return Err(io::Error::other(error.to_string()));
                }
            }
            match self.more() {
                Ok(()) => {}
                Err(_) if self.read.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn body(&mut self, index: usize, heard: &Heard) -> io::Result<()> {
        let chunked = heard.header("transfer-encoding").is_some();
        if !chunked {
            let length = heard.header("content-length").unwrap_or(b"0");
            let length = std::str::from_utf8(length)
                .ok()
                .and_then(|text| text.parse().ok());
            let mut left: usize = length.ok_or(io::Error::other("content-length"))?;
            while left > 0 {
                left -= self.take(index, left)?;
            }
            return Ok(());
        }
        loop {
            let (start, length) = loop {
                match httparse::parse_chunk_size(&self.read) {
                    Ok(httparse::Status::Complete((start, length))) => {
                        break (start, length as usize);
                    }
                    Ok(httparse::Status::Partial) => self.more()?,
                    Err(_) => return Err(io::Error::other("chunk size")),
                }
            };
            self.read.drain(..start);
            let mut left = length;
            while left > 0 {
                left -= self.take(index, left)?;
            }
            if length == 0 {
                break;
            }
            while self.read.len() < 2 {
                self.more()?;
            }
            self.read.drain(..2);
        }
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            match httparse::parse_headers(&self.read, &mut headers) {
                Ok(httparse::Status::Complete((length, trailers))) => {
                    let trailers = owned(trailers);
                    self.memory.change(index, |heard| heard.trailers = trailers);
                    self.read.drain(..length);
                    return Ok(());
                }
                Ok(httparse::Status::Partial) => self.more()?,
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
    }

    /// Moves up to so many bytes into the memory, and says how many.
    fn take(&mut self, index: usize, most: usize) -> io::Result<usize> {
        if self.read.is_empty() {
            self.more()?;
        }
        let now: Vec<u8> = self.read.drain(..most.min(self.read.len())).collect();
        self.memory.change(index, |heard| heard.body.extend(&now));
        Ok(now.len())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection was closed",
            )),
            count => {
                self.read.extend(&buffer[..count]);
                Ok(())
            }
        }
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Broken, Http1, head};

    const PATIENCE: Duration = Duration::from_secs(2);

    fn start(upstream: &Upstream, headers: &[(&str, &str)]) -> Http1 {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let mut client = Http1::connect(upstream.address()).unwrap();
        client
            .send(&head(b"POST", b"/a?b", b"h", &headers.collect()))
            .unwrap();
        client
    }

    #[test]
    fn chunks_and_trailers_are_remembered_and_the_connection_kept() {
        let upstream = Upstream::start();
        let chunked = [
            ("x-case", "a"),
            ("Transfer-Encoding", "chunked"),
            ("x-upstream", "echo"),
        ];
        let mut client = start(&upstream, &chunked);
        client.chunk(b"he").unwrap();
        client.chunk(b"llo").unwrap();
        client
            .end_chunks(&vec![("X-End".to_owned(), b"1".to_vec())])
            .unwrap();
        let answer = client.response("POST").unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]));
        let heard = upstream
            .wait_for("a", PATIENCE, |heard| heard.complete)
            .unwrap();
        assert_eq!(heard.body, b"hello");
        assert_eq!(heard.trailers, [("x-end".to_owned(), b"1".to_vec())]);
        assert_eq!(
            (heard.method.as_str(), heard.target.as_str()),
            ("POST", "/a?b")
        );

        client
            .send(b"HEAD / HTTP/1.1\r\nhost: h\r\nx-case: b\r\n\r\n")
            .unwrap();
        let answer = client.response("HEAD").unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(upstream.heard("b").len(), 1);
    }

    #[test]
    fn an_early_answer_comes_before_the_body() {
        let upstream = Upstream::start();
        let headers = [
            ("x-case", "a"),
            ("content-length", "3"),
            ("x-upstream", "early forge=f"),
        ];
        let mut client = start(&upstream, &headers);
        let answer = client.response("POST").unwrap();
        assert_eq!(answer.header("x-palisade-decision"), Some(&b"f"[..]));
        assert!(upstream.heard("a").iter().all(|heard| !heard.complete));
        client.send(b"a=1").unwrap();
        upstream
            .wait_for("a", PATIENCE, |heard| heard.complete)
            .unwrap();
    }

    #[test]
    fn a_request_cut_short_is_no_complete_one() {
        let upstream = Upstream::start();
        let mut client = start(&upstream, &[("x-case", "a"), ("content-length", "9")]);
        client.send(b"a=1").unwrap();
        upstream
            .wait_for("a", PATIENCE, |heard| heard.body == b"a=1")
            .unwrap();
        client.disconnect();
        let heard = upstream.wait_for("a", PATIENCE, |heard| heard.cut).unwrap();
        assert!(!heard.complete);
        assert!(
            upstream
                .wait_for("other", Duration::ZERO, |_| true)
                .is_err()
        );
    }

    #[test]
    fn a_hangup_is_no_answer_and_silence_is_told_from_it() {
        let upstream = Upstream::start();
        let mut client = start(&upstream, &[("x-upstream", "hangup")]);
        assert!(matches!(
            client.response("POST"),
            Err(Broken::Unanswered(_))
        ));
        let mut client = start(&upstream, &[("x-upstream", "delay=500")]);
        client.set_patience(Duration::from_millis(50));
        assert!(matches!(client.response("POST"), Err(Broken::Hung(None))));
    }
}
