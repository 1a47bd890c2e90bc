//! Accounts as the operator manages them at the command line.

use std::sync::Arc;

use domain::User;
use ports::{StoreError, UserChange, UserStore};

use crate::Tasks;

/// Shows and changes accounts.
pub struct Accounts {
    users: Arc<dyn UserStore>,
    tasks: Tasks,
}

impl Accounts {
    /// The accounts of this store; writes run as these tasks.
    #[must_use]
    pub fn new(users: Arc<dyn UserStore>, tasks: Tasks) -> Self {
        Self { users, tasks }
    }

    /// Changes the account with this name or email address, in any case, and returns it as it is afterwards. An empty
    /// change only shows it. `None` if there is no such account.
    pub async fn change(&self, name: &str, change: UserChange) -> Result<Option<User>, StoreError> {
        let Some(record) = self.users.find_for_sign_in(name.trim().to_lowercase()).await? else {
            return Ok(None);
        };
        if change == UserChange::default() {
            return Ok(Some(record.user));
        }
        let users = Arc::clone(&self.users);
        self.tasks.run(async move { users.change(record.user.id, change).await }).await
    }
}
