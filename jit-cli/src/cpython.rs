//! The CPython releases whose checkouts can be built. Everything that is specific to a release is in a file of
//! its own, so a new release is a new file and an entry in the list in `checkout`.

mod banner;
pub(crate) mod checkout;
pub(crate) mod entered;
pub(crate) mod patchlevel;
pub(crate) mod pins;
pub(crate) mod release;
pub(crate) mod tools;
#[cfg(test)]
mod tried;
mod v3_14;
mod v3_15;
