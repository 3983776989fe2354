//! What every backend must do, as a set of tests that is run over each.
//!
//! A test target includes this module, says how its backend is made, and calls [`conformance_suite!`]. Nothing here
//! waits for a fixed time: every wait is for a condition and has a bound.

pub mod available;
pub mod bench;
mod changes;
mod faults;
mod life;
mod links;
mod nginx;
mod outside;
mod postgres;
mod prometheus;
mod redis;

pub use bench::{Bench, drive};
pub use {
    self::nginx::*, self::postgres::*, self::prometheus::*, self::redis::*, changes::*, faults::*, life::*, links::*,
    outside::*,
};

/// Makes one test of each function of the suite. `$backend` is the path of a `fn() -> Arc<dyn Backend>`, `$available` of
/// a `fn() -> bool` that says whether the machine has what the backend needs.
#[macro_export]
macro_rules! conformance_suite {
    ($backend:path, $available:path) => {
        $crate::conformance_suite!($backend, $available:
            every_instance_comes_up_ready, requests_reach_every_instance, logs_can_be_followed,
            stats_are_told_of_running_instances, unknown_names_are_answered_with_the_known_ones,
            down_leaves_nothing, a_dropped_system_ends, two_systems_do_not_meet, a_run_id_is_used_once,
            the_entry_takes_the_port_it_is_given, an_instance_that_exits_at_once_is_reported,
            an_instance_that_is_never_ready_is_reported,
            scaling_adds_and_removes_instances, scaling_loses_no_request, scaling_refuses_what_cannot_be,
            a_list_that_was_made_once_hears_nothing_of_scaling,
            the_policy_changes_while_it_runs, a_restarted_balancer_knows_what_changed,
            a_paused_instance_answers_once_it_goes_on, a_killed_instance_is_gone, a_crash_is_noticed,
            an_instance_restarts_on_its_port,
            a_crash_of_the_lab_takes_its_system_along, a_detached_system_is_taken_up_by_another_lab,
            a_running_lab_keeps_its_system_to_itself,
            a_redis_comes_up_and_is_wired_to_those_that_use_it, a_killed_redis_comes_back_empty_at_its_address,
            a_paused_redis_answers_once_it_goes_on, a_redis_goes_down_in_order,
            a_crash_of_the_lab_takes_its_redis_along,
            a_postgres_comes_up_with_a_database_for_each_service,
            a_killed_postgres_comes_back_with_its_data_at_its_address, a_paused_postgres_answers_once_it_goes_on,
            a_postgres_goes_down_in_order, a_crash_of_the_lab_takes_its_postgres_along,
            an_nginx_comes_up_and_requests_reach_every_instance, an_nginx_follows_who_comes_and_goes,
            an_nginx_takes_another_policy_while_it_runs, an_nginx_is_told_weights,
            an_nginx_goes_on_without_a_killed_instance_and_takes_it_back, a_paused_nginx_answers_once_it_goes_on,
            a_prometheus_asks_every_instance_and_hears_who_comes_and_goes,
            a_killed_prometheus_comes_back_with_what_it_collected, a_prometheus_goes_down_in_order,
            a_crash_of_the_lab_takes_its_prometheus_along,
            an_nginx_goes_down_in_order, a_crash_of_the_lab_takes_its_nginx_along,
            a_link_is_one_of_the_instances, a_slow_link_delays_what_goes_over_it,
            a_partition_is_silent_until_it_is_healed, a_reset_link_fails_at_once,
            a_link_keeps_its_conditions_when_it_is_restarted, a_link_to_a_redis_is_a_link_too,
            links_that_cannot_be_are_refused, a_link_is_changed_by_another_lab,
        );

        /// Not a test of its own: the process that others of this suite start and kill.
        #[test]
        fn driver() {
            $crate::conformance::drive($backend);
        }
    };
    ($backend:path, $available:path: $($name:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                if !$available() {
                    return;
                }
                let driver = concat!(module_path!(), "::driver");
                $crate::conformance::$name($crate::conformance::Bench::new($backend(), driver)).await;
            }
        )*
    };
}
