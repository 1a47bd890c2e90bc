//! What every API and both stores use: the names of enums, and the text of types that hold a checked text.

/// Gives the variants of an enum their names.
macro_rules! names {
    ($type:ident: $($variant:ident => $name:literal),+) => {
        impl $type {
            /// Returns the name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Parses a name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Gives types that hold a text their text.
macro_rules! text_type {
    ($($type:ident),+) => {
        $(impl $type {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        })+
    };
}

pub(crate) use {names, text_type};
