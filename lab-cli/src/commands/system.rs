//! `lab up`, `ps`, `logs`, `scale`, `pause`, `resume`, `kill`, `restart`, `down`: systems that were left running.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::topology::{named_system, system_names};
use compose::{Instance as Running, ServiceSpec, System, SystemRecord, UpOptions};
use contract::redact;
use serde_json::json;

use crate::arguments::{Instance, Of};
use crate::backends::{backend, prepare, registry};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::leftovers::{self, SETTLE_TIMEOUT};
use crate::text::{LogText, right_aligned, table};
use crate::up_folders::{self, NewFolder};
use crate::{home, output};

/// How often a followed log is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// What can be done to an instance.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    /// SIGSTOP.
    Pause,
    /// SIGCONT.
    Resume,
    /// SIGKILL.
    Kill,
    /// End and start again.
    Restart,
}

/// Shows the systems that can be started.
pub fn list() -> Exit {
    for name in system_names() {
        if let Ok(spec) = named_system(name) {
            let services: Vec<String> = spec
                .services
                .iter()
                .map(|service| format!("{}×{}", service.name, service.instances))
                .collect();
            outln!("{name:<8} {}", services.join(", "));
        }
    }
    Exit::Pass
}

/// Starts a system and leaves it running.
///
/// # Errors
/// A wrong name or count, or what the machine lacks.
pub async fn up(
    name: &str,
    backend_name: &str,
    scale: &[String],
    with: &[String],
    port: Option<u16>,
) -> Result<Exit, Failure> {
    let mut spec = named_system(name)?;
    for program in with.iter().filter_map(|name| name.parse().ok()) {
        if !spec.has(program) {
            spec.services.insert(0, ServiceSpec::new(program));
        }
    }
    for wish in scale {
        let (service, instances) = count(wish)?;
        let known: Vec<String> = spec.services.iter().map(|service| service.name.clone()).collect();
        let found = spec
            .services
            .iter_mut()
            .find(|known| known.name == service)
            .ok_or_else(|| {
                Failure::usage(format!("the system {name} has no service `{service}`"))
                    .hint(format!("it has: {}", known.join(", ")))
            })?;
        let policy = found
            .balancer
            .take()
            .map_or_else(|| "round_robin".to_owned(), |balancer| balancer.policy);
        *found = found.clone().balanced(instances, &policy);
    }
    let mut interrupts = Interrupts::listen()?;
    let state = home::state_folder()?;
    leftovers::remove(&state).await?;
    let backend = backend(backend_name)?;
    let preparing = prepare(backend.as_ref(), std::slice::from_ref(&spec));
    let Some(prepared) = interrupts.unless_interrupted(preparing).await else {
        return Ok(Exit::Interrupted);
    };
    prepared?;
    let folder = NewFolder::create(&state, name)?;
    let id = folder.id.clone();
    let mut options = UpOptions::new(&id, &folder.path, &state);
    options.detach = true;
    options.entry_port = port;
    let began = Instant::now();
    let system = match interrupts.unless_interrupted(backend.up(spec, options)).await {
        Some(Ok(system)) => system,
        Some(Err(error)) => {
            folder.give_up();
            return Err(error.into());
        }
        // With the start, everything that it had started was dropped.
        None => return given_up(folder).await,
    };
    if interrupts.came() {
        system.down().await?;
        return given_up(folder).await;
    }
    let took = began.elapsed();
    let instances = system.instances().await;
    print_instances(&instances);
    print_external(system.as_ref(), &instances);
    if let Some(engine) = backend.engine() {
        outln!("\nOn {engine}.");
    }
    outln!("\nUp after {} ms. Front door: {}", took.as_millis(), system.entry());
    outln!("lab ps shows it, lab down ends it (id {id}).");
    Ok(Exit::Pass)
}

/// A start that was interrupted: waits until nothing of it is left, and removes its folder.
async fn given_up(folder: NewFolder) -> Result<Exit, Failure> {
    compose::settle(SETTLE_TIMEOUT).await;
    folder.discard()?;
    // The terminal may be what went away.
    errln!("interrupted: nothing was left running");
    Ok(Exit::Interrupted)
}

fn count(wish: &str) -> Result<(&str, u32), Failure> {
    let wrong = || Failure::usage(format!("`{wish}`: write it as SERVICE=N, such as gateway=3"));
    let (service, instances) = wish.split_once('=').ok_or_else(wrong)?;
    let instances = instances
        .parse()
        .ok()
        .filter(|instances| *instances > 0)
        .ok_or_else(wrong)?;
    Ok((service, instances))
}

/// Systems that run now, also those of a lab that is measuring.
fn records(state: &Path) -> Result<Vec<SystemRecord>, Failure> {
    let records = compose::records(state)?;
    for unreadable in &records.unreadable {
        output::warn(&unreadable.to_string());
    }
    Ok(records.systems)
}

/// The one system that is meant.
pub async fn attach(of: &Of) -> Result<Arc<dyn System>, Failure> {
    let all = records(&home::state_folder()?)?;
    let fits: Vec<SystemRecord> = all
        .into_iter()
        .filter(|record| {
            of.system
                .as_ref()
                .is_none_or(|id| record.run_id.starts_with(id.as_str()))
        })
        .collect();
    match (fits.len(), &of.system) {
        (1, _) => {}
        (0, None) => return Err(Failure::usage("no system is up").hint("start one: lab up full")),
        (0, Some(id)) => {
            return Err(Failure::usage(format!("no system `{id}` is up")).hint("lab ps shows what is"));
        }
        _ => {
            let ids: Vec<&str> = fits.iter().map(|record| record.run_id.as_str()).collect();
            return Err(Failure::usage("several systems are up")
                .hint(format!("say which one: --system ID, with ID one of {}", ids.join(", "))));
        }
    }
    let record = fits.into_iter().next().expect("there is exactly one");
    Ok(registry()?.of(&record)?.attach(record).await?)
}

/// Shows what runs.
///
/// # Errors
/// When the records cannot be read.
pub async fn ps(as_json: bool) -> Result<Exit, Failure> {
    let mut systems = Vec::new();
    let registry = registry()?;
    for record in records(&home::state_folder()?)? {
        let id = record.run_id.clone();
        let attached = match registry.of(&record) {
            Ok(backend) => backend.attach(record).await,
            Err(error) => {
                output::warn(&error.to_string());
                continue;
            }
        };
        match attached {
            Ok(system) => systems.push((id, system.instances().await)),
            Err(error) if error.is_out_of_reach() => output::warn(&format!("{id} cannot be looked at: {error}")),
            // A system that ended between the two looks is not shown.
            Err(_) => {}
        }
    }
    if as_json {
        let list: Vec<_> = systems
            .iter()
            .map(|(id, instances)| json!({ "system": id, "instances": instances }))
            .collect();
        output::json(&list)?;
        return Ok(Exit::Pass);
    }
    if systems.is_empty() {
        outln!("No system is up. Start one: lab up full");
    }
    for (id, instances) in systems {
        outln!("{id}");
        print_instances(&instances);
    }
    Ok(Exit::Pass)
}

fn print_instances(instances: &[Running]) {
    let mut table = table(&["instance", "state", "pid", "address"]);
    for instance in instances {
        table.add_row(vec![
            instance.name.clone(),
            instance.state.to_string(),
            instance.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            instance.url.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]);
    }
    right_aligned(&mut table, [2]);
    outln!("{table}");
}

/// Shows where the services are that the lab did not start.
fn print_external(system: &dyn System, instances: &[Running]) {
    for service in system.spec().services {
        let started = instances.iter().any(|instance| instance.service == service.name);
        if let Ok(url) = system.front_door(&service.name)
            && !started
        {
            outln!(
                "{}: {}, which the lab did not start",
                service.name,
                redact(url.as_str())
            );
        }
    }
}

/// Shows the log of an instance.
///
/// # Errors
/// When there is no such instance.
pub async fn logs(instance: &str, follow: bool, of: &Of) -> Result<Exit, Failure> {
    let system = attach(of).await?;
    let (mut from, mut lines) = (0, LogText::default());
    let mut interrupts = Interrupts::listen()?;
    loop {
        let chunk = system.log(instance, from).await?;
        from = chunk.next;
        out!("{}", lines.take(&chunk.bytes));
        if !output::is_seen() {
            // Nobody reads any more, as with `lab logs x | head`.
            return Ok(Exit::Pass);
        }
        if !chunk.bytes.is_empty() {
            continue;
        }
        if !follow {
            out!("{}", lines.rest());
            return Ok(Exit::Pass);
        }
        tokio::select! {
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
            () = interrupts.next() => return Ok(Exit::Interrupted),
        }
    }
}

/// Changes how many instances of a service run.
///
/// # Errors
/// A wrong service or count, or what the machine lacks.
pub async fn scale(to: &str, of: &Of) -> Result<Exit, Failure> {
    let (service, instances) = count(to)?;
    let system = attach(of).await?;
    system.scale(service, instances).await?;
    print_instances(&system.instances().await);
    Ok(Exit::Pass)
}

/// Does something to an instance.
///
/// # Errors
/// When there is no such instance, or it is not in a state for that.
pub async fn act(verb: Verb, target: &Instance) -> Result<Exit, Failure> {
    let system = attach(&target.of).await?;
    let name = target.instance.as_str();
    let done = match verb {
        Verb::Pause => system.pause(name).await,
        Verb::Resume => system.resume(name).await,
        Verb::Kill => system.kill(name).await,
        Verb::Restart => system.restart(name).await,
    };
    done?;
    let instances = system.instances().await;
    let state = instances
        .iter()
        .find(|instance| instance.name == name)
        .map(|instance| instance.state.to_string());
    outln!("{name} is {}", state.unwrap_or_default());
    Ok(Exit::Pass)
}

/// Brings down every system that was left running, or the one that is named.
///
/// # Errors
/// When one does not end.
pub async fn down(of: &Of) -> Result<Exit, Failure> {
    let state = home::state_folder()?;
    let meant: Vec<SystemRecord> = records(&state)?
        .into_iter()
        .filter(|record| {
            of.system
                .as_ref()
                .is_none_or(|id| record.run_id.starts_with(id.as_str()))
        })
        .filter(|record| record.detached)
        .collect();
    if meant.is_empty() {
        outln!("No system is up.");
    }
    let registry = registry()?;
    for record in meant {
        let (id, folder) = (record.run_id.clone(), record.folder.clone());
        let backend = match registry.of(&record) {
            Ok(backend) => backend,
            // Not asked for by name, so it must not keep the others up.
            Err(error) if of.system.is_none() => {
                output::warn(&error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match backend.attach(record.clone()).await {
            Ok(system) => system.down().await?,
            Err(error) if error.is_out_of_reach() => return Err(error.into()),
            // Nothing of it runs any more: only the record is left.
            Err(_) => registry.clean(&record).await?,
        }
        up_folders::remove(&state, &folder)?;
        outln!("{id} is down");
    }
    Ok(Exit::Pass)
}
