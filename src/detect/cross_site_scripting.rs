//! Cross-site scripting by the browser's own reading: the text is tokenised as HTML and refused
//! for tags, attributes and URLs that run script.

/// Whether the text carries script in any of the contexts that the original tries: content, and
/// an attribute value without quotes, in single quotes, in double quotes, in backticks.
pub fn is_cross_site_scripting(text: &[u8]) -> bool {
    libinjectionrs::detect_xss(super::inspected(text)).is_injection()
}
