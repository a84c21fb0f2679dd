//! XML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_fuzz::{MARK, nothing_unseen};

fuzz_target!(|data: &[u8]| nothing_unseen(b"text/xml", data, MARK));
