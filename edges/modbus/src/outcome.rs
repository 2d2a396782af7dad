//! What an answer means for the tags of a read.

use crate::plan::{Piece, Read};
use crate::register::Table;
use crate::value::{Kind, Place};
use tokio_modbus::{ExceptionCode, Request, Response};

/// An answer, judged.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A value for each tag of the piece, in its order.
    Values(Vec<f64>),
    /// The device refuses the read as a whole; these are tried in its place.
    Cut([Piece; 2]),
    /// The tags of this read cannot be had. Says why and what to do.
    Refused(String),
    /// A gateway cannot reach the unit: whatever else it is asked would take as long.
    Silent(String),
}

pub fn request(read: Read) -> Request<'static> {
    match read.table {
        Table::Coil => Request::ReadCoils(read.start, read.count),
        Table::Discrete => Request::ReadDiscreteInputs(read.start, read.count),
        Table::Input => Request::ReadInputRegisters(read.start, read.count),
        Table::Holding => Request::ReadHoldingRegisters(read.start, read.count),
    }
}

pub fn judge(piece: &Piece, places: &[Place], answer: Result<Response, ExceptionCode>) -> Outcome {
    match answer {
        Ok(response) => match values(piece, places, &response) {
            Some(values) => Outcome::Values(values),
            None => Outcome::Refused("the answer is not what was asked for; the device breaks the protocol".into()),
        },
        Err(code) => match code {
            // A hole in what was merged, or more at once than the device takes.
            ExceptionCode::IllegalDataAddress | ExceptionCode::IllegalDataValue => {
                piece.cut(places).map_or_else(|| Outcome::Refused(explain(code)), Outcome::Cut)
            }
            ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice => {
                Outcome::Silent(explain(code))
            }
            _ => Outcome::Refused(explain(code)),
        },
    }
}

/// None where the answer has another number of registers or bits than were asked for, or of another table.
fn values(piece: &Piece, places: &[Place], response: &Response) -> Option<Vec<f64>> {
    let read = piece.read;
    let count = usize::from(read.count);
    match (read.table, response) {
        (Table::Coil, Response::ReadCoils(bits)) | (Table::Discrete, Response::ReadDiscreteInputs(bits)) => {
            // Bits come in whole bytes.
            if bits.len() != count.next_multiple_of(8) && bits.len() != count {
                return None;
            }
            let bit = |tag: &usize| bits.get(offset(read, &places[*tag])?).map(|&bit| f64::from(u8::from(bit)));
            piece.tags.iter().map(bit).collect()
        }
        (Table::Input, Response::ReadInputRegisters(words))
        | (Table::Holding, Response::ReadHoldingRegisters(words)) => {
            if words.len() != count {
                return None;
            }
            let value = |tag: &usize| {
                let place = &places[*tag];
                let from = offset(read, place)?;
                place.decode(words.get(from..from + usize::from(place.kind.width()))?)
            };
            piece.tags.iter().map(value).collect()
        }
        _ => None,
    }
}

fn offset(read: Read, place: &Place) -> Option<usize> {
    debug_assert!(place.kind.fits(read.table) || place.kind == Kind::Bool);
    place.register.address.checked_sub(read.start).map(usize::from)
}

/// The device's exception in words, and what can be done.
pub fn explain(code: ExceptionCode) -> String {
    let number = u8::from(code);
    let words = match code {
        ExceptionCode::IllegalFunction => "the device does not have this table; check the tag's register",
        ExceptionCode::IllegalDataAddress => "the device has no such address; check the tag's register and type",
        ExceptionCode::IllegalDataValue => {
            "the device does not read this; check the tag's type, or lower max_registers"
        }
        ExceptionCode::ServerDeviceFailure => "the device has failed, or has no such unit; check unit and the device",
        ExceptionCode::Acknowledge => "the device is not done yet; it is asked again",
        ExceptionCode::ServerDeviceBusy => "the device is busy; it is asked again, raise every_ms if this goes on",
        ExceptionCode::MemoryParityError => "the device's memory is faulty; have it seen to",
        ExceptionCode::GatewayPathUnavailable => {
            "the gateway has no way to the unit; check unit and the gateway's ports"
        }
        ExceptionCode::GatewayTargetDevice => "the unit does not answer its gateway; check unit and whether it is on",
        ExceptionCode::Custom(_) => "the device gives a reason that Modbus does not define; see its manual",
    };
    format!("{words} (exception {number})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Limits, plan};
    use crate::register::Register;
    use crate::value::Order;
    use proptest::prelude::*;
    use tokio_modbus::bytes::Bytes;

    const LIMITS: Limits = Limits { registers: 125, bits: 2000, gap: 8 };

    fn place(table: Table, address: u16, kind: Kind) -> Place {
        Place { register: Register { table, address }, kind, word_order: Order::Big, byte_order: Order::Big }
    }

    /// What the device says in bytes, as the connection takes it apart.
    fn answer(bytes: Vec<u8>) -> Option<Result<Response, ExceptionCode>> {
        match bytes.first() {
            Some(code) if *code >= 0x80 => Some(Err(ExceptionCode::new(*bytes.get(1)?))),
            _ => Response::try_from(Bytes::from(bytes)).ok().map(Ok),
        }
    }

    proptest! {
        /// Whatever a device sends: never a panic, and a value for every tag or for none.
        #[test]
        fn any_answer_gives_all_values_or_a_reason(
            table in 0..4_usize, tags in prop::collection::vec((0..200_u16, 0..8_usize), 1..20),
            head in prop_oneof![1..=4_u8, any::<u8>()], honest: bool, body in prop::collection::vec(any::<u8>(), 0..255),
        ) {
            let table = Table::ALL[table];
            let kind = |kind: usize| if table.is_bits() { Kind::Bool } else { Kind::REGISTERS[kind] };
            let places: Vec<Place> = tags.iter().map(|&(address, of)| place(table, address, kind(of))).collect();
            let mut bytes = vec![head];
            if honest {
                bytes.push(body.len() as u8);
            }
            bytes.extend(body);
            let Some(answer) = answer(bytes) else { return Ok(()) };
            for piece in plan(&places, LIMITS) {
                match judge(&piece, &places, answer.clone()) {
                    Outcome::Values(values) => prop_assert_eq!(values.len(), piece.tags.len()),
                    Outcome::Cut(halves) => {
                        prop_assert_eq!(halves[0].tags.len() + halves[1].tags.len(), piece.tags.len());
                    }
                    Outcome::Refused(why) | Outcome::Silent(why) => prop_assert!(!why.is_empty()),
                }
            }
        }
    }

    #[test]
    fn answers_of_another_length_or_table_are_no_values() {
        let places = [place(Table::Holding, 10, Kind::U16), place(Table::Holding, 12, Kind::I16)];
        let piece = &plan(&places, LIMITS)[0];
        let good = Response::ReadHoldingRegisters(vec![7, 8, 0xFFFF]);
        assert!(matches!(judge(piece, &places, Ok(good)), Outcome::Values(values) if values == [7.0, -1.0]));
        for wrong in [
            Response::ReadHoldingRegisters(vec![7, 8]),
            Response::ReadHoldingRegisters(vec![7, 8, 9, 10]),
            Response::ReadInputRegisters(vec![7, 8, 9]),
            Response::ReadCoils(vec![true; 3]),
        ] {
            assert!(matches!(judge(piece, &places, Ok(wrong)), Outcome::Refused(_)));
        }
    }

    #[test]
    fn bits_are_those_of_their_addresses() {
        let places = [place(Table::Coil, 3, Kind::Bool), place(Table::Coil, 12, Kind::Bool)];
        let piece = &plan(&places, LIMITS)[0];
        let mut bits = vec![false; 16];
        bits[9] = true;
        let values = judge(piece, &places, Ok(Response::ReadCoils(bits)));
        assert!(matches!(values, Outcome::Values(values) if values == [0.0, 1.0]));
        let short = judge(piece, &places, Ok(Response::ReadCoils(vec![true; 8])));
        assert!(matches!(short, Outcome::Refused(_)));
    }

    #[test]
    fn only_addresses_are_a_reason_to_cut() {
        let places = [place(Table::Holding, 10, Kind::U16), place(Table::Holding, 12, Kind::I16)];
        let piece = &plan(&places, LIMITS)[0];
        let outcome = |code: u8| judge(piece, &places, Err(ExceptionCode::new(code)));
        assert!(matches!(outcome(2), Outcome::Cut(_)));
        assert!(matches!(outcome(6), Outcome::Refused(why) if why.contains("busy") && why.ends_with("(exception 6)")));
        assert!(matches!(outcome(11), Outcome::Silent(_)));
        assert!(matches!(outcome(99), Outcome::Refused(why) if why.ends_with("(exception 99)")));
    }
}
