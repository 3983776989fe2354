//! Which image of somebody else's server a system on Docker gets.

use std::future::Future;
use std::path::{Path, PathBuf};

use crate::backend::docker::error::DockerError;
use crate::error::Error;
use crate::servers::image::{Image, Origin};

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
pub(super) async fn choose<S: Shelf>(image: &Image, shelf: &S) -> Result<Origin, Error> {
    let official = image.official;
    if shelf.has(official).await? {
        return Ok(Origin::Official(official));
    }
    let packed = match shelf.program() {
        Some(program) => Some(shelf.pack(&program).await?),
        None => None,
    };
    if let Some((id, _)) = &packed
        && shelf.has(id).await?
    {
        return Ok(Origin::Packed(id.clone()));
    }
    let Err(reason) = shelf.pull(official).await else {
        return Ok(Origin::Official(official));
    };
    match packed {
        Some((id, packed)) => {
            tracing::info!(
                reason,
                "{official} cannot be pulled; the host's own {} is packed",
                image.what
            );
            shelf.load(packed).await?;
            Ok(Origin::Packed(id))
        }
        None => Err(DockerError::NoImage {
            what: image.what,
            reason: format!("{official} cannot be pulled ({reason}), and {}", image.absent),
            how: format!("either let the engine pull {official}, or {}", image.how),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::error::Family;
    use crate::servers::Server;
    use crate::servers::kafka::Kafka;
    use crate::servers::nginx::Nginx;
    use crate::servers::postgres::Postgres;
    use crate::servers::prometheus::Prometheus;
    use crate::servers::redis::Redis;

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
                choose(Redis.image(), &shelf).await.unwrap(),
                Origin::Official(Redis.image().official)
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
        let packed = Origin::Packed("sha256:/redis".to_owned());
        for _ in 0..2 {
            assert_eq!(choose(Redis.image(), &shelf).await.unwrap(), packed);
        }
        assert_eq!(*shelf.pulls.borrow(), 1);
    }

    #[tokio::test]
    async fn with_neither_both_ways_are_named() {
        let ways: [(&dyn Server, [&str; 2]); 5] = [
            (&Redis, ["apt-get install redis-server", "valkey-server"]),
            (&Nginx, ["apt-get install nginx-light", "no route to host"]),
            (&Postgres, ["apt-get install postgresql", "no route to host"]),
            (&Kafka, ["KAFKA_HOME", "no route to host"]),
            (&Prometheus, ["apt-get install prometheus", "no route to host"]),
        ];
        for (server, parts) in ways {
            let error = choose(server.image(), &Fake::default()).await.unwrap_err();
            assert_eq!(error.family(), Family::Environment);
            let message = error.to_string();
            let named = |part: &&str| message.contains(part);
            assert!(parts.iter().chain([&server.image().official]).all(named), "{message}");
        }
    }
}
