//! One suite for the built-in server and for a real Redis: whatever holds for one has to hold for the other.

mod behaviour;
mod hostile;
mod replies;
mod servers;

use servers::Server;

/// Each of these runs on both.
macro_rules! on_both {
    ($($module:ident::$name:ident)+) => {
        mod built_in {
            $(#[test] fn $name() { crate::run(crate::Server::built_in(), crate::$module::$name) })+
        }

        mod real {
            $(#[test] fn $name() { crate::run(crate::Server::real(), crate::$module::$name) })+
        }
    };
}

#[track_caller]
fn run(server: Option<Server>, test: fn(&Server)) {
    if let Some(server) = server {
        test(&server);
    }
}

on_both! {
    replies::are_those_of_redis
    behaviour::a_key_lives_as_long_as_it_was_told_to
    behaviour::a_deadline_of_the_calendar_is_kept
    behaviour::time_stands_still_in_a_script_and_in_a_transaction
    behaviour::watching_sees_what_other_clients_do
    behaviour::clients_that_count_together_lose_nothing
    behaviour::commands_that_come_together_are_answered_in_their_order
    behaviour::long_values_come_back_whole
    behaviour::bytes_that_are_no_command_are_answered_and_the_connection_is_closed
    behaviour::a_browser_that_was_led_here_reaches_nothing
    behaviour::the_newer_protocol_is_spoken_where_it_is_asked_for
    behaviour::a_scan_tells_every_key_that_stays
    behaviour::what_it_tells_of_itself_is_what_tools_read
    hostile::scripts_that_call_themselves_without_end_get_an_answer
    hostile::a_call_hands_on_as_many_results_as_there_are
    hostile::a_script_cannot_change_what_others_find
    hostile::functions_of_strings_do_what_lua_documents
}

/// These hold for the built-in server only: Redis would answer BUSY until somebody kills the script, take memory as long as
/// there is some, or end.
macro_rules! on_the_built_in_one {
    ($($name:ident)+) => {
        mod built_in_only {
            $(#[test] fn $name() { crate::run(crate::Server::built_in(), crate::hostile::$name) })+
        }
    };
}

on_the_built_in_one! {
    an_endless_script_is_stopped_and_cannot_catch_that
    a_script_that_takes_too_much_is_refused_and_the_next_one_runs
    scripts_that_are_loaded_do_not_use_up_the_memory
    scripts_that_were_run_once_are_forgotten_and_loaded_ones_stay
    an_answer_without_end_is_refused
    an_answer_that_is_too_long_is_refused
}
