//! Which part answers which request.

use super::answer;
use super::api::{Api, Head};
use super::broker::Broker;
use super::wire::Malformed;

impl Broker {
    /// Answers a request; `None` where the client wants no answer. `host` is where it comes from.
    pub(super) async fn answer(&self, frame: &[u8], host: &str) -> Result<Option<Vec<u8>>, Refused> {
        let (head, body) = Head::read(frame).map_err(|why| Refused { api: None, why })?;
        let answer = match head.api {
            Api::Produce => answer::produce::answer(self, &head, body),
            Api::Fetch => answer::fetch::answer(self, &head, body).await.map(Some),
            Api::JoinGroup => answer::membership::join(self, &head, body, host).await.map(Some),
            Api::SyncGroup => answer::membership::sync(self, &head, body).await.map(Some),
            Api::ListOffsets => answer::extent::answer(self, &head, body).map(Some),
            Api::Metadata => answer::cluster::metadata(self, &head, body).map(Some),
            Api::FindCoordinator => answer::cluster::find_coordinator(self, &head, body).map(Some),
            Api::Versions => answer::cluster::versions(&head, body).map(Some),
            Api::InitProducerId => answer::produce::new_producer(self, &head, body).map(Some),
            Api::CreateTopics => answer::topics::create(self, &head, body).map(Some),
            Api::DeleteTopics => answer::topics::delete(self, &head, body).map(Some),
            Api::OffsetCommit => answer::committed::commit(self, &head, body).map(Some),
            Api::OffsetFetch => answer::committed::fetch(self, &head, body).map(Some),
            Api::Heartbeat => answer::membership::heartbeat(self, &head, body).map(Some),
            Api::LeaveGroup => answer::membership::leave(self, &head, body).map(Some),
            Api::DescribeGroups => answer::groups::describe(self, &head, body).map(Some),
            Api::ListGroups => answer::groups::list(self, &head, body).map(Some),
            Api::DeleteGroups => answer::groups::delete(self, &head, body).map(Some),
        };
        answer.map_err(|why| Refused {
            api: Some((head.api, head.version)),
            why,
        })
    }

    /// Whether the answer may take long, so that what was answered before should not wait for it.
    pub(super) fn may_wait(frame: &[u8]) -> bool {
        let waits = |api| matches!(api, Api::Fetch | Api::JoinGroup | Api::SyncGroup);
        Head::read(frame).is_ok_and(|(head, _)| waits(head.api))
    }
}

/// Why a request was refused together with its connection.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) struct Refused {
    api: Option<(Api, i16)>,
    #[source]
    why: Malformed,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.api {
            Some((api, version)) => write!(formatter, "{api:?} v{version}: {}", self.why),
            None => write!(formatter, "not a request that this broker speaks: {}", self.why),
        }
    }
}
