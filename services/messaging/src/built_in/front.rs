//! Connections of clients, each with one of its own to the mock cluster.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use contract::events::topics;
use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::protocol::{self, Address, Api, NewTopic, Request};

/// The largest frame that is taken: Kafka's own limit for requests.
const FRAME_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Kafka's codes.
const TOPIC_ALREADY_EXISTS: i16 = 36;
const UNKNOWN_SERVER_ERROR: i16 = -1;

pub(super) struct Front {
    cluster: MockCluster<'static, DefaultProducerContext>,
    /// Where the cluster really is.
    behind: String,
    /// Where clients are told that it is.
    address: Address,
}

/// Requests under way whose answers hold something to be changed, by their number.
type Open = RefCell<HashMap<i32, (Api, i16)>>;

impl Front {
    pub(super) fn new(cluster: MockCluster<'static, DefaultProducerContext>, host: String, port: u16) -> Self {
        Self {
            behind: cluster.bootstrap_servers(),
            cluster,
            address: Address { host, port },
        }
    }

    pub(super) async fn accept(self: &Rc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => {
                    let front = Rc::clone(self);
                    tokio::task::spawn_local(async move {
                        // Clients come and go; the end of a connection is no news.
                        if let Err(error) = front.serve(client).await {
                            tracing::debug!(%error, "a connection ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let cluster = TcpStream::connect(&self.behind).await?;
        client.set_nodelay(true)?;
        cluster.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_cluster, to_cluster) = cluster.into_split();
        let to_client = Mutex::new(to_client);
        let open = Open::default();
        // The first direction that ends takes the other along, and with it both connections.
        tokio::select! {
            ended = self.requests(from_client, to_cluster, &to_client, &open) => ended,
            ended = self.answers(from_cluster, &to_client, &open) => ended,
        }
    }

    async fn requests(
        &self,
        mut client: OwnedReadHalf,
        mut cluster: OwnedWriteHalf,
        to_client: &Mutex<OwnedWriteHalf>,
        open: &Open,
    ) -> io::Result<()> {
        let mut frame = Vec::new();
        while read_frame(&mut client, &mut frame).await? {
            let request = Request::read(&frame).ok_or_else(malformed)?;
            if request.api == Some(Api::CreateTopics) {
                let topics = protocol::new_topics(request.body).ok_or_else(malformed)?;
                let answer = protocol::topics_made(request.correlation, &self.make(&topics));
                write_frame(&mut *to_client.lock().await, &answer).await?;
                continue;
            }
            if let Some(api) = request.api {
                open.borrow_mut().insert(request.correlation, (api, request.version));
            }
            write_frame(&mut cluster, &frame).await?;
        }
        Ok(())
    }

    async fn answers(
        &self,
        mut cluster: OwnedReadHalf,
        to_client: &Mutex<OwnedWriteHalf>,
        open: &Open,
    ) -> io::Result<()> {
        let mut frame = Vec::new();
        while read_frame(&mut cluster, &mut frame).await? {
            let asked = protocol::correlation(&frame).and_then(|number| open.borrow_mut().remove(&number));
            if let Some((api, version)) = asked {
                frame = protocol::rewritten(&frame, api, version, &self.address).ok_or_else(malformed)?;
            }
            write_frame(&mut *to_client.lock().await, &frame).await?;
        }
        Ok(())
    }

    /// Makes topics; each comes with Kafka's code of what went wrong, or 0.
    fn make(&self, topics: &[NewTopic]) -> Vec<(String, i16)> {
        let made = |topic: &NewTopic| {
            let partitions = if topic.partitions > 0 {
                topic.partitions
            } else {
                topics::PARTITIONS
            };
            let code = match self.cluster.create_topic(&topic.name, partitions, 1) {
                Ok(()) => 0,
                Err(KafkaError::MockCluster(code)) if code as i32 == i32::from(TOPIC_ALREADY_EXISTS) => {
                    TOPIC_ALREADY_EXISTS
                }
                Err(_) => UNKNOWN_SERVER_ERROR,
            };
            (topic.name.clone(), code)
        };
        topics.iter().map(made).collect()
    }
}

/// Reads what follows the four bytes of its length; `false` at the end of the connection.
async fn read_frame(from: &mut OwnedReadHalf, frame: &mut Vec<u8>) -> io::Result<bool> {
    let length = match from.read_i32().await {
        Ok(length) => usize::try_from(length).ok().filter(|length| *length <= FRAME_BYTES_MAX),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    };
    frame.resize(length.ok_or_else(malformed)?, 0);
    from.read_exact(frame).await?;
    Ok(true)
}

async fn write_frame(to: &mut OwnedWriteHalf, frame: &[u8]) -> io::Result<()> {
    let length = i32::try_from(frame.len()).map_err(io::Error::other)?;
    let length = length.to_be_bytes();
    let mut whole = io::IoSlice::new(&length);
    // Both in one write where the system takes it, and what is left after that.
    let written = to.write_vectored(&[whole, io::IoSlice::new(frame)]).await?;
    if written < length.len() {
        whole = io::IoSlice::new(&length[written..]);
        to.write_all(&whole).await?;
        return to.write_all(frame).await;
    }
    to.write_all(&frame[written - length.len()..]).await
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is not Kafka's protocol")
}
