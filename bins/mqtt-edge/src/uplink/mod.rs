//! From sessions into the stream UP, one lane per partition.
//!
//! A session writes its records straight into its lane's open frame and goes on. The lane stores
//! the frame and then lets every session in it send its PUBACKs: nothing is acknowledged before
//! JetStream has it, and the store, the wake-up and the acknowledgement are paid once per frame.

mod frame;
mod intake;
mod keeping;
mod lane;

use std::sync::Arc;

use record::partition_of;

pub use frame::{Acknowledge, EdgeSpan, Entry, Route};
pub use intake::{Closed, Full, Intake, Pushing};
pub(crate) use lane::id_prefix;
pub use lane::{Lane, LaneParts};

/// The lanes of an edge.
#[derive(Clone, Debug)]
pub struct Uplink {
    lanes: Arc<[Arc<Intake>]>,
}

impl Uplink {
    /// One intake per partition, for frames of at most so many bytes.
    pub fn new(partitions: u16, frame_limit: usize) -> Self {
        Self {
            lanes: (0..partitions)
                .map(|_| Arc::new(Intake::new(frame_limit)))
                .collect(),
        }
    }

    /// The lane of a client: all that a client does goes through one.
    pub fn of(&self, client_id: &[u8]) -> Arc<Intake> {
        let count = u16::try_from(self.lanes.len()).unwrap_or(u16::MAX);
        self.lane(partition_of(client_id, count))
    }

    /// The lane of a partition.
    pub fn lane(&self, partition: u16) -> Arc<Intake> {
        let lane = self.lanes.get(usize::from(partition));
        // The partition is below the number of lanes, so there always is one.
        lane.map_or_else(|| Arc::new(Intake::new(usize::MAX)), Arc::clone)
    }

    /// Every intake with its partition.
    pub fn intakes(&self) -> impl Iterator<Item = (u16, Arc<Intake>)> + '_ {
        (0..).zip(self.lanes.iter().map(Arc::clone))
    }

    /// Nothing more will come: the lanes store what they have and end.
    pub fn close(&self) {
        for lane in self.lanes.iter() {
            lane.close();
        }
    }
}
