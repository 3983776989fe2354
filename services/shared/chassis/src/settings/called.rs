//! Where the services are that an instance calls.

use std::collections::BTreeMap;

use contract::Program;
use http::Uri;
use http::uri::Authority;

use crate::{Environment, SettingsError};

pub(super) fn read(service: Program, env: &Environment) -> Result<BTreeMap<Program, Authority>, SettingsError> {
    let mut upstreams = BTreeMap::new();
    let called = service.dependencies().iter().filter(|callee| !callee.is_server());
    for &callee in called {
        let variable = callee.url_variable();
        let Some(url) = env.get(variable) else {
            continue;
        };
        let authority = authority(url).ok_or_else(|| {
            let allowed = "an address such as http://127.0.0.1:8080, without a path, user and password";
            env.refuse(variable, allowed)
        })?;
        upstreams.insert(callee, authority);
    }
    Ok(upstreams)
}

fn authority(url: &str) -> Option<Authority> {
    let parts = url.parse::<Uri>().ok()?.into_parts();
    let plain = parts.scheme? == http::uri::Scheme::HTTP
        && parts
            .path_and_query
            .is_none_or(|path| path.as_str().is_empty() || path.as_str() == "/");
    parts
        .authority
        .filter(|authority| plain && !authority.as_str().contains('@'))
}
