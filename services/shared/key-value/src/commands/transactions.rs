//! Commands around a transaction; EXEC itself runs other commands and is where they are chosen.

use crate::arguments::Arguments;
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};
use crate::server::Server;
use crate::session::{Session, Transaction};

pub(super) fn multi(_: &mut Server, session: &mut Session, _: Arguments<'_>) -> Answer {
    if session.transaction.is_some() {
        return Err(Failure::of("ERR MULTI calls can not be nested"));
    }
    session.transaction = Some(Transaction::default());
    Ok(Reply::OK)
}

pub(super) fn discard(server: &mut Server, session: &mut Session, _: Arguments<'_>) -> Answer {
    if session.transaction.take().is_none() {
        return Err(Failure::of("ERR DISCARD without MULTI"));
    }
    server.unwatch(session);
    Ok(Reply::OK)
}

pub(super) fn watch(server: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    if session.transaction.is_some() {
        return Err(Failure::of("ERR WATCH inside MULTI is not allowed"));
    }
    let keys = &mut server.databases.borrow_mut()[session.database];
    for key in &arguments[1..] {
        keys.watch(key, &session.changed);
        session.watched.push((session.database, key.clone()));
    }
    Ok(Reply::OK)
}

pub(super) fn unwatch(server: &mut Server, session: &mut Session, _: Arguments<'_>) -> Answer {
    server.unwatch(session);
    Ok(Reply::OK)
}
