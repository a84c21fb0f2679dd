//! The choices of a policy that are single words.

use super::named::named;

named! {
    /// What a policy, a category or a rule does with what it finds.
    pub enum Mode as "mode" {
        /// Nothing is inspected.
        Off = "off",
        /// Everything is inspected and recorded; nothing is blocked.
        Monitor = "monitor",
        /// What reaches its threshold is blocked; the default.
        Block = "block",
    }
}

named! {
    /// Which families of rules decide.
    pub enum Preset as "preset" {
        /// Signatures decide; core rules record. The default.
        Balanced = "balanced",
        /// Signatures and core rules decide; expects tuning by exceptions.
        Strict = "strict",
    }
}

named! {
    /// What became of a request.
    pub enum Action as "action" {
        /// It went on, and nothing would have stopped it.
        Allow = "allow",
        /// It went on, but the policy would have blocked it in mode `block`.
        Monitor = "monitor",
        /// It was answered by the firewall.
        Block = "block",
    }
}

named! {
    /// Whether request headers wait for the verdict on the body.
    pub enum Hold as "hold_request_headers" {
        /// Found out from what the proxy does with the first body; the default.
        Auto = "auto",
        /// The proxy keeps the headers (`allow_on_headers_stop_iteration: true`).
        Yes = "true",
        /// The headers go on; the body is kept.
        No = "false",
    }
}

named! {
    /// What happens with a request that cannot be inspected as a whole.
    pub enum Fallback as "fallback" {
        /// It is blocked.
        Block = "block",
        /// What can be read is inspected and decides.
        InspectPrefix = "inspect_prefix",
        /// It goes on.
        Pass = "pass",
    }
}
