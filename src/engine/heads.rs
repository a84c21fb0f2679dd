//! What rules ask of a request as a whole: each question once, however many rules ask it.

use std::collections::HashMap;

use super::directory::{Directory, Writer};
use super::facts::{Facts, Requests};
use crate::model::{Addresses, RequestCondition};

/// The questions of a set of rules, by number.
#[derive(Debug, Default)]
pub(super) struct Heads {
    list: Vec<Question>,
    directory: Directory,
    asks_client: bool,
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
            narrow: if !request.paths.is_empty() {
                3
            } else if !request.hosts.is_empty() {
                2
            } else {
                u8::from(condition.clients.is_some())
            },
        });
        self.heads.asks_client |= condition.clients.is_some();
        self.writer.add(number as u32, request);
        self.numbers.insert(condition.clone(), number);
        number
    }

    /// How few requests a question is likely to be answered by yes for, compared with others.
    pub(super) fn narrow(&self, number: usize) -> u8 {
        self.heads.list.get(number).map_or(0, |it| it.narrow)
    }

    /// All questions.
    pub(super) fn finish(self) -> Heads {
        Heads {
            directory: self.writer.finish(),
            ..self.heads
        }
    }
}

impl Heads {
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether any of them is about the client's address.
    pub(super) const fn ask_client(&self) -> bool {
        self.asks_client
    }

    /// The questions to which a request says yes, in rising order. `every` asks each of them, and none only
    /// by what the directory finds.
    pub(super) fn answer(&self, facts: &Facts, every: bool) -> Vec<u32> {
        let mut yes = if every {
            (0..self.list.len() as u32).collect()
        } else {
            self.directory.candidates(facts)
        };
        yes.retain(|number| {
            let question = self.list.get(*number as usize);
            question.is_some_and(|question| question.holds(facts))
        });
        yes
    }
}

impl Question {
    fn holds(&self, facts: &Facts) -> bool {
        self.requests.contain(facts)
            && self
                .clients
                .as_ref()
                .is_none_or(|clients| facts.client.is_some_and(|client| clients.contains(client)))
    }
}
