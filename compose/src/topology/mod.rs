//! The description of a system, its validation, and what follows from it: names, start order and wiring.

mod calls;
mod named;
mod plan;
mod spec;
mod spec_error;
mod validate;

pub use named::{named_system, system_names};
pub use plan::{StartPlan, UrlVariable};
pub use spec::{
    BalancerKind, BalancerSpec, Limits, LinkSpec, Membership, ServiceSpec, SystemSpec, balancer_name, instance_name,
};
pub use spec_error::{INSTANCES_MAX, SpecError, WEIGHT_MAX};
pub(crate) use validate::check_instances;
