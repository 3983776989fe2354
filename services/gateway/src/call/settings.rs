//! The policies of calls, as the environment has them.

use chassis::{Settings, SettingsError};
use contract::environment::*;
use contract::{BreakerFor, CallPolicies, OFF};

use super::chain::PolicyError;

/// Reads them. Whether the lines are understood, the chain that is made from them finds out.
///
/// # Errors
/// When `CALL_BREAKER_FOR` holds something else than it may.
pub(crate) fn from_settings(settings: &Settings) -> Result<CallPolicies, SettingsError> {
    let env = &settings.environment;
    let line = |variable| env.get(variable).unwrap_or(OFF).to_owned();
    let breaker_for = [("upstream", BreakerFor::Upstream), ("instance", BreakerFor::Instance)];
    Ok(CallPolicies {
        timeout_ms: u64::try_from(settings.upstream_timeout.as_millis()).unwrap_or(u64::MAX),
        bulkhead: line(CALL_BULKHEAD),
        limit: line(CALL_LIMIT),
        pool: line(CALL_POOL),
        throttle: line(CALL_THROTTLE),
        retry: line(CALL_RETRY),
        hedge: line(CALL_HEDGE),
        breaker: line(CALL_BREAKER),
        breaker_for: env.choice(CALL_BREAKER_FOR, &breaker_for)?,
    })
}

/// The error of a variable whose policy is not understood.
pub(crate) fn refuse(settings: &Settings, error: &PolicyError) -> SettingsError {
    let variable = format!("CALL_{}", error.policy.to_uppercase());
    settings
        .environment
        .refuse(&variable, &format!("{OFF} or its settings: {}", error.reason))
}
