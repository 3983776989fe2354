//! Which containers of exported systems sign tokens with the secret that everybody knows.

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};
use contract::Program;
use contract::environment::JWT_SECRET;

use super::engine::{Engine, is_missing};
use super::labels;
use crate::error::Error;

/// The names of running containers that were started from an export as a gateway, without a secret of their own.
pub(super) async fn gateways_with_default_secret(engine: &Engine) -> Result<Vec<String>, Error> {
    engine.version().await?;
    let look = |docker: Docker| async move {
        let options = ListContainersOptionsBuilder::default().build();
        let mut found = Vec::new();
        for container in docker.list_containers(Some(options)).await? {
            // The lab's own systems are told of by their records.
            let is_of_lab = container.labels.unwrap_or_default().contains_key(labels::SYSTEM);
            let is_gateway = container.command.is_some_and(|command| is_gateway(&command));
            let Some(id) = container.id.filter(|_| is_gateway && !is_of_lab) else {
                continue;
            };
            let shown = match docker.inspect_container(&id, None::<InspectContainerOptions>).await {
                Err(fault) if is_missing(&fault) => continue,
                shown => shown?,
            };
            let environment = shown.config.and_then(|config| config.env).unwrap_or_default();
            if !has_secret(&environment) {
                found.push(shown.name.unwrap_or(id).trim_start_matches('/').to_owned());
            }
        }
        Ok::<_, Fault>(found)
    };
    engine.call("list containers", look).await
}

/// Whether a container's command, as engines show it, is that of an exported gateway.
fn is_gateway(command: &str) -> bool {
    command.ends_with(&format!("lab serve {}", Program::Gateway))
}

fn has_secret(environment: &[String]) -> bool {
    let mut variables = environment.iter().filter_map(|variable| variable.split_once('='));
    variables.any(|(name, value)| name == JWT_SECRET && !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_known_by_its_command_and_its_secret_by_its_environment() {
        assert!(is_gateway("/lab serve gateway") && !is_gateway("/lab serve users"));
        let environment = |variables: &[&str]| variables.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(has_secret(&environment(&["PORT=1", "JWT_SECRET=x"])));
        for without in [&["PORT=1"][..], &["JWT_SECRET="]] {
            assert!(!has_secret(&environment(without)));
        }
    }
}
