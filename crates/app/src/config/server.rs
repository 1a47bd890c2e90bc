//! The section `server`: addresses, ports, proxies and time limits of HTTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Checking, ConfigError, lenient};

/// Addresses, ports, proxies and time limits of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The addresses it listens on; never empty.
    pub listen: Vec<Listen>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the service, or `*` alone for all.
    pub cors_origins: Vec<String>,
    /// How long running turns may go on at a shutdown.
    pub shutdown_grace: Duration,
    /// How long a streamed answer waits for its first event before it begins with heartbeats.
    pub first_event_grace: Duration,
    /// The interval of heartbeats on a stream without events.
    pub heartbeat: Duration,
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address and the port.
    pub address: SocketAddr,
    /// Whether the service also starts on a machine that does not have this address, such as one without IPv6.
    pub optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::list")]
    host: Vec<String>,
    #[serde(deserialize_with = "lenient::whole")]
    port: u16,
    #[serde(deserialize_with = "lenient::list")]
    extra_ports: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    trusted_proxies: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    cors_origins: Vec<String>,
    #[serde(deserialize_with = "lenient::whole")]
    shutdown_grace_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    first_event_grace_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    heartbeat_seconds: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            host: Vec::new(),
            port: 8000,
            extra_ports: Vec::new(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            shutdown_grace_seconds: 30,
            first_event_grace_seconds: 8,
            heartbeat_seconds: 10,
        }
    }
}

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<Server, ConfigError> {
        let listen = self.listen(checking)?;
        let networks = self.trusted_proxies.iter().map(|text| network(text)).collect::<Option<_>>();
        let trusted_proxies = networks.ok_or_else(|| {
            checking.error("server.trusted_proxies", "must be addresses or networks, such as 10.0.0.0/8")
        })?;
        self.check_origins(checking)?;
        if !(1..=60).contains(&self.heartbeat_seconds) {
            return Err(checking.error("server.heartbeat_seconds", "must be from 1 to 60"));
        }
        let seconds = |number: u32| Duration::from_secs(number.into());
        Ok(Server {
            listen,
            trusted_proxies,
            cors_origins: self.cors_origins,
            shutdown_grace: seconds(self.shutdown_grace_seconds),
            first_event_grace: seconds(self.first_event_grace_seconds),
            heartbeat: seconds(self.heartbeat_seconds),
        })
    }

    fn listen(&self, checking: &Checking) -> Result<Vec<Listen>, ConfigError> {
        let wrong_host = || checking.error("server.host", "must be an address, such as 127.0.0.1 or 0.0.0.0");
        let mut addresses: Vec<IpAddr> = Vec::new();
        for host in &self.host {
            if host == "localhost" {
                addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
            } else {
                addresses.push(host.parse().map_err(|_| wrong_host())?);
            }
        }
        if addresses.is_empty() {
            return Err(wrong_host());
        }
        let mut ports = vec![self.port];
        for port in &self.extra_ports {
            let port = port.parse().map_err(|_| {
                checking
                    .error("server.extra_ports", "must be ports with commas between them, such as 7001,8002")
            })?;
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        let beside = addresses.len() > 1;
        let mut listen: Vec<Listen> = Vec::new();
        for address in addresses {
            for port in &ports {
                let optional = beside && address == IpAddr::V6(Ipv6Addr::LOCALHOST);
                let new = Listen { address: SocketAddr::new(address, *port), optional };
                if !listen.contains(&new) {
                    listen.push(new);
                }
            }
        }
        Ok(listen)
    }

    fn check_origins(&self, checking: &Checking) -> Result<(), ConfigError> {
        let all = self.cors_origins.iter().any(|origin| origin == "*");
        let each = self.cors_origins.iter().all(|origin| is_origin(origin));
        if (all && self.cors_origins.len() == 1) || (!all && each) {
            return Ok(());
        }
        let problem = "must be origins, such as https://app.example.com without a path, or `*` alone";
        Err(checking.error("server.cors_origins", problem))
    }
}

/// Whether a text is an origin as browsers write it: scheme, host, perhaps a port, and nothing else. Origins are
/// compared as text, so patterns are not accepted.
fn is_origin(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._:/[]".contains(c);
    let parsed = reqwest::Url::parse(text);
    text.chars().all(is_allowed)
        && parsed.is_ok_and(|url| url.has_host() && url.origin().ascii_serialization() == text)
}

/// A network such as `10.0.0.0/8`, or a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, address, is_inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
        ] {
            let network = super::network(network).unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(network.contains(&address.to_canonical()), is_inside, "{network} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/", "::/129", "proxy", "10.0.0/8", "10.0.0.0/-1"] {
            assert_eq!(network(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        for origin in ["https://app.example.com", "http://localhost:5173", "http://[::1]:3000"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in ["https://a.example/", "a.example", "https://A.example", "null", "https://a.example:443"]
        {
            assert!(!is_origin(other), "{other}");
        }
        for pattern in ["https://*.example", "https://a{b}.example", "https://a.example\""] {
            assert!(!is_origin(pattern), "{pattern}");
        }
    }
}
