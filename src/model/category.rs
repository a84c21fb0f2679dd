//! Classes of attack, and how much of each a policy bears.

use super::named::named;

named! {
    /// The class of attack that a score counts for.
    pub enum Category as "category" {
        /// SQL that reaches a database through a parameter (CWE-89).
        SqlInjection = "sql_injection",
        /// Markup or script that reaches another user's browser (CWE-79).
        CrossSiteScripting = "cross_site_scripting",
        /// Commands of a Unix shell, of Windows or of PowerShell (CWE-78).
        RemoteCodeExecution = "remote_code_execution",
        /// Files outside the intended folder, by traversal or by name (CWE-22).
        DirectoryTraversal = "directory_traversal",
        /// Code or data included from another server or a wrapper (CWE-98).
        RemoteFileInclusion = "remote_file_inclusion",
        /// Requests that the server is made to send elsewhere (CWE-918).
        ServerSideRequestForgery = "server_side_request_forgery",
        /// XML entities and document types that read files or reach out (CWE-611).
        XmlInjection = "xml_injection",
        /// Expressions that a template engine on the server evaluates (CWE-1336).
        TemplateInjection = "template_injection",
        /// Operators of document databases (CWE-943).
        NosqlInjection = "nosql_injection",
        /// LDAP filters (CWE-90).
        LdapInjection = "ldap_injection",
        /// XPath and XQuery expressions (CWE-643).
        XpathInjection = "xpath_injection",
        /// Server-side includes and edge-side includes (CWE-97).
        ServerSideInclude = "server_side_include",
        /// Line ends that split a response or smuggle a header (CWE-93, CWE-113).
        CrlfInjection = "crlf_injection",
        /// Headers and commands of mail protocols (CWE-93).
        MailInjection = "mail_injection",
        /// PHP code, streams and serialised objects (CWE-94, CWE-502).
        PhpInjection = "php_injection",
        /// Java lookups, expression languages and serialised objects (CWE-917, CWE-502).
        JavaInjection = "java_injection",
        /// Server-side JavaScript and prototype pollution (CWE-94, CWE-1321).
        JavascriptInjection = "javascript_injection",
        /// Serialised objects of Python, Ruby and others (CWE-502).
        Deserialization = "deserialization",
        /// Files whose name or contents a server would run (CWE-434).
        FileUpload = "file_upload",
        /// Known web shells and their parameters (CWE-553).
        WebShell = "web_shell",
        /// Tools that look for weaknesses.
        Scanner = "scanner",
        /// Files that are not meant to be served: dot files, repositories, backups (CWE-538).
        UnwantedAccess = "unwanted_access",
        /// Redirects to another site (CWE-601).
        OpenRedirect = "open_redirect",
        /// GraphQL queries built to exhaust or to explore (CWE-770).
        GraphqlAbuse = "graphql_abuse",
        /// Encodings whose only use is to hide something (CWE-172).
        EvadingTricks = "evading_tricks",
        /// Requests that two parsers may read differently, or that exceed a limit (CWE-436).
        MalformedRequest = "malformed_request",
    }
}

named! {
    /// The score at which a category acts.
    pub enum Sensitivity as "sensitivity" {
        /// Acts at a score of 4.
        Highest = "highest",
        /// Acts at a score of 8.
        High = "high",
        /// Acts at a score of 16; the default.
        Medium = "medium",
        /// Acts at a score of 24.
        Low = "low",
        /// Acts at a score of 40.
        Lowest = "lowest",
    }
}

impl Sensitivity {
    /// The sum of scores, within one category and one request, at which the category acts.
    pub const fn threshold(self) -> u32 {
        match self {
            Self::Highest => 4,
            Self::High => 8,
            Self::Medium => 16,
            Self::Low => 24,
            Self::Lowest => 40,
        }
    }
}
