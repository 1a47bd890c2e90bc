//! User accounts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{NewUser, Tier, Timestamp, User, UserId, sign_in_name};
use ports::{RegisterError, SignInRecord, StoreError, UserChange, UserStore};
use stored::UserColumns;

use crate::PostgresStore;
use crate::error::{DbError, is_taken};

#[async_trait]
impl UserStore for PostgresStore {
    async fn register(&self, new: NewUser) -> Result<User, RegisterError> {
        let NewUser { email, username, full_name, password_hash, at } = new;
        // Lower case is made here: in PostgreSQL it depends on the locale of the database.
        let names: BTreeSet<String> =
            std::iter::once(&username).chain(&email).map(|name| sign_in_name(name)).collect();
        let names: Vec<String> = names.into_iter().collect();
        let insert = |pool| {
            sqlx::query_as!(
                UserColumns::<Timestamp>,
                r#"WITH made AS (
                     INSERT INTO omnichat.users (email, username, full_name, password_hash, created_at)
                     VALUES ($1, $2, $3, $4, $5) RETURNING *
                   ),
                   named AS (
                     INSERT INTO omnichat.sign_in_names (name, user_id)
                     SELECT n.name, made.id FROM made CROSS JOIN unnest($6::text[]) AS n (name)
                   )
                   SELECT id, email, username, full_name, tier, active, created_at FROM made"#,
                email.as_deref(),
                username,
                full_name.as_deref(),
                password_hash.as_deref(),
                at,
                names.as_slice(),
            )
            .fetch_one(pool)
        };
        match self.pool.attempt(insert).await? {
            Ok(row) => Ok(User::try_from(row).map_err(DbError::from)?),
            Err(error) if is_taken(&error) => Err(RegisterError::Taken),
            Err(error) => Err(DbError::from(error).into()),
        }
    }

    async fn find_for_sign_in(&self, name: String) -> Result<Option<SignInRecord>, StoreError> {
        if name.contains('\0') {
            // PostgreSQL cannot store such a text, so no account has this name.
            return Ok(None);
        }
        // Of two accounts that were made before names were compared in one form, one still has its own form.
        let (own_form, name) = (name.to_lowercase(), sign_in_name(&name));
        let read = |pool| {
            sqlx::query!(
                "SELECT u.id, u.email, u.username, u.full_name, u.tier, u.active, u.created_at, u.password_hash
                 FROM omnichat.sign_in_names n JOIN omnichat.users u ON u.id = n.user_id
                 WHERE n.name IN ($1, $2) ORDER BY n.name = $1 DESC LIMIT 1",
                own_form,
                name,
            )
            .fetch_optional(pool)
        };
        let Some(row) = self.pool.run(read).await? else { return Ok(None) };
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
        let find = |pool| {
            sqlx::query_as!(
                UserColumns::<Timestamp>,
                "SELECT id, email, username, full_name, tier, active, created_at FROM omnichat.users
                 WHERE issuer = $1 AND subject = $2",
                issuer,
                subject,
            )
            .fetch_optional(pool)
        };
        // Nearly always the account exists, and a read uses up no id.
        if let Some(row) = self.pool.run(find).await? {
            return Ok(row.try_into()?);
        }
        let insert = |pool| {
            sqlx::query_as!(
                UserColumns::<Timestamp>,
                "INSERT INTO omnichat.users (issuer, subject, created_at) VALUES ($1, $2, $3)
                 ON CONFLICT (issuer, subject) DO UPDATE SET subject = excluded.subject
                 RETURNING id, email, username, full_name, tier, active, created_at",
                issuer,
                subject,
                at,
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(insert).await?.try_into()?)
    }

    async fn find(&self, user: UserId) -> Result<Option<User>, StoreError> {
        let read = |pool| {
            sqlx::query_as!(
                UserColumns::<Timestamp>,
                "SELECT id, email, username, full_name, tier, active, created_at FROM omnichat.users WHERE id = $1",
                user.0,
            )
            .fetch_optional(pool)
        };
        Ok(self.pool.run(read).await?.map(User::try_from).transpose()?)
    }

    async fn change(&self, user: UserId, change: UserChange) -> Result<Option<User>, StoreError> {
        let UserChange { tier, active } = change;
        let update = |pool| {
            sqlx::query_as!(
                UserColumns::<Timestamp>,
                "UPDATE omnichat.users SET tier = coalesce($2, tier), active = coalesce($3, active) WHERE id = $1
                 RETURNING id, email, username, full_name, tier, active, created_at",
                user.0,
                tier.map(Tier::as_str),
                active,
            )
            .fetch_optional(pool)
        };
        Ok(self.pool.run(update).await?.map(User::try_from).transpose()?)
    }
}
