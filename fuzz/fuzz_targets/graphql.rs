//! GraphQL documents. Names are grammar there, so the mark is one that only strings and comments hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_fuzz::nothing_unseen;

fuzz_target!(|data: &[u8]| nothing_unseen(b"application/graphql", data, b"zq'xa"));
