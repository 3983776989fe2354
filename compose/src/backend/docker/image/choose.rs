//! Which image of somebody else's server a system on Docker gets.

use std::future::Future;
use std::path::{Path, PathBuf};

use super::ingredients::Ingredients;
use super::{kafka, postgres};
use crate::backend::docker::error::DockerError;
use crate::error::Error;

/// Official images, pinned: what a scenario shows must not change with what was published yesterday.
pub(crate) const OFFICIAL_REDIS: &str = "redis:7.4.2";
pub(crate) const OFFICIAL_NGINX: &str = "nginx:1.28.0";
pub(crate) const OFFICIAL_POSTGRES: &str = "postgres:16.6";
pub(crate) const OFFICIAL_KAFKA: &str = "apache/kafka:3.9.0";

/// A server of somebody else.
#[derive(Debug)]
pub(in crate::backend::docker) struct Ware {
    /// What it is, for people.
    pub(super) what: &'static str,
    /// Its official image.
    pub(super) official: &'static str,
    /// The name of an image that is made from the host's program.
    pub(super) packed: &'static str,
    /// What goes into that image beside the lab's own program, for the host's program.
    pub(super) ingredients: fn(&Path) -> Result<Ingredients, String>,
    /// What is said where this machine has no such program.
    absent: &'static str,
    /// How to get one.
    how: &'static str,
}

/// Redis.
pub(in crate::backend::docker) const REDIS: Ware = Ware {
    what: "Redis",
    official: OFFICIAL_REDIS,
    packed: "lab-redis",
    ingredients: |program| Ok(Ingredients::of_program(program, "usr/bin/redis-server")),
    absent: "this machine has no redis-server",
    how: "either let the engine pull redis:7.4.2, or install one that is packed instead \
          (apt-get install redis-server, or apt-get install valkey-server)",
};

/// nginx.
pub(in crate::backend::docker) const NGINX: Ware = Ware {
    what: "nginx",
    official: OFFICIAL_NGINX,
    packed: "lab-nginx",
    ingredients: |program| Ok(Ingredients::of_program(program, "usr/sbin/nginx")),
    absent: "this machine has no nginx",
    how: "either let the engine pull nginx:1.28.0, or install one that is packed instead \
          (apt-get install nginx-light)",
};

/// PostgreSQL.
pub(in crate::backend::docker) const POSTGRES: Ware = Ware {
    what: "PostgreSQL",
    official: OFFICIAL_POSTGRES,
    packed: "lab-postgres",
    ingredients: postgres::ingredients,
    absent: "this machine has no PostgreSQL server",
    how: "either let the engine pull postgres:16.6, or install one that is packed instead \
          (apt-get install postgresql)",
};

/// Apache Kafka. What stands for the host's program is the folder of its jars.
pub(in crate::backend::docker) const KAFKA: Ware = Ware {
    what: "Apache Kafka",
    official: OFFICIAL_KAFKA,
    packed: "lab-kafka",
    ingredients: kafka::ingredients,
    absent: "this machine has no Apache Kafka with a Java to run it",
    how: "either let the engine pull apache/kafka:3.9.0, or set KAFKA_HOME to the folder of an Apache Kafka that is \
          packed instead (and have Java 17: apt-get install default-jre-headless)",
};

/// An image of a server that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend::docker) enum ServerImage {
    /// The official one; its name.
    Official(&'static str),
    /// One made from the host's program; the lab's own is in it too. Its id.
    Packed(String),
}

/// What is looked at, and done, to get an image.
pub(super) trait Shelf {
    /// An image that is ready to be loaded.
    type Packed;

    /// Whether the engine has an image.
    fn has(&self, image: &str) -> impl Future<Output = Result<bool, Error>>;

    /// The host's own program.
    fn program(&self) -> Option<PathBuf>;

    /// Makes an image of a program; its id beside it.
    fn pack(&self, program: &Path) -> impl Future<Output = Result<(String, Self::Packed), Error>>;

    /// Loads what was packed.
    fn load(&self, packed: Self::Packed) -> impl Future<Output = Result<(), Error>>;

    /// Pulls an image; why not, otherwise.
    fn pull(&self, image: &str) -> impl Future<Output = Result<(), String>>;
}

/// What is there already is taken, the official image first; else that is pulled; else the host's program is packed.
/// One that was packed before shows that pulling failed then, so it is not tried again.
pub(super) async fn choose<S: Shelf>(ware: &Ware, shelf: &S) -> Result<ServerImage, Error> {
    let official = ware.official;
    if shelf.has(official).await? {
        return Ok(ServerImage::Official(official));
    }
    let packed = match shelf.program() {
        Some(program) => Some(shelf.pack(&program).await?),
        None => None,
    };
    if let Some((id, _)) = &packed
        && shelf.has(id).await?
    {
        return Ok(ServerImage::Packed(id.clone()));
    }
    let Err(reason) = shelf.pull(official).await else {
        return Ok(ServerImage::Official(official));
    };
    match packed {
        Some((id, packed)) => {
            tracing::info!(
                reason,
                "{official} cannot be pulled; the host's own {} is packed",
                ware.what
            );
            shelf.load(packed).await?;
            Ok(ServerImage::Packed(id))
        }
        None => Err(DockerError::NoImage {
            what: ware.what,
            reason: format!("{official} cannot be pulled ({reason}), and {}", ware.absent),
            how: ware.how,
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::error::Family;

    #[derive(Default)]
    struct Fake {
        images: RefCell<Vec<String>>,
        program: Option<PathBuf>,
        can_pull: bool,
        pulls: RefCell<u32>,
    }

    impl Shelf for Fake {
        type Packed = String;

        async fn has(&self, image: &str) -> Result<bool, Error> {
            Ok(self.images.borrow().iter().any(|there| there == image))
        }

        fn program(&self) -> Option<PathBuf> {
            self.program.clone()
        }

        async fn pack(&self, program: &Path) -> Result<(String, String), Error> {
            let id = format!("sha256:{}", program.display());
            Ok((id.clone(), id))
        }

        async fn load(&self, packed: String) -> Result<(), Error> {
            self.images.borrow_mut().push(packed);
            Ok(())
        }

        async fn pull(&self, image: &str) -> Result<(), String> {
            *self.pulls.borrow_mut() += 1;
            if self.can_pull {
                self.images.borrow_mut().push(image.to_owned());
                Ok(())
            } else {
                Err("no route to host".to_owned())
            }
        }
    }

    #[tokio::test]
    async fn the_official_image_is_pulled_once() {
        let shelf = Fake {
            program: Some("/redis".into()),
            can_pull: true,
            ..Fake::default()
        };
        for _ in 0..2 {
            assert_eq!(
                choose(&REDIS, &shelf).await.unwrap(),
                ServerImage::Official(OFFICIAL_REDIS)
            );
        }
        assert_eq!(*shelf.pulls.borrow(), 1);
    }

    #[tokio::test]
    async fn without_a_network_the_host_s_own_is_packed_and_pulling_is_not_tried_again() {
        let shelf = Fake {
            program: Some("/redis".into()),
            ..Fake::default()
        };
        let packed = ServerImage::Packed("sha256:/redis".to_owned());
        for _ in 0..2 {
            assert_eq!(choose(&REDIS, &shelf).await.unwrap(), packed);
        }
        assert_eq!(*shelf.pulls.borrow(), 1);
    }

    #[tokio::test]
    async fn with_neither_both_ways_are_named() {
        let ways = [
            (
                &REDIS,
                [OFFICIAL_REDIS, "apt-get install redis-server", "valkey-server"],
            ),
            (
                &NGINX,
                [OFFICIAL_NGINX, "apt-get install nginx-light", "no route to host"],
            ),
            (
                &POSTGRES,
                [OFFICIAL_POSTGRES, "apt-get install postgresql", "no route to host"],
            ),
            (&KAFKA, [OFFICIAL_KAFKA, "KAFKA_HOME", "no route to host"]),
        ];
        for (ware, parts) in ways {
            let error = choose(ware, &Fake::default()).await.unwrap_err();
            assert_eq!(error.family(), Family::Environment);
            let message = error.to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }
}
