//! The macro that makes an enum of a table.

/// Makes an enum with one row of facts for each variant, so that a variant cannot be without its facts
/// and is in the list of all. Each variant is written with the fields of its row.
macro_rules! rows {
    (
        $(#[$meta:meta])*
        pub enum $kind:ident: $row:ident
        $($(#[$doc:meta])* $variant:ident { $($fields:tt)* })*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind {
            $($(#[$doc])* $variant,)*
        }

        impl $kind {
            /// All of them, in the order of their table.
            pub const ALL: &'static [$kind] = &[$($kind::$variant,)*];

            /// Returns the row of facts.
            pub const fn row(self) -> &'static $row {
                match self {
                    $($kind::$variant => {
                        const ROW: $row = $row { $($fields)* };
                        &ROW
                    })*
                }
            }
        }
    };
}

pub(crate) use rows;
