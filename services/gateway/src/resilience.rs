//! What the policies of calls did, and how an operator changes them while requests are served.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{Failure, Json, Settings, SettingsError};
use contract::environment::CALL_CONTROL;
use contract::{PolicyChange, Resilience};

use crate::call::PolicyError;
use crate::services::Services;

#[derive(Clone)]
struct Desk {
    services: Arc<Services>,
    instance: String,
    /// Whether policies may be changed.
    is_open: bool,
}

/// `GET /resilience` and `POST /resilience`.
///
/// # Errors
/// When `CALL_CONTROL` holds something else than it may.
pub(crate) fn routes(services: Arc<Services>, settings: &Settings) -> Result<Router, SettingsError> {
    let desk = Desk {
        services,
        instance: settings.instance.clone(),
        is_open: settings
            .environment
            .choice(CALL_CONTROL, &[("off", false), ("on", true)])?,
    };
    Ok(Router::new()
        .route("/resilience", get(show).post(change))
        .with_state(desk))
}

async fn show(State(desk): State<Desk>) -> Json<Resilience> {
    let callers = desk.services.all().into_iter();
    Json(Resilience {
        upstreams: callers.map(|caller| (caller.service(), caller.report())).collect(),
        instance: desk.instance,
    })
}

/// Changes all that it is told to, or nothing.
async fn change(State(desk): State<Desk>, Json(change): Json<PolicyChange>) -> Result<Json<Resilience>, Failure> {
    if !desk.is_open {
        return Err(Failure::forbidden(format!(
            "{CALL_CONTROL} is off, so policies stay as they are"
        )));
    }
    let all = desk.services.all().into_iter();
    let meant: Vec<_> = all
        .filter(|caller| change.upstream.is_none_or(|only| only == caller.service()))
        .collect();
    if meant.is_empty() {
        return Err(Failure::unprocessable("the gateway does not call this service"));
    }
    let refuse = |error: PolicyError| Failure::unprocessable(error.to_string());
    for caller in &meant {
        caller
            .check_policies(change.apply(&caller.policies()))
            .map_err(refuse)?;
    }
    for caller in &meant {
        caller.set_policies(change.apply(&caller.policies())).map_err(refuse)?;
    }
    let change = serde_json::to_string(&change).map_err(Failure::internal)?;
    tracing::info!(change, "policies of calls changed");
    Ok(show(State(desk)).await)
}
