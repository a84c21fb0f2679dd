//! What a policy may ask to be told about decisions, as closed lists of words.

use super::named::named;

named! {
    /// Which requests leave a record, a line in the proxy's log.
    pub enum Recorded as "record" {
        /// None.
        Off = "off",
        /// Requests that were blocked, or would have been in mode `block`; the default.
        Blocked = "blocked",
        /// Requests of which there is anything to say: a match, an exception that removed one, a part that was not inspected.
        Matched = "matched",
        /// Every request.
        All = "all",
    }
}

named! {
    /// A part of the decision that can have a key of its own in filter state and metadata.
    pub enum DecisionKey as "key" {
        /// What the action would be in mode `block`, where that is not what was done.
        Would = "would",
        /// The categories that reached their threshold.
        Reasons = "reasons",
        /// The sums that decide, by category.
        Scores = "scores",
        /// The sums of rules that record only, by category.
        Recorded = "recorded",
        /// The ids of the rules that matched.
        Rules = "rules",
        /// The matches, as `index:rule:zone:name`.
        Matches = "matches",
        /// What was not inspected.
        Uninspected = "uninspected",
        /// The exceptions that removed matches.
        Exceptions = "exceptions",
        /// The exceptions that would have removed matches, had they not expired.
        Expired = "expired",
        /// What ended the inspection before its end.
        EndedBy = "ended_by",
        /// The scope of the policy that the request fell in.
        Scope = "scope",
        /// The name of the policy.
        Policy = "policy",
        /// The revision of the policy.
        Revision = "revision",
        /// How long the inspection took, in microseconds; asks for `timing`.
        Microseconds = "microseconds",
    }
}

named! {
    /// How much is counted.
    pub enum MetricDetail as "metrics" {
        /// Errors alone.
        Off = "off",
        /// Requests, categories, what was not inspected, errors, the policy itself.
        Totals = "totals",
        /// All that, and each rule; the default.
        Rules = "rules",
    }
}

named! {
    /// Something that went wrong on the way and not in a request.
    pub enum ProxyError as "reason" {
        /// The proxy would not show what it has of a request.
        Unreadable = "unreadable",
        /// The proxy would not send the answer to a blocked request.
        ReplyFailed = "reply_failed",
        /// A policy was refused, in the proxy's trial of it.
        PolicyRefused = "policy_refused",
        /// A request was refused by a worker that has too little memory for the policy.
        OutOfMemory = "out_of_memory",
    }
}
