//! The stores, which the crate `opendal` talks to.

use std::env;

use opendal::{
    Builder, Operator,
    services::{Ghac, Redis, S3, Webdav},
};

use crate::cache::remote::settings::{Secret, Service, Settings};

/// The variable that GitHub sets in its runners, and that of the token for the cache, which a step has to pass on.
const IN_ACTIONS: &str = "GITHUB_ACTIONS";
const TOKEN: &str = "ACTIONS_RUNTIME_TOKEN";

/// Returns access to a store with so many connections, or `None` if it can't be there. Nothing is sent yet.
pub(crate) fn open(settings: &Settings, connections: usize) -> Result<Option<Operator>, String> {
    // reqwest and redis take the default. It may have been set by the program that this crate is a part of.
    let _ = rustls::crypto::ring::default_provider().install_default();
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
            let mut builder = S3::default().bucket(bucket).root(root);
            if let Some(endpoint) = endpoint {
                builder = builder.endpoint(endpoint);
            }
            let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].map(env::var_os);
            match (region, endpoint) {
                (Some(region), _) => builder = builder.region(region),
                // Other stores than Amazon's have none, but it is signed.
                (None, Some(_)) if named == [None, None] => builder = builder.region("us-east-1"),
                (None, _) => {}
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
        Service::Ghac { .. } if env::var_os(IN_ACTIONS).is_none() => {
            tracing::info!("the shared cache is not used: this is not a runner of GitHub Actions");
            Ok(None)
        }
        Service::Ghac { .. } if env::var_os(TOKEN).is_none() => {
            tracing::warn!(
                "the shared cache is not used: {TOKEN} is not set; docs/cache.md has a step for the workflow that \
                 sets it"
            );
            Ok(None)
        }
        Service::Ghac { version } => operator(
            Ghac::default()
                .version(version.as_deref().unwrap_or("jit-cli"))
                .root(root),
        ),
    }
}

fn operator(builder: impl Builder) -> Result<Option<Operator>, String> {
    Operator::new(builder)
        .map(|builder| Some(builder.finish()))
        .map_err(|error| error.to_string())
}

fn reveal(secret: Option<&Secret>) -> &str {
    secret.map_or("", |secret| &secret.0)
}
