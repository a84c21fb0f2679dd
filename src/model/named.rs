//! One dictionary: every closed list of words that a policy, a log or a metric may use is declared
//! once, through `named!`, and read and written from that declaration everywhere.

/// A closed list of values, each with the one name that JSON, logs, metrics and documents use.
pub trait Named: Copy + PartialEq + Sized + 'static {
    /// What the list is called in an error message, for example `zone`.
    const WHAT: &'static str;
    /// Every value, in the order of the documents.
    const ALL: &'static [Self];
    /// The name of this value.
    fn name(self) -> &'static str;
    /// What this value means, in one sentence, for the generated documents.
    fn meaning(self) -> &'static str;
}

/// The value of that name, if there is one. Names are matched exactly.
pub fn parse_name<T: Named>(name: &str) -> Option<T> {
    T::ALL.iter().copied().find(|value| value.name() == name)
}

/// All names of a list, in the order of the documents.
pub fn names_of<T: Named>() -> impl Iterator<Item = &'static str> {
    T::ALL.iter().map(|value| value.name())
}

/// Declares an enum whose variants have names and meanings (the doc comment of each variant).
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $type:ident as $what:literal {
            $( #[doc = $meaning:literal] $variant:ident = $name:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $type { $( #[doc = $meaning] $variant, )+ }

        impl $crate::model::Named for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];
            fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }
            fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $meaning.trim_ascii(), )+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::model::Named::name(*self))
            }
        }
    };
}

/// Declares a set over a `named!` enum, one bit a value.
macro_rules! named_set {
    ($(#[$meta:meta])* $set:ident of $type:ident in $bits:ty) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $set($bits);

        impl $set {
            /// The set without members.
            pub const EMPTY: Self = Self(0);

            /// The set of these members.
            pub const fn of(members: &[$type]) -> Self {
                let mut bits = 0;
                let mut rest = members;
                while let [first, tail @ ..] = rest {
                    bits |= 1 << (*first as u8);
                    rest = tail;
                }
                Self(bits)
            }

            /// The set of every value there is.
            pub const fn all() -> Self {
                Self::of(<$type as $crate::model::Named>::ALL)
            }

            /// Whether the member is in the set.
            pub const fn contains(self, member: $type) -> bool {
                self.0 & (1 << (member as u8)) != 0
            }

            /// Whether the two sets have a member in common.
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether nothing is in the set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Both sets together.
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Adds one member.
            pub const fn insert(&mut self, member: $type) {
                self.0 |= 1 << (member as u8);
            }

            /// The members, in the order of the documents.
            pub fn iter(self) -> impl Iterator<Item = $type> {
                let all = <$type as $crate::model::Named>::ALL;
                // Most sets that a request brings are empty.
                let all = if self.is_empty() { &[] } else { all };
                all.iter()
                    .copied()
                    .filter(move |member| self.contains(*member))
            }
        }
    };
}

pub(crate) use {named, named_set};
