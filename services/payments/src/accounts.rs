//! Accounts, from which only as much can be taken as there is.

use axum::extract::State;
use axum::response::IntoResponse;
use chassis::{Failure, Json, Path};
use contract::limits::CHOSEN_ID_MAX;
use contract::{Account, Debit, NewBalance, NewDebit, StepKind, Strategy};
use http::StatusCode;
use lock::{Permit, Visit};
use store::Reading;

use crate::ledger::Ledger;

/// Money that somebody wants.
#[derive(Clone, Copy)]
struct Wanted {
    account_id: i64,
    amount_cents: i64,
}

pub(crate) async fn show(State(ledger): State<Ledger>, Path(id): Path<i64>) -> Result<Json<Account>, Failure> {
    match ledger.read(id, None).await.map_err(Failure::internal)? {
        Reading::Found(balance_cents) => Ok(Json(Account { id, balance_cents })),
        Reading::Missing | Reading::Stale => Err(no_account(id)),
    }
}

/// Opens an account under the key that the client chose, or gives it another balance.
pub(crate) async fn put(
    State(ledger): State<Ledger>,
    Path(id): Path<i64>,
    Json(NewBalance { balance_cents }): Json<NewBalance>,
) -> Result<(StatusCode, Json<Account>), Failure> {
    if !(1..=CHOSEN_ID_MAX).contains(&id) {
        return Err(Failure::bad_request(format!(
            "the id of an account must be between 1 and {CHOSEN_ID_MAX}, not {id}"
        )));
    }
    let created = ledger.put(id, balance_cents).await.map_err(Failure::internal)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Account { id, balance_cents })))
}

pub(crate) async fn debit(
    State(ledger): State<Ledger>,
    visit: Visit,
    Path(account_id): Path<i64>,
    Json(NewDebit { amount_cents }): Json<NewDebit>,
) -> impl IntoResponse {
    let wanted = Wanted {
        account_id,
        amount_cents,
    };
    let taken = match visit.strategy() {
        Strategy::Atomic => take(&ledger, &visit, wanted).await,
        _ => {
            let key = format!("account:{account_id}");
            visit
                .protect(&key, |permit| read_and_write(&ledger, permit, wanted))
                .await
        }
    };
    visit.answer(taken.map(|balance_cents| {
        let debit = Debit {
            account_id,
            amount_cents,
            balance_cents,
        };
        (StatusCode::CREATED, debit)
    }))
}

/// Takes the money in one conditional step, and gives what is left.
async fn take(ledger: &Ledger, visit: &Visit, wanted: Wanted) -> Result<i64, Failure> {
    visit.decide().await;
    let taken = ledger.take(wanted.account_id, wanted.amount_cents).await;
    let Some(left) = taken.map_err(Failure::internal)? else {
        return Err(refusal(ledger, wanted).await);
    };
    visit.note(StepKind::Written, Some(left));
    Ok(left)
}

/// Reads the balance, and writes what is computed from it, whatever the balance is by then: right only as far as the
/// permit keeps others away.
async fn read_and_write(ledger: &Ledger, permit: Permit<'_>, wanted: Wanted) -> Result<i64, Failure> {
    let reading = ledger.read(wanted.account_id, permit.fence()).await;
    let balance = match reading.map_err(Failure::internal)? {
        Reading::Found(balance) => balance,
        Reading::Missing => return Err(no_account(wanted.account_id)),
        Reading::Stale => return Err(permit.stale()),
    };
    permit.note(StepKind::Read, Some(balance));
    if balance < wanted.amount_cents {
        return Err(too_little(balance, wanted));
    }
    permit.before_write().await?;
    let left = balance - wanted.amount_cents;
    let written = ledger.write(wanted.account_id, left, permit.fence()).await;
    if !written.map_err(Failure::internal)? {
        return Err(permit.stale());
    }
    permit.note(StepKind::Written, Some(left));
    Ok(left)
}

/// Why nothing was taken: no such account, or too little in it.
async fn refusal(ledger: &Ledger, wanted: Wanted) -> Failure {
    match ledger.read(wanted.account_id, None).await {
        Ok(Reading::Found(balance)) => too_little(balance, wanted),
        Ok(_) => no_account(wanted.account_id),
        Err(error) => Failure::internal(error),
    }
}

fn too_little(balance_cents: i64, wanted: Wanted) -> Failure {
    let Wanted {
        account_id,
        amount_cents,
    } = wanted;
    Failure::conflict(format!(
        "account {account_id} has {balance_cents} cents, {amount_cents} were asked for"
    ))
    .with_kind("urn:lab:too-little-money")
}

fn no_account(id: i64) -> Failure {
    Failure::not_found(format!("there is no account {id}"))
}
