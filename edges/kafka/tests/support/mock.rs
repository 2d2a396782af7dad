//! librdkafka's own brokers, within the test.

use super::Reached;
use rdkafka::ClientConfig;
use rdkafka::bindings::{
    rd_kafka_handle_mock_cluster, rd_kafka_mock_clear_requests, rd_kafka_mock_cluster_t, rd_kafka_mock_get_requests,
    rd_kafka_mock_group_initial_rebalance_delay_ms, rd_kafka_mock_request_api_key, rd_kafka_mock_request_destroy_array,
    rd_kafka_mock_start_request_tracking,
};
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
    // SAFETY: the function takes the cluster's own lock.
    unsafe { rd_kafka_mock_group_initial_rebalance_delay_ms(brokers.handle(), FIRST_MEMBER_WAITS_MS) };
    for (topic, partitions) in topics {
        brokers.cluster().create_topic(topic, *partitions, 3).unwrap();
    }
    brokers
}

impl Brokers {
    fn cluster(&self) -> MockCluster<'_, DefaultProducerContext> {
        self.0.client().mock_cluster().expect("the client has brokers")
    }

    /// Good as long as these brokers.
    fn handle(&self) -> *mut rd_kafka_mock_cluster_t {
        // SAFETY: the client lives, and its cluster as long as it does.
        let cluster = unsafe { rd_kafka_handle_mock_cluster(self.0.client().native_ptr()) };
        assert!(!cluster.is_null(), "the client has brokers");
        cluster
    }

    /// From now on, what is asked is kept for [`Brokers::asked`].
    pub fn listen(&self) {
        // SAFETY: the function takes the cluster's own lock.
        unsafe { rd_kafka_mock_start_request_tracking(self.handle()) };
    }

    /// What was asked since this was called last, in order, by Kafka's numbers of requests.
    pub fn asked(&self) -> Vec<i16> {
        let (cluster, mut count) = (self.handle(), 0);
        // SAFETY: the functions take the cluster's own lock; the array has `count` requests, which are its own until it
        // is destroyed, once.
        unsafe {
            let requests = rd_kafka_mock_get_requests(cluster, &mut count);
            if requests.is_null() {
                return Vec::new();
            }
            let keys = (0..count).map(|index| rd_kafka_mock_request_api_key(*requests.add(index))).collect();
            rd_kafka_mock_request_destroy_array(requests, count);
            rd_kafka_mock_clear_requests(cluster);
            keys
        }
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
