//! HTTP/2 by prior knowledge (RFC 9113) over a socket. The framing is our own, so that a test can send header
//! bytes and frame sizes that no well-behaved library would.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Broken, Headers, Response, connect};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// The largest frame that a peer must take (RFC 9113, 4.2).
const FRAME: usize = 16_384;
/// The window that we offer: more than any test is answered with.
const WINDOW: u32 = 1 << 30;

/// One connection; its streams may be open at the same time.
pub struct Http2 {
    stream: TcpStream,
    read: Vec<u8>,
    decoder: hpack::Decoder<'static>,
    next: u32,
    initial_window: i64,
    window: i64,
    streams: HashMap<u32, Stream>,
    goaway: Option<String>,
}

#[derive(Default)]
struct Stream {
    window: i64,
    response: Response,
    end: Option<Result<(), String>>,
}

impl Http2 {
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
        let mut client = Self {
            stream: connect(to, from)?,
            read: Vec::new(),
            decoder: hpack::Decoder::new(),
            next: 1,
            initial_window: 65_535,
            window: 65_535,
            streams: HashMap::new(),
            goaway: None,
        };
        let mut settings = Vec::new();
        for (id, value) in [(2u16, 0u32), (4, WINDOW)] {
            settings.extend(id.to_be_bytes());
            settings.extend(value.to_be_bytes());
        }
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        push_frame(&mut hello, SETTINGS, 0, 0, &settings);
        push_frame(&mut hello, WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes());
        client.stream.write_all(&hello)?;
        Ok(client)
    }

    /// How long to wait for the next byte, in place of [`super::PATIENCE`].
    pub fn set_patience(&mut self, patience: Duration) {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a timeout above zero");
    }

    /// Opens a stream with these headers, pseudo-headers included; `end` says that no body follows.
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn open(&mut self, headers: &Headers, end: bool) -> io::Result<u32> {
        let id = self.next;
        self.next += 2;
        self.streams.insert(
            id,
            Stream {
                window: self.initial_window,
                ..Stream::default()
            },
        );
        self.block(id, headers, end)?;
        Ok(id)
    }

    /// Sends a piece of a body, in frames as large as allowed, once the peer's windows are open.
    ///
    /// # Errors
    /// If the stream or the connection has ended, or the windows stay shut.
    pub fn data(&mut self, id: u32, bytes: &[u8], end: bool) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            let stream = self.streams.get(&id).expect("the stream was opened");
            if stream.end.is_some() {
                return Err(io::Error::other("the stream has ended"));
            }
            let open = stream.window.min(self.window).min(FRAME as i64);
            let room = usize::try_from(open).unwrap_or(0);
            if !rest.is_empty() && room == 0 {
                self.frame()?;
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(room));
            rest = later;
            let flags = if end && rest.is_empty() {
                END_STREAM
            } else {
                0
            };
            let mut out = Vec::new();
            push_frame(&mut out, DATA, flags, id, now);
            self.stream.write_all(&out)?;
            self.window -= now.len() as i64;
            self.streams
                .get_mut(&id)
                .expect("the stream was opened")
                .window -= now.len() as i64;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Sends trailers, which end the stream.
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn trailers(&mut self, id: u32, trailers: &Headers) -> io::Result<()> {
        self.block(id, trailers, true)
    }

    /// Ends one stream with an error code (RFC 9113, 7).
    ///
    /// # Errors
    /// If the other side no longer listens.
    pub fn reset(&mut self, id: u32, code: u32) -> io::Result<()> {
        let mut out = Vec::new();
        push_frame(&mut out, RST_STREAM, 0, id, &code.to_be_bytes());
        self.stream.write_all(&out)
    }

    /// Ends the connection at once, without a word.
    pub fn disconnect(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads until the stream has ended.
    ///
    /// # Errors
    /// Whatever kept the answer from being whole.
    pub fn response(&mut self, id: u32) -> Result<Response, Broken> {
        self.read_until(id, |_| false)
    }

    /// Reads until so many bytes of the answer's body have come, and leaves the stream open.
    ///
    /// # Errors
    /// Whatever kept them from coming.
    pub fn wait_for_body(&mut self, id: u32, count: usize) -> Result<Response, Broken> {
        self.read_until(id, |response| response.body.len() >= count)
    }

    fn read_until(
        &mut self,
        id: u32,
        enough: impl Fn(&Response) -> bool,
    ) -> Result<Response, Broken> {
        loop {
            let stream = self.streams.get_mut(&id).expect("the stream was opened");
            let answered = stream.response.status >= 200;
            match stream.end.clone() {
                Some(Ok(())) => return Ok(stream.response.clone()),
                Some(Err(why)) if answered => {
                    return Err(Broken::Cut(Box::new(stream.response.clone()), why));
                }
                Some(Err(why)) => return Err(Broken::Unanswered(why)),
                None if answered && enough(&stream.response) => return Ok(stream.response.clone()),
                None => {}
            }
            let so_far = answered.then(|| stream.response.clone());
            if let Err(error) = self.frame() {
                // What the peer said before it closed tells more than that it closed.
                return Err(match self.goaway.take() {
                    Some(why) if so_far.is_none() => Broken::Unanswered(why),
                    _ => Broken::from_io(&error, so_far),
                });
            }
        }
    }

    fn block(&mut self, id: u32, headers: &Headers, end: bool) -> io::Result<()> {
        let mut block = Vec::new();
        for (name, value) in headers {
            // A literal that is never put into a table, spelled without Huffman codes (RFC 7541, 6.2.2).
            block.push(0);
            push_string(&mut block, name.as_bytes());
            push_string(&mut block, value);
        }
        let mut out = Vec::new();
        let mut kind = HEADERS;
        let mut flags = if end { END_STREAM } else { 0 };
        let mut rest = block.as_slice();
        loop {
            let (now, later) = rest.split_at(rest.len().min(FRAME));
            rest = later;
            if rest.is_empty() {
                flags |= END_HEADERS;
            }
            push_frame(&mut out, kind, flags, id, now);
            if rest.is_empty() {
                return self.stream.write_all(&out);
            }
            (kind, flags) = (CONTINUATION, 0);
        }
    }

    /// Reads one frame and does what it asks.
    fn frame(&mut self) -> io::Result<()> {
        let (kind, flags, id, payload) = self.next_frame()?;
        match kind {
            DATA => {
                let body = unpadded(flags, &payload)?;
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.response.body.extend(body);
                }
                self.finish_if(flags, id);
            }
            HEADERS => self.headers(flags, id, &payload)?,
            RST_STREAM => {
                let code = number(&payload)?;
                if let Some(stream) = self.streams.get_mut(&id) {
                    // A server that has answered whole may refuse the rest of the body (RFC 9113, 8.1).
                    stream
                        .end
                        .get_or_insert(Err(format!("stream reset, code {code}")));
                }
            }
            SETTINGS if flags & ACK == 0 => {
                for setting in payload.chunks_exact(6) {
                    if setting[..2] == 4u16.to_be_bytes() {
                        let value = i64::from(number(&setting[2..])?);
                        let change = value - self.initial_window;
                        self.initial_window = value;
                        self.streams
                            .values_mut()
                            .for_each(|stream| stream.window += change);
                    }
                }
                let mut out = Vec::new();
                push_frame(&mut out, SETTINGS, ACK, 0, &[]);
                self.stream.write_all(&out)?;
            }
            PING if flags & ACK == 0 => {
                let mut out = Vec::new();
                push_frame(&mut out, PING, ACK, 0, &payload);
                self.stream.write_all(&out)?;
            }
            GOAWAY => {
                let code = number(payload.get(4..).unwrap_or_default())?;
                self.goaway = Some(format!("connection ended, code {code}"));
            }
            WINDOW_UPDATE => {
                let more = i64::from(number(&payload)?);
                if id == 0 {
                    self.window += more;
                } else if let Some(stream) = self.streams.get_mut(&id) {
                    stream.window += more;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn headers(&mut self, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
        let mut block = unpadded(flags, payload)?;
        if flags & PRIORITY != 0 {
            block.drain(..5);
        }
        let mut last = flags;
        while last & END_HEADERS == 0 {
            let (kind, flags, _, payload) = self.next_frame()?;
            if kind != CONTINUATION {
                return Err(malformed("a header block without its end"));
            }
            last = flags;
            block.extend(payload);
        }
        let decoded = self.decoder.decode(&block);
        let decoded = decoded.map_err(|error| malformed(&format!("header block: {error:?}")))?;
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        let mut fields: Headers = Vec::new();
        for (name, value) in decoded {
            fields.push((String::from_utf8_lossy(&name).into_owned(), value.to_vec()));
        }
        let status = fields
            .iter()
            .find(|(name, _)| name == ":status")
            .and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
        fields.retain(|(name, _)| !name.starts_with(':'));
        match status {
            Some(status) if status < 200 && status != 101 => stream.response.interim.push(status),
            Some(status) => {
                stream.response.status = status;
                stream.response.headers = fields;
            }
            None => stream.response.trailers = fields,
        }
        self.finish_if(flags, id);
        Ok(())
    }

    fn finish_if(&mut self, flags: u8, id: u32) {
        if flags & END_STREAM != 0
            && let Some(stream) = self.streams.get_mut(&id)
        {
            stream.end.get_or_insert(Ok(()));
        }
    }

    fn next_frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        while self.read.len() < 9 {
            self.more()?;
        }
        let length = number(&[0, self.read[0], self.read[1], self.read[2]])? as usize;
        let (kind, flags) = (self.read[3], self.read[4]);
        let id = number(&self.read[5..9])? & 0x7fff_ffff;
        while self.read.len() < 9 + length {
            self.more()?;
        }
        self.read.drain(..9);
        Ok((kind, flags, id, self.read.drain(..length).collect()))
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

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn number(bytes: &[u8]) -> io::Result<u32> {
    match bytes {
        [a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(malformed("a frame that is too short")),
    }
}

fn unpadded(flags: u8, payload: &[u8]) -> io::Result<Vec<u8>> {
    match payload {
        [pad, rest @ ..] if flags & PADDED != 0 => {
            let end = rest.len().checked_sub(usize::from(*pad));
            end.map(|end| rest[..end].to_vec())
                .ok_or(malformed("padding"))
        }
        _ => Ok(payload.to_vec()),
    }
}

fn push_frame(out: &mut Vec<u8>, kind: u8, flags: u8, id: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len())
        .expect("a frame is small")
        .to_be_bytes();
    out.extend(&length[1..]);
    out.extend([kind, flags]);
    out.extend(id.to_be_bytes());
    out.extend(payload);
}

/// A string with its length in an integer of seven bits and more (RFC 7541, 5.1 and 5.2).
fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = bytes.len();
    if length < 127 {
        out.push(length as u8);
    } else {
        out.push(127);
        length -= 127;
        while length >= 128 {
            out.push(length as u8 & 127 | 128);
            length >>= 7;
        }
        out.push(length as u8);
    }
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_framed_as_the_decoder_reads_them() {
        for length in [0, 1, 126, 127, 128, 254, 255, 300, 20_000] {
            let mut block = vec![0];
            push_string(&mut block, b"x-name");
            push_string(&mut block, &vec![b'v'; length]);
            let decoded = hpack::Decoder::new().decode(&block).unwrap();
            assert_eq!(decoded.len(), 1);
            assert_eq!(decoded[0].1.len(), length);
        }
    }
}
