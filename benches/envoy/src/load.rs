//! The load: a few connections that stay open, each with one request under way, on one thread.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How long nothing may be heard of any request before the run has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often somebody may look at what a run does.
const LOOK: Duration = Duration::from_millis(20);

/// What one run told.
pub(crate) struct Outcome {
    /// How long each request took, in nanoseconds, shortest first.
    pub(crate) latencies: Vec<u32>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// The latency below which this share of all requests lies, in microseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (share * last as f64).round() as usize;
        self.latencies
            .get(at)
            .map_or(f64::NAN, |ns| f64::from(*ns) / 1e3)
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of the request that have been sent.
    sent: usize,
    /// Of the answer, what came so far.
    got: Vec<u8>,
    since: Instant,
    busy: bool,
}

/// Asks over and over on so many connections for so long, and at least until `least` answers have come. Every
/// answer must have the expected status. `look` is called about every [`LOOK`] with the number of answers.
pub(crate) fn run(
    to: SocketAddr,
    request: &[u8],
    expected: u16,
    connections: usize,
    (duration, least): (Duration, usize),
    mut look: impl FnMut(usize),
) -> Result<Outcome, String> {
    let said = |error: io::Error| format!("the load: {error}");
    let mut poll = Poll::new().map_err(said)?;
    let mut open = Vec::new();
    for index in 0..connections {
        open.push(connect(&poll, to, index).map_err(said)?);
    }
    let mut latencies = Vec::with_capacity(1 << 16);
    let mut events = Events::with_capacity(connections * 2);
    let start = Instant::now();
    let mut next = start + LOOK;
    let mut over = false;
    for (index, connection) in open.iter_mut().enumerate() {
        begin(&poll, connection, index, request).map_err(said)?;
    }
    while open.iter().any(|connection| connection.busy) {
        poll.poll(&mut events, Some(PATIENCE)).map_err(said)?;
        if events.is_empty() {
            return Err(format!("no answer for {PATIENCE:?}"));
        }
        if !over && Instant::now() >= next {
            look(latencies.len());
            next = Instant::now() + LOOK;
        }
        for event in &events {
            let index = event.token().0;
            let Some(connection) = open.get_mut(index) else {
                continue;
            };
            if event.is_writable() && connection.sent < request.len() {
                send(&poll, connection, index, request).map_err(said)?;
            }
            if !event.is_readable() || !connection.busy {
                continue;
            }
            let Some(answer) = receive(connection)? else {
                continue;
            };
            if answer.status != expected {
                let text = String::from_utf8_lossy(&connection.got);
                return Err(format!(
                    "answered {} in place of {expected}:\n{text}",
                    answer.status
                ));
            }
            let took = connection.since.elapsed().as_nanos();
            latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
            connection.busy = false;
            over = over || (start.elapsed() >= duration && latencies.len() >= least);
            if over {
                continue;
            }
            if answer.closes {
                *connection = connect(&poll, to, index).map_err(said)?;
            }
            begin(&poll, connection, index, request).map_err(said)?;
        }
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Outcome { latencies, elapsed })
}

fn connect(poll: &Poll, to: SocketAddr, index: usize) -> io::Result<Connection> {
    // Connected before it is measured: the handshake is no part of a request.
    let stream = std::net::TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry()
        .register(&mut stream, Token(index), Interest::READABLE)?;
    Ok(Connection {
        stream,
        sent: 0,
        got: Vec::with_capacity(4096),
        since: Instant::now(),
        busy: false,
    })
}

fn begin(poll: &Poll, connection: &mut Connection, index: usize, request: &[u8]) -> io::Result<()> {
    connection.sent = 0;
    connection.got.clear();
    connection.busy = true;
    connection.since = Instant::now();
    send(poll, connection, index, request)
}

/// Sends what fits; the rest when there is room again.
fn send(poll: &Poll, connection: &mut Connection, index: usize, request: &[u8]) -> io::Result<()> {
    while let Some(rest) = request
        .get(connection.sent..)
        .filter(|rest| !rest.is_empty())
    {
        match connection.stream.write(rest) {
            Ok(count) => connection.sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let both = Interest::READABLE | Interest::WRITABLE;
                poll.registry()
                    .reregister(&mut connection.stream, Token(index), both)?;
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Answer {
    status: u16,
    closes: bool,
}

/// Reads what is there; the answer, once it is whole.
fn receive(connection: &mut Connection) -> Result<Option<Answer>, String> {
    let mut buffer = [0; 16 << 10];
    loop {
        match connection.stream.read(&mut buffer) {
            Ok(0) => return Err("the connection was closed before the answer".to_owned()),
            Ok(count) => connection.got.extend(buffer.iter().take(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }
        if let Some(answer) = whole(&connection.got)? {
            return Ok(Some(answer));
        }
    }
}

fn whole(got: &[u8]) -> Result<Option<Answer>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut headers);
    let head = match parsed.parse(got).map_err(|error| error.to_string())? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = parsed.code.unwrap_or_default();
    let (mut length, mut closes) = (None, false);
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).unwrap_or_default();
            length = text.parse::<usize>().ok();
        }
        closes |= header.name.eq_ignore_ascii_case("connection")
            && header.value.eq_ignore_ascii_case(b"close");
    }
    let length = length.ok_or("an answer without a length")?;
    Ok((got.len() >= head + length).then_some(Answer { status, closes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_harness::shapes;

    /// Small requests and large ones, whose bodies do not go out in one piece.
    #[test]
    fn every_answer_is_read_and_its_status_checked() {
        let to = crate::upstream::start(None).expect("a free port");
        let time = Duration::from_millis(20);
        for shape in shapes::all() {
            let request = shape.http1();
            let outcome = run(to, &request, 200, 4, (time, 30), |_| ()).expect(&shape.name);
            assert!(outcome.latencies.len() >= 30, "{}", shape.name);
            assert!(outcome.latencies.is_sorted());
            assert!(outcome.quantile(0.5) <= outcome.quantile(0.99));
        }
        let request = shapes::all()[0].http1();
        let wrong = run(to, &request, 403, 4, (time, 30), |_| ());
        assert!(wrong.is_err_and(|why| why.contains("answered 200 in place of 403")));
    }
}
