//! Length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message") cut out of a stream of chunks.

/// Bytes in front of a message: one of flags, four of length.
const PREFIX: usize = 5;

/// Cuts a stream into its frames, however the chunks fall, and holds no more than one message of
/// the permitted size.
#[derive(Debug)]
pub struct FrameSplitter {
    limit: usize,
    prefix: [u8; PREFIX],
    prefix_filled: usize,
    /// Bytes of the current message that are still to come.
    left: usize,
    message: Vec<u8>,
    /// Whether the current message was handed out; the next call forgets it.
    told: bool,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The flags: bit 0 says compressed, bit 7 says trailers (gRPC-Web).
    pub flags: u8,
    /// The message, or as much of it as the limit permits.
    pub message: &'a [u8],
    /// Whether that is all of it. What is missing is skipped when it comes.
    pub complete: bool,
}

impl Frame<'_> {
    /// Whether the message is compressed.
    pub const fn is_compressed(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether the message holds the trailers of gRPC-Web, or the end of a Connect stream.
    pub const fn is_trailers(&self) -> bool {
        self.flags & 0x80 != 0
    }
}

impl FrameSplitter {
    /// A splitter at the start of a stream that keeps at most `limit` bytes of one message.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            prefix: [0; PREFIX],
            prefix_filled: 0,
            left: 0,
            message: Vec::new(),
            told: false,
        }
    }

    /// Takes bytes off the front of `chunk` up to the end of a frame and returns that frame; `None`
    /// when the chunk is used up first. A message longer than the limit is returned once its
    /// permitted prefix is there.
    pub fn next_frame(&mut self, chunk: &mut &[u8]) -> Option<Frame<'_>> {
        if self.told {
            let skipped = self.left.min(chunk.len());
            self.left = self.left.saturating_sub(skipped);
            *chunk = chunk.get(skipped..).unwrap_or_default();
            if self.left > 0 {
                return None;
            }
            self.told = false;
            self.prefix_filled = 0;
            self.message.clear();
        }
        while self.prefix_filled < PREFIX {
            let (first, rest) = chunk.split_first()?;
            if let Some(slot) = self.prefix.get_mut(self.prefix_filled) {
                *slot = *first;
            }
            self.prefix_filled = self.prefix_filled.saturating_add(1);
            *chunk = rest;
            if self.prefix_filled == PREFIX {
                let [_, length @ ..] = self.prefix;
                self.left = u32::from_be_bytes(length) as usize;
            }
        }
        let wanted = self.left.min(self.limit.saturating_sub(self.message.len()));
        let (taken, rest) = chunk.split_at_checked(wanted).unwrap_or((chunk, &[]));
        self.message.extend_from_slice(taken);
        self.left = self.left.saturating_sub(taken.len());
        *chunk = rest;
        if self.left > 0 && self.message.len() < self.limit {
            return None;
        }
        self.told = true;
        let [flags, ..] = self.prefix;
        Some(Frame {
            flags,
            message: &self.message,
            complete: self.left == 0,
        })
    }

    /// Whether the stream stands inside a frame whose message was not returned yet.
    pub fn is_inside_frame(&self) -> bool {
        !self.told && self.prefix_filled > 0
    }

    /// What has come of the frame that is not complete yet, for a stream that ends inside it.
    pub fn unfinished(&self) -> &[u8] {
        if self.is_inside_frame() {
            &self.message
        } else {
            &[]
        }
    }
}
