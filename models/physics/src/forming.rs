//! Glass on its way from the forehearth into ware: the gob, the touch of the mould, and the time in which glass can be
//! formed.

mod contact;
mod gob;
mod window;

pub use contact::Contact;
pub use gob::{Gob, Leg};
pub use window::FormingWindow;
