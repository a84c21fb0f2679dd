//! A request written in the flags of curl, or as it goes on the wire.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use clap::Args;

use crate::Failure;
use crate::proxied::{Request, parse_raw};

/// What describes the request.
#[derive(Args)]
pub(crate) struct Flags {
    /// URL, or path and query, exactly as it goes on the wire; or a file with a whole request as it goes on
    /// the wire of HTTP/1.1, `-` for standard input. The word `curl` may stand in front of it.
    #[arg(value_name = "URL|FILE", required_unless_present = "raw", num_args = 1..=2)]
    url: Vec<String>,
    /// A file with a whole request as it goes on the wire of HTTP/1.1; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "method", "header", "data", "data_raw", "data_binary", "data_urlencode", "form", "get", "cookie", "user_agent", "referer", "user"])]
    raw: Option<PathBuf>,
    /// The method; GET, or POST where there is a body.
    #[arg(long = "request", short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// A header; may be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The body, or `@FILE` without its line ends; a form, unless a Content-Type is given. May be repeated,
    /// joined by `&`.
    #[arg(
        long,
        short,
        alias = "data-ascii",
        value_name = "DATA",
        allow_hyphen_values = true
    )]
    data: Vec<String>,
    /// The same, but `@` stands for itself.
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    data_raw: Vec<String>,
    /// The same, and a file keeps its line ends.
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    data_binary: Vec<String>,
    /// The same, percent-encoded: `TEXT`, `NAME=TEXT`, `@FILE` or `NAME@FILE`.
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    data_urlencode: Vec<String>,
    /// A part of a multipart form: `NAME=TEXT`, `NAME=@FILE` or `NAME=<FILE`, with `;type=…` and
    /// `;filename=…` behind. May be repeated.
    #[arg(long, short = 'F', value_name = "NAME=DATA", conflicts_with_all = ["data", "data_raw", "data_binary", "data_urlencode", "get"])]
    form: Vec<String>,
    /// Put the data into the query instead of the body.
    #[arg(long, short = 'G')]
    get: bool,
    /// The Cookie header.
    #[arg(long, short = 'b', value_name = "COOKIES")]
    cookie: Option<String>,
    /// The User-Agent header.
    #[arg(long, short = 'A', value_name = "AGENT")]
    user_agent: Option<String>,
    /// The Referer header.
    #[arg(long, short = 'e', value_name = "URL")]
    referer: Option<String>,
    /// Credentials, as an Authorization header.
    #[arg(long, short = 'u', value_name = "NAME:PASSWORD")]
    user: Option<String>,
    // What commands that were copied out of a browser say besides; it changes nothing here.
    #[arg(
        long,
        hide = true,
        help = "Without meaning here; for commands copied out of a browser."
    )]
    compressed: bool,
    #[arg(
        long,
        short = 'k',
        hide = true,
        help = "Without meaning here; for commands copied out of a browser."
    )]
    insecure: bool,
    #[arg(
        long,
        short = 's',
        hide = true,
        help = "Without meaning here; for commands copied out of a browser."
    )]
    silent: bool,
    #[arg(
        long,
        short = 'L',
        hide = true,
        help = "Without meaning here; for commands copied out of a browser."
    )]
    location: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    text.split_once(':')
        .or_else(|| text.strip_suffix(';').map(|name| (name, "")))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected NAME: VALUE".to_owned())
}

/// What separates the parts of a multipart form.
const BOUNDARY: &str = "------------------------d74496d66958873e";

impl Flags {
    /// The request that the flags describe.
    ///
    /// # Errors
    /// If a file cannot be read, or is no request.
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let url = match self.url.as_slice() {
            [word, url] if word == "curl" => url,
            [_, _] => return Err(Failure("one URL is enough; quote it".to_owned())),
            [url] => url,
            _ => "",
        };
        let raw = match &self.raw {
            Some(path) => Some(path.as_path()),
            None if url == "-" => Some(Path::new("-")),
            // A path of a URL begins with a slash.
            None if !url.starts_with('/') && !url.contains("://") && Path::new(url).is_file() => {
                Some(Path::new(url))
            }
            None => None,
        };
        if let Some(path) = raw {
            let request = parse_raw(&read(path)?);
            if request.method.is_empty() || request.target.is_empty() {
                return Err(Failure(format!(
                    "{}:1:1: expected a request line such as `GET /path HTTP/1.1`",
                    path.display()
                )));
            }
            return Ok(request);
        }
        self.described(url)
    }

    fn described(&self, url: &str) -> Result<Request, Failure> {
        let mut request = Request {
            // What is neither a URL nor a path is a URL without its scheme, as for curl.
            target: match url.starts_with('/') || url.contains("://") {
                true => url.as_bytes().to_vec(),
                false => format!("http://{url}").into_bytes(),
            },
            ..Request::default()
        };
        let mut add = |name: &str, value: &[u8]| {
            request.headers.push((name.into(), value.to_vec()));
        };
        for (name, value) in &self.header {
            add(name, value.as_bytes());
        }
        if let Some(user) = &self.user {
            let encoded = base64::prelude::BASE64_STANDARD.encode(user);
            add("authorization", format!("Basic {encoded}").as_bytes());
        }
        for (name, value) in [
            ("user-agent", &self.user_agent),
            ("referer", &self.referer),
            ("cookie", &self.cookie),
        ] {
            if let Some(value) = value {
                add(name, value.as_bytes());
            }
        }
        let data = self.data()?;
        let mut media_type = None;
        if let Some(data) = data {
            if self.get {
                let mark = if request.target.contains(&b'?') {
                    b'&'
                } else {
                    b'?'
                };
                request.target.push(mark);
                request.target.extend(data);
            } else {
                request.body = data;
                media_type = Some("application/x-www-form-urlencoded".to_owned());
            }
        } else if !self.form.is_empty() {
            for part in &self.form {
                add_part(part, &mut request.body)?;
            }
            let end = format!("--{BOUNDARY}--\r\n");
            request.body.extend_from_slice(end.as_bytes());
            media_type = Some(format!("multipart/form-data; boundary={BOUNDARY}"));
        }
        let has_body = media_type.is_some();
        if let Some(media_type) = media_type
            && request.header("content-type").is_none()
        {
            let header = (b"content-type".to_vec(), media_type.into_bytes());
            request.headers.push(header);
        }
        if request.header("host").is_none() {
            request
                .headers
                .push((b"host".to_vec(), b"localhost".to_vec()));
        }
        request.method = match &self.method {
            Some(method) => method.as_bytes().to_vec(),
            None if has_body => b"POST".to_vec(),
            None => b"GET".to_vec(),
        };
        Ok(request)
    }

    /// All data, joined; nothing if none was given.
    fn data(&self) -> Result<Option<Vec<u8>>, Failure> {
        let mut all = Vec::new();
        for data in &self.data {
            all.push(match data.strip_prefix('@') {
                Some(path) => {
                    let mut bytes = read(Path::new(path))?;
                    bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                    bytes
                }
                None => data.as_bytes().to_vec(),
            });
        }
        all.extend(self.data_raw.iter().map(|data| data.as_bytes().to_vec()));
        for data in &self.data_binary {
            all.push(match data.strip_prefix('@') {
                Some(path) => read(Path::new(path))?,
                None => data.as_bytes().to_vec(),
            });
        }
        for data in &self.data_urlencode {
            let at = data.find(['=', '@']);
            let (name, bytes) = match at.map(|at| (&data[..at], &data[at..])) {
                None => ("", data.as_bytes().to_vec()),
                Some((name, rest)) => match rest.strip_prefix('@') {
                    Some(path) => (name, read(Path::new(path))?),
                    None => (name, rest.as_bytes()[1..].to_vec()),
                },
            };
            let mut encoded = name.as_bytes().to_vec();
            if !name.is_empty() {
                encoded.push(b'=');
            }
            percent_encode(&bytes, &mut encoded);
            all.push(encoded);
        }
        Ok((!all.is_empty()).then(|| all.join(&b'&')))
    }
}

/// Encodes all but the unreserved characters (RFC 3986, 2.3).
fn percent_encode(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

/// Appends one part of a multipart form.
fn add_part(part: &str, body: &mut Vec<u8>) -> Result<(), Failure> {
    let (name, rest) = part
        .split_once('=')
        .ok_or_else(|| Failure(format!("-F {part}: expected NAME=DATA")))?;
    let source = rest.chars().next().filter(|first| "@<".contains(*first));
    let (content, options) = match source {
        Some(_) => {
            let (path, options) = rest[1..].split_once(';').unwrap_or((&rest[1..], ""));
            (read(Path::new(path))?, options)
        }
        // Text may hold semicolons of its own: only a type can follow it.
        None => match rest.rfind(";type=") {
            Some(at) => (rest.as_bytes()[..at].to_vec(), &rest[at + 1..]),
            None => (rest.as_bytes().to_vec(), ""),
        },
    };
    let option = |wanted: &str| {
        options
            .split(';')
            .filter_map(|option| option.trim().split_once('='))
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value.to_owned())
    };
    let file = (source == Some('@')).then(|| {
        let path = rest[1..].split(';').next().unwrap_or_default();
        let last = Path::new(path).file_name().unwrap_or_default();
        last.to_string_lossy().into_owned()
    });
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"",
        quoted(name)
    );
    if let Some(file) = option("filename").or(file.clone()) {
        head += &format!("; filename=\"{}\"", quoted(&file));
    }
    let default = file.map(|_| "application/octet-stream".to_owned());
    if let Some(media_type) = option("type").or(default) {
        head += &format!("\r\nContent-Type: {media_type}");
    }
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(b"\r\n\r\n");
    body.extend(content);
    body.extend_from_slice(b"\r\n");
    Ok(())
}

/// A whole file, or standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}
