//! HTTP/1.1 (RFC 9112) over a socket, byte by byte as the test says.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Broken, Headers, Response, connect};

/// One connection.
#[derive(Debug)]
pub struct Http1 {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The head of a request; the `host` header comes first.
pub fn head(method: &[u8], target: &[u8], host: &[u8], headers: &Headers) -> Vec<u8> {
    let mut out = [method, b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n"].concat();
    push_headers(&mut out, headers);
    out.extend(b"\r\n");
    out
}

fn push_headers(out: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers {
        out.extend(name.as_bytes());
        out.extend(b": ");
        out.extend(value);
        out.extend(b"\r\n");
    }
}

impl Http1 {
    /// Opens a connection.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn connect(to: SocketAddr) -> io::Result<Self> {
        Self::connect_from(to, None)
    }

    /// Opens a connection from a given address of this machine.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn connect_from(to: SocketAddr, from: Option<IpAddr>) -> io::Result<Self> {
        Ok(Self {
            stream: connect(to, from)?,
            read: Vec::new(),
        })
    }

    /// How long to wait for the next byte, in place of [`super::PATIENCE`].
    pub fn set_patience(&mut self, patience: Duration) {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a timeout above zero");
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends one chunk (RFC 9112, 7.1); an empty one sends nothing, since it would end the body.
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut out = format!("{:x}\r\n", bytes.len()).into_bytes();
        out.extend(bytes);
        out.extend(b"\r\n");
        self.send(&out)
    }

    /// Ends a chunked body, with these trailers.
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn end_chunks(&mut self, trailers: &Headers) -> io::Result<()> {
        let mut out = b"0\r\n".to_vec();
        push_headers(&mut out, trailers);
        out.extend(b"\r\n");
        self.send(&out)
    }

    /// Ends the connection at once, without a word.
    pub fn disconnect(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads one answer to a request of that method. The connection can be used again afterwards if the
    /// answer was framed by a length or by chunks.
    ///
    /// # Errors
    /// Whatever kept the answer from being whole.
    pub fn response(&mut self, method: &str) -> Result<Response, Broken> {
        let mut interim = Vec::new();
        let mut response = loop {
            let response = self.head()?;
            if response.status >= 200 || response.status == 101 {
                break Response {
                    interim,
                    ..response
                };
            }
            interim.push(response.status);
        };
        let bodiless = method == "HEAD"
            || response.status == 101
            || response.status == 204
            || response.status == 304;
        let says = |name, word: &str| {
            response
                .header(name)
                .is_some_and(|value| value.eq_ignore_ascii_case(word.as_bytes()))
        };
        let length = response.header("content-length").map(|value| {
            std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok())
        });
        if bodiless {
            return Ok(response);
        }
        if says("transfer-encoding", "chunked") {
            self.chunked(&mut response)?;
        } else if let Some(length) = length {
            let length: usize = length.ok_or(Broken::Malformed("content-length".to_owned()))?;
            while self.read.len() < length {
                if let Err(error) = self.more() {
                    response.body = std::mem::take(&mut self.read);
                    return Err(Broken::from_io(&error, Some(response)));
                }
            }
            response.body = self.read.drain(..length).collect();
        } else {
            loop {
                match self.more() {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                    Err(error) => return Err(Broken::from_io(&error, Some(response))),
                }
            }
            response.body = std::mem::take(&mut self.read);
        }
        Ok(response)
    }

    /// Reads exactly so many bytes that are no HTTP, for what follows an upgrade.
    ///
    /// # Errors
    /// If fewer come.
    pub fn raw(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < count {
            self.more()?;
        }
        Ok(self.read.drain(..count).collect())
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

    fn head(&mut self) -> Result<Response, Broken> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut parsed = httparse::Response::new(&mut headers);
            match parsed.parse(&self.read) {
                Ok(httparse::Status::Complete(length)) => {
                    let response = Response {
                        status: parsed.code.expect("a complete head has a status"),
                        headers: owned(parsed.headers),
                        ..Response::default()
                    };
                    self.read.drain(..length);
                    return Ok(response);
                }
                Ok(httparse::Status::Partial) => {}
                Err(error) => return Err(Broken::Malformed(error.to_string())),
            }
            self.more().map_err(|error| Broken::from_io(&error, None))?;
        }
    }

    fn chunked(&mut self, response: &mut Response) -> Result<(), Broken> {
        loop {
            let (start, length) = loop {
                match httparse::parse_chunk_size(&self.read) {
                    Ok(httparse::Status::Complete((start, length))) => {
                        break (start, length as usize);
                    }
                    Ok(httparse::Status::Partial) => self.more_for(response)?,
                    Err(_) => return Err(Broken::Malformed("chunk size".to_owned())),
                }
            };
            self.read.drain(..start);
            if length == 0 {
                break;
            }
            while self.read.len() < length + 2 {
                self.more_for(response)?;
            }
            response.body.extend(self.read.drain(..length));
            self.read.drain(..2);
        }
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            match httparse::parse_headers(&self.read, &mut headers) {
                Ok(httparse::Status::Complete((length, headers))) => {
                    response.trailers = owned(headers);
                    self.read.drain(..length);
                    return Ok(());
                }
                Ok(httparse::Status::Partial) => self.more_for(response)?,
                Err(error) => return Err(Broken::Malformed(error.to_string())),
            }
        }
    }

    fn more_for(&mut self, response: &Response) -> Result<(), Broken> {
        self.more()
            .map_err(|error| Broken::from_io(&error, Some(response.clone())))
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec()))
        .collect()
}
