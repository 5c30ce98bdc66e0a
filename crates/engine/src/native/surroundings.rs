//! What the engine takes from the system: clock, zone, randomness, keys.

use super::clock;
use super::home::Home;
use crate::headless::Surroundings;

/// The surroundings of an engine that owns a home.
#[derive(Debug)]
pub struct NativeSurroundings {
    home: Home,
    zone: String,
}

impl NativeSurroundings {
    /// Makes the surroundings of a home; the system's zone is asked once.
    pub fn new(home: &Home) -> Self {
        Self {
            home: home.clone(),
            zone: system_zone(),
        }
    }
}

impl Surroundings for NativeSurroundings {
    fn now_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn zone(&self) -> String {
        self.zone.clone()
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        clock::fill_random(bytes);
    }

    fn keys(&self) -> Result<Option<Vec<u8>>, String> {
        self.home.read_keys().map_err(|error| error.to_string())
    }

    fn keep_keys(&mut self, keys: &[u8]) -> Result<(), String> {
        self.home
            .write_keys(keys)
            .map_err(|error| error.to_string())
    }

    fn place(&self) -> String {
        self.home.path().display().to_string()
    }

    fn store_bytes(&self) -> Option<u64> {
        self.home.store_bytes()
    }
}

fn system_zone() -> String {
    let system = jiff::tz::TimeZone::system();
    if let Some(name) = system.iana_name().filter(|_| !system.is_unknown()) {
        return name.to_owned();
    }
    // Where `/etc/localtime` is a copy and not a link, Debian and its kin name the zone here.
    std::fs::read_to_string("/etc/timezone")
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|name| jiff::tz::TimeZone::get(name).is_ok())
        .unwrap_or_else(|| "UTC".to_owned())
}
