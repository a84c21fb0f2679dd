//! One text to all the views of it that differ from what is already there.

use super::marks;
use super::signs::Signs;
use super::{
    Outcome, base64, css, entity, fold, javascript, null, path, percent, scheme, shell, sql,
    unicode_percent, utf7, utf8,
};
use crate::model::{Anomaly, AnomalySet, View, ViewSet};

/// Turns texts into their views. Keeps its buffers, so that one expander serves every text of every
/// request and allocates only while they grow: to nine times the longest text at most, and the
/// usual slack of a growing vector.
#[derive(Debug, Default)]
pub struct Expander {
    decoded: Buffers,
    escaped: Buffers,
    unpacked: Vec<u8>,
    base64: Buffers,
    form: Vec<u8>,
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
    marks: u64,
    applies: fn(&[u8]) -> bool,
    decode: fn(&[u8], &mut Vec<u8>) -> Outcome,
}

/// What carries a text to where it is used: URLs, charsets, HTML. These are repeated together, since they
/// nest in any order. The escapes of programming languages come last in the list and have their own
/// round, because they take backslashes away that elsewhere separate the parts of a path.
const STEPS: [Step; 9] = [
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
        marks: marks::HIGH,
        applies: utf8::applies,
        decode: utf8::decode,
    },
    Step {
        marks: marks::NUL,
        applies: null::applies,
        decode: null::decode,
    },
    Step {
        marks: marks::PLUS,
        applies: utf7::applies,
        decode: utf7::decode,
    },
    Step {
        marks: marks::AMPERSAND,
        applies: entity::applies,
        decode: entity::decode,
    },
    Step {
        marks: marks::HIGH,
        applies: fold::applies,
        decode: fold::decode,
    },
    Step {
        marks: marks::CONTROL,
        applies: scheme::applies,
        decode: scheme::decode,
    },
    ESCAPES,
];

const ESCAPES: Step = Step {
    marks: marks::BACKSLASH,
    applies: javascript::applies,
    decode: javascript::decode,
};

/// The steps without the escapes.
const TRANSPORT: &[Step] = match &STEPS {
    [transport @ .., _] => transport,
};

/// What the decodings look for in a text that was just made.
fn marks_in(text: &[u8]) -> Signs {
    marks::of(text, Signs::of(text))
}

const TRANSPORT_MARKS: u64 = marks_of(TRANSPORT);

const fn marks_of(steps: &[Step]) -> u64 {
    let mut marks = 0;
    let mut rest = steps;
    while let [first, tail @ ..] = rest {
        marks |= first.marks;
        rest = tail;
    }
    marks
}

/// Classes of bytes without which only base64 and the segments of a path give another view.
const TELLING: u64 = TRANSPORT_MARKS
    | marks::BACKSLASH
    | marks::STAR
    | marks::CONTROL
    | marks::QUOTE
    | marks::CARET
    | marks::DOLLAR
    | marks::BRACE
    | marks::BRACKET;

impl Expander {
    /// Whether a text of that length with these signs can have a view that differs from it, or be odd.
    pub const fn may_expand(signs: Signs, length: usize, is_path: bool) -> bool {
        signs.any(TELLING)
            || signs.twice(marks::SPACE)
            || is_path && (signs.any(marks::SEMICOLON | marks::DOT) || signs.twice(marks::SLASH))
            || base64::may_apply(signs, length)
    }

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
        self.expand_seen((plain, Signs::of(plain)), passes, wanted, is_path, emit)
    }

    /// The same for a text whose signs are known.
    pub fn expand_seen(
        &mut self,
        (plain, signs): (&[u8], Signs),
        passes: usize,
        wanted: ViewSet,
        is_path: bool,
        emit: &mut dyn FnMut(View, &[u8]),
    ) -> AnomalySet {
        let mut emit = |view, text: &[u8]| {
            if wanted.contains(view) {
                emit(view, text);
            }
        };
        let Self {
            decoded: buffers,
            escaped: escaped_buffers,
            unpacked,
            base64: base64_buffers,
            form,
        } = self;
        let mut seen = marks::of(plain, signs);
        let mut anomalies = AnomalySet::EMPTY;

        let mut decoded = plain;
        if seen.any(TRANSPORT_MARKS) {
            let settled = buffers.settle(plain, seen, TRANSPORT, passes, &mut |first| {
                emit(View::Decoded, first);
            });
            anomalies = anomalies.union(settled.anomalies);
            if settled.changed {
                decoded = &buffers.text;
                seen = marks_in(decoded);
                emit(View::Decoded, decoded);
            }
        }

        let mut escaped = decoded;
        if seen.any(ESCAPES.marks) && (ESCAPES.applies)(decoded) {
            let settled = escaped_buffers.settle(decoded, seen, &STEPS, passes, &mut |_| ());
            // Null bytes that stand for themselves in source code (`\\x00`) are not odd.
            if settled.anomalies.contains(Anomaly::DecodeLimit) {
                anomalies.insert(Anomaly::DecodeLimit);
            }
            if settled.changed {
                escaped = &escaped_buffers.text;
                emit(View::Decoded, escaped);
            }
        }
        if seen.any(marks::BACKSLASH | marks::STAR)
            && wanted.contains(View::Decoded)
            && css::plausible(decoded)
        {
            form.clear();
            if css::decode(decoded, form).changed && form != escaped {
                emit(View::Decoded, form);
            }
        }

        if wanted.contains(View::Compact) {
            let seen = if std::ptr::eq(escaped, decoded) {
                seen
            } else {
                marks_in(escaped)
            };
            compact(escaped, seen, form, true, &mut emit);
        }
        if wanted.contains(View::Shell) {
            unquote(decoded, seen, form, &mut emit);
        }
        if is_path
            && wanted.contains(View::Normal)
            && (seen.any(marks::BACKSLASH | marks::SEMICOLON | marks::DOT)
                || seen.twice(marks::SLASH))
        {
            form.clear();
            if path::decode(decoded, form).changed {
                emit(View::Normal, form);
            }
        }

        if wanted.contains(View::Base64)
            && (!std::ptr::eq(escaped, plain) || base64::may_apply(signs, plain.len()))
            && let Some(source) = base64_source(plain, decoded, escaped)
        {
            base64_buffers.text.clear();
            base64::decode(source, &mut base64_buffers.text);
            form.clear();
            form.extend_from_slice(&base64_buffers.text);
            if base64_buffers.unpack(passes, unpacked) {
                anomalies.insert(Anomaly::DecodeLimit);
            }
            let text = base64_buffers.text.as_slice();
            let seen = marks_in(text);
            emit(View::Base64, text);
            if form != text && memchr::memchr(b'\\', form).is_some() {
                // Backslashes may be those of a path rather than of escapes.
                emit(View::Base64, form);
            }
            if wanted.contains(View::Compact) {
                compact(text, seen, form, false, &mut emit);
            }
            if wanted.contains(View::Shell) {
                unquote(text, seen, form, &mut emit);
            }
        }
        anomalies
    }
}

/// The form of a text in which base64 is found. As it came if all of it is; otherwise the most decoded
/// one, in which no escape cuts a run short.
fn base64_source<'a>(plain: &'a [u8], decoded: &'a [u8], escaped: &'a [u8]) -> Option<&'a [u8]> {
    let is_new = |text: &[u8], other: &[u8]| !std::ptr::eq(text, other);
    if is_new(escaped, plain) && base64::whole(plain) {
        return Some(plain);
    }
    if is_new(escaped, decoded) && base64::applies(escaped) {
        return Some(escaped);
    }
    if is_new(decoded, plain) && base64::applies(decoded) {
        return Some(decoded);
    }
    base64::applies(plain).then_some(plain)
}

/// Emits the compact forms of a text, the one that every database reads first; the others only if `all`.
fn compact(
    text: &[u8],
    seen: Signs,
    form: &mut Vec<u8>,
    all: bool,
    emit: &mut dyn FnMut(View, &[u8]),
) {
    let white = marks::CONTROL | marks::HIGH;
    let plus = seen.any(marks::PLUS) && sql::plus_is_space(text);
    let wide = seen.any(marks::HIGH) && sql::has_wide_space(text);
    if !seen.any(white | marks::STAR) && !seen.twice(marks::SPACE) && !plus && !wide {
        return;
    }
    let unchanged = text.trim_ascii();
    form.clear();
    sql::decode(text, form);
    let first = form.len();
    if form != unchanged {
        emit(View::Compact, form);
    }
    if !all {
        return;
    }
    if seen.any(marks::STAR) && sql::nested(text) {
        sql::decode_innermost(text, form);
        if let Some((first, second)) = form.split_at_checked(first)
            && first != second
        {
            emit(View::Compact, second);
        }
        form.truncate(first);
    }
    if seen.any(marks::CONTROL) && sql::has_lines(text) {
        sql::decode_lines(text, form);
        if let Some((first, second)) = form.split_at_checked(first)
            && first != second
        {
            emit(View::Compact, second);
        }
    }
}

/// Emits the form in which a shell reads a text.
fn unquote(text: &[u8], seen: Signs, form: &mut Vec<u8>, emit: &mut dyn FnMut(View, &[u8])) {
    let quoting = marks::QUOTE
        | marks::BACKSLASH
        | marks::CARET
        | marks::DOLLAR
        | marks::BRACE
        | marks::BRACKET;
    if seen.any(quoting) {
        form.clear();
        if shell::decode(text, form).changed {
            emit(View::Shell, form);
        }
    }
}

/// How many times the bytes of a text all its views together may have. No view is longer than the
/// text, and these are all there can be: decoded after one pass, to the end, with the escapes of
/// programming languages, and of CSS; three compact forms; one for shells; one of a path; base64, with one
/// compact form and one for shells.
pub const MAX_GROWTH: usize = 13;

/// What repeating some decodings came to.
struct Settled {
    changed: bool,
    anomalies: AnomalySet,
}

impl Buffers {
    /// Decodes what base64 gave to its fixed point, base64 inside of it included. The text is in `self.text`
    /// before and after; `layer` is a place for one layer. Whether the passes did not suffice.
    fn unpack(&mut self, passes: usize, layer: &mut Vec<u8>) -> bool {
        for pass in 0.. {
            std::mem::swap(&mut self.text, layer);
            let settled = self.settle(layer, marks_in(layer), &STEPS, passes, &mut |_| ());
            if !settled.changed {
                std::mem::swap(&mut self.text, layer);
            }
            let again = base64::applies(&self.text);
            if settled.anomalies.contains(Anomaly::DecodeLimit) || again && pass >= passes {
                return true;
            }
            if !again {
                break;
            }
            self.next.clear();
            base64::decode(&self.text, &mut self.next);
            std::mem::swap(&mut self.text, &mut self.next);
        }
        false
    }

    /// Repeats the steps over `source` until none of them applies or the passes are used up. The
    /// result is in `self.text` if anything changed. `between` sees the form after the first pass
    /// if it is not the last: an application may decode twice, and no more.
    fn settle(
        &mut self,
        source: &[u8],
        seen: Signs,
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
