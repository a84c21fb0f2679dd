//! What lines of every kind are made of: addresses, and JSON with its errors.

use std::net::IpAddr;

/// The address of a client, with or without a port; of several, the first.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let first = text.split(',').next().unwrap_or_default().trim();
    first.parse().ok().or_else(|| {
        first
            .parse::<std::net::SocketAddr>()
            .ok()
            .map(|both| both.ip())
    })
}

/// What a JSON reader says, with its column counted from the start of the line.
pub(crate) fn explained(error: &serde_json::Error, start: usize) -> String {
    let text = error.to_string();
    match text.split_once(" at line 1 column ") {
        Some((what, column)) => {
            let column = column.parse().unwrap_or(0_usize).saturating_add(start);
            format!("column {column}: {what}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_with_ports_and_without() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:80", Some("192.0.2.1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("192.0.2.1, 192.0.2.2", Some("192.0.2.1")),
            ("nobody", None),
        ] {
            assert_eq!(address(text).map(|ip| ip.to_string()).as_deref(), expected);
        }
    }
}
