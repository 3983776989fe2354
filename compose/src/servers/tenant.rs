//! A system as those servers see it that its services keep something in.

/// A system that keeps something in a server, which it may share with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Tells the system apart from every other one: its name, and behind a `:` the moment of its start. A name is unique in
    /// one state folder only, and one server may serve several.
    pub token: String,
    /// The address of the server that the user named; `None` where the system has the server to itself.
    pub named: Option<String>,
}

impl Tenant {
    /// The moment of the start, which fits where names are short.
    pub(crate) fn moment(&self) -> &str {
        self.token.rsplit(':').next().unwrap_or_default()
    }

    /// The address of a server as clients are told it, without the slash that stands for no path.
    pub(crate) fn written(url: &url::Url) -> String {
        url.as_str().trim_end_matches('/').to_owned()
    }
}
