//! How a suite of cases is registered, so that no case can be forgotten.

/// Makes a suite out of functions that each take `&$subject`: a module `cases` with all of them, and a macro for other
/// crates that registers one test for each.
///
/// The functions stay private to the suite. One that is missing from the list is dead code, and the compiler says so.
/// The first argument is a `$`, which a macro cannot write into another macro by itself.
macro_rules! suite {
    (
        $d:tt
        $(#[$about:meta])*
        $register:ident for $subject:ident of $suite:ident:
        $($area:ident: $($case:ident),+ $(,)?;)+
    ) => {
        /// All cases of the suite.
        pub mod cases {
            $($(
                #[doc = concat!("The case `", stringify!($area), "::", stringify!($case), "`.")]
                pub async fn $case(subject: &super::$subject) {
                    super::$area::$case(subject).await;
                }
            )+)+
        }

        $(#[$about])*
        #[macro_export]
        macro_rules! $register {
            ($d make:expr) => {
                $($(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $case() {
                        let subject: $crate::$suite::$subject = $d make;
                        $crate::$suite::cases::$case(&subject).await;
                    }
                )+)+
            };
        }
    };
}
pub(crate) use suite;
