//! Whether a host is on the public internet, judged by its name or its address.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

/// Domains of the local machine or the local network.
const PRIVATE_DOMAINS: [&str; 6] = ["localhost", "local", "localdomain", "internal", "home.arpa", "lan"];

/// Whether a host can be on the public internet.
pub(super) fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_public_name(name),
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
    }
}

/// A name without a dot is not public: it is looked up in the network of the client.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_in = |domain: &&str| {
        name.strip_suffix(*domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
    };
    name.contains('.') && !name.ends_with('.') && !PRIVATE_DOMAINS.iter().any(is_in)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_for_protocols = (first, second, third) == (192, 0, 0);
    let is_for_benchmarks = first == 198 && (18..20).contains(&second);
    let is_reserved = first == 0 || first >= 240;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || is_shared
        || is_for_protocols
        || is_for_benchmarks
        || is_reserved)
}

/// Public addresses are in `2000::/3`. Ranges that embed an IPv4 address (6to4, Teredo) are refused: no client needs them.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global_unicast = first & 0xe000 == 0x2000;
    let is_6to4 = first == 0x2002;
    let is_teredo = first == 0x2001 && second == 0;
    is_global_unicast && !is_6to4 && !is_teredo
}
