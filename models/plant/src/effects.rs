//! What the faults that are active on a line do to its process at one instant.

use crate::fault::FaultKind;

/// The sum of all active faults of a line, in the terms of the process. The default is a sound line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effects {
    /// Added to the reference of the furnace loop, °C.
    pub furnace_reference_c: f64,
    /// 0 clean … 1 burners so fouled that full fuel no longer holds the melt above 1450 °C.
    pub fouling: f64,
    /// 0 new … 1 lining due for repair.
    pub wear: f64,
    /// 0 the usual batch … 1 a quite different cullet.
    pub cullet: f64,
    /// Added to the speed that the drive follows, m/min.
    pub belt_offset: f64,
    /// Amplitude of a swing of the belt speed, m/min.
    pub belt_swing: f64,
    /// Share of its normal power that the mold heater can still give; infinite when it is sound.
    pub heater_share: f64,
    /// Factor on the fan speed.
    pub fan_factor: f64,
    /// Height of the spikes of forming pressure, MPa.
    pub spike_mpa: f64,
    /// Probability of a stone of the lining, seen as a stain, and of a seed of the batch, a bubble.
    pub stones: f64,
    pub seeds: f64,
    /// How much warmer than usual the days are, in standard deviations.
    pub weather: f64,
    pub stopped: bool,
}

impl Default for Effects {
    fn default() -> Effects {
        Effects {
            furnace_reference_c: 0.0,
            fouling: 0.0,
            wear: 0.0,
            cullet: 0.0,
            belt_offset: 0.0,
            belt_swing: 0.0,
            heater_share: f64::INFINITY,
            fan_factor: 1.0,
            spike_mpa: 0.0,
            stones: 0.0,
            seeds: 0.0,
            weather: 0.0,
            stopped: false,
        }
    }
}

impl Effects {
    /// Adds a fault that has developed to `progress` (0 to 1) of its final size.
    pub fn add(&mut self, kind: FaultKind, severity: f64, progress: f64) {
        let size = severity * progress;
        match kind {
            FaultKind::FurnaceOverheat => self.furnace_reference_c += 120.0 * size,
            FaultKind::FurnaceCold => self.furnace_reference_c -= 90.0 * size,
            FaultKind::TemperatureDrift => self.furnace_reference_c += 55.0 * size,
            FaultKind::PressureSpikes => self.spike_mpa += 22.0 * size,
            FaultKind::BeltOverspeed => self.belt_offset += 42.0 * size,
            FaultKind::SpeedVariation => self.belt_swing += 42.0 * size,
            FaultKind::MoldCold => self.heater_share = self.heater_share.min((1.0 - size).max(0.0)),
            FaultKind::CoolingFast => self.fan_factor += 0.75 * size,
            FaultKind::BurnerFouling => self.fouling += size,
            FaultKind::RefractoryWear => self.wear += size,
            FaultKind::CulletChange => self.cullet += size,
            FaultKind::LineStop => self.stopped = true,
            FaultKind::Stuck | FaultKind::Bias | FaultKind::Dropout | FaultKind::Failed | FaultKind::Noise => {}
        }
    }
}
