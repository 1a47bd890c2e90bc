//! The application and the server that runs it.

use std::io;
use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error, HttpServer};
use services::{Conversations, Files, Health, Limits, Personas, Prompts, SignIn, Turns};

use crate::middleware::{cors, request_context};
use crate::{HttpSettings, routes, stream};

/// The services that the handlers call.
#[derive(Clone)]
pub struct Services {
    /// Sends messages, and watches and stops turns.
    pub turns: Turns,
    /// Reads and changes conversations.
    pub conversations: Conversations,
    /// Stores uploaded files.
    pub files: Files,
    /// Keeps personas and the conversations with them.
    pub personas: Personas,
    /// Keeps prompts, and has models answer them.
    pub prompts: Prompts,
    /// Limits the rate of calls.
    pub limits: Limits,
    /// Keeps accounts and checks tokens.
    pub sign_in: SignIn,
    /// Checks the parts that the service needs.
    pub health: Health,
}

/// The application: all endpoints, behind the middleware.
pub fn application(
    settings: &HttpSettings,
    services: &Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .configure(|config| install(settings, services, config))
        // Inside `request_context`, so that preflights have a request id too, and refused ones the usual error body.
        .wrap(cors::layer(&settings.cors_origins))
        .wrap(from_fn(request_context::run))
        .wrap(NormalizePath::trim())
}

/// A server on these listeners. It runs while it is polled, and does not handle signals.
///
/// # Errors
/// If a listener cannot be used.
pub fn server(settings: HttpSettings, services: Services, listeners: Vec<TcpListener>) -> io::Result<Server> {
    let HttpSettings { header_timeout, keep_alive, workers, shutdown_timeout, .. } = settings;
    let mut server = HttpServer::new(move || application(&settings, &services))
        .on_connect(stream::keep_socket)
        // When a client closes its connection, its stream is dropped at once, even if no event is sent.
        .h1_allow_half_closed(false)
        // Nagle's algorithm would hold back the events of a short stream for 40 ms.
        .tcp_nodelay(true)
        .client_request_timeout(header_timeout)
        .keep_alive(keep_alive)
        .shutdown_timeout(shutdown_timeout.as_secs())
        .disable_signals();
    if let Some(workers) = workers {
        server = server.workers(workers);
    }
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

fn install(settings: &HttpSettings, services: &Services, config: &mut ServiceConfig) {
    let Services { turns, conversations, files, personas, prompts, limits, sign_in, health } =
        services.clone();
    config
        .app_data(Data::new(settings.clone()))
        .app_data(Data::new(turns))
        .app_data(Data::new(conversations))
        .app_data(Data::new(files))
        .app_data(Data::new(personas))
        .app_data(Data::new(prompts))
        .app_data(Data::new(limits))
        .app_data(Data::new(sign_in))
        .app_data(Data::new(health))
        .configure(routes::install);
}
