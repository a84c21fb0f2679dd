//! The command line: one verb a file, over the same engine that runs inside Envoy.

fn main() {
    println!("palisade {}", env!("CARGO_PKG_VERSION"));
}
