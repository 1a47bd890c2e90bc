//! The names of enums, which every API and both stores use.

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

pub(crate) use names;
