//! Against other implementations: asyncua as server and as client, over connections that fail.

mod browsing;
mod device;
mod failures;
mod hostile;
mod security;
mod support;
mod values;
