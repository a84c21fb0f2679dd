//! One text to all the views of it that differ from what is already there.

use super::marks::{self, Marks};
use super::{Outcome, base64, entity, null, percent, unicode_percent, utf8};
use crate::model::{Anomaly, AnomalySet, View, ViewSet};

/// Turns texts into their views. Keeps its buffers, so that one expander serves every text of every
/// request and allocates only while they grow.
#[derive(Debug, Default)]
pub struct Expander {
    decoded: Buffers,
    unpacked: Vec<u8>,
    base64: Buffers,
}

/// A text and the place for its next form.
#[derive(Debug, Default)]
struct Buffers {
    text: Vec<u8>,
    next: Vec<u8>,
}

/// One decoding of those that are repeated.
struct Step {
    /// Without one of these the decoding has nothing to do.
    marks: u32,
    applies: fn(&[u8]) -> bool,
    decode: fn(&[u8], &mut Vec<u8>) -> Outcome,
}

/// What carries a text to where it is used: URLs, HTML, charsets. Repeated together, since they nest in any order.
const TRANSPORT: &[Step] = &[
    Step {
        marks: marks::PERCENT,
        applies: percent::applies,
        // A stray `%` is odd where it came in, and the reader has said so; here it is text.
        decode: |input, out| Outcome {
            anomalies: AnomalySet::EMPTY,
            ..percent::decode(input, false, out)
        },
    },
    Step {
        marks: marks::PERCENT,
        applies: unicode_percent::applies,
        decode: unicode_percent::decode,
    },
    Step {
        marks: marks::LEAD,
        applies: utf8::applies,
        decode: utf8::decode,
    },
    Step {
        marks: marks::NUL,
        applies: null::applies,
        decode: null::decode,
    },
    Step {
        marks: marks::AMPERSAND,
        applies: entity::applies,
        decode: entity::decode,
    },
];

const TRANSPORT_MARKS: u32 = marks_of(TRANSPORT);

const fn marks_of(steps: &[Step]) -> u32 {
    let mut marks = 0;
    let mut rest = steps;
    while let [first, tail @ ..] = rest {
        marks |= first.marks;
        rest = tail;
    }
    marks
}

impl Expander {
    /// Calls `emit` with each of the `wanted` views of `plain` that differs from it. [`View::Wire`] and
    /// [`View::Plain`] are the caller's and never emitted.
    ///
    /// `passes` is how often the decoders may go over a text that still changes; one that would
    /// change again after that is [`Anomaly::DecodeLimit`]. `is_path` says that the text is the path of a URL.
    ///
    /// A view may be emitted more than once, where a text can be read in more than one way. All calls
    /// together give at most [`MAX_GROWTH`] times the bytes of `plain`, in time linear in its length.
    pub fn expand(
        &mut self,
        plain: &[u8],
        passes: usize,
        wanted: ViewSet,
        is_path: bool,
        emit: &mut dyn FnMut(View, &[u8]),
    ) -> AnomalySet {
        let _ = is_path;
        let seen = Marks::of(plain);
        let mut anomalies = AnomalySet::EMPTY;
        let mut decoded = plain;
        if seen.any(TRANSPORT_MARKS) {
            let settled = self
                .decoded
                .settle(plain, seen, TRANSPORT, passes, &mut |first| {
                    emit_wanted(View::Decoded, first, wanted, emit);
                });
            anomalies = anomalies.union(settled.anomalies);
            if settled.changed {
                decoded = &self.decoded.text;
                emit_wanted(View::Decoded, decoded, wanted, emit);
            }
        }
        if wanted.contains(View::Base64) {
            let source = [plain, decoded]
                .into_iter()
                .find(|text| base64::applies(text));
            if let Some(source) = source {
                self.unpacked.clear();
                base64::decode(source, &mut self.unpacked);
                let seen = Marks::of(&self.unpacked);
                let settled =
                    self.base64
                        .settle(&self.unpacked, seen, TRANSPORT, passes, &mut |_| ());
                anomalies = anomalies.union(settled.anomalies);
                let text = if settled.changed {
                    &self.base64.text
                } else {
                    &self.unpacked
                };
                emit_wanted(View::Base64, text, wanted, emit);
            }
        }
        anomalies
    }
}

/// How many times the bytes of a text all its views together may have.
pub const MAX_GROWTH: usize = 12;

fn emit_wanted(view: View, text: &[u8], wanted: ViewSet, emit: &mut dyn FnMut(View, &[u8])) {
    if wanted.contains(view) {
        emit(view, text);
    }
}

/// What repeating some decodings came to.
struct Settled {
    changed: bool,
    anomalies: AnomalySet,
}

impl Buffers {
    /// Repeats the steps over `source` until none of them applies or the passes are used up. The
    /// result is in `self.text` if anything changed. `between` sees the form after the first pass
    /// if it is not the last: an application may decode twice, and no more.
    fn settle(
        &mut self,
        source: &[u8],
        seen: Marks,
        steps: &[Step],
        passes: usize,
        between: &mut dyn FnMut(&[u8]),
    ) -> Settled {
        let mut settled = Settled {
            changed: false,
            anomalies: AnomalySet::EMPTY,
        };
        for pass in 0..passes {
            let mut changed = false;
            for step in steps {
                let text = if settled.changed {
                    self.text.as_slice()
                } else {
                    source
                };
                if (settled.changed || seen.any(step.marks)) && (step.applies)(text) {
                    if pass == 1 && !changed {
                        between(text);
                    }
                    self.next.clear();
                    let outcome = (step.decode)(text, &mut self.next);
                    settled.anomalies = settled.anomalies.union(outcome.anomalies);
                    std::mem::swap(&mut self.text, &mut self.next);
                    settled.changed = true;
                    changed = true;
                }
            }
            if !changed {
                return settled;
            }
        }
        let text = if settled.changed {
            self.text.as_slice()
        } else {
            source
        };
        if steps.iter().any(|step| (step.applies)(text)) {
            settled.anomalies.insert(Anomaly::DecodeLimit);
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(plain: &str) -> Vec<(View, String)> {
        let mut views = Vec::new();
        Expander::default().expand(
            plain.as_bytes(),
            5,
            ViewSet::all(),
            false,
            &mut |view, text| {
                views.push((view, String::from_utf8_lossy(text).into_owned()));
            },
        );
        views
    }

    #[test]
    fn decodes_to_the_fixed_point() {
        let twice = "%2527 or &#x27;1&#39;=%u0027";
        assert_eq!(
            views(twice).last(),
            Some(&(View::Decoded, "' or '1'='".to_owned()))
        );
        assert_eq!(
            views("PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg"),
            [(View::Base64, "<script>alert(1)</script>".to_owned())]
        );
    }
}
