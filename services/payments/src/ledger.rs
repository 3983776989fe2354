//! Where the balances are: in the database, which all instances share, or in the memory of this one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::{Settings, SettingsError};
use contract::environment::BALANCE_IN;
use store::{Database, Quantity, Reading};

const BALANCE: Quantity = store::quantity!("accounts", "balance_cents");

/// The balances of the accounts.
#[derive(Clone)]
pub(crate) struct Ledger {
    database: Database,
    /// Wrong with several instances: balances that this instance has touched, and keeps to itself. As many as the
    /// database has accounts.
    memory: Option<Arc<Mutex<HashMap<i64, Kept>>>>,
}

/// A balance in memory, with the highest fencing token that it has seen.
#[derive(Debug, Clone, Copy)]
struct Kept {
    balance_cents: i64,
    token: i64,
}

impl Ledger {
    /// Reads `BALANCE_IN`.
    ///
    /// # Errors
    /// When it holds what it may not hold.
    pub(crate) fn from_settings(settings: &Settings, database: Database) -> Result<Self, SettingsError> {
        let places = [("database", false), ("memory", true)];
        let in_memory = settings.environment.choice(BALANCE_IN, &places)?;
        Ok(Self {
            database,
            memory: in_memory.then(Arc::default),
        })
    }

    /// Reads a balance; with a token, no lower one gets through from now on.
    pub(crate) async fn read(&self, id: i64, token: Option<i64>) -> Result<Reading, sqlx::Error> {
        let Some(memory) = &self.memory else {
            return BALANCE.read(&self.database, id, token).await;
        };
        self.remember(memory, id).await?;
        let mut memory = lock_memory(memory);
        let Some(kept) = memory.get_mut(&id) else {
            return Ok(Reading::Missing);
        };
        if kept.admits(token) {
            Ok(Reading::Found(kept.balance_cents))
        } else {
            Ok(Reading::Stale)
        }
    }

    /// Writes a balance; with a token, only if no higher one was seen. Says whether it was written.
    pub(crate) async fn write(&self, id: i64, balance_cents: i64, token: Option<i64>) -> Result<bool, sqlx::Error> {
        let Some(memory) = &self.memory else {
            let mut connection = self.database.acquire().await?;
            return BALANCE.write(&mut connection, id, balance_cents, token).await;
        };
        self.remember(memory, id).await?;
        let mut memory = lock_memory(memory);
        let Some(kept) = memory.get_mut(&id) else {
            return Ok(false);
        };
        let admitted = kept.admits(token);
        if admitted {
            kept.balance_cents = balance_cents;
        }
        Ok(admitted)
    }

    /// Lowers a balance by the amount, if there is as much, and gives what is left.
    pub(crate) async fn take(&self, id: i64, amount_cents: i64) -> Result<Option<i64>, sqlx::Error> {
        let Some(memory) = &self.memory else {
            let mut connection = self.database.acquire().await?;
            return BALANCE.take(&mut connection, id, amount_cents).await;
        };
        self.remember(memory, id).await?;
        let mut memory = lock_memory(memory);
        let enough = memory.get_mut(&id).filter(|kept| kept.balance_cents >= amount_cents);
        Ok(enough.map(|kept| {
            kept.balance_cents -= amount_cents;
            kept.balance_cents
        }))
    }

    /// Opens an account, or gives it another balance; in memory that goes for this instance, too. Says whether it is
    /// new.
    pub(crate) async fn put(&self, id: i64, balance_cents: i64) -> Result<bool, sqlx::Error> {
        let created =
            sqlx::query("INSERT INTO accounts (id, balance_cents) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
                .bind(id)
                .bind(balance_cents)
                .execute(&*self.database)
                .await?
                .rows_affected()
                == 1;
        if !created {
            let mut connection = self.database.acquire().await?;
            BALANCE.write(&mut connection, id, balance_cents, None).await?;
        }
        if let Some(memory) = &self.memory
            && let Some(kept) = lock_memory(memory).get_mut(&id)
        {
            kept.balance_cents = balance_cents;
        }
        Ok(created)
    }

    /// Takes the balance from the database when it is first touched.
    async fn remember(&self, memory: &Mutex<HashMap<i64, Kept>>, id: i64) -> Result<(), sqlx::Error> {
        if lock_memory(memory).contains_key(&id) {
            return Ok(());
        }
        if let Reading::Found(balance_cents) = BALANCE.read(&self.database, id, None).await? {
            let kept = Kept {
                balance_cents,
                token: 0,
            };
            lock_memory(memory).entry(id).or_insert(kept);
        }
        Ok(())
    }
}

impl Kept {
    /// As the database does: a token is admitted unless a higher one was seen, and is then the highest.
    fn admits(&mut self, token: Option<i64>) -> bool {
        let Some(token) = token else {
            return true;
        };
        if token < self.token {
            return false;
        }
        self.token = token;
        true
    }
}

fn lock_memory(memory: &Mutex<HashMap<i64, Kept>>) -> MutexGuard<'_, HashMap<i64, Kept>> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
