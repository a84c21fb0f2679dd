//! Raw request to fields: one reader per format. What is odd becomes a finding, never an error.

mod body;
mod charset;
mod content_type;
mod cookies;
mod fields;
mod head;
mod pairs;
mod params;
mod sink;
mod syntax;
mod transfer;

pub use body::{Frame, FrameSplitter, read_body, read_message};
pub use content_type::{BodyFormat, BodyPlan, Coding};
pub use fields::{Field, Fields, Finding, Kind, SEPARATOR, Span};
pub use head::{
    Familiar, Head, Place, claims_upgrade, claims_websocket, is_websocket_upgrade, read_head,
    read_trailers, read_unfamiliar_head,
};

pub use syntax::{MACHINE_HEADERS, Syntax};

use sink::Sink;
