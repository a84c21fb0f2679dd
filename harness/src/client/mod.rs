//! Exact clients: they send the bytes they are told to, when they are told to, and never wait for ever.

mod http1;
mod http2;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

pub use http1::{Http1, head};
pub use http2::Http2;

use crate::cases::{Http, Request};

/// How long a client waits for the next byte before it calls the exchange hung.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Headers or trailers: names and the bytes of their values, in order.
pub type Headers = Vec<(String, Vec<u8>)>;

/// What a client was answered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status of the final answer.
    pub status: u16,
    /// The statuses of interim answers before it (100, 103).
    pub interim: Vec<u16>,
    /// The headers of the final answer, names in lower case.
    pub headers: Headers,
    /// The body, as much as came.
    pub body: Vec<u8>,
    /// The trailers, names in lower case.
    pub trailers: Headers,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The body as text, for a message.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status {} after {:?}", self.status, self.interim)?;
        write_headers(f, &self.headers)?;
        write_body(f, &self.body)?;
        write_headers(f, &self.trailers)
    }
}

/// Writes headers for a person to read.
pub(crate) fn write_headers(f: &mut fmt::Formatter<'_>, headers: &Headers) -> fmt::Result {
    headers
        .iter()
        .try_for_each(|(name, value)| writeln!(f, "    {name}: {}", value.escape_ascii()))
}

/// Writes the start of a body for a person to read.
pub(crate) fn write_body(f: &mut fmt::Formatter<'_>, body: &[u8]) -> fmt::Result {
    let start = &body[..body.len().min(300)];
    writeln!(f, "    {} bytes: {}", body.len(), start.escape_ascii())
}

/// Why there is no whole answer.
#[derive(Debug)]
pub enum Broken {
    /// The other side ended the connection or the stream before a final status.
    Unanswered(String),
    /// A final status came, but the body was cut short.
    Cut(Box<Response>, String),
    /// Nothing came for [`PATIENCE`].
    Hung(Option<Box<Response>>),
    /// What came is not HTTP.
    Malformed(String),
}

impl Broken {
    fn from_io(error: &io::Error, so_far: Option<Response>) -> Self {
        use io::ErrorKind::{TimedOut, WouldBlock};
        match (error.kind(), so_far) {
            (TimedOut | WouldBlock, so_far) => Self::Hung(so_far.map(Box::new)),
            (_, Some(response)) => Self::Cut(Box::new(response), error.to_string()),
            (_, None) => Self::Unanswered(error.to_string()),
        }
    }
}

/// Connects from a given address, which on the loopback device may be any of 127/8.
pub(crate) fn connect(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    socket.connect_timeout(&to.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends the request of a case, with more headers in front of its own, and reads the answer.
/// A body without a stated length travels in three pieces.
///
/// # Errors
/// Whatever kept the answer from being whole.
pub fn exchange(
    to: SocketAddr,
    http: Http,
    request: &Request,
    more: &[(&str, &str)],
) -> Result<Response, Broken> {
    let loopback = request.client.filter(IpAddr::is_loopback);
    let mut headers: Headers = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    headers.extend(request.headers.iter().cloned());
    if let Some((name, value)) = request.framing(http) {
        headers.push((name.to_owned(), value.into_bytes()));
    }
    let body = request.body.as_deref();
    let pieces: Vec<&[u8]> = match body {
        None | Some([]) => Vec::new(),
        Some(body) if request.chunked => body.chunks(body.len().div_ceil(3)).collect(),
        Some(body) => vec![body],
    };
    let refused = |error: io::Error| Broken::Unanswered(error.to_string());
    match http {
        Http::One => {
            let mut client = Http1::connect_from(to, loopback).map_err(refused)?;
            let mut bytes = head(
                request.method.as_bytes(),
                &request.target,
                &request.host,
                &headers,
            );
            if request.chunked {
                // The proxy may answer and close before all is sent; then the answer is what counts.
                let mut sent = client.send(&bytes);
                for piece in pieces {
                    sent = sent.and_then(|()| client.chunk(piece));
                }
                let _ = sent.and_then(|()| client.end_chunks(&request.trailers));
            } else {
                bytes.extend(body.unwrap_or_default());
                let _ = client.send(&bytes);
            }
            client.response(&request.method)
        }
        Http::Two => {
            let mut client = Http2::connect_from(to, loopback).map_err(refused)?;
            let mut map: Headers = vec![
                (":method".to_owned(), request.method.clone().into_bytes()),
                (":scheme".to_owned(), b"http".to_vec()),
                (":authority".to_owned(), request.host.clone()),
                (":path".to_owned(), request.target.clone()),
            ];
            map.extend(
                headers
                    .into_iter()
                    .map(|(name, v)| (name.to_ascii_lowercase(), v)),
            );
            let stream = client.open(&map, body.is_none()).map_err(refused)?;
            if body.is_some() {
                let last = request.trailers.is_empty();
                let mut sent = Ok(());
                if pieces.is_empty() && last {
                    sent = client.data(stream, b"", true);
                }
                for (index, piece) in pieces.iter().enumerate() {
                    let end = last && index + 1 == pieces.len();
                    sent = sent.and_then(|()| client.data(stream, piece, end));
                }
                if !last {
                    sent = sent.and_then(|()| client.trailers(stream, &request.trailers));
                }
                let _ = sent;
            }
            client.response(stream)
        }
    }
}
