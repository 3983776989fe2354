//! PostgreSQL, as the lab knows it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Program;
use contract::environment::{DATABASE_URL, PGDATA, POSTGRES_URL};
use futures_util::future::BoxFuture;
use rustix::process::Signal;
use url::Url;

use super::server::{SETTINGS, USER};
use super::{client, image, memory, server, source};
use crate::error::Error;
use crate::host::Host;
use crate::servers::exported::words;
use crate::servers::image::{Contained, DATA, Image, Origin};
use crate::servers::watched::Marked;
use crate::servers::{
    Backing, Exported, Exporting, Question, ReadFile, Seat, Server, ServerError, SignOfLife, Tenant, Watched,
};

/// The port of a server whose address does not name one.
const PORT: u16 = 5432;
/// Where the official image has its data. A fresh volume takes over whose folder it covers, and this one anybody may write to.
const OFFICIAL_DATA: &str = "/var/lib/postgresql/data";

/// How long the removal of a system's databases may take: a server writes everything to the disk before each that it drops.
const DROP_TIMEOUT: Duration = Duration::from_secs(20);

const IMAGE: Image = Image {
    what: "PostgreSQL",
    official: "postgres:16.6",
    packed: "lab-postgres",
    ingredients: image::ingredients,
    absent: "this machine has no PostgreSQL server",
    how: "install one that is packed instead (apt-get install postgresql)",
};

/// PostgreSQL: keeps what services store, each in a database of its own.
pub struct Postgres;

impl Server for Postgres {
    fn program(&self) -> Program {
        Program::Postgres
    }

    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn purpose(&self) -> &'static str {
        "for --set store=postgres"
    }

    fn find(&self, host: &Host) -> Result<PathBuf, ServerError> {
        source::program(host)
    }

    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>> {
        Box::pin(server::version(found))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn address(&self, host: &str, port: u16) -> String {
        format!("postgres://{USER}@{host}:{port}")
    }

    fn sign_of_life(&self) -> SignOfLife {
        SignOfLife::Ping("connecting")
    }

    fn question(&self) -> Question {
        Question {
            words: client::PING,
            judge: |answer| match client::is_up(answer) {
                true => Ok(()),
                false => Err(format!("it answers {:?}", String::from_utf8_lossy(answer))),
            },
        }
    }

    fn backing(&self) -> Option<&'static dyn Backing> {
        Some(&Self)
    }

    fn prepare(&self, seat: &Seat<'_>) -> Result<(), Error> {
        server::step_down(&data(seat))
    }

    fn take_over(&self, host: &Host, seat: &Seat<'_>) -> Error {
        match self.find(host) {
            Ok(program) => server::become_server(&program, seat.instance, seat.address, &data(seat)),
            Err(absent) => absent.into(),
        }
    }

    /// TERM makes it wait until every client has gone by itself.
    fn end_signal(&self) -> Signal {
        Signal::INT
    }

    /// Killed, it could not give back what it has of the kernel's; this is its word for: at once.
    fn orphan_signal(&self) -> Signal {
        Signal::QUIT
    }

    fn titled(&self) -> Option<&'static str> {
        Some("postgres")
    }

    /// One that works keeps none with a name (its settings say so), but one that makes its first databases does.
    fn shared_memory(&self) -> Option<&'static str> {
        Some("PostgreSQL.")
    }

    fn own_data(&self) -> Option<&'static str> {
        Some(PGDATA)
    }

    fn give_back(&self, data: &Path) {
        memory::forget_memory(data);
    }

    fn image(&self) -> &'static Image {
        &IMAGE
    }

    fn contained(&self, origin: &Origin, _instance: &str) -> Contained {
        let data = |folder: &str| format!("{PGDATA}={folder}/own");
        if !origin.is_official() {
            return Contained::lab(self.program()).with(&[&data(DATA)]);
        }
        let settings = SETTINGS.into_iter().flat_map(|setting| ["-c", setting]);
        let command: Vec<&str> = ["docker-entrypoint.sh", "postgres"]
            .into_iter()
            .chain(settings)
            .collect();
        let asks = ["pg_isready", "--host=127.0.0.1", "--username=lab", "--dbname=postgres"];
        let official = Contained::official(&command, &asks).with(&[
            "POSTGRES_USER=lab",
            "POSTGRES_DB=postgres",
            // As in a server of this machine: its network is its protection.
            "POSTGRES_HOST_AUTH_METHOD=trust",
            &data(OFFICIAL_DATA),
        ]);
        Contained {
            data: OFFICIAL_DATA,
            // It has a volume to itself.
            shapes_volume: true,
            // It is told the first things over a socket there.
            in_memory: vec![("/var/run/postgresql", "rw,mode=1777,size=1m")],
            ..official
        }
    }

    fn exported(&self, exporting: &Exporting<'_>) -> Option<Exported> {
        let database = |name: &String| format!("CREATE DATABASE \"{name}\" OWNER {USER};\n");
        Some(Exported {
            environment: vec![
                ("POSTGRES_USER", USER.to_owned()),
                ("POSTGRES_PASSWORD", USER.to_owned()),
            ],
            asks: words(&["pg_isready", "-U", USER]),
            data: Some(OFFICIAL_DATA),
            file: Some(ReadFile {
                name: "postgres.sql",
                folder: "/docker-entrypoint-initdb.d",
                inner: "databases.sql",
                text: exporting.callers.iter().map(database).collect(),
            }),
            ..Exported::default()
        })
    }
}

/// Where an instance keeps its data.
fn data(seat: &Seat<'_>) -> PathBuf {
    seat.environment.get(PGDATA).map_or_else(|| seat.data(), PathBuf::from)
}

/// The database of a service. On a server that others use, too, its name says to which system it belongs.
fn database(tenant: &Tenant, service: &str) -> String {
    match tenant.named {
        Some(_) => format!("lab_{}_{service}", tenant.moment()),
        None => service.to_owned(),
    }
}

fn databases(tenant: &Tenant, services: &[String]) -> Vec<String> {
    services.iter().map(|service| database(tenant, service)).collect()
}

/// The address of a database on a server.
fn database_url(server: &Url, database: &str) -> Url {
    let mut url = server.clone();
    url.set_path(database);
    url
}

impl Backing for Postgres {
    fn variable(&self) -> &'static str {
        POSTGRES_URL
    }

    fn address(&self, text: &str) -> Result<String, String> {
        source::address(text)
    }

    fn remedy(&self) -> &'static str {
        "start it, or set POSTGRES_URL=postgres://user:password@host:port to one whose user may make databases, or unset \
         POSTGRES_URL: then the lab runs a server of this machine"
    }

    fn password(&self) -> Option<&'static str> {
        Some(USER)
    }

    fn told(&self, tenant: &Tenant, service: &str, door: &Url) -> Vec<(&'static str, String)> {
        let address = database_url(door, &database(tenant, service));
        vec![(DATABASE_URL, address.into())]
    }

    fn stores(&self) -> bool {
        true
    }

    fn furniture(&self) -> Option<&'static str> {
        Some("databases")
    }

    fn furnish<'a>(
        &'a self,
        tenant: &'a Tenant,
        url: &'a Url,
        services: &'a [String],
        wait: Duration,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { client::make_databases(url, &databases(tenant, services), wait).await })
    }

    fn forget<'a>(
        &'a self,
        tenant: &'a Tenant,
        url: &'a Url,
        services: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { client::drop_databases(url, &databases(tenant, services), DROP_TIMEOUT).await })
    }

    fn ping<'a>(&'a self, url: &'a Url, wait: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(client::ping(url, wait))
    }

    fn watched(&self, url: Url) -> Box<dyn Watched> {
        Box::new(Marked {
            url,
            birth: |url, wait| Box::pin(client::birth(url, wait)),
            ping: |url, wait| Box::pin(client::ping(url, wait)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_reached_as_its_server_is() {
        let url = |server: &str| database_url(&server.parse().unwrap(), "users").to_string();
        assert_eq!(
            url("postgres://lab@127.0.0.1:5000"),
            "postgres://lab@127.0.0.1:5000/users"
        );
        assert_eq!(
            url("postgres://me:secret@db.example/postgres?sslmode=disable"),
            "postgres://me:secret@db.example/users?sslmode=disable"
        );
    }

    #[test]
    fn only_on_a_server_of_others_a_database_is_named_after_its_system() {
        let tenant = |named: Option<&str>| Tenant {
            token: "run:17f".to_owned(),
            named: named.map(str::to_owned),
        };
        assert_eq!(database(&tenant(None), "users"), "users");
        assert_eq!(database(&tenant(Some("postgres://me@host")), "users"), "lab_17f_users");
    }

    #[test]
    fn an_official_one_keeps_its_data_below_its_volume_and_its_socket_in_memory() {
        let official = Postgres.contained(&Origin::Official("postgres:16.6"), "postgres-1");
        for word in [
            "POSTGRES_USER=lab",
            "POSTGRES_HOST_AUTH_METHOD=trust",
            "PGDATA=/var/lib/postgresql/data/own",
        ] {
            assert!(official.environment.iter().any(|found| found == word), "{official:?}");
        }
        assert_eq!(official.data, "/var/lib/postgresql/data");
        assert_eq!(official.in_memory[0].0, "/var/run/postgresql");
        assert!(official.shapes_volume, "this one has a volume to itself");
        let packed = Postgres.contained(&Origin::Packed("sha256:0".into()), "postgres-1");
        assert_eq!(packed.environment, ["PGDATA=/data/own"]);
        assert!(packed.in_memory.is_empty());
    }
}
