//! The stores, which the crate `opendal` talks to.

use std::{env, error::Error as _};

use opendal::{
    Builder, Operator,
    services::{Ghac, Redis, S3, Webdav},
};

use crate::cache::remote::settings::{Secret, Service, Settings};

/// The variable that GitHub sets in its runners, and that of the token for the cache, which a step has to pass on.
const IN_ACTIONS: &str = "GITHUB_ACTIONS";
const TOKEN: &str = "ACTIONS_RUNTIME_TOKEN";

/// Returns whether the store can be there, on this machine.
pub(crate) fn is_here(settings: &Settings) -> bool {
    if !matches!(settings.service, Service::Ghac { .. }) {
        return true;
    }
    let is_here = env::var_os(IN_ACTIONS).is_some();
    if !is_here {
        tracing::info!("the shared cache is not used: this is not a runner of GitHub Actions");
    }
    is_here
}

/// Returns access to a store with so many connections. Nothing is sent yet.
pub(crate) fn open(settings: &Settings, connections: usize) -> Result<Operator, String> {
    // reqwest and redis take the default. It may have been set by the program that this crate is a part of.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // opendal makes a client like this one for all stores, and panics if that fails.
    if let Err(error) = reqwest::Client::builder().build() {
        let why = error.source().map(ToString::to_string);
        return Err(format!(
            "TLS can't be used ({}): install the certificates of authorities (ca-certificates)",
            why.unwrap_or_else(|| error.to_string())
        ));
    }
    let root = &settings.prefix;
    match &settings.service {
        Service::Redis {
            endpoint,
            db,
            username,
            password,
        } => operator(
            Redis::default()
                .endpoint(endpoint)
                .db(i64::from(*db))
                .username(username.as_deref().unwrap_or_default())
                .password(reveal(password.as_ref()))
                .connection_pool_max_size(connections)
                .root(root),
        ),
        Service::S3 {
            bucket,
            endpoint,
            region,
            no_credentials,
        } => {
            let mut builder = S3::default().bucket(bucket).region(region).root(root);
            if let Some(endpoint) = endpoint {
                builder = builder.endpoint(endpoint);
            }
            if *no_credentials {
                builder = builder
                    .disable_config_load()
                    .disable_ec2_metadata()
                    .skip_signature();
            }
            operator(builder)
        }
        Service::Webdav {
            endpoint,
            username,
            password,
            token,
        } => operator(
            Webdav::default()
                .endpoint(endpoint)
                .username(username.as_deref().unwrap_or_default())
                .password(reveal(password.as_ref()))
                .token(reveal(token.as_ref()))
                .root(root),
        ),
        Service::Ghac { .. } if env::var_os(TOKEN).is_none() => Err(format!(
            "{TOKEN} is not set; docs/cache.md has a step for the workflow that sets it"
        )),
        Service::Ghac { version } => operator(
            Ghac::default()
                .version(version.as_deref().unwrap_or("jit-cli"))
                .root(root),
        ),
    }
}

fn operator(builder: impl Builder) -> Result<Operator, String> {
    let built = Operator::new(builder).map_err(|error| error.to_string())?;
    Ok(built.finish())
}

fn reveal(secret: Option<&Secret>) -> &str {
    secret.map_or("", |secret| &secret.0)
}
