//! Planned actions: whether the backend can do them, and doing them.

use std::collections::BTreeSet;

use compose::{Backend, Capability, System};

use super::asked;
use super::error::RunError;
use crate::format::ActionVerb;
use crate::plan::{ActionSpec, LinkChange, Plan};

/// Why a plan is refused before anything is started: the backend cannot carry it out.
pub fn missing_capability(plan: &Plan, backend: &dyn Backend) -> Option<RunError> {
    let actions = plan.arms.iter().flat_map(|arm| &arm.actions);
    let mut needed: BTreeSet<Capability> = actions.filter_map(|action| capability(action.verb)).collect();
    if plan.arms.iter().flat_map(|arm| &arm.actions).any(loses) {
        needed.insert(Capability::Loss);
    }
    let mut services = plan.arms.iter().flat_map(|arm| &arm.system.services);
    if services.any(|service| service.limits.is_some()) {
        needed.insert(Capability::Limits);
    }
    let missing = Capability::missing(&needed, &backend.capabilities());
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| RunError::Capability {
        backend: backend.name().to_owned(),
        missing: names.join(", "),
        needed,
    })
}

fn loses(action: &ActionSpec) -> bool {
    action.link.as_ref().is_some_and(|link| link.conditions.loss > 0.0)
}

fn capability(verb: ActionVerb) -> Option<Capability> {
    Some(match verb {
        ActionVerb::Pause | ActionVerb::Resume => Capability::Pause,
        ActionVerb::Kill => Capability::Kill,
        ActionVerb::Restart => Capability::Restart,
        ActionVerb::Scale => Capability::Scale,
        ActionVerb::Policy => Capability::Policy,
        ActionVerb::Limit => Capability::Limits,
        ActionVerb::Disconnect | ActionVerb::Connect => Capability::Disconnect,
        ActionVerb::Degrade => Capability::Delay,
        ActionVerb::Partition | ActionVerb::Reset | ActionVerb::Heal => Capability::Partition,
        // It is asked of the service, whatever runs it.
        ActionVerb::Slow => return None,
    })
}

/// Does one action.
///
/// # Errors
/// What the backend says, or the instance that is asked.
pub(super) async fn act(action: &ActionSpec, system: &dyn System) -> Result<(), String> {
    if action.verb == ActionVerb::Slow {
        return asked::slow(system, &action.target, action.slowness.unwrap_or(1.0)).await;
    }
    by_backend(action, system).await.map_err(|error| error.to_string())
}

async fn by_backend(action: &ActionSpec, system: &dyn System) -> Result<(), compose::Error> {
    let target = action.target.as_str();
    if let Some(LinkChange { from, to, conditions }) = &action.link {
        return system.set_link(from, to, *conditions).await;
    }
    match action.verb {
        ActionVerb::Pause => system.pause(target).await,
        ActionVerb::Resume => system.resume(target).await,
        ActionVerb::Kill => system.kill(target).await,
        ActionVerb::Restart => system.restart(target).await,
        ActionVerb::Scale => system.scale(target, action.instances.unwrap_or(1)).await,
        ActionVerb::Limit => system.limit_cpu(target, action.cpus).await,
        ActionVerb::Disconnect => system.connect(target, false).await,
        ActionVerb::Connect => system.connect(target, true).await,
        // It is asked of the instance, and no backend takes part.
        ActionVerb::Slow => Ok(()),
        // Without a link there is nothing that they could be done to.
        ActionVerb::Degrade | ActionVerb::Partition | ActionVerb::Reset | ActionVerb::Heal => {
            Err(compose::Error::UnknownLink {
                name: target.to_owned(),
                known: Vec::new(),
            })
        }
        ActionVerb::Policy => {
            system
                .set_policy(target, action.policy.as_deref().unwrap_or("round_robin"))
                .await
        }
    }
}
