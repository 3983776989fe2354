//! Finding the server of a system: the one that the user named, the lab's stand-in, or the program of this machine.

use std::time::Duration;

use contract::redact;

use super::backing::Backing;
use super::error::ServerError;
use super::found::Found;
use super::server::Server;
use crate::host::Host;
use crate::wiring::Environment;

/// The address of the server that the user named, if any.
///
/// # Errors
/// When what the user wrote is no address.
pub fn named(server: &dyn Server, host: &Host) -> Result<Option<String>, ServerError> {
    let Some(backing) = server.backing() else {
        return Ok(None);
    };
    let Some(text) = host.variable(backing.variable()) else {
        return Ok(None);
    };
    let address = backing
        .address(text)
        .map_err(|reason| unusable(server, text, &reason))?;
    Ok(Some(address))
}

/// Where a system that is started by this machine would get its server from, if its instance is told this; says nothing on
/// whether a server that the user named answers.
///
/// # Errors
/// When there is none, or when what the user wrote leads to none.
pub fn locate(server: &dyn Server, host: &Host, told: &Environment) -> Result<Found, ServerError> {
    if let Some(address) = named(server, host)? {
        return Ok(Found::Named(address));
    }
    if server.stands_in(host, told)? {
        return Ok(Found::StandIn);
    }
    server.find(host).map(Found::Host)
}

/// Whether the server that the user named gives a sign of life.
///
/// # Errors
/// Why it does not within `wait`, for each of its addresses.
pub async fn answers(server: &dyn Server, address: &str, wait: Duration) -> Result<(), ServerError> {
    let Some(backing) = server.backing() else {
        return Ok(());
    };
    let mut reason = String::new();
    for url in backing.urls(address) {
        match backing.ping(&url, wait).await {
            Ok(()) => return Ok(()),
            Err(why) => reason = why,
        }
    }
    Err(unusable(server, address, &reason))
}

/// That the server which the user named cannot be used.
pub(crate) fn unusable(server: &dyn Server, address: &str, reason: &str) -> ServerError {
    let variable = server.backing().map_or("", Backing::variable);
    let remedy = server.backing().map_or("", Backing::remedy);
    ServerError::Unusable {
        which: format!("the {} at {} ({variable})", server.name(), redact(address)),
        reason: format!("{reason}; {remedy}"),
    }
}
