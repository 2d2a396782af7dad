//! One connection to a broker, of either version. A connection that broke is never mended: a new one is opened, so that
//! nothing of the old one, above all no acknowledgement, can reach the new session.

use bytes::Bytes;
use lehr_tags::Secret;
use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{QoS as QoS4, TlsConfiguration, Transport, v5};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// Where a broker is, and how it lets one in.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    /// 5, or less for 3.1.1.
    pub version: u8,
    pub login: Option<(String, Option<Secret>)>,
    pub tls: Option<Arc<ClientConfig>>,
    pub keep_alive: Duration,
}

impl Endpoint {
    /// Without encryption and without a password, as in tests and for a broker on this machine.
    pub fn plain(host: &str, port: u16, version: u8) -> Endpoint {
        let host = host.to_owned();
        Endpoint { host, port, version, login: None, tls: None, keep_alive: Duration::from_secs(30) }
    }
}

/// What a broker says on a client's behalf when it is gone.
#[derive(Clone, Debug)]
pub struct Will {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retain: bool,
}

/// How a connection is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub client_id: String,
    /// Seconds for which the broker keeps the session of a client that is gone; `None` for no session at all.
    pub session_s: Option<u32>,
    pub will: Option<Will>,
    /// Messages are acknowledged by [`Link::acknowledge`] alone.
    pub manual_acks: bool,
    pub receive_maximum: u16,
    /// Requests that may wait: acknowledgements and publications.
    pub requests: usize,
}

/// A message that was heard, kept whole so that it can be acknowledged.
#[derive(Clone, Debug)]
pub struct Heard {
    pub topic: String,
    pub payload: Bytes,
    /// Sent again by the broker, which has not had the acknowledgement.
    pub repeated: bool,
    /// Kept by the broker, and so of any age.
    pub retained: bool,
    pub packet: u16,
    pub reliable: bool,
}

#[derive(Debug)]
pub enum Said {
    Connected {
        /// The broker remembers this client.
        resumed: bool,
    },
    /// Whether each filter was granted.
    Subscribed(Vec<bool>),
    Message(Heard),
    /// A publication was sent; 0 is QoS 0.
    Sent(u16),
    /// It was acknowledged, or refused for the reason.
    Acknowledged(u16, Result<(), String>),
    Other,
}

/// The connection is gone. The reason holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// Most bytes of a packet, by the protocol. What is larger than the configuration allows is refused one by one, and not
/// by ending the connection, after which the broker would send it again for ever.
const LARGEST_PACKET: u32 = 268_435_460;
/// Publications under way at once.
const OUTGOING: u16 = 100;
/// Seconds in which a broker must have answered.
const ANSWER_WITHIN_S: u64 = 10;
/// For all that a client has still to say, and the broker's farewell.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);

pub enum Link {
    Four(rumqttc::AsyncClient, Box<rumqttc::EventLoop>),
    Five(v5::AsyncClient, Box<v5::EventLoop>),
}

impl Link {
    /// Nothing is sent before [`Link::next`].
    pub fn open(at: &Endpoint, wanted: &Wanted) -> Link {
        let transport = match &at.tls {
            Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())),
            None => Transport::tcp(),
        };
        let login = at.login.as_ref().map(|(user, password)| (user, password.as_ref().map_or("", Secret::reveal)));
        if at.version >= 5 {
            let mut options = v5::MqttOptions::new(&wanted.client_id, &at.host, at.port);
            options
                .set_keep_alive(at.keep_alive)
                .set_clean_start(wanted.session_s.is_none())
                .set_session_expiry_interval(Some(wanted.session_s.unwrap_or(0)))
                .set_receive_maximum(Some(wanted.receive_maximum))
                .set_max_packet_size(Some(LARGEST_PACKET))
                .set_manual_acks(wanted.manual_acks)
                .set_outgoing_inflight_upper_limit(OUTGOING)
                .set_connection_timeout(ANSWER_WITHIN_S)
                .set_transport(transport);
            if let Some((user, password)) = login {
                options.set_credentials(user, password);
            }
            if let Some(will) = &wanted.will {
                let payload = will.payload.clone();
                options.set_last_will(packets5::LastWill::new(
                    &will.topic,
                    payload,
                    QoS5::AtLeastOnce,
                    will.retain,
                    None,
                ));
            }
            let (client, events) = v5::AsyncClient::new(options, wanted.requests);
            Link::Five(client, Box::new(events))
        } else {
            let mut options = rumqttc::MqttOptions::new(&wanted.client_id, &at.host, at.port);
            options
                .set_keep_alive(at.keep_alive)
                .set_clean_session(wanted.session_s.is_none())
                .set_max_packet_size(LARGEST_PACKET as usize, LARGEST_PACKET as usize)
                .set_manual_acks(wanted.manual_acks)
                .set_inflight(OUTGOING)
                .set_transport(transport);
            if let Some((user, password)) = login {
                options.set_credentials(user, password);
            }
            if let Some(will) = &wanted.will {
                let payload = will.payload.clone();
                options.set_last_will(rumqttc::LastWill::new(&will.topic, payload, QoS4::AtLeastOnce, will.retain));
            }
            let (client, mut events) = rumqttc::AsyncClient::new(options, wanted.requests);
            events.network_options.set_connection_timeout(ANSWER_WITHIN_S);
            Link::Four(client, Box::new(events))
        }
    }

    /// What happens next. Connects at first. Must not be cancelled and begun anew while a packet is written: keep the
    /// future, and poll it further.
    pub async fn next(&mut self) -> Result<Said, Broken> {
        match self {
            Link::Four(_, events) => events.poll().await.map(said4).map_err(|error| Broken(plain(&error))),
            Link::Five(_, events) => events.poll().await.map(said5).map_err(|error| Broken(plain(&error))),
        }
    }

    /// Says goodbye after all that was requested, and waits for a short while until the broker has closed the connection:
    /// one that is closed from here while the broker still sends is a broken one to it, and then it publishes the will.
    pub async fn leave(&mut self) {
        if self.requests().disconnect().is_err() {
            return;
        }
        let closed = async { while self.next().await.is_ok() {} };
        // The broker notices in any case.
        let _ = tokio::time::timeout(GOODBYE_WITHIN, closed).await;
    }

    /// For requests, while [`Link::next`] is under way.
    pub fn requests(&self) -> Requests {
        match self {
            Link::Four(client, _) => Requests::Four(client.clone()),
            Link::Five(client, _) => Requests::Five(client.clone()),
        }
    }
}

#[derive(Clone)]
pub enum Requests {
    Four(rumqttc::AsyncClient),
    Five(v5::AsyncClient),
}

impl Requests {
    pub fn subscribe(&self, filters: impl Iterator<Item = (String, u8)>) -> Result<(), Broken> {
        let all: Vec<(String, u8)> = filters.collect();
        let done = match self {
            Requests::Four(client) => {
                let all = all.into_iter().map(|(path, qos)| rumqttc::SubscribeFilter::new(path, qos4(qos)));
                client.try_subscribe_many(all).map_err(|error| error.to_string())
            }
            Requests::Five(client) => {
                let all = all.into_iter().map(|(path, qos)| packets5::Filter {
                    // Not again on every connection of the same session.
                    retain_forward_rule: packets5::RetainForwardRule::OnNewSubscribe,
                    ..packets5::Filter::new(path, qos5(qos))
                });
                client.try_subscribe_many(all).map_err(|error| error.to_string())
            }
        };
        done.map_err(full)
    }

    pub fn publish(&self, topic: &str, qos: u8, retain: bool, payload: &[u8]) -> Result<(), Broken> {
        let done = match self {
            Requests::Four(client) => {
                client.try_publish(topic, qos4(qos), retain, payload).map_err(|error| error.to_string())
            }
            Requests::Five(client) => client
                .try_publish(topic, qos5(qos), retain, Bytes::copy_from_slice(payload))
                .map_err(|error| error.to_string()),
        };
        done.map_err(full)
    }

    /// The broker may forget the message.
    pub fn acknowledge(&self, message: &Heard) -> Result<(), Broken> {
        if !message.reliable {
            return Ok(());
        }
        let done = match self {
            Requests::Four(client) => {
                let mut publish = rumqttc::Publish::new("", QoS4::AtLeastOnce, Vec::new());
                publish.pkid = message.packet;
                client.try_ack(&publish).map_err(|error| error.to_string())
            }
            Requests::Five(client) => {
                let mut publish = packets5::Publish::new("", QoS5::AtLeastOnce, Bytes::new(), None);
                publish.pkid = message.packet;
                client.try_ack(&publish).map_err(|error| error.to_string())
            }
        };
        done.map_err(full)
    }

    fn disconnect(&self) -> Result<(), Broken> {
        let done = match self {
            Requests::Four(client) => client.try_disconnect().map_err(|error| error.to_string()),
            Requests::Five(client) => client.try_disconnect().map_err(|error| error.to_string()),
        };
        done.map_err(full)
    }
}

fn full(error: String) -> Broken {
    Broken(format!("a request could not be queued: {error}"))
}

fn qos4(qos: u8) -> QoS4 {
    if qos == 0 { QoS4::AtMostOnce } else { QoS4::AtLeastOnce }
}

fn qos5(qos: u8) -> QoS5 {
    if qos == 0 { QoS5::AtMostOnce } else { QoS5::AtLeastOnce }
}

/// Without the surroundings that only a programmer wants.
fn plain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

fn said4(event: rumqttc::Event) -> Said {
    use rumqttc::{Event, Outgoing, Packet, SubscribeReasonCode};
    match event {
        Event::Incoming(Packet::ConnAck(ack)) => Said::Connected { resumed: ack.session_present },
        Event::Incoming(Packet::SubAck(ack)) => Said::Subscribed(
            ack.return_codes.iter().map(|code| matches!(code, SubscribeReasonCode::Success(_))).collect(),
        ),
        Event::Incoming(Packet::Publish(publish)) => Said::Message(Heard {
            reliable: publish.qos != QoS4::AtMostOnce,
            topic: publish.topic,
            payload: publish.payload,
            repeated: publish.dup,
            retained: publish.retain,
            packet: publish.pkid,
        }),
        Event::Incoming(Packet::PubAck(ack)) => Said::Acknowledged(ack.pkid, Ok(())),
        Event::Outgoing(Outgoing::Publish(packet)) => Said::Sent(packet),
        _ => Said::Other,
    }
}

fn said5(event: v5::Event) -> Said {
    use packets5::{Packet, PubAckReason, SubscribeReasonCode};
    use rumqttc::Outgoing;
    use v5::Event;
    match event {
        Event::Incoming(Packet::ConnAck(ack)) => Said::Connected { resumed: ack.session_present },
        Event::Incoming(Packet::SubAck(ack)) => Said::Subscribed(
            ack.return_codes.iter().map(|code| matches!(code, SubscribeReasonCode::Success(_))).collect(),
        ),
        Event::Incoming(Packet::Publish(publish)) => Said::Message(Heard {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            repeated: publish.dup,
            retained: publish.retain,
            packet: publish.pkid,
            reliable: publish.qos != QoS5::AtMostOnce,
        }),
        Event::Incoming(Packet::PubAck(ack)) => {
            let taken = matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
            Said::Acknowledged(ack.pkid, if taken { Ok(()) } else { Err(format!("{:?}", ack.reason)) })
        }
        Event::Outgoing(Outgoing::Publish(packet)) => Said::Sent(packet),
        _ => Said::Other,
    }
}
