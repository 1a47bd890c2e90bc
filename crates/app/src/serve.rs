//! The command `serve`: wires the services, starts the server, and shuts down on a signal.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::{RequestOptions, Sampling, Temperature};
use http::{ContextManagement, HttpSettings, Pricing, PublicConfig, PublicLimits};
use local::{SlidingMinute, SystemClock, UuidIds};
use ports::{Clock, IdSource, StoreError};
use services::{
    Conversations, Files, FilesSetup, Health, Limits, PersonaSettings, Personas, PersonasSetup,
    PromptSettings, Prompts, PromptsSetup, Tasks, TurnSettings, Turns, TurnsSetup, UploadLimit,
};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::adapters;
use crate::config::{Config, DatabaseChoice, Server};
use crate::instance_lock::InstanceLock;
use crate::stores::{self, Store};
use crate::telemetry::DroppedLines;

/// How often the new text of running turns is stored (docs/ARCHITECTURE.md).
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);
/// How often the process renews its lease.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often it looks whether other processes have lost their locks. One that was killed is seen to have, twice, in 2 s.
const WATCH_LOCKS_EVERY: Duration = Duration::from_secs(1);
/// How long storing a finished reply is retried while the store cannot be reached.
const FINISH_PATIENCE: Duration = Duration::from_mins(1);
/// How long interrupted turns have to store the text they have so far.
const INTERRUPT_GRACE: Duration = Duration::from_secs(5);
/// The pause between two attempts to reach the database at the start.
const START_PAUSE: Duration = Duration::from_secs(1);

/// Runs the service until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start: a port is in use, the SQLite file cannot be used, a key cannot be read.
pub async fn run(config: Config, dropped_lines: DroppedLines) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    announce(&config);
    let _lock = match &config.database.choice {
        DatabaseChoice::SqliteFile { path } => Some(InstanceLock::take(path)?),
        DatabaseChoice::SqliteMemory | DatabaseChoice::Postgres { .. } => None,
    };
    let store = stores::open(&config.database).await.context("the database cannot be opened")?;
    let tasks = Tasks::new(Handle::current());
    tasks.spawn_background(dropped_lines.report_always());
    let (services, turns) = assemble(&config, &store, &tasks)?;
    prepare(&config, &store, &services.health, &turns, &tasks).await?;
    turns.start_upkeep();
    services.files.start_sweeping();

    let health = services.health.clone();
    let listeners = bind(&config.server)?;
    let server = http::server(http_settings(&config), services, listeners)?;
    let handle = server.handle();
    #[expect(clippy::disallowed_methods, reason = "`handle.stop` ends it, while other tasks still run")]
    let mut serving = tokio::spawn(server);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("received SIGTERM: shutting down"),
        _ = interrupt.recv() => tracing::info!("received SIGINT: shutting down"),
        ended = &mut serving => bail!("the server ended by itself: {ended:?}"),
    }

    health.drain();
    let (all_ended, ()) =
        tokio::join!(tasks.shut_down(config.server.shutdown_grace, INTERRUPT_GRACE), handle.stop(true));
    if !all_ended {
        tracing::warn!("some turns did not end in time; another process or the next start will end them");
    }
    turns.retire().await;
    store.close().await;
    tracing::info!("shut down");
    Ok(())
}

/// Writes the first lines of the log: version, store, provider, and what the operator should know.
fn announce(config: &Config) {
    tracing::info!(
        "omnichat {}: the store is {}, the provider is {}",
        env!("CARGO_PKG_VERSION"),
        config.database.choice.describe(),
        config.provider.choice.name()
    );
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
}

fn assemble(
    config: &Config,
    store: &Arc<dyn Store>,
    tasks: &Tasks,
) -> anyhow::Result<(http::Services, Turns)> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdSource> = Arc::new(UuidIds);
    let model = adapters::model(&config.provider)?;
    let blobs = adapters::blobs(&config.storage)?;
    let turns = Turns::new(TurnsSetup {
        turns: store.clone(),
        conversations: store.clone(),
        events: store.clone(),
        files: store.clone(),
        runners: store.clone(),
        ledger: store.clone(),
        model: Arc::clone(&model),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        tasks: tasks.clone(),
        settings: TurnSettings {
            models: config.models.facts.clone(),
            title_model: config.models.title.clone(),
            titled_by_model: http::TITLED_BY_MODEL.to_vec(),
            first_event_grace: config.server.first_event_grace,
            checkpoint_every: CHECKPOINT_EVERY,
            renew_every: RENEW_EVERY,
            watch_locks_every: WATCH_LOCKS_EVERY,
            finish_patience: FINISH_PATIENCE,
        },
    });
    let conversations =
        Conversations::new(store.clone(), turns.clone(), Arc::clone(&clock), Arc::clone(&ids), tasks.clone());
    let files = Files::new(FilesSetup {
        store: store.clone(),
        conversations: conversations.clone(),
        blobs: Arc::clone(&blobs),
        extractor: adapters::reader()?,
        clock: Arc::clone(&clock),
        ids,
        tasks: tasks.clone(),
        upload_limit: UploadLimit::megabytes(config.limits.max_pdf_size_mb),
    });
    let personas = Personas::new(PersonasSetup {
        store: store.clone(),
        messages: store.clone(),
        conversations: conversations.clone(),
        turns: turns.clone(),
        clock: Arc::clone(&clock),
        tasks: tasks.clone(),
        settings: PersonaSettings {
            default_model: config.models.defaults.persona_chat.clone(),
            options: Arc::new(RequestOptions {
                sampling: Sampling::new(None, None, Some(config.models.persona_chat_max_tokens))?,
                default_temperature: Some(Temperature::new(config.models.persona_chat_temperature)?),
            }),
            history_limit: config.limits.history_limit,
        },
    });
    let prompts = Prompts::new(PromptsSetup {
        store: store.clone(),
        ledger: store.clone(),
        model: Arc::clone(&model),
        clock,
        tasks: tasks.clone(),
        settings: PromptSettings {
            preview_model: config.models.preview.clone(),
            models: config.models.facts.clone(),
        },
    });
    let services = http::Services {
        turns: turns.clone(),
        conversations,
        personas,
        prompts,
        files,
        limits: Limits::new(Arc::new(SlidingMinute::default()), config.limits.rates.clone()),
        sign_in: adapters::sign_in(&config.auth, store.clone(), tasks.clone())?,
        health: Health::new(store.clone(), model, blobs),
    };
    Ok((services, turns))
}

/// Brings the database up to date and ends the turns of dead processes. SQLite must be usable before the service
/// starts. A PostgreSQL server may come up, or be set right, later: until then this goes on in the background, the
/// service is not ready, and the log says why.
async fn prepare(
    config: &Config,
    store: &Arc<dyn Store>,
    health: &Health,
    turns: &Turns,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    let migrate = config.database.migrate_on_start;
    match &config.database.choice {
        DatabaseChoice::SqliteFile { .. } | DatabaseChoice::SqliteMemory => {
            make_ready(store.as_ref(), turns, migrate).await.context("the database cannot be used")
        }
        DatabaseChoice::Postgres { .. } => {
            let (store, health, turns) = (store.clone(), health.clone(), turns.clone());
            tasks.spawn_background(async move {
                while let Err(error) = make_ready(store.as_ref(), &turns, migrate).await {
                    health.report_outage(&error);
                    tokio::time::sleep(START_PAUSE).await;
                }
            });
            Ok(())
        }
    }
}

async fn make_ready(store: &dyn Store, turns: &Turns, migrate: bool) -> Result<(), StoreError> {
    if migrate {
        store.migrate().await?;
    }
    turns.recover_orphans().await
}

/// Binds all addresses. An optional one that this machine does not have is left out.
fn bind(server: &Server) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for listen in &server.listen {
        match TcpListener::bind(listen.address) {
            Ok(listener) => {
                tracing::info!("listening on http://{}", listen.address);
                listeners.push(listener);
            }
            Err(error) if listen.optional => tracing::debug!(%error, "not listening on {}", listen.address),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot listen on {} (HOST, PORT)", listen.address));
            }
        }
    }
    Ok(listeners)
}

fn http_settings(config: &Config) -> HttpSettings {
    let price = config.models.facts.default_price;
    let context = &config.context_management;
    let public = PublicConfig {
        provider: config.provider.choice.name().to_owned(),
        model: config.models.defaults.llm_chat.to_string(),
        limits: PublicLimits {
            rate_limit_per_minute: config.limits.rates.chat,
            max_input_length: config.limits.max_input_length,
            max_file_size_mb: config.limits.max_file_size_mb,
        },
        context_management: ContextManagement {
            mode: context.mode.as_str().to_owned(),
            window_size: context.window_size,
            summarize_after_messages: context.summarize_after_messages,
            summary_update_interval: context.summary_update_interval,
        },
        pricing: Pricing {
            input_per_1k: price.input_per_1k.to_dollars(),
            output_per_1k: price.output_per_1k.to_dollars(),
        },
    };
    HttpSettings {
        heartbeat: config.server.heartbeat,
        trusted_proxies: config.server.trusted_proxies.clone(),
        cors_origins: config.server.cors_origins.clone(),
        // Open streams end with their turns, so connections must be kept longer than turns may take.
        shutdown_timeout: config.server.shutdown_grace + INTERRUPT_GRACE + INTERRUPT_GRACE,
        ..HttpSettings::new(env!("CARGO_PKG_VERSION"), public, config.models.defaults.clone())
    }
}
