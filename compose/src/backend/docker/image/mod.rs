//! The images that containers are made of: of the lab's own program, made from the running executable, and of servers of
//! others, official where the engine can pull them, else made from the host's own program in the same way.

mod archive;
mod choose;
mod libraries;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error as Fault;
use bollard::query_parameters::{CreateImageOptionsBuilder, ImportImageOptionsBuilder, TagImageOptionsBuilder};
use bytes::Bytes;
use contract::Program;
use futures_util::{StreamExt, stream};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::timeout;

use self::archive::{Archive, Contents, VERSION};
use self::choose::{Shelf, choose};
use self::libraries::libraries;
use super::engine::{Engine, is_missing, run};
use crate::backend::docker::error::DockerError;
use crate::backend::{Progress, ProgressSink};
use crate::error::Error;
use crate::host::Host;
use crate::servers::image::{Image, Ingredients, LAB, Origin, place_of};
use crate::servers::{self, Server};

const OWN_IMAGE: &str = "lab-services";
/// How much of an archive is sent at once, and how many such pieces may wait.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_MAX: usize = 8;
/// How long an engine may take to unpack an image that it was sent.
const LOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a pull may go on without a word.
const PULL_SILENCE: Duration = Duration::from_secs(20);

/// The images of one backend; each is looked for once.
pub(super) struct Images {
    engine: Engine,
    program: PathBuf,
    host: Host,
    own: OnceCell<String>,
    of_servers: BTreeMap<Program, OnceCell<Origin>>,
}

impl Images {
    pub(super) fn new(engine: Engine, program: PathBuf, host: Host) -> Self {
        let cells = servers::ALL.map(|server| (server.program(), OnceCell::new()));
        Self {
            engine,
            program,
            host,
            own: OnceCell::new(),
            of_servers: BTreeMap::from(cells),
        }
    }

    /// The id of the image of the lab's own program, which is loaded where it is not there.
    pub(super) async fn own(&self, progress: Option<&ProgressSink>) -> Result<String, Error> {
        let make = async || {
            let what = "the lab's own services";
            let own = Ingredients::of_program(&self.program, LAB);
            let archive = pack(what, OWN_IMAGE, own).await?;
            self.load_missing("loading the image of the services", archive, progress)
                .await
        };
        self.own.get_or_try_init(make).await.cloned()
    }

    /// The image of a server of others, pulled or packed where it is not there.
    pub(super) async fn of(
        &self,
        server: &'static dyn Server,
        progress: Option<&ProgressSink>,
    ) -> Result<Origin, Error> {
        let image = server.image();
        let choose = async || {
            let shelf = EngineShelf {
                images: self,
                image,
                program: server.find(&self.host).ok(),
                progress,
            };
            choose(image, &shelf).await
        };
        // Every server has its cell from the start.
        let cell = &self.of_servers[&server.program()];
        cell.get_or_try_init(choose).await.cloned()
    }

    async fn is_present(&self, image: &str) -> Result<bool, Error> {
        let image = image.to_owned();
        let look = |docker: bollard::Docker| async move {
            match docker.inspect_image(&image).await {
                Ok(_) => Ok(true),
                Err(fault) if is_missing(&fault) => Ok(false),
                Err(fault) => Err(fault),
            }
        };
        self.engine.call("look for an image", look).await
    }

    async fn load_missing(
        &self,
        what: &str,
        archive: Arc<Archive>,
        progress: Option<&ProgressSink>,
    ) -> Result<String, Error> {
        if self.is_present(&archive.id).await? {
            // Another build may have taken the name since, and images without one are removed by `lab clean`.
            let (id, name) = (archive.id.clone(), archive.name().to_owned());
            let name_it = |docker: bollard::Docker| async move {
                let options = TagImageOptionsBuilder::default().repo(&name).tag(VERSION).build();
                docker.tag_image(&id, Some(options)).await
            };
            self.engine.call("name an image", name_it).await?;
        } else {
            self.load(what, &archive, progress).await?;
        }
        Ok(archive.id.clone())
    }

    /// Sends an archive to the engine.
    async fn load(&self, what: &str, archive: &Arc<Archive>, progress: Option<&ProgressSink>) -> Result<(), Error> {
        const DOING: &str = "load an image";
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let mut pieces = Pieces {
            sender,
            piece: Vec::with_capacity(PIECE_BYTES),
            sent: 0,
            total: archive.bytes(),
            what: what.to_owned(),
            progress: progress.cloned(),
        };
        let source = Arc::clone(archive);
        let writing = tokio::task::spawn_blocking(move || source.write(&mut pieces));
        let body = stream::unfold(receiver, |mut receiver| async {
            let piece = receiver.recv().await?;
            Some((Ok::<Bytes, io::Error>(piece), receiver))
        });
        let docker = self.engine.docker()?;
        let loading = run(timeout(LOAD_TIMEOUT, async move {
            let options = ImportImageOptionsBuilder::default().quiet(true).build();
            let mut answers = Box::pin(docker.import_image_stream(options, body, None));
            while let Some(answer) = answers.next().await {
                answer?;
            }
            Ok::<(), Fault>(())
        }));
        match loading.await {
            Ok(loaded) => loaded.map_err(|fault| self.engine.error(DOING, &fault))?,
            Err(_) => {
                let reason = format!("it took longer than {} s", LOAD_TIMEOUT.as_secs());
                return Err(DockerError::Engine { doing: DOING, reason }.into());
            }
        }
        match writing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return Err(DockerError::Engine {
                    doing: DOING,
                    reason: error.to_string(),
                }
                .into());
            }
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
        if self.is_present(&archive.id).await? {
            Ok(())
        } else {
            Err(DockerError::Engine {
                doing: DOING,
                reason: format!("it took the archive and has no image {}", archive.id),
            }
            .into())
        }
    }
}

/// Reads files and what they need into an image; off the threads that serve others, because it reads a lot.
async fn pack(what: &'static str, name: &'static str, ingredients: Ingredients) -> Result<Arc<Archive>, Error> {
    let packing = move || {
        if !cfg!(target_os = "linux") {
            return Err("containers run Linux programs, and this machine's programs are none".to_owned());
        }
        let Ingredients {
            programs,
            files: others,
            texts,
        } = ingredients;
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        let name_of = |(_, place): &(PathBuf, String)| place.rsplit('/').next().unwrap_or(place).to_owned();
        let beside: Vec<String> = programs.iter().map(name_of).collect();
        for (program, place) in programs {
            for library in libraries(&program, &beside)? {
                let place = place_of(&library);
                if !files.iter().any(|(_, there)| *there == place) {
                    files.push((library, place));
                }
            }
            files.push((program, place.trim_start_matches('/').to_owned()));
        }
        files.extend(others);
        let name = name.to_owned();
        Archive::of(Contents { name, files, texts }).map_err(|error| error.to_string())
    };
    match tokio::task::spawn_blocking(packing).await {
        Ok(packed) => packed.map(Arc::new).map_err(|reason| no_image(what, reason)),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn no_image(what: &'static str, reason: String) -> Error {
    DockerError::NoImage {
        what,
        reason,
        how: "run it without --backend docker".to_owned(),
    }
    .into()
}

/// What an engine and its machine have.
struct EngineShelf<'a> {
    images: &'a Images,
    image: &'static Image,
    program: Option<PathBuf>,
    progress: Option<&'a ProgressSink>,
}

impl Shelf for EngineShelf<'_> {
    type Packed = Arc<Archive>;

    async fn has(&self, image: &str) -> Result<bool, Error> {
        self.images.is_present(image).await
    }

    fn program(&self) -> Option<PathBuf> {
        self.program.clone()
    }

    /// The lab's own program goes along: it says whether the server is well, and that a Redis listens.
    async fn pack(&self, program: &Path) -> Result<(String, Arc<Archive>), Error> {
        // A symbolic link says nothing in an image.
        let program = program.canonicalize().map_err(Error::file("read", program))?;
        let mut ingredients = (self.image.ingredients)(&program).map_err(|reason| no_image(self.image.what, reason))?;
        ingredients
            .programs
            .insert(0, (self.images.program.clone(), LAB.to_owned()));
        let archive = pack(self.image.what, self.image.packed, ingredients).await?;
        Ok((archive.id.clone(), archive))
    }

    async fn load(&self, packed: Arc<Archive>) -> Result<(), Error> {
        let what = format!("loading the image of {}", self.image.what);
        self.images.load_missing(&what, packed, self.progress).await.map(drop)
    }

    async fn pull(&self, image: &str) -> Result<(), String> {
        let docker = self.images.engine.docker().map_err(|error| error.to_string())?;
        let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
        let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
        let (progress, what) = (self.progress.cloned(), format!("pulling {image}"));
        let pulling = async move {
            let mut answers = Box::pin(docker.create_image(Some(options), None, None));
            loop {
                let answer = match timeout(PULL_SILENCE, answers.next()).await {
                    Ok(Some(answer)) => answer.map_err(|fault| fault.to_string())?,
                    Ok(None) => return Ok(()),
                    Err(_) => return Err(format!("nothing came for {} s", PULL_SILENCE.as_secs())),
                };
                if let (Some(progress), Some(detail)) = (&progress, answer.progress_detail) {
                    let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
                    progress(Progress {
                        what: what.clone(),
                        done_bytes: bytes(detail.current).unwrap_or_default(),
                        total_bytes: bytes(detail.total),
                    });
                }
            }
        };
        run(pulling).await
    }
}

/// Sends what is written in pieces, and tells how far it has come.
struct Pieces {
    sender: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
    sent: u64,
    total: u64,
    what: String,
    progress: Option<ProgressSink>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.sent += piece.len() as u64;
        self.sender
            .blocking_send(piece.into())
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the engine takes no more"))?;
        if let Some(progress) = &self.progress {
            progress(Progress {
                what: self.what.clone(),
                done_bytes: self.sent.min(self.total),
                total_bytes: Some(self.total),
            });
        }
        Ok(())
    }
}
