//! The client's address.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use ipnet::IpNet;

use crate::HttpSettings;
use crate::error::ApiError;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: the peer of the connection, or the address that a trusted proxy names.
pub(crate) struct ClientAddress(String);

impl ClientAddress {
    /// The key under which the calls of the client are counted.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromRequest for ClientAddress {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusted = request.app_data::<Data<HttpSettings>>().map(|settings| &settings.trusted_proxies[..]);
        let lines = request.headers().get_all(FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default());
        let forwarded: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        let address = request.peer_addr().map(|peer| origin(peer.ip(), &forwarded, trusted.unwrap_or(&[])));
        ready(Ok(Self(address.map_or_else(|| "unknown".to_owned(), client_key))))
    }
}

/// Goes back from the peer through the addresses in `X-Forwarded-For`, as long as they are trusted proxies.
fn origin(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut address = peer.to_canonical();
    for earlier in forwarded.iter().rev() {
        if !trusted.iter().any(|network| network.contains(&address)) {
            break;
        }
        // Nothing before an entry that cannot be read can be trusted.
        let Some(earlier) = read(earlier) else { break };
        address = earlier.to_canonical();
    }
    address
}

/// Reads an address as proxies write it: alone, in brackets, or with a port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().ok().map(|address: std::net::SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

/// The key of an address. A client of IPv6 usually has a whole /64 network, so the network is the key.
fn client_key(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_entries_of_trusted_proxies_count() {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let cases: [(&str, &[&str], &str); 9] = [
            ("203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", &["9.9.9.9", " 1.1.1.1:443", "10.2.3.4"], "1.1.1.1"),
            ("::ffff:10.0.0.1", &["9.9.9.9", "1.1.1.1"], "1.1.1.1"),
            ("fd00::1", &["9.9.9.9", "[2001:db8::7]:5000"], "2001:db8::7"),
            ("fd00::1", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.0.0.1", &["1.1.1.1", "nonsense", "10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        ];
        for (peer, forwarded, expected) in cases {
            assert_eq!(origin(ip(peer), forwarded, &trusted), ip(expected), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        assert_eq!(client_key(ip("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::/64");
        assert_eq!(client_key(ip("192.0.2.1")), "192.0.2.1");
    }
}
