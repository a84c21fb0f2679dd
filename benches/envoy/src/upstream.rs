//! The upstream: reads every request to its end and answers a few bytes, on a thread of its own.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{\"state\": \"all went well.\"}";
const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// Of the head of a request, what came so far.
    got: Vec<u8>,
    /// Bytes of a body that are still to come.
    missing: usize,
}

/// Starts it on a free port. It ends with this process.
pub(crate) fn start(core: Option<usize>) -> io::Result<SocketAddr> {
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = listener.local_addr()?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    thread::spawn(move || {
        if let Some(core) = core {
            crate::machine::run_on(core);
        }
        let mut connections: Vec<Option<Connection>> = Vec::new();
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; 128 << 10];
        loop {
            if poll.poll(&mut events, None).is_err() {
                continue;
            }
            for event in &events {
                if event.token() == LISTENER {
                    while let Ok((mut stream, _)) = listener.accept() {
                        let token = Token(connections.len());
                        let _ = stream.set_nodelay(true);
                        let registry = poll.registry();
                        if registry
                            .register(&mut stream, token, Interest::READABLE)
                            .is_ok()
                        {
                            connections.push(Some(Connection {
                                stream,
                                got: Vec::new(),
                                missing: 0,
                            }));
                        }
                    }
                } else if let Some(slot) = connections.get_mut(event.token().0) {
                    // A connection that ends or makes no sense is dropped; the client then says what it misses.
                    if let Some(connection) = slot
                        && serve(connection, &mut buffer).is_err()
                    {
                        *slot = None;
                    }
                }
            }
        }
    });
    Ok(address)
}

fn serve(connection: &mut Connection, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        let count = match connection.stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut new = buffer.get(..count).unwrap_or_default();
        if connection.missing == 0 {
            connection.got.extend(new);
            let Some((head, body)) = lengths(&connection.got)? else {
                continue;
            };
            connection.missing = head + body;
            new = &connection.got;
        }
        if new.len() > connection.missing {
            return Err(io::Error::other("more than one request at once"));
        }
        connection.missing -= new.len();
        connection.got.clear();
        if connection.missing == 0 {
            connection.stream.write_all(ANSWER)?;
        }
        if count < buffer.len() {
            return Ok(());
        }
    }
}

/// How long the head and the body of a request are, once the head is whole.
fn lengths(got: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(got).map_err(io::Error::other)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let mut body = 0;
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).map_err(io::Error::other)?;
            body = text.parse().map_err(io::Error::other)?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(io::Error::other("a body without a length"));
        }
    }
    Ok(Some((head, body)))
}
