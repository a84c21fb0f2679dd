//! What a rule may ask of a request as a whole: conditions on its head and its fields, combined.

use std::cmp::Ordering;

use super::named::named;
use super::{Addresses, Detector, PartSet, RequestMatch, TextMatch, ViewSet, ZoneSet};

/// A condition on a request.
///
/// Conditions look at the whole request, part by part as it comes: the head, the body, the
/// trailers; of a stream of messages, the head and one message. What a field has fulfilled in one part
/// stays fulfilled. Whether something is *not* there (under `not`, or by the `max` of a count) is known
/// once nothing more can come to where it is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Each of these holds.
    All(Vec<Self>),
    /// At least one of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The request as a whole is one of these.
    Request(RequestCondition),
    /// Some field is as described, or a number of fields are.
    Field(FieldCondition),
}

/// What is asked of a request as a whole. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestCondition {
    /// Host, path and method.
    pub request: RequestMatch,
    /// The client's address is one of these; one that nobody knows is none of them. `None` for any.
    pub clients: Option<Addresses>,
}

/// Fields of some place that pass some tests. All tests are passed by one and the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCondition {
    /// In one of these zones.
    pub zones: ZoneSet,
    /// One of these halves is tested.
    pub parts: PartSet,
    /// The field is called so, by its whole key path; header names are compared without case.
    pub name: Option<TextMatch>,
    /// The forms of the text that are tested.
    pub views: ViewSet,
    /// What the text must be; empty where every field counts.
    pub tests: Vec<ValueTest>,
    /// Whether equality, prefixes, suffixes, parts and globs are compared without regard to ASCII case.
    pub ignore_case: bool,
    /// How many fields there must be, where one is not enough.
    pub count: Option<Range>,
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueTest {
    /// One of these texts.
    Texts(Vec<TextMatch>),
    /// Any of these stands in it, without regard to ASCII case.
    Literals(Vec<String>),
    /// A detector finds something in it.
    Detector(Detector),
    /// Bytes of the text.
    Length(Range),
    /// It reads as a decimal number, and all of these hold of it.
    Number(Vec<(Comparison, Number)>),
}

/// A range of whole numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: u32,
    /// The most; `u32::MAX` for no bound.
    pub max: u32,
}

impl Range {
    /// Whether the number is in the range.
    pub const fn contains(self, number: u32) -> bool {
        self.min <= number && number <= self.max
    }
}

named! {
    /// How a number is compared.
    pub enum Comparison as "comparison" {
        /// Less than.
        Lt = "lt",
        /// Less than or equal to.
        Le = "le",
        /// Greater than.
        Gt = "gt",
        /// Greater than or equal to.
        Ge = "ge",
        /// Equal to.
        Eq = "eq",
    }
}

impl Comparison {
    /// Whether a number stands so to another.
    pub fn holds(self, number: Number, to: Number) -> bool {
        let ordering = number.compare(to);
        match self {
            Self::Lt => ordering == Ordering::Less,
            Self::Le => ordering != Ordering::Greater,
            Self::Gt => ordering == Ordering::Greater,
            Self::Ge => ordering != Ordering::Less,
            Self::Eq => ordering == Ordering::Equal,
        }
    }
}

/// A decimal number: whole numbers of up to 38 digits are exact, others are the nearest `f64`.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    whole: Option<i128>,
    nearest: f64,
}

impl Number {
    /// A whole number.
    pub const fn whole(number: i128) -> Self {
        Self {
            whole: Some(number),
            nearest: number as f64,
        }
    }

    /// A fraction; `None` if it is not finite.
    pub fn fraction(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self {
            whole: None,
            nearest: number,
        })
    }

    /// The number that a text reads as, white space around it apart: a sign, digits, a fraction, an
    /// exponent, as JSON and forms write them. Neither `0x10` nor `1_000` nor `inf` is one. What is too
    /// large for an `f64` reads as the infinity that it is nearest to.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let digits = text.iter().any(u8::is_ascii_digit);
        let plain = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        if !digits || !text.iter().all(plain) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        match text.parse::<i128>() {
            Ok(whole) => Some(Self::whole(whole)),
            Err(_) => text.parse().ok().map(|nearest| Self {
                whole: None,
                nearest,
            }),
        }
    }

    /// How this number stands to another.
    pub fn compare(self, other: Self) -> Ordering {
        match (self.whole, other.whole) {
            (Some(own), Some(other)) => own.cmp(&other),
            _ => self
                .nearest
                .partial_cmp(&other.nearest)
                .unwrap_or(Ordering::Equal),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl Eq for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_applications_read_them() {
        for (text, number) in [
            ("0", Some(Number::whole(0))),
            (" 42 ", Some(Number::whole(42))),
            ("+7", Some(Number::whole(7))),
            ("-7", Some(Number::whole(-7))),
            ("0007", Some(Number::whole(7))),
            ("1e3", Some(Number::whole(1000))),
            ("1.50", Number::fraction(1.5)),
            (".5", Number::fraction(0.5)),
            (
                "170141183460469231731687303715884105727",
                Some(Number::whole(i128::MAX)),
            ),
            ("", None),
            ("-", None),
            ("e", None),
            ("1e", None),
            ("0x10", None),
            ("1_000", None),
            ("inf", None),
            ("nan", None),
            ("1,5", None),
            ("1 2", None),
            ("--1", None),
        ] {
            assert_eq!(Number::parse(text.as_bytes()), number, "{text}");
        }
        // Two whole numbers that are one and the same f64.
        let (a, b) = (
            Number::parse(b"9007199254740993"),
            Number::parse(b"9007199254740992"),
        );
        assert_ne!(a, b);
        let huge = Number::parse(b"1e999").expect("a number, if a large one");
        assert!(Comparison::Gt.holds(huge, Number::whole(i128::MAX)));
    }
}
