//! The balancer in front of a service, as the system has it and as an arm changes it.

use compose::topology::WEIGHT_MAX;
use compose::{BalancerKind, BalancerSpec, Membership};

use super::resolve::Resolver;
use crate::format::{MembershipKind, Problem, Service};

/// What an arm says of a service, over what the system says.
struct Layers<'a> {
    base: &'a Service,
    change: Option<&'a Service>,
}

impl<'a> Layers<'a> {
    fn get<T>(&self, of: impl Fn(&'a Service) -> Option<T>) -> Option<T> {
        self.change.and_then(&of).or_else(|| of(self.base))
    }
}

/// The balancer of a service; none where no policy is named.
pub(super) fn spec(
    base: &Service,
    change: Option<&Service>,
    resolver: &Resolver,
) -> Result<Option<BalancerSpec>, Problem> {
    let layers = Layers { base, change };
    let weights = weights(&layers, resolver)?;
    let Some(policy) = layers.get(|service| service.balancer.as_ref()) else {
        if weights.is_empty() {
            return Ok(None);
        }
        return Err(
            Problem::at(base.name.span(), format!("`{}` has weights and no balancer", base.name))
                .hint("add balancer = \"weighted_round_robin\", say"),
        );
    };
    Ok(Some(BalancerSpec {
        policy: policy.to_string(),
        kind: kind(&layers, resolver)?,
        membership: match layers.get(|service| service.membership) {
            Some(MembershipKind::Static) => Membership::Static,
            Some(MembershipKind::Dynamic) | None => Membership::Dynamic,
        },
        weights,
    }))
}

/// Which program balances.
fn kind(layers: &Layers<'_>, resolver: &Resolver) -> Result<BalancerKind, Problem> {
    let Some(by) = layers.get(|service| service.balanced_by.as_ref()) else {
        return Ok(BalancerKind::default());
    };
    let name = resolver.fill(by)?;
    let known = BalancerKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| {
        Problem::at(by.span(), format!("there is no balancer `{name}`"))
            .suggest(&name, BalancerKind::ALL.iter().map(|kind| kind.as_str()))
    })
}

fn weights(layers: &Layers<'_>, resolver: &Resolver) -> Result<Vec<u32>, Problem> {
    let weights = layers.get(|service| service.weights.as_ref());
    let weight = |quantity| resolver.number_in(quantity, 1.0, f64::from(WEIGHT_MAX), "the weight");
    let weights = weights.into_iter().flatten();
    weights
        .map(|quantity| weight(quantity).map(|weight| weight as u32))
        .collect()
}
