//! The accounts.

use async_trait::async_trait;
use domain::{NewUser, Tier, Timestamp, User, UserId, sign_in_name};
use ports::{RegisterError, SignInRecord, StoreError, UserChange, UserStore};
use sqlx::{Connection as _, SqliteConnection, SqliteExecutor};
use stored::UserColumns;

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::{json_of, micros};

#[async_trait]
impl UserStore for SqliteStore {
    async fn register(&self, new: NewUser) -> Result<User, RegisterError> {
        let register = self.writer.write(move |connection| Box::pin(register(connection, new.clone())));
        register.await?.ok_or(RegisterError::Taken)
    }

    async fn find_for_sign_in(&self, name: String) -> Result<Option<SignInRecord>, StoreError> {
        // Of two accounts that were made before names were compared in one form, one still has its own form.
        let (own_form, name) = (name.to_lowercase(), sign_in_name(&name));
        let row = sqlx::query!(
            r#"SELECT u.id AS "id!", u.email, u.username, u.full_name, u.password_hash, u.tier,
                 u.active AS "active: bool", u.created_at
               FROM sign_in_names n JOIN users u ON u.id = n.user_id
               WHERE n.name IN (?1, ?2) ORDER BY n.name = ?1 DESC LIMIT 1"#,
            own_form,
            name,
        )
        .fetch_optional(&self.reads)
        .await
        .map_err(DbError::from)?;
        let Some(row) = row else { return Ok(None) };
        let user = UserColumns {
            id: row.id,
            email: row.email,
            username: row.username,
            full_name: row.full_name,
            tier: row.tier,
            active: row.active,
            created_at: row.created_at,
        };
        Ok(Some(SignInRecord { user: user.try_into()?, password_hash: row.password_hash }))
    }

    async fn provision(&self, issuer: String, subject: String, at: Timestamp) -> Result<User, StoreError> {
        if let Some(user) = by_subject(&self.reads, &issuer, &subject).await? {
            return Ok(user);
        }
        let provision = self
            .writer
            .write(move |connection| Box::pin(provision(connection, issuer.clone(), subject.clone(), at)));
        Ok(provision.await?)
    }

    async fn find(&self, user: UserId) -> Result<Option<User>, StoreError> {
        Ok(by_id(&self.reads, user).await?)
    }

    async fn change(&self, user: UserId, change: UserChange) -> Result<Option<User>, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(self::change(connection, user, change))).await?)
    }
}

async fn by_id(executor: impl SqliteExecutor<'_>, user: UserId) -> Result<Option<User>, DbError> {
    let row = sqlx::query_as!(
        UserColumns::<i64>,
        r#"SELECT id AS "id!", email, username, full_name, tier, active AS "active: bool", created_at
           FROM users WHERE id = ?1"#,
        user.0,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(User::try_from).transpose()?)
}

async fn by_subject(
    executor: impl SqliteExecutor<'_>,
    issuer: &str,
    subject: &str,
) -> Result<Option<User>, DbError> {
    let row = sqlx::query_as!(
        UserColumns::<i64>,
        r#"SELECT id AS "id!", email, username, full_name, tier, active AS "active: bool", created_at
           FROM users WHERE issuer = ?1 AND subject = ?2"#,
        issuer,
        subject,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(User::try_from).transpose()?)
}

/// Makes an account; `None` where its names are taken.
async fn register(connection: &mut SqliteConnection, new: NewUser) -> Result<Option<User>, DbError> {
    let username = sign_in_name(&new.username);
    let email = new.email.as_deref().map(sign_in_name).filter(|email| *email != username);
    let names: Vec<String> = std::iter::once(username).chain(email).collect();
    let names = json_of(&names)?;
    let taken = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM sign_in_names WHERE name IN (SELECT value FROM json_each(?1)))
             AS "taken!: bool""#,
        names,
    )
    .fetch_one(&mut *connection)
    .await?;
    if taken {
        return Ok(None);
    }
    let created_at = micros(new.at);
    let id = sqlx::query_scalar!(
        r#"INSERT INTO users (email, username, full_name, password_hash, created_at)
           VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id AS "id!: i64""#,
        new.email,
        new.username,
        new.full_name,
        new.password_hash,
        created_at,
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!("INSERT INTO sign_in_names (name, user_id) SELECT value, ?2 FROM json_each(?1)", names, id,)
        .execute(&mut *connection)
        .await?;
    by_id(connection, UserId(id)).await
}

/// Brings the names of accounts into the form in which they are compared now; versions before compared lower case alone.
/// SQLite has no function for it. Where two names become the same, one account gets it, and the other keeps its own form.
pub(crate) async fn compose_names(connection: &mut SqliteConnection) -> Result<(), DbError> {
    let mut transaction = connection.begin().await?;
    // Names of ASCII characters have one form.
    let names = sqlx::query_scalar!(
        "SELECT name FROM sign_in_names WHERE length(CAST(name AS BLOB)) > length(name) ORDER BY user_id, name"
    );
    for name in names.fetch_all(&mut *transaction).await? {
        let composed = sign_in_name(&name);
        if composed != name {
            sqlx::query!("UPDATE OR IGNORE sign_in_names SET name = ?2 WHERE name = ?1", name, composed)
                .execute(&mut *transaction)
                .await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// Makes the account of a subject of another issuer, unless it exists by now.
async fn provision(
    connection: &mut SqliteConnection,
    issuer: String,
    subject: String,
    at: Timestamp,
) -> Result<User, DbError> {
    let created_at = micros(at);
    sqlx::query!(
        "INSERT INTO users (issuer, subject, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        issuer,
        subject,
        created_at,
    )
    .execute(&mut *connection)
    .await?;
    let user = by_subject(connection, &issuer, &subject).await?;
    user.ok_or_else(|| DbError::refused("the new account is not there"))
}

async fn change(
    connection: &mut SqliteConnection,
    user: UserId,
    change: UserChange,
) -> Result<Option<User>, DbError> {
    let tier = change.tier.map(Tier::as_str);
    sqlx::query!(
        "UPDATE users SET tier = coalesce(?2, tier), active = coalesce(?3, active) WHERE id = ?1",
        user.0,
        tier,
        change.active,
    )
    .execute(&mut *connection)
    .await?;
    by_id(connection, user).await
}
