//! The description of a system, its validation, and what follows from it: names, start order and wiring.

mod named;
mod plan;
mod spec;
mod validate;

pub use named::{named_system, system_names};
pub use plan::{StartPlan, UrlVariable};
pub use spec::{
    BalancerKind, BalancerSpec, Limits, LinkSpec, Membership, ServiceSpec, SystemSpec, balancer_name, instance_name,
};
pub(crate) use validate::check_instances;
pub use validate::{INSTANCES_MAX, SpecError, WEIGHT_MAX};
