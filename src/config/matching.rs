//! How a policy points at things, read: texts, requests, rules, addresses, days.

use std::net::IpAddr;

use super::node::Node;
use super::pattern;
use super::problem::{Problems, Reference, Target};
use super::read::{Object, Read, not_a, wrong};
use crate::model::{
    AddressRange, Addresses, Category, Day, Named, RequestMatch, RuleMatch, TextMatch, names_of,
    number_of, parse_name,
};

/// Bytes of one text that a policy compares with.
const LONGEST: usize = 1024;

/// `"text"` for exactly that, or an object with one of `exact`, `prefix`, `suffix`, `contains`,
/// `glob`, `regex`.
impl Read for TextMatch {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        if let Node::Text(text) = node {
            return checked(Self::Exact(text.clone()), path, problems);
        }
        let mut object = Object::open(node, path, problems)?;
        type Make = fn(String) -> TextMatch;
        const KINDS: [(&str, Make); 7] = [
            ("exact", TextMatch::Exact),
            ("equals", TextMatch::Exact),
            ("prefix", TextMatch::Prefix),
            ("suffix", TextMatch::Suffix),
            ("contains", TextMatch::Contains),
            ("glob", TextMatch::Glob),
            ("regex", TextMatch::Regex),
        ];
        let mut found = Vec::new();
        let before = problems.count();
        for (key, make) in KINDS {
            if let Some(text) = object.optional::<String>(key, problems) {
                found.push((key, make(text)));
            }
        }
        object.close(problems);
        if found.len() > 1 {
            problems.add(path, "one way to compare is enough; keep one of the keys");
            return None;
        }
        let Some((key, text)) = found.pop() else {
            if problems.count() == before {
                problems.add(
                    path,
                    "expected a string, or one of exact, prefix, suffix, contains, glob, regex",
                );
            }
            return None;
        };
        checked(text, &format!("{path}.{key}"), problems)
    }
}

/// Notes what is wrong with a text to compare with.
pub(super) fn checked(text: TextMatch, path: &str, problems: &mut Problems) -> Option<TextMatch> {
    let (TextMatch::Exact(inner)
    | TextMatch::Prefix(inner)
    | TextMatch::Suffix(inner)
    | TextMatch::Contains(inner)
    | TextMatch::Glob(inner)
    | TextMatch::Regex(inner)) = &text;
    if inner.len() > LONGEST {
        problems.add(
            path,
            format!("{} bytes; at most {LONGEST} are compared", inner.len()),
        );
        return None;
    }
    if let TextMatch::Regex(regex) = &text
        && !check_pattern(regex, path, problems)
    {
        return None;
    }
    Some(text)
}

/// Notes what is wrong with a pattern; false if something is.
pub(super) fn check_pattern(regex: &str, path: &str, problems: &mut Problems) -> bool {
    match pattern::parse(regex).and_then(|hir| pattern::check_size(&hir)) {
        Ok(size) => {
            let before = problems.pattern_bytes;
            problems.pattern_bytes = before.saturating_add(size);
            // Said once, where the sum is passed.
            if before <= pattern::SIZE_OF_ALL && problems.pattern_bytes > pattern::SIZE_OF_ALL {
                let most = pattern::SIZE_OF_ALL;
                problems.add(
                    path,
                    format!("up to here all patterns together compile to more than {most} bytes"),
                );
                return false;
            }
            true
        }
        Err(message) => {
            problems.add(path, message);
            false
        }
    }
}

/// One value or a list of them.
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<T: Read> Read for OneOrMore<T> {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::List(items) if items.is_empty() => {
                problems.add(path, "the list is empty; leave the key out to mean any");
                None
            }
            Node::List(_) => Vec::read(node, path, problems).map(Self),
            _ => T::read(node, path, problems).map(|one| Self(vec![one])),
        }
    }
}

/// Reads `host`, `path` and `method` of an object, each one value or a list.
pub(super) fn read_request(object: &mut Object<'_>, problems: &mut Problems) -> RequestMatch {
    let mut request = RequestMatch::default();
    let host_path = object.path_of("host");
    if let Some(OneOrMore(hosts)) = object.optional::<OneOrMore<TextMatch>>("host", problems) {
        request.hosts = hosts.into_iter().map(host_glob).collect();
        for host in &request.hosts {
            if let TextMatch::Exact(name) = host
                && (name.is_empty() || name.contains(['/', ' ', ':']) && !name.starts_with('['))
            {
                problems.add(
                    &host_path,
                    "expected a host name without scheme, port or path",
                );
            }
        }
    }
    if let Some(OneOrMore(paths)) = object.optional::<OneOrMore<TextMatch>>("path", problems) {
        let at = object.path_of("path");
        for path in &paths {
            check_path(path, &at, problems);
        }
        request.paths = paths;
    }
    if let Some(OneOrMore(methods)) = object.optional::<OneOrMore<String>>("method", problems) {
        let at = object.path_of("method");
        for method in &methods {
            let token = !method.is_empty()
                && method
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte));
            if !token {
                let message = not_a(method, "method");
                problems.add(&at, message + "; methods are written in capitals");
            }
        }
        request.methods = methods;
    }
    request
}

/// A path that no request can have is a condition that never holds.
pub(super) fn check_path(path: &TextMatch, at: &str, problems: &mut Problems) {
    if let TextMatch::Exact(text) | TextMatch::Prefix(text) = path {
        if !text.starts_with('/') && text != "*" {
            problems.add(at, "a path begins with `/`");
        } else if text.contains(['?', '#']) {
            problems.add(at, "a path has no query; name the parameter instead");
        } else if is_unresolved(text) {
            problems.add(
                at,
                "paths are compared decoded and resolved; write it without %, //, ; and dots",
            );
        }
    }
}

/// Whether a path is written as no resolved path is: what it says would never hold.
fn is_unresolved(path: &str) -> bool {
    let encoded = path.as_bytes().windows(3).any(|three| {
        let [percent, rest @ ..] = three else {
            return false;
        };
        *percent == b'%' && rest.iter().all(u8::is_ascii_hexdigit)
    });
    let mut segments = path.split('/').skip(1).peekable();
    let mut odd = false;
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        odd |= segment == "." || segment == ".." || segment.is_empty() && !last;
    }
    encoded || odd || path.contains(';')
}

/// `*.example.com` as a host is a wildcard without further words.
fn host_glob(host: TextMatch) -> TextMatch {
    match host {
        TextMatch::Exact(name) if name.contains('*') => TextMatch::Glob(name.to_ascii_lowercase()),
        TextMatch::Exact(name) => TextMatch::Exact(name.to_ascii_lowercase()),
        TextMatch::Suffix(name) => TextMatch::Suffix(name.to_ascii_lowercase()),
        TextMatch::Prefix(name) => TextMatch::Prefix(name.to_ascii_lowercase()),
        TextMatch::Contains(name) => TextMatch::Contains(name.to_ascii_lowercase()),
        TextMatch::Glob(name) => TextMatch::Glob(name.to_ascii_lowercase()),
        regex @ TextMatch::Regex(_) => regex,
    }
}

/// Reads `rules`, `categories` and `tags` of an object.
pub(super) fn read_rule_match(object: &mut Object<'_>, problems: &mut Problems) -> RuleMatch {
    let mut rules = RuleMatch::default();
    let at = object.path_of("rules");
    let list = matches!(object.node("rules"), Some(Node::List(_)));
    let place = |index: usize| match list {
        true => format!("{at}[{index}]"),
        false => at.clone(),
    };
    if let Some(OneOrMore(ids)) = object.optional::<OneOrMore<Ids>>("rules", problems) {
        for (index, Ids(first, last)) in ids.into_iter().enumerate() {
            if (first, last) == (0, 0) {
                rules.all = true;
            } else {
                rules.ids.push((first, last));
                let (path, to) = (place(index), Target::Ids(first, last));
                problems.references.push(Reference { path, to });
            }
        }
    }
    if let Some(OneOrMore(names)) =
        object.optional::<OneOrMore<CategoryName>>("categories", problems)
    {
        rules.categories = names.into_iter().map(|name| name.0).collect();
    }
    if let Some(OneOrMore(tags)) = object.optional::<OneOrMore<String>>("tags", problems) {
        let at = object.path_of("tags");
        for tag in &tags {
            let (path, to) = (at.clone(), Target::Tag(tag.clone()));
            problems.references.push(Reference { path, to });
        }
        rules.tags = tags;
    }
    rules
}

/// A rule id, or a range of them: `1013`, `"1000-1399"`; 0 means every rule.
struct Ids(u32, u32);

impl Read for Ids {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Integer(_) => u32::read(node, path, problems).map(|id| Self(id, id)),
            Node::Text(text) => {
                let range = text.split_once('-').and_then(|(first, last)| {
                    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
                });
                match range {
                    Some((first, last)) if first <= last => Some(Self(first, last)),
                    _ => {
                        problems.add(
                            path,
                            "expected an id such as 1013, or a range such as \"1000-1399\"",
                        );
                        None
                    }
                }
            }
            _ => wrong(
                node,
                path,
                "a rule id, or a range such as \"1000-1399\"",
                problems,
            ),
        }
    }
}

struct CategoryName(Category);

impl Read for CategoryName {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let name = String::read(node, path, problems)?;
        let category = parse_name(&name).map(Self);
        if category.is_none() {
            let message = not_a(&name, Category::WHAT);
            problems.add_unknown(path, message, &name, names_of::<Category>());
        }
        category
    }
}

/// A day as `2026-12-31`.
impl Read for Day {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, path, problems)?;
        let day = Self::parse(&text);
        if day.is_none() {
            problems.add(path, "expected a date such as 2026-12-31");
        }
        day
    }
}

/// A list of addresses and networks: `192.0.2.1`, `2001:db8::/32`.
pub(super) struct Networks(pub(super) Addresses);

impl Read for Networks {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let networks = Vec::<Network>::read(node, path, problems)?;
        Some(Self(Addresses::new(
            networks.into_iter().map(|network| network.0).collect(),
        )))
    }
}

struct Network(AddressRange);

impl Read for Network {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, path, problems)?;
        match network_of(&text) {
            Ok(range) => Some(Self(range)),
            Err(message) => {
                problems.add(path, message);
                None
            }
        }
    }
}

fn network_of(text: &str) -> Result<AddressRange, String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let expected =
        || "expected an address or a network such as 192.0.2.0/24 or 2001:db8::/32".to_owned();
    let address: IpAddr = address.parse().map_err(|_| expected())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length: u32 = match length {
        Some(length) => length
            .parse()
            .ok()
            .filter(|n| *n <= bits)
            .ok_or_else(expected)?,
        None => bits,
    };
    let host_bits = bits - length;
    let mask = u128::MAX
        .checked_shr(128 - host_bits)
        .filter(|_| host_bits > 0)
        .unwrap_or(0);
    let number = number_of(address);
    if number & mask != 0 {
        return Err("the address has bits behind the length of the network".to_owned());
    }
    Ok(AddressRange {
        first: number,
        last: number | mask,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_they_should() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.7", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", ""),
        ] {
            let range = network_of(network).expect(network);
            let addresses = Addresses::new(vec![range]);
            assert!(
                addresses.contains(inside.parse().expect("an address")),
                "{network}"
            );
            if let Ok(outside) = outside.parse() {
                assert!(!addresses.contains(outside), "{network}");
            }
        }
        for bad in ["192.0.2.1/24", "192.0.2.0/33", "example.com", "", "::1/129"] {
            assert!(network_of(bad).is_err(), "{bad}");
        }
    }
}
