//! Turns the rule files of `rules/` into one JSON document that the engine embeds.

fn main() {
    println!("cargo:rerun-if-changed=rules");
}
