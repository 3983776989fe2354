//! Against the real balancer: the same requests, answered in the same order, are sent to the same instances.
//!
//! No clock is compared with another. The simulator writes down in which order requests were picked for and answered; the test
//! then plays that order to a real balancer over real sockets, with itself as every instance, one event after the other.

use std::sync::Arc;

use balance::PolicyKind;
use balancer::{Balancer, Config};
use chassis::Shutdown;
use sim::{Event, Model, run_with};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const SERVERS: u32 = 3;
const REQUESTS: u64 = 150;

/// A request that arrived at an instance: which instance, and where to answer.
type Arrived = (usize, BufReader<TcpStream>);

fn model(policy: &str) -> Model {
    Model {
        servers: SERVERS,
        load: 0.9,
        requests: REQUESTS,
        warmup: 0,
        // The seed with which the balancer starts.
        seed: 1,
        ..Model::new(policy.parse::<PolicyKind>().expect("it is registered"))
    }
}

/// Three instances that hand every connection with a request on it to the test.
async fn instances() -> (String, UnboundedReceiver<Arrived>) {
    let (arrived, requests) = unbounded_channel();
    let mut upstreams = Vec::new();
    for server in 0..SERVERS as usize {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        upstreams.push(format!("s{server}=http://{}", listener.local_addr().unwrap()));
        let arrived = arrived.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                read_head(&mut stream).await;
                if arrived.send((server, stream)).is_err() {
                    return;
                }
            }
        });
    }
    (upstreams.join(","), requests)
}

async fn read_head(stream: &mut BufReader<TcpStream>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(
            stream.read_line(&mut head).await.unwrap(),
            0,
            "the other end closed: {head}"
        );
    }
}

#[tokio::test]
async fn the_real_balancer_picks_what_the_simulated_one_picks() {
    for policy in [
        "round_robin",
        "random",
        "least_connections",
        "two_choices",
        "weighted_least_connections",
    ] {
        let mut events = Vec::new();
        run_with(&model(policy), |event| events.push(event)).unwrap();

        let (upstreams, mut arrived) = instances().await;
        let variables = [(balancer::UPSTREAMS, upstreams.as_str()), (balancer::POLICY, policy)];
        let config = Config::read(&variables.into_iter().collect()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let balancer = Arc::new(Balancer::new(&config, "balancer-1").unwrap());
        let (trigger, shutdown) = Shutdown::new();
        let running = tokio::spawn(async move { balancer::run(balancer, listener, &shutdown).await });

        // Of each request: the client's end and the instance's.
        let mut open: Vec<Option<(BufReader<TcpStream>, BufReader<TcpStream>)>> = Vec::new();
        for event in events {
            match event {
                Event::Picked { request, server } => {
                    let mut client = BufReader::new(TcpStream::connect(address).await.unwrap());
                    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
                    let (real, instance) = arrived.recv().await.unwrap();
                    assert_eq!(real, server, "{policy}, request {request}");
                    open.push(Some((client, instance)));
                }
                Event::Answered { request, .. } => {
                    let (mut client, mut instance) = open[request as usize].take().unwrap();
                    // Closed after the answer, so that every request comes on a connection of its own.
                    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                    instance.write_all(answer).await.unwrap();
                    read_head(&mut client).await;
                }
            }
        }
        assert!(open.len() as u64 == REQUESTS && open.iter().all(Option::is_none));
        trigger.request();
        running.await.unwrap();
    }
}
