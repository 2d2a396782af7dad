//! librdkafka's own brokers, within the test.

use super::Reached;
use rdkafka::ClientConfig;
use rdkafka::bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms};
use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::time::Duration;

/// How long a group waits for more members when the first has come, milliseconds. Three seconds are usual, and none of them
/// says anything of Lehr.
const FIRST_MEMBER_WAITS_MS: i32 = 100;

/// Three brokers that forget all when they are dropped.
pub struct Brokers(BaseProducer);

pub fn brokers(topics: &[(&str, i32)]) -> Brokers {
    let brokers = Brokers(ClientConfig::new().set("test.mock.num.brokers", "3").create().unwrap());
    // SAFETY: the client lives, and its cluster as long as it does; the function takes the cluster's own lock.
    unsafe {
        let cluster = rd_kafka_handle_mock_cluster(brokers.0.client().native_ptr());
        assert!(!cluster.is_null(), "the client has brokers");
        rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, FIRST_MEMBER_WAITS_MS);
    }
    for (topic, partitions) in topics {
        brokers.cluster().create_topic(topic, *partitions, 3).unwrap();
    }
    brokers
}

impl Brokers {
    fn cluster(&self) -> MockCluster<'_, DefaultProducerContext> {
        self.0.client().mock_cluster().expect("the client has brokers")
    }

    pub fn bootstrap_servers(&self) -> String {
        self.cluster().bootstrap_servers()
    }

    pub fn broker_down(&self, broker: i32) -> KafkaResult<()> {
        self.cluster().broker_down(broker)
    }

    pub fn broker_up(&self, broker: i32) -> KafkaResult<()> {
        self.cluster().broker_up(broker)
    }

    pub fn broker_round_trip_time(&self, broker: i32, delay: Duration) -> KafkaResult<()> {
        self.cluster().broker_round_trip_time(broker, delay)
    }

    pub fn request_errors(&self, api: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        self.cluster().request_errors(api, errors);
    }

    pub fn clear_request_errors(&self, api: RDKafkaApiKey) {
        self.cluster().clear_request_errors(api);
    }
}

impl Reached for Brokers {
    fn bootstrap(&self) -> String {
        self.bootstrap_servers()
    }
}
