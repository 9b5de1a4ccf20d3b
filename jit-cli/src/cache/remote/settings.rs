//! Where the shared cache is: the table `[cache]` of a `jit.toml`, and environment variables.
//!
//! Variables that name a service replace the table's. Credentials are in the environment only.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use serde::Deserialize;

/// The start of the names of all variables.
const START: &str = "JIT_CACHE_";
/// The directory of the local cache, an option of the command line.
const DIRECTORY: &str = "JIT_CACHE_DIR";

/// The table `[cache]` of a `jit.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CacheTable {
    /// What the names of all entries begin with.
    prefix: Option<String>,
    /// Whether entries are read and none are written.
    read_only: Option<bool>,
    redis: Option<RedisTable>,
    s3: Option<S3Table>,
    webdav: Option<WebdavTable>,
    ghac: Option<GhacTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RedisTable {
    endpoint: String,
    #[serde(default)]
    db: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct S3Table {
    bucket: String,
    endpoint: Option<String>,
    region: Option<String>,
    #[serde(default)]
    no_credentials: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WebdavTable {
    endpoint: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GhacTable {
    version: Option<String>,
}

/// What is known of a shared cache.
#[derive(Debug)]
#[cfg_attr(not(feature = "remote-cache"), expect(dead_code))]
pub(crate) struct Settings {
    pub(crate) service: Service,
    pub(crate) prefix: String,
    pub(crate) read_only: bool,
}

/// The kinds of stores, with what it takes to reach them.
#[derive(Debug)]
#[cfg_attr(not(feature = "remote-cache"), expect(dead_code))]
pub(crate) enum Service {
    Redis {
        endpoint: String,
        db: u32,
        username: Option<String>,
        password: Option<Secret>,
    },
    /// Credentials are found as AWS's own tools find them.
    S3 {
        bucket: String,
        endpoint: Option<String>,
        region: String,
        no_credentials: bool,
    },
    Webdav {
        endpoint: String,
        username: Option<String>,
        password: Option<Secret>,
        token: Option<Secret>,
    },
    /// The cache of GitHub Actions, which sets the variables for it.
    Ghac { version: Option<String> },
}

/// A text that is not printed.
#[cfg_attr(not(feature = "remote-cache"), expect(dead_code))]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

/// What is wrong with the settings, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Table(String),
    Environment(String),
}

impl Settings {
    /// Returns the settings, or `None` if there is no shared cache.
    pub(crate) fn of(
        table: Option<&CacheTable>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Option<Settings>, Wrong> {
        let variables = Variables::of(variables).map_err(Wrong::Environment)?;
        let named = variables.table().map_err(Wrong::Environment)?;
        let credentials = |table| service(table, &variables);
        let of_table = match table {
            Some(table) => {
                credentials(table).map_err(|why| Wrong::Table(format!("[cache]: {why}")))?
            }
            None => None,
        };
        let of_environment = credentials(&named).map_err(Wrong::Environment)?;
        let Some(service) = of_environment.or(of_table) else {
            return Ok(None);
        };
        let either = named.prefix.or_else(|| table?.prefix.clone());
        Ok(Some(Settings {
            service,
            prefix: either.unwrap_or_else(|| "jit-cli".to_owned()),
            read_only: named.read_only.or(table.and_then(|table| table.read_only)) == Some(true),
        }))
    }
}

/// Returns the service that a table names, with the credentials for it.
fn service(table: &CacheTable, variables: &Variables) -> Result<Option<Service>, String> {
    let secret = |name: &str| variables.get(name).map(Secret);
    let CacheTable {
        redis,
        s3,
        webdav,
        ghac,
        ..
    } = table;
    let named = [
        redis.is_some(),
        s3.is_some(),
        webdav.is_some(),
        ghac.is_some(),
    ];
    if named.iter().filter(|is_named| **is_named).count() > 1 {
        return Err("two stores are named; name one".to_owned());
    }
    if let Some(RedisTable { endpoint, db }) = redis {
        return Ok(Some(Service::Redis {
            endpoint: address(
                endpoint,
                &REDIS,
                ["JIT_CACHE_REDIS_USERNAME", "JIT_CACHE_REDIS_PASSWORD"],
            )?,
            db: *db,
            username: variables.get("REDIS_USERNAME"),
            password: secret("REDIS_PASSWORD"),
        }));
    }
    if let Some(table) = s3 {
        let endpoint = table.endpoint.as_deref();
        return Ok(Some(Service::S3 {
            bucket: match table.bucket.as_str() {
                "" => return Err("the bucket has no name".to_owned()),
                name => name.to_owned(),
            },
            endpoint: match endpoint {
                Some(endpoint) => Some(address(
                    endpoint,
                    &WEB,
                    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
                )?),
                None => None,
            },
            region: variables.region(table)?,
            no_credentials: table.no_credentials,
        }));
    }
    if let Some(WebdavTable { endpoint }) = webdav {
        return Ok(Some(Service::Webdav {
            endpoint: address(
                endpoint,
                &WEB,
                ["JIT_CACHE_WEBDAV_USERNAME", "JIT_CACHE_WEBDAV_PASSWORD"],
            )?,
            username: variables.get("WEBDAV_USERNAME"),
            password: secret("WEBDAV_PASSWORD"),
            token: secret("WEBDAV_TOKEN"),
        }));
    }
    if let Some(GhacTable { version }) = ghac {
        return Ok(Some(Service::Ghac {
            version: version.clone(),
        }));
    }
    Ok(None)
}

/// Returns an address that begins with one of these, without credentials, for which there are variables.
fn address(endpoint: &str, starts: &[&str], variables: [&str; 2]) -> Result<String, String> {
    let found = starts.iter().find_map(|start| endpoint.strip_prefix(start));
    let Some(rest) = found.filter(|rest| !rest.is_empty()) else {
        return Err(format!(
            "the endpoint {endpoint:?} is no address that starts with {}",
            starts.join(" or ")
        ));
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.contains('@') {
        true => Err(format!(
            "the endpoint has a name or a password: use the environment variables {}",
            variables.join(" and ")
        )),
        false => Ok(endpoint.to_owned()),
    }
}

/// What addresses of web servers begin with.
const WEB: [&str; 2] = ["http://", "https://"];
/// What addresses of Redis servers begin with.
const REDIS: [&str; 3] = ["redis://", "rediss://", "redis+unix://"];

/// The variables, by their names without [`START`].
struct Variables(BTreeMap<String, String>);

/// The name of the variable that names a service, and its other settings.
const SERVICES: [(&str, &[&str]); 4] = [
    ("REDIS_ENDPOINT", &["REDIS_DB"]),
    (
        "S3_BUCKET",
        &["S3_ENDPOINT", "S3_REGION", "S3_NO_CREDENTIALS"],
    ),
    ("WEBDAV_ENDPOINT", &[]),
    ("GHAC_ENABLED", &["GHAC_VERSION"]),
];

/// The variables for all services.
const COMMON: [&str; 2] = ["REMOTE_PREFIX", "REMOTE_READ_ONLY"];

/// Credentials, which may be there without being used.
const CREDENTIALS: [&str; 5] = [
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "WEBDAV_USERNAME",
    "WEBDAV_PASSWORD",
    "WEBDAV_TOKEN",
];

/// AWS's own variables for the region.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

impl Variables {
    /// Returns the variables of the shared cache. One that is empty is not set.
    fn of(all: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Variables, String> {
        let mut found = BTreeMap::new();
        for (name, value) in all {
            let Some(name) = name.to_str() else { continue };
            if let (true, Some(value)) = (REGIONS.contains(&name), value.to_str()) {
                found.insert(name.to_owned(), value.to_owned());
            }
            let Some(rest) = name.strip_prefix(START).filter(|_| name != DIRECTORY) else {
                continue;
            };
            let settings = SERVICES.iter();
            let known = settings.flat_map(|(first, others)| [first].into_iter().chain(*others));
            let mut known: Vec<&str> = known.chain(&COMMON).chain(&CREDENTIALS).copied().collect();
            if !known.contains(&rest) {
                known.sort_unstable();
                return Err(format!(
                    "the environment variable {name} is not known; those for a shared cache are {START}* with {}",
                    known.join(", ")
                ));
            }
            match value.into_string() {
                Ok(value) if value.is_empty() => {}
                Ok(value) => drop(found.insert(rest.to_owned(), value)),
                Err(_) => return Err(format!("the environment variable {name} is not UTF-8 text")),
            }
        }
        let variables = Variables(found);
        for (first, others) in SERVICES {
            if variables.get(first).is_none()
                && let Some(other) = others.iter().find(|name| variables.get(name).is_some())
            {
                return Err(format!("{START}{other} is set, but {START}{first} is not"));
            }
        }
        Ok(variables)
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.0.get(name).map(String::as_str) {
            None => Ok(None),
            Some("1" | "true" | "on") => Ok(Some(true)),
            Some("0" | "false" | "off") => Ok(Some(false)),
            Some(other) => Err(format!("{START}{name} is true or false, not {other:?}")),
        }
    }

    /// Returns the region of a bucket. Stores of others than Amazon have none, but requests are signed with one.
    fn region(&self, table: &S3Table) -> Result<String, String> {
        let named = table.region.clone();
        let named = named.or_else(|| REGIONS.iter().find_map(|name| self.get(name)));
        let usual = || table.endpoint.as_ref().map(|_| "us-east-1".to_owned());
        named.or_else(usual).ok_or_else(|| {
            "the region of the bucket is not known: name it with `region` or JIT_CACHE_S3_REGION".to_owned()
        })
    }

    /// Returns the table that says the same.
    fn table(&self) -> Result<CacheTable, String> {
        let db = self.get("REDIS_DB").map(|text| {
            let wrong = |_| format!("{START}REDIS_DB is not a number: {text:?}");
            text.parse().map_err(wrong)
        });
        let db = db.transpose()?.unwrap_or(0);
        let no_credentials = self.flag("S3_NO_CREDENTIALS")? == Some(true);
        let ghac = self.flag("GHAC_ENABLED")? == Some(true);
        Ok(CacheTable {
            prefix: self.get("REMOTE_PREFIX"),
            read_only: self.flag("REMOTE_READ_ONLY")?,
            redis: self
                .get("REDIS_ENDPOINT")
                .map(|endpoint| RedisTable { endpoint, db }),
            s3: self.get("S3_BUCKET").map(|bucket| S3Table {
                bucket,
                endpoint: self.get("S3_ENDPOINT"),
                region: self.get("S3_REGION"),
                no_credentials,
            }),
            webdav: self
                .get("WEBDAV_ENDPOINT")
                .map(|endpoint| WebdavTable { endpoint }),
            ghac: ghac.then(|| GhacTable {
                version: self.get("GHAC_VERSION"),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(table: &str, variables: &[(&str, &str)]) -> Result<Option<Settings>, Wrong> {
        let table: Option<CacheTable> = match table {
            "" => None,
            text => Some(toml::from_str(text).unwrap()),
        };
        let variables = variables.iter().map(|(a, b)| (a.into(), b.into()));
        Settings::of(table.as_ref(), variables)
    }

    fn shown(table: &str, variables: &[(&str, &str)]) -> String {
        format!("{:?}", settings(table, variables).unwrap().unwrap())
    }

    #[test]
    fn nothing_is_named() {
        let others = [
            ("JIT_CACHE_DIR", "/x"),
            ("JIT_CACHE_REDIS_ENDPOINT", ""),
            ("PATH", "/bin"),
        ];
        for table in ["", "prefix = 'a'\nread-only = true"] {
            assert!(settings(table, &others).unwrap().is_none());
            // A password that is set for another project does no harm.
            assert!(
                settings(table, &[("JIT_CACHE_REDIS_PASSWORD", "x")])
                    .unwrap()
                    .is_none()
            );
        }
    }

    #[test]
    fn the_environment_goes_first() {
        let table = "prefix = 'p'\nread-only = true\nredis = { endpoint = 'redis://a', db = 3 }";
        let text = shown(
            table,
            &[
                ("JIT_CACHE_REDIS_USERNAME", "u"),
                ("JIT_CACHE_REDIS_PASSWORD", "hunter2"),
            ],
        );
        for part in [
            "\"redis://a\"",
            "db: 3",
            "Some(\"u\")",
            "prefix: \"p\"",
            "read_only: true",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        let variables = [
            ("JIT_CACHE_S3_BUCKET", "b"),
            ("JIT_CACHE_S3_REGION", "r"),
            ("JIT_CACHE_REMOTE_PREFIX", "q"),
            ("JIT_CACHE_REMOTE_READ_ONLY", "false"),
        ];
        let text = shown(table, &variables);
        for part in [
            "S3 {",
            "\"b\"",
            "region: \"r\"",
            "prefix: \"q\"",
            "read_only: false",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (redis, s3) = (
            ("JIT_CACHE_REDIS_ENDPOINT", "redis://a"),
            ("JIT_CACHE_S3_BUCKET", "b"),
        );
        for (variables, part) in [
            (&[redis, s3][..], "two stores"),
            (
                &[("JIT_CACHE_REDIS_ENDPIONT", "redis://a")],
                "REDIS_ENDPOINT, ",
            ),
            (
                &[("JIT_CACHE_REDIS_DB", "1")],
                "JIT_CACHE_REDIS_ENDPOINT is not",
            ),
            (&[redis, ("JIT_CACHE_REDIS_DB", "x")], "not a number"),
            (
                &[redis, ("JIT_CACHE_REMOTE_READ_ONLY", "yes")],
                "true or false",
            ),
            (
                &[("JIT_CACHE_REDIS_ENDPOINT", "redis://u:p@a/")],
                "JIT_CACHE_REDIS_PASSWORD",
            ),
            (&[("JIT_CACHE_WEBDAV_ENDPOINT", "example.org")], "https://"),
            (&[("JIT_CACHE_REDIS_ENDPOINT", "redis://")], "no address"),
            (&[s3], "region"),
        ] {
            match settings("", variables) {
                Err(Wrong::Environment(text)) => assert!(text.contains(part), "{text}"),
                other => panic!("{variables:?}: {other:?}"),
            }
        }
        for (table, part) in [
            (
                "redis = { endpoint = 'redis://u:p@a/' }",
                "JIT_CACHE_REDIS_PASSWORD",
            ),
            ("redis = { endpoint = 'a' }\nghac = {}", "two stores"),
            ("s3 = { bucket = '' }", "no name"),
        ] {
            match settings(table, &[]) {
                Err(Wrong::Table(text)) => assert!(text.contains(part), "{text}"),
                other => panic!("{table}: {other:?}"),
            }
        }
    }
}
