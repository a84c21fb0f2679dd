//! gRPC: bodies, the text variant, single messages; and a stream that is cut like a whole one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade::request::FrameSplitter;
use palisade_fuzz::body;

fn frames(chunks: impl Iterator<Item = Vec<u8>>) -> Vec<(u8, Vec<u8>, bool)> {
    let mut splitter = FrameSplitter::new(64);
    let mut frames = Vec::new();
    for chunk in chunks {
        let mut rest = chunk.as_slice();
        while let Some(frame) = splitter.next_frame(&mut rest) {
            assert!(frame.message.len() <= 64);
            frames.push((frame.flags, frame.message.to_vec(), frame.complete));
        }
        assert!(rest.is_empty());
    }
    frames
}

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    for content_type in [
        &b"application/grpc"[..],
        b"application/grpc-web-text",
        b"application/x-protobuf",
    ] {
        body(content_type, stream);
    }
    let size = usize::from(*size).max(1);
    let whole = frames(std::iter::once(stream.to_vec()));
    assert_eq!(whole, frames(stream.chunks(size).map(<[u8]>::to_vec)));
});
