//! JSON, with whatever else its beginning looks like.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_fuzz::{MARK, nothing_unseen};

fuzz_target!(|data: &[u8]| nothing_unseen(b"application/json", data, MARK));
