//! The form in which a proxy hands over a map (proxy-wasm ABI 0.2): a count, the lengths of every
//! name and value, then the names and values, each followed by a null byte. Read in place.

/// The entries of a serialised map. What does not fit the form ends the iteration.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    lengths: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// Reads the count; an empty or broken map has no entries.
    pub fn new(map: &'a [u8]) -> Self {
        let read = || {
            let (count, rest) = map.split_first_chunk::<4>()?;
            let lengths = (u32::from_le_bytes(*count) as usize).checked_mul(8)?;
            rest.split_at_checked(lengths)
        };
        let (lengths, bytes) = read().unwrap_or_default();
        Self { lengths, bytes }
    }

    /// Writes a map in this form; what a fake host does.
    pub fn write(entries: &[(&[u8], &[u8])], out: &mut Vec<u8>) {
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&length(entries.len()));
        for (name, value) in entries {
            out.extend_from_slice(&length(name.len()));
            out.extend_from_slice(&length(value.len()));
        }
        for (name, value) in entries {
            for part in [name, value] {
                out.extend_from_slice(part);
                out.push(0);
            }
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut lengths = self.lengths;
        let mut bytes = self.bytes;
        let mut take = || {
            let (length, rest) = lengths.split_first_chunk::<4>()?;
            lengths = rest;
            let (text, rest) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            bytes = rest.get(1..)?;
            Some(text)
        };
        let entry = (take()?, take()?);
        (self.lengths, self.bytes) = (lengths, bytes);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let entries: [(&[u8], &[u8]); 3] = [(b":path", b"/"), (b"x", b""), (b"y", b"\0\xff")];
        let mut map = Vec::new();
        Pairs::write(&entries, &mut map);
        assert_eq!(Pairs::new(&map).collect::<Vec<_>>(), entries);
        // Cut anywhere, it yields a prefix of the entries and stops.
        for cut in 0..map.len() {
            let read: Vec<_> = Pairs::new(&map[..cut]).collect();
            assert!(entries.starts_with(&read));
        }
    }

    #[test]
    fn lying_counts_and_lengths_end_the_iteration() {
        for map in [
            &b""[..],
            b"\xff\xff\xff\xff",
            b"\x01\0\0\0\xff\xff\xff\xff\0\0\0\0",
            b"\x01\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(Pairs::new(map).count(), 0, "{map:?}");
        }
    }
}
