//! What can be wrong with a system description, said so that the writer can mend it.

use contract::Program;

/// The largest number of instances of one service; a guard against a slip of the finger, not a design limit.
pub const INSTANCES_MAX: u32 = 64;
/// The largest weight of an instance. Policies that hash have places in proportion to the weights, so it is no large number.
pub const WEIGHT_MAX: u32 = 1_000;
/// The longest alias, in characters; it becomes part of file names.
pub(super) const ALIAS_CHARS_MAX: usize = 40;

/// Why a system description cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A system needs at least one service.
    #[error("system `{system}` has no services; name at least one")]
    NoServices {
        /// The system's name.
        system: String,
    },
    /// The entry is not one of the services.
    #[error("the entry of system `{system}` is `{entry}`, which is not one of its services: {}", known.join(", "))]
    UnknownEntry {
        /// The system's name.
        system: String,
        /// The entry as written.
        entry: String,
        /// The services that there are.
        known: Vec<String>,
    },
    /// Two services have the same alias.
    #[error("two services are called `{service}`; give one of them another name")]
    DuplicateName {
        /// The alias.
        service: String,
    },
    /// An alias becomes part of file names, host names and header values.
    #[error(
        "`{service}` cannot name a service: use 1 to {ALIAS_CHARS_MAX} of a-z, 0-9 and `-`, starting with a letter"
    )]
    BadName {
        /// The alias as written.
        service: String,
    },
    /// A service with no instances cannot answer.
    #[error("`{service}` has 0 instances; it needs at least 1 (leave the service out to do without it)")]
    NoInstances {
        /// The alias.
        service: String,
    },
    /// Far more instances than any machine should start.
    #[error("`{service}` has {instances} instances; at most {INSTANCES_MAX} can run")]
    TooManyInstances {
        /// The alias.
        service: String,
        /// The number as written.
        instances: u32,
    },
    /// Several instances need something that spreads the requests.
    #[error("`{service}` has {instances} instances and nothing in front of them; give it a balancer")]
    NoBalancer {
        /// The alias.
        service: String,
        /// The number as written.
        instances: u32,
    },
    /// A server that services use is there once, and its protocol is not the one that a balancer speaks.
    #[error("`{service}` is a {program} server: it has 1 instance and no balancer")]
    NotOne {
        /// The alias.
        service: String,
        /// Which program it is.
        program: Program,
    },
    /// The load is for services.
    #[error("the entry of system `{system}` is `{entry}`, which is a {program} server; the load goes to a service")]
    EntryIsServer {
        /// The system's name.
        system: String,
        /// The entry.
        entry: String,
        /// Which program it is.
        program: Program,
    },
    /// A limit that nothing can run within.
    #[error("`{service}` cannot run within {limit}; the least is {least}")]
    TooLimited {
        /// The alias.
        service: String,
        /// The limit as written.
        limit: String,
        /// The least that the engine accepts.
        least: &'static str,
    },
    /// A policy name was left empty.
    #[error("the balancer of `{service}` has no policy; name one, such as `round_robin`")]
    NoPolicy {
        /// The alias.
        service: String,
    },
    /// A weight that no balancer takes.
    #[error("an instance of `{service}` has weight {weight}; give each 1 to {WEIGHT_MAX}, relative to the others")]
    BadWeight {
        /// The alias.
        service: String,
        /// The weight as written.
        weight: u32,
    },
    /// A balancer stands in front of a service; it is not one of the services.
    #[error("`{service}` is itself a balancer; write `balancer` at the service that it stands in front of instead")]
    BalancerAsService {
        /// The alias.
        service: String,
    },
    /// A link stands between two services; it is not one of the services.
    #[error("`{service}` is itself a link; say between which services it is instead")]
    LinkAsService {
        /// The alias.
        service: String,
    },
    /// A caller would not know which of two services to call.
    #[error(
        "`{caller}` calls `{callee}`, and {} all run it; call one of them `{callee}` or set {} at `{caller}`",
        candidates.join(", "), callee.url_variable()
    )]
    AmbiguousDependency {
        /// The alias of the caller.
        caller: String,
        /// The service that it calls.
        callee: Program,
        /// The aliases that could be meant.
        candidates: Vec<String>,
    },
    /// A link that nothing goes over.
    #[error("there can be no link from `{from}` to `{to}`: {reason}")]
    BadLink {
        /// The alias of the caller, as written.
        from: String,
        /// The alias of the callee, as written.
        to: String,
        /// Why not.
        reason: String,
    },
    /// A variable that the wiring owns, or a name that no environment can hold.
    #[error("`{service}` cannot set {variable:?}: {reason}")]
    BadVariable {
        /// The alias.
        service: String,
        /// The variable's name.
        variable: String,
        /// Why not.
        reason: &'static str,
    },
}
