//! Exceptions at work: which hits a policy does not count.

use super::directory::{Directory, Writer};
use super::facts::{Facts, Requests};
use super::text::Text;
use crate::model::{Day, Exception, Part, PartSet, Place, Rule, RuleMatch, Zone, ZoneSet};
use crate::request::{Field, Fields};

/// The exceptions of a policy.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    list: Vec<Compiled>,
    directory: Directory,
}

/// Exceptions that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    list: Vec<Compiled>,
    writer: Writer,
}

#[derive(Debug)]
struct Compiled {
    label: String,
    rules: RuleMatch,
    requests: Requests,
    places: Vec<Where>,
    expires: Option<Day>,
    /// The scope it belongs to; `None` for all.
    scope: Option<u16>,
}

#[derive(Debug)]
struct Where {
    zones: ZoneSet,
    parts: PartSet,
    name: Option<Text>,
    text: Option<Text>,
}

/// The exceptions that concern one request, each with the places that the request is known to have.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    in_force: Vec<(u32, u32)>,
    /// Those that would concern it, had they not expired.
    expired: Vec<(u32, u32)>,
}

/// One half of one field, where a rule has matched.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) zone: Zone,
    pub(super) part: Part,
    pub(super) name: &'a [u8],
    pub(super) text: &'a [u8],
}

/// Places of one exception, a bit each; reading a policy refuses more.
const MOST_PLACES: usize = Exception::MOST_PLACES;

impl Gathered {
    /// Adds one, of a scope or of all.
    pub(super) fn add(&mut self, exception: &Exception, scope: Option<u16>) {
        if !exception.active {
            return;
        }
        let index = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let compiled = Compiled {
            label: exception.label.clone(),
            rules: exception.rules.clone(),
            requests: Requests::new(&exception.request),
            places: exception
                .places
                .iter()
                .take(MOST_PLACES)
                .map(Where::new)
                .collect(),
            expires: exception.expires,
            scope,
        };
        self.writer.add(index, &exception.request);
        self.list.push(compiled);
    }

    /// All of them.
    pub(super) fn finish(self) -> Exceptions {
        Exceptions {
            list: self.list,
            directory: self.writer.finish(),
        }
    }
}

impl Exceptions {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one asks for several places of a request at once, a header or the path among them.
    pub(super) fn ask_heads(&self) -> bool {
        let head = ZoneSet::of(&[Zone::RequestHeader, Zone::Path]);
        self.list.iter().any(|exception| {
            let mut places = exception.places.iter();
            places.len() > 1 && places.any(|place| place.zones.intersects(head))
        })
    }

    /// Those that expire some day: what they are called, and the last day on which they apply.
    pub(super) fn expiring(&self) -> impl Iterator<Item = (&str, Day)> {
        self.list
            .iter()
            .filter_map(|exception| Some((exception.label.as_str(), exception.expires?)))
    }

    /// The exceptions that concern a request, with what its head tells about places.
    pub(super) fn concerning(&self, facts: &Facts<'_>, scope: u16, head: &Fields) -> Concerned {
        let mut concerned = Concerned::default();
        for index in self.directory.candidates(facts) {
            let Some(exception) = self.list.get(index as usize) else {
                continue;
            };
            let expired = exception
                .expires
                .zip(facts.today)
                .is_some_and(|(last, today)| today > last);
            let other = exception.scope.is_some_and(|own| own != scope);
            if !other && exception.requests.contain(facts) {
                let list = if expired {
                    &mut concerned.expired
                } else {
                    &mut concerned.in_force
                };
                list.push((index, exception.present(head)));
            }
        }
        concerned
    }

    /// The label of the exception that removes a hit, if one does.
    pub(super) fn removes(
        &self,
        concerned: &Concerned,
        rule: &Rule,
        spot: Spot<'_>,
        fields: &Fields,
    ) -> Option<&str> {
        self.first(&concerned.in_force, rule, spot, fields)
    }

    /// The label of an exception that would remove a hit, had it not expired.
    pub(super) fn would_remove(
        &self,
        concerned: &Concerned,
        rule: &Rule,
        spot: Spot<'_>,
        fields: &Fields,
    ) -> Option<&str> {
        self.first(&concerned.expired, rule, spot, fields)
    }

    /// The label of the first of these that names a hit.
    fn first(
        &self,
        list: &[(u32, u32)],
        rule: &Rule,
        spot: Spot<'_>,
        fields: &Fields,
    ) -> Option<&str> {
        list.iter().find_map(|(index, present)| {
            let exception = self.list.get(*index as usize)?;
            if !exception.rules.contains(rule) {
                return None;
            }
            if exception.places.is_empty() {
                return Some(exception.label.as_str());
            }
            let here = exception
                .places
                .iter()
                .enumerate()
                .filter(|(_, place)| place.holds(spot))
                .fold(0_u32, |mask, (bit, _)| mask | 1 << bit);
            if here == 0 {
                return None;
            }
            let all = u32::MAX >> (MOST_PLACES - exception.places.len().min(MOST_PLACES));
            let known = here | present;
            let holds = known & all == all || (known | exception.present(fields)) & all == all;
            holds.then_some(exception.label.as_str())
        })
    }
}

impl Compiled {
    /// Which of several places some field fills. With one place there is nothing to know beforehand.
    fn present(&self, fields: &Fields) -> u32 {
        if self.places.len() < 2 {
            return 0;
        }
        let mut mask = 0;
        for field in fields.iter() {
            for (bit, place) in self.places.iter().enumerate() {
                let filled = [Part::Name, Part::Value]
                    .into_iter()
                    .any(|part| place.holds(Spot::of(fields, field, part)));
                mask |= u32::from(filled) << bit;
            }
        }
        mask
    }
}

impl<'a> Spot<'a> {
    pub(super) fn of(fields: &'a Fields, field: &Field, part: Part) -> Self {
        let text = match part {
            Part::Name => field.key,
            Part::Value => field.value,
        };
        Self {
            zone: field.zone,
            part,
            name: fields.get(field.name),
            text: fields.get(text),
        }
    }
}

impl Where {
    fn new(place: &Place) -> Self {
        Self {
            zones: place.zones,
            parts: place.parts,
            name: place.name.as_ref().map(Text::new),
            text: place.text.as_ref().map(Text::new),
        }
    }

    fn holds(&self, spot: Spot<'_>) -> bool {
        if !self.zones.contains(spot.zone) || !self.parts.contains(spot.part) {
            return false;
        }
        let named = |name: &Text| {
            let fold = spot.zone == Zone::RequestHeader;
            name.matches(spot.name, fold)
                // A cookie is addressed as the header `cookie` too.
                || spot.zone == Zone::Cookies
                    && self.zones.contains(Zone::RequestHeader)
                    && name.matches(b"cookie", true)
        };
        self.name.as_ref().is_none_or(named)
            && self
                .text
                .as_ref()
                .is_none_or(|text| text.matches(spot.text, false))
    }
}
