//! Builds anew when a migration is added: `migrate!` sees only changes of those it knows.

fn main() {
    println!("cargo::rerun-if-changed=../../../migrations/postgres");
}
