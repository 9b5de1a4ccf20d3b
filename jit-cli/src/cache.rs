//! What earlier builds made, found again by what it was made from.

pub(crate) mod key;
pub(crate) mod lookup;
pub(crate) mod record;
pub(crate) mod store;
