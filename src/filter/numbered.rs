//! Values by the numbers that a proxy gives its streams.

/// A table by number. A proxy counts its streams up, so the lowest bits tell nearly all of those that are
/// open at one time apart: they are the place, and one that is taken gives way to the next (linear probing;
/// Knuth, The Art of Computer Programming, 6.4). Grows with what is open, and keeps that room.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    /// A power of two of places, or none at all; at least half of them are free.
    places: Vec<Option<(u32, T)>>,
    taken: usize,
}

/// Places of the smallest table.
const FEWEST: usize = 64;

impl<T> Numbered<T> {
    pub(super) const fn new() -> Self {
        Self {
            places: Vec::new(),
            taken: 0,
        }
    }

    /// Brings a place into the table.
    const fn wrap(&self, place: usize) -> usize {
        place & self.places.len().wrapping_sub(1)
    }

    /// Where a number is, or the free place where it would be; none in a table without places.
    fn place(&self, number: u32) -> usize {
        let mut at = self.wrap(number as usize);
        while let Some(Some((other, _))) = self.places.get(at)
            && *other != number
        {
            at = self.wrap(at.wrapping_add(1));
        }
        at
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.taken == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let taken = self.places.iter().flatten();
        taken.map(|(number, value)| (*number, value))
    }

    // Only what drives the streams looks for one.
    #[cfg(any(target_os = "wasi", palisade_abi, test))]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let place = self.places.get(self.place(number))?;
        place.as_ref().map(|(_, value)| value)
    }

    /// Puts a value in the place of one that the number has, if it has one.
    pub(super) fn insert(&mut self, number: u32, value: T) {
        if self.taken >= self.places.len() / 2 {
            self.grow();
        }
        let at = self.place(number);
        if let Some(place) = self.places.get_mut(at)
            && place.replace((number, value)).is_none()
        {
            self.taken = self.taken.saturating_add(1);
        }
    }

    fn grow(&mut self) {
        let size = self.places.len().saturating_mul(2).max(FEWEST);
        let mut places = Vec::with_capacity(size);
        places.resize_with(size, || None);
        for (number, value) in std::mem::replace(&mut self.places, places)
            .into_iter()
            .flatten()
        {
            let at = self.place(number);
            if let Some(place) = self.places.get_mut(at) {
                *place = Some((number, value));
            }
        }
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let mut hole = self.place(number);
        let (_, removed) = self.places.get_mut(hole)?.take()?;
        self.taken = self.taken.saturating_sub(1);
        // Whatever gave way to something at or before the hole moves up, so that it is still found.
        let mut at = self.wrap(hole.wrapping_add(1));
        while let Some(Some((number, _))) = self.places.get(at) {
            let own = *number as usize;
            if self.wrap(at.wrapping_sub(own)) >= self.wrap(at.wrapping_sub(hole)) {
                let moved = self.places.get_mut(at).and_then(Option::take);
                if let Some(place) = self.places.get_mut(hole) {
                    *place = moved;
                }
                hole = at;
            }
            at = self.wrap(at.wrapping_add(1));
        }
        Some(removed)
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use proptest::prelude::*;
    use std::collections::HashMap;

    use super::*;

    /// What a proxy may do with a number.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(u32),
        Remove(u32),
        Get(u32),
    }

    /// Numbers that want the same places, at both ends of the table and of the range.
    fn number() -> impl Strategy<Value = u32> {
        let low = (0_u32..6, 0_u32..4)
            .prop_map(|(low, high)| low.wrapping_sub(3).wrapping_add(high << 6));
        prop_oneof![low, 0_u32..200, any::<u32>()]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => number().prop_map(Step::Insert),
            2 => number().prop_map(Step::Remove),
            1 => number().prop_map(Step::Get),
        ]
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec(step(), 0..400)) {
            let mut table = Numbered::new();
            let mut map = HashMap::new();
            for (index, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(number) => {
                        table.insert(number, index);
                        map.insert(number, index);
                    }
                    Step::Remove(number) => {
                        prop_assert_eq!(table.remove(number), map.remove(&number));
                    }
                    Step::Get(number) => {
                        prop_assert_eq!(table.get(number), map.get(&number));
                    }
                }
                prop_assert_eq!(table.taken, map.len());
                prop_assert!(table.places.iter().flatten().count() * 2 <= table.places.len());
            }
            for (number, value) in &map {
                prop_assert_eq!(table.get(*number), Some(value));
            }
        }
    }

    #[test]
    fn streams_that_come_and_go_take_no_more_room() {
        let mut table = Numbered::new();
        // One that stays, as a stream of events does, and a few that pass.
        table.insert(7, 7);
        for number in 8_u32..100_000 {
            table.insert(number, number);
            if number >= 18 {
                assert_eq!(table.remove(number - 10), Some(number - 10));
            }
        }
        assert_eq!(table.get(7), Some(&7));
        assert_eq!(table.places.len(), FEWEST);
    }
}
