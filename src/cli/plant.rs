use super::{Failure, data};
use clap::Args;
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, Micro, ReadingBatch, SensorId, SpanMs, Status, control};
use lehr_mqtt::{JsonPlant, Measured, PublishError, Reported, Told};
use lehr_plant::{FaultSpec, Output, PlantConfig, PlantSim};
use lehr_tags::{Quality, ReportKind, report};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Serve the simulated plant as devices that others can poll, subscribe to and write set-points of.
///
/// It runs by the wall clock, one second a second, or catches up with it from `--start` on. What it measures goes over
/// the protocols that are asked for; what inspection finds, machine states and set-points go over MQTT. `--mapping` writes the file of sources by which `lehr serve --no-plant --sources` reads it.
#[derive(Debug, Args)]
pub struct PlantArgs {
    /// Listen here for Modbus TCP: sensors are input registers, set-points holding registers.
    #[arg(long)]
    modbus: Option<SocketAddr>,
    /// Listen here for OPC UA.
    #[arg(long)]
    opcua: Option<SocketAddr>,
    /// Folder of the OPC UA server's own certificate.
    #[arg(long, default_value = "plant-pki")]
    pki: PathBuf,
    /// Publish to this MQTT broker (HOST:PORT) as JSON, below lehr/plant.
    #[arg(long)]
    mqtt: Option<String>,
    /// Where to write the file of sources that reads all this.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// When plant time begins; without it, now.
    #[arg(long, value_parser = |text: &str| EventMs::parse(text))]
    start: Option<EventMs>,
    /// How much faster than the wall clock it catches up with it.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// End when plant time is there and the broker has all.
    #[arg(long, value_parser = |text: &str| EventMs::parse(text))]
    until: Option<EventMs>,
    /// Plant time begins with a line on standard input, and what is served then stays until that is closed: so that
    /// clients can connect first, and read all.
    #[arg(long)]
    hold: bool,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A fault: kind[(parameter)][:line][@start][+duration][*severity]; may be repeated.
    #[arg(long = "fault", value_parser = data::fault)]
    faults: Vec<FaultSpec>,
    /// A plant catalogue instead of the shipped one.
    #[arg(long)]
    plant: Option<PathBuf>,
}

/// Between two steps of the plant; values are as fresh as this.
const PACE: Duration = Duration::from_millis(100);
/// Deliveries that may wait for the broker; the plant goes on without it.
const WAITING_MOST: usize = 600;
const MQTT_PREFIX: &str = "lehr/plant";

type Plant = Arc<Mutex<PlantSim>>;

/// What is served: every sensor, and the set-points that have limits.
struct Shown {
    names: Names,
    sensors: Vec<SensorId>,
    set_points: Vec<SetPoint>,
}

struct SetPoint {
    /// Of the sensor whose set-point it is, with `.setpoint` behind it.
    name: String,
    unit: String,
    low: f64,
    high: f64,
}

const SETPOINT: &str = ".setpoint";

impl Shown {
    fn of(names: Names) -> Shown {
        let sensors: Vec<SensorId> = names.sensors().map(|(sensor, _)| sensor).collect();
        let set_points = names.sensors().filter_map(|(_, def)| {
            let limit = control::limit(names.parameter(def.parameter))?;
            let (name, unit) = (format!("{}{SETPOINT}", def.name), def.unit.clone());
            Some(SetPoint { name, unit, low: limit.low.to_f64(), high: limit.high.to_f64() })
        });
        let set_points = set_points.collect();
        Shown { names, sensors, set_points }
    }

    fn unit(&self, sensor: SensorId) -> &str {
        self.names.sensor_def(sensor).map_or("", |def| &def.unit)
    }
}

/// Hands a set-point that a client wrote to the plant, which says no to what it cannot reach.
fn write_back(plant: &Plant, names: &Names) -> impl Fn(&str, f64) -> Result<(), String> + Send + Sync + 'static {
    let (plant, names) = (plant.clone(), names.clone());
    move |name, value| {
        let sensor = name.strip_suffix(SETPOINT).unwrap_or(name);
        let sensor = names.sensor_id(sensor).ok_or_else(|| format!("{name} is no set-point"))?;
        let value = Micro::from_f64(value).map_err(|error| error.to_string())?;
        let limit = names.sensor_def(sensor).and_then(|def| control::limit(names.parameter(def.parameter)));
        if limit.is_none_or(|limit| value < limit.low || value > limit.high) {
            return Err(format!("{name} may not be {}: it is outside its limits", value.to_f64()));
        }
        tracing::info!("{name} was written: {}", value.to_f64());
        let mut plant = plant.lock().expect("nobody panics while they hold the plant");
        plant.write_setpoint(sensor, value).map_err(|error| error.to_string())
    }
}

pub fn run(args: &PlantArgs) -> Result<(), Failure> {
    if args.modbus.is_none() && args.opcua.is_none() && args.mqtt.is_none() {
        return Err("nothing to serve: give --modbus, --opcua or --mqtt".into());
    }
    let names = data::catalogue(args.plant.as_deref(), None)?.names()?;
    if !(args.speed.is_finite() && args.speed > 0.0 && args.speed <= 100_000.0) {
        return Err(format!("--speed {} must lie above 0, up to 100000", args.speed).into());
    }
    let clock = Clock::new(args);
    let start = clock.start;
    let mut sim = PlantSim::new(&names, PlantConfig { seed: args.seed, start, ..PlantConfig::default() })?;
    for fault in &args.faults {
        sim.inject(fault.clone())?;
    }
    let plant = Arc::new(Mutex::new(sim));
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(serve(
        args,
        Shown::of(names),
        plant,
        clock,
    ))
}

/// Plant time: never ahead of the wall clock.
struct Clock {
    start: EventMs,
    begun: Instant,
    speed: f64,
    until: EventMs,
}

impl Clock {
    fn new(args: &PlantArgs) -> Clock {
        let start = args.start.unwrap_or_else(wall);
        Clock { start, begun: Instant::now(), speed: args.speed, until: args.until.unwrap_or(EventMs::MAX) }
    }

    /// Plant time, and whether that is the wall clock's.
    fn now(&self) -> (EventMs, bool) {
        let run = self.begun.elapsed().as_secs_f64() * 1000.0 * self.speed;
        let (catching_up, wall) = (self.start + SpanMs(run as i64), wall());
        (catching_up.min(wall).min(self.until), catching_up >= wall)
    }
}

fn wall() -> EventMs {
    EventMs(jiff::Timestamp::now().as_millisecond())
}

/// Lines of standard input as they come; none any more once it is closed. What comes of it, a thread of its own waits for.
fn orders() -> mpsc::Receiver<()> {
    let (heard, orders) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lines();
        while lines.next().is_some_and(|line| line.is_ok()) && heard.blocking_send(()).is_ok() {}
    });
    orders
}

async fn serve(args: &PlantArgs, shown: Shown, plant: Plant, mut clock: Clock) -> Result<(), Failure> {
    let mut mapping = String::new();
    let board = match args.modbus {
        None => None,
        Some(listen) => Some(modbus(listen, &shown, &plant, &mut mapping).await?),
    };
    if let Some(board) = &board {
        board.set_clock(clock.start);
    }
    let device = match args.opcua {
        None => None,
        Some(listen) => Some(opcua(args, listen, &shown, &plant, &mut mapping).await?),
    };
    let broker = match &args.mqtt {
        None => None,
        Some(address) => Some(mqtt(address, &shown, &plant, &mut mapping)?),
    };
    if let Some(file) = &args.mapping {
        std::fs::write(file, &mapping).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    println!("The simulated plant is ready: {}.", served(args, device.as_ref()));
    let mut orders = args.hold.then(orders);
    if let Some(orders) = &mut orders {
        tokio::select! {
            begin = orders.recv() => if begin.is_none() { return Ok(()) },
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
        }
        clock.begun = Instant::now();
    }
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = pace.tick() => {}
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
        }
        let (now, at_the_wall) = clock.now();
        let Output { readings, events, .. } = {
            let mut plant = plant.lock().expect("nobody panics while they hold the plant");
            plant.advance(now)
        };
        if let Some(board) = &board {
            for reading in readings.iter() {
                board.set(shown.names.sensor(reading.sensor), reading.value.to_f64());
            }
            board.set_clock(now);
        }
        if let Some(device) = &device {
            device.set(&points(&shown, &readings))?;
        }
        if let Some(broker) = &broker {
            let told = told(&shown, &readings, &events);
            // What is past can wait for the broker; the present does not.
            if !at_the_wall {
                broker.feed.send(told).await?;
            } else if broker.feed.try_send(told).is_err() {
                tracing::warn!("the broker is too far behind: measurements of {} ms are not sent", PACE.as_millis());
            }
        }
        if now >= clock.until {
            break;
        }
    }
    if let Some(Broker { feed, serving }) = broker {
        drop(feed);
        serving.await??;
    }
    if let Some(orders) = &mut orders {
        tokio::select! {
            () = async { while orders.recv().await.is_some() {} } => {}
            stopped = tokio::signal::ctrl_c() => stopped?,
        }
    }
    Ok(())
}

/// The way to a broker.
struct Broker {
    feed: mpsc::Sender<Told>,
    /// Ends when the feed has and all is acknowledged.
    serving: JoinHandle<Result<(), PublishError>>,
}

fn served(args: &PlantArgs, device: Option<&lehr_opcua::Device>) -> String {
    let mut all = Vec::new();
    all.extend(args.modbus.map(|address| format!("Modbus at {address}")));
    all.extend(device.map(|device| format!("OPC UA at {}", device.endpoint())));
    all.extend(args.mqtt.as_ref().map(|address| format!("MQTT below {MQTT_PREFIX} at {address}")));
    all.join(", ")
}

fn quality(status: Status) -> Quality {
    match status {
        Status::Ok => Quality::Good,
        Status::Warning | Status::Critical => Quality::Uncertain,
        Status::Error => Quality::Bad,
    }
}

async fn modbus(
    listen: SocketAddr,
    shown: &Shown,
    plant: &Plant,
    mapping: &mut String,
) -> Result<lehr_modbus::Board, Failure> {
    use lehr_modbus::{Map, Point, Role, Served};
    let sensors = shown.sensors.iter().map(|sensor| Point {
        name: shown.names.sensor(*sensor).to_owned(),
        unit: shown.unit(*sensor).to_owned(),
        role: Role::Sensor,
    });
    let set_points = shown.set_points.iter().map(|SetPoint { name, unit, low, high }| Point {
        name: name.clone(),
        unit: unit.clone(),
        role: Role::SetPoint { low: *low, high: *high },
    });
    let map = Map::new(sensors.chain(set_points))?;
    mapping.push_str(&map.mapping("plant-modbus", &listen.to_string(), 1));
    let served = Served::bind(map, &listen.to_string(), 1, Box::new(write_back(plant, &shown.names))).await?;
    let board = served.board();
    tokio::spawn(served.run());
    Ok(board)
}

async fn opcua(
    args: &PlantArgs,
    listen: SocketAddr,
    shown: &Shown,
    plant: &Plant,
    mapping: &mut String,
) -> Result<lehr_opcua::Device, Failure> {
    use lehr_opcua::{Device, DeviceConfig, Setpoint, Variable};
    let variable = |sensor: &SensorId| {
        let span = shown.names.sensor_def(*sensor).map(|def| (def.span.0.to_f64(), def.span.1.to_f64()));
        Variable {
            name: shown.names.sensor(*sensor).to_owned(),
            unit: shown.unit(*sensor).to_owned(),
            range: span.filter(|(low, high)| low < high),
        }
    };
    let variables: Vec<Variable> = shown.sensors.iter().map(variable).collect();
    let set_points: Vec<Setpoint> = shown
        .set_points
        .iter()
        .map(|SetPoint { name, unit, low, high }| Setpoint {
            name: name.clone(),
            unit: unit.clone(),
            low: *low,
            high: *high,
            value: (low + high) / 2.0,
        })
        .collect();
    let config = DeviceConfig { listen, pki: args.pki.clone(), ..DeviceConfig::default() };
    let device = Device::start(&config, &variables, &set_points, Arc::new(write_back(plant, &shown.names))).await?;
    writeln!(mapping, "[[opcua]]\nname = \"plant-opcua\"\nendpoint = {:?}", device.endpoint())?;
    for variable in &variables {
        let (name, unit) = (&variable.name, &variable.unit);
        let node = format!("nsu=urn:lehr:plant;s={name}");
        writeln!(mapping, "\n[[opcua.tag]]\nnode = {node:?}\nto = {{ sensor = {name:?}, unit = {unit:?} }}")?;
    }
    Ok(device)
}

fn points(shown: &Shown, readings: &ReadingBatch) -> Vec<lehr_opcua::Point> {
    let place = |sensor: SensorId| shown.sensors.iter().position(|other| *other == sensor);
    let point = |reading: lehr_domain::Reading| {
        let (value, quality, at) = (reading.value.to_f64(), quality(reading.status), reading.at);
        Some(lehr_opcua::Point { variable: place(reading.sensor)?, value, quality, at })
    };
    readings.iter().filter_map(point).collect()
}

fn mqtt(address: &str, shown: &Shown, plant: &Plant, mapping: &mut String) -> Result<Broker, Failure> {
    let place = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let (host, port) = place.ok_or_else(|| format!("--mqtt {address} is no HOST:PORT"))?;
    let plant_topics = JsonPlant {
        endpoint: lehr_mqtt::Endpoint::plain(host, port, 5),
        client_id: "lehr-plant".to_owned(),
        prefix: MQTT_PREFIX.to_owned(),
    };
    writeln!(mapping, "[[mqtt]]\nname = \"plant-mqtt\"\naddress = {address:?}")?;
    for sensor in &shown.sensors {
        let (name, unit) = (shown.names.sensor(*sensor), shown.unit(*sensor));
        let topic = plant_topics.topic(name);
        writeln!(
            mapping,
            "\n[[mqtt.tag]]\ntopic = {topic:?}\nvalue = \"/value\"\ntime = \"/time\"\nquality = \"/quality\"\n\
             to = {{ sensor = {name:?}, unit = {unit:?} }}"
        )?;
    }
    for of in ReportKind::ALL.map(ReportKind::text) {
        let topic = plant_topics.report_topic(of);
        writeln!(mapping, "\n[[mqtt.report]]\ntopic = {topic:?}\nkind = {of:?}")?;
    }
    let (feed, told) = mpsc::channel(WAITING_MOST);
    let write = Arc::new(write_back(plant, &shown.names));
    let serving = tokio::spawn(async move {
        let served = lehr_mqtt::serve_json(plant_topics, told, write).await;
        served.inspect_err(|error| tracing::error!("the broker is served no more: {error}"))
    });
    Ok(Broker { feed, serving })
}

fn told(shown: &Shown, readings: &ReadingBatch, events: &[Event]) -> Told {
    let reported = |event| report(event, &shown.names).map(|(of, json)| Reported { of: of.text(), json });
    Told { measured: measured(shown, readings), reported: events.iter().filter_map(reported).collect() }
}

fn measured(shown: &Shown, readings: &ReadingBatch) -> Vec<Measured> {
    let measured = |reading: lehr_domain::Reading| Measured {
        sensor: shown.names.sensor(reading.sensor).to_owned(),
        value: reading.value.to_f64(),
        at: reading.at,
        quality: quality(reading.status),
    };
    readings.iter().map(measured).collect()
}
