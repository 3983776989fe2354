//! Which Redis a system on Docker gets.

use std::future::Future;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The official image, pinned: what a scenario shows must not change with what was published yesterday.
pub(crate) const OFFICIAL_REDIS: &str = "redis:7.4.2";
const HOW: &str = "either let the engine pull redis:7.4.2, or install one that is packed instead \
                   (apt-get install redis-server, or apt-get install valkey-server)";

/// An image of Redis that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend::docker) enum RedisImage {
    /// The official one.
    Official,
    /// One made from the host's program; the lab's own is in it too. Its id.
    Packed(String),
}

/// What is looked at, and done, to get an image.
pub(super) trait Shelf {
    /// An image that is ready to be loaded.
    type Packed;

    /// Whether the engine has an image.
    fn has(&self, image: &str) -> impl Future<Output = Result<bool, Error>>;

    /// The host's own Redis.
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
pub(super) async fn choose_redis<S: Shelf>(shelf: &S) -> Result<RedisImage, Error> {
    if shelf.has(OFFICIAL_REDIS).await? {
        return Ok(RedisImage::Official);
    }
    let packed = match shelf.program() {
        Some(program) => Some(shelf.pack(&program).await?),
        None => None,
    };
    if let Some((id, _)) = &packed
        && shelf.has(id).await?
    {
        return Ok(RedisImage::Packed(id.clone()));
    }
    let Err(reason) = shelf.pull(OFFICIAL_REDIS).await else {
        return Ok(RedisImage::Official);
    };
    match packed {
        Some((id, packed)) => {
            tracing::info!(
                reason,
                "{OFFICIAL_REDIS} cannot be pulled; the host's own Redis is packed"
            );
            shelf.load(packed).await?;
            Ok(RedisImage::Packed(id))
        }
        None => Err(Error::NoImage {
            what: "Redis",
            reason: format!("{OFFICIAL_REDIS} cannot be pulled ({reason}), and this machine has no redis-server"),
            how: HOW,
        }),
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
            assert_eq!(choose_redis(&shelf).await.unwrap(), RedisImage::Official);
        }
        assert_eq!(*shelf.pulls.borrow(), 1);
    }

    #[tokio::test]
    async fn without_a_network_the_host_s_own_is_packed_and_pulling_is_not_tried_again() {
        let shelf = Fake {
            program: Some("/redis".into()),
            ..Fake::default()
        };
        let packed = RedisImage::Packed("sha256:/redis".to_owned());
        for _ in 0..2 {
            assert_eq!(choose_redis(&shelf).await.unwrap(), packed);
        }
        assert_eq!(*shelf.pulls.borrow(), 1);
    }

    #[tokio::test]
    async fn with_neither_both_ways_are_named() {
        let error = choose_redis(&Fake::default()).await.unwrap_err();
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        for part in [
            OFFICIAL_REDIS,
            "no route to host",
            "apt-get install redis-server",
            "valkey-server",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
