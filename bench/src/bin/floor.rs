//! The floor of the comparison: a gateway of actix-web and reqwest that passes bytes through and stores nothing.
//!
//! `floor PORT PROVIDER-URL`

use std::env;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpResponse, HttpServer, error, web};
use anyhow::Context;
use reqwest::Client;

/// The limit of a request; that of a long conversation must fit.
const BODY_BYTES: usize = 16 * 1024 * 1024;

struct Provider {
    client: Client,
    url: String,
}

async fn pass(provider: Data<Provider>, body: Bytes) -> actix_web::Result<HttpResponse> {
    let request = provider.client.post(&provider.url).header("content-type", "application/json").body(body);
    let answer = request.send().await.map_err(error::ErrorBadGateway)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(error::ErrorBadGateway)?;
    let mut response = HttpResponse::build(status);
    if let Some(kind) = answer.headers().get("content-type") {
        response.insert_header((CONTENT_TYPE, kind.as_bytes()));
    }
    if let Some(length) = answer.content_length() {
        response.no_chunking(length);
    }
    Ok(response.streaming(answer.bytes_stream()))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let port: u16 = arguments.next().context("floor PORT PROVIDER-URL")?.parse()?;
    let base = arguments.next().context("floor PORT PROVIDER-URL")?;
    let application = move || {
        // Each worker thread has its own client, so no call crosses threads.
        let provider = Provider { client: Client::new(), url: format!("{base}/chat/completions") };
        App::new()
            .app_data(PayloadConfig::new(BODY_BYTES))
            .app_data(Data::new(provider))
            .route("/v1/chat/completions", web::post().to(pass))
    };
    HttpServer::new(application).tcp_nodelay(true).bind(("127.0.0.1", port))?.run().await?;
    Ok(())
}
