//! How fast texts are expanded into their views: `cargo bench --bench decode`. Prints, for each sort of
//! text, megabytes a second and nanoseconds for one text; then the time that hostile texts of growing
//! length take, which must double with the length.

use std::hint::black_box;
use std::time::{Duration, Instant};

use palisade::decode::Expander;
use palisade::model::ViewSet;

fn main() {
    let prose = "The quick brown fox jumps over the lazy dog, and then it sleeps. ".repeat(64);
    let spanish = "Más vale pájaro en mano que ciento volando, según dicen. ".repeat(64);
    let token = "d41d8cd98f00b204e9800998ecf8427e".repeat(32);
    let nasty = "%2527 union/**/select &lt;script&gt;\\u0061 c'a't ${IFS} \u{FF1C} ".repeat(64);
    let base64 = "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg".repeat(64);
    let texts: [(&str, &str); 9] = [
        ("an identifier", "550e8400-e29b-41d4-a716-446655440000"),
        ("an address", "john.smith@example.com"),
        (
            "a user agent",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
        ),
        ("a name with an apostrophe", "Conan O'Brien"),
        ("prose, 4 KB", &prose),
        ("Spanish, 4 KB", &spanish),
        ("hexadecimal, 1 KB", &token),
        ("nasty, 4 KB", &nasty),
        ("base64, 2 KB", &base64),
    ];
    let mut expander = Expander::default();
    println!("{:28} {:>8} {:>10} {:>8}", "text", "bytes", "ns", "MB/s");
    for (name, text) in texts {
        let took = best(|| expand(&mut expander, text.as_bytes()));
        let megabytes = text.len() as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{name:28} {:8} {:10} {megabytes:8.0}",
            text.len(),
            took.as_nanos()
        );
    }
    println!(
        "\n{:28} {:>10} {:>10} {:>10}  (µs)",
        "hostile", "16 KB", "32 KB", "64 KB"
    );
    let hostile: [&[u8]; 16] = [
        b"%25",
        b"%u0025",
        b"&#",
        b"&amp;",
        b"\\u",
        b"\\\\u",
        b"/*",
        b"*/",
        b"+A",
        b"+ADw-",
        b"'",
        b"$'",
        b"${",
        b"javascript\t",
        b"\xc0\xaf",
        b"QUJDQUJD",
    ];
    for piece in hostile {
        print!("{:28}", piece.escape_ascii().to_string());
        for kilobytes in [16, 32, 64] {
            let text = piece.repeat(kilobytes * 1024 / piece.len());
            print!(" {:10}", best(|| expand(&mut expander, &text)).as_micros());
        }
        println!();
    }
}

fn expand(expander: &mut Expander, text: &[u8]) {
    let mut bytes = 0;
    expander.expand(black_box(text), 5, ViewSet::all(), false, &mut |_, form| {
        bytes += form.len()
    });
    black_box(bytes);
}

/// The shortest mean of several rounds: on a shared machine the others measure its neighbours.
fn best(mut work: impl FnMut()) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        let mut runs = 0;
        while start.elapsed() < Duration::from_millis(4) {
            for _ in 0..8 {
                work();
            }
            runs += 8;
        }
        shortest = shortest.min(start.elapsed() / runs);
    }
    shortest
}
