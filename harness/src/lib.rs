//! The test harness: cases, a real Envoy, exact clients, an upstream that remembers.
