//! What rules ask of a request as a whole: each question once, however many rules ask it.

use std::collections::HashMap;

use super::directory::{Directory, Writer};
use super::facts::{Facts, Requests};
use crate::model::{Addresses, RequestCondition, RequestMatch};

/// The questions of a set of rules, by number.
#[derive(Debug, Default)]
pub(super) struct Heads {
    list: Vec<Question>,
    directory: Directory,
    /// Questions about the method or the client alone, of which somebody must know the answer at once. The others
    /// are asked when a rule comes to them.
    at_once: Vec<u32>,
}

/// Questions that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    heads: Heads,
    numbers: HashMap<RequestCondition, usize>,
    writer: Writer,
}

#[derive(Debug)]
struct Question {
    requests: Requests,
    clients: Option<Addresses>,
    narrow: u8,
    late: bool,
}

/// Whether a directory would find a question for every request.
fn is_late(request: &RequestMatch) -> bool {
    request.paths.is_empty() && request.hosts.is_empty()
}

impl Gathered {
    /// The number of a question, which may have been asked before.
    pub(super) fn add(&mut self, condition: &RequestCondition) -> usize {
        if let Some(known) = self.numbers.get(condition) {
            return *known;
        }
        let list = &mut self.heads.list;
        let number = list.len();
        let request = &condition.request;
        list.push(Question {
            requests: Requests::new(request),
            clients: condition.clients.clone(),
            late: is_late(request),
            narrow: if !request.paths.is_empty() {
                3
            } else if !request.hosts.is_empty() {
                2
            } else {
                u8::from(condition.clients.is_some())
            },
        });
        if !is_late(request) {
            self.writer.add(number as u32, request);
        }
        self.numbers.insert(condition.clone(), number);
        number
    }

    /// How few requests a question is likely to be answered by yes for, compared with others.
    pub(super) fn narrow(&self, number: usize) -> u8 {
        self.heads.list.get(number).map_or(0, |it| it.narrow)
    }

    /// Whether a question is not found by anything, and asked when a rule comes to it.
    pub(super) fn is_late(&self, number: usize) -> bool {
        self.heads.list.get(number).is_some_and(|it| it.late)
    }

    /// All questions; of the late ones, some are asked at once.
    pub(super) fn finish(self, at_once: Vec<u32>) -> Heads {
        Heads {
            directory: self.writer.finish(),
            at_once,
            ..self.heads
        }
    }
}

impl Heads {
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// The questions to which a request says yes, but for late ones. `every` asks each of them, and none only
    /// by what the directory finds.
    pub(super) fn answer(&self, facts: &Facts<'_>, every: bool) -> Vec<u32> {
        let mut yes: Vec<u32> = if every {
            (0..self.list.len() as u32).collect()
        } else {
            let mut found = self.directory.candidates(facts);
            found.extend(&self.at_once);
            found
        };
        yes.retain(|number| self.holds(*number as usize, facts));
        yes
    }

    /// The answer to one question.
    pub(super) fn holds(&self, number: usize, facts: &Facts<'_>) -> bool {
        let question = self.list.get(number);
        question.is_some_and(|question| question.holds(facts))
    }
}

impl Question {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        self.requests.contain(facts)
            && self.clients.as_ref().is_none_or(|clients| {
                facts
                    .client()
                    .is_some_and(|client| clients.contains(client))
            })
    }
}
