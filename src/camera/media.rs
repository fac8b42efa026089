//! What evidence is made of, made by GStreamer.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{clip, still};
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::{ClipWriter, Media, MediaError, Still};
use crate::pipeline::packet::{Codec, Packet};
use crate::pipeline::ports::DecoderFactory;

/// Makes clips and pictures with GStreamer.
pub struct GstMedia {
    decoders: Arc<dyn DecoderFactory>,
}

impl fmt::Debug for GstMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GstMedia")
    }
}

impl GstMedia {
    /// Decodes what pictures are made of with these decoders.
    pub fn new(decoders: Arc<dyn DecoderFactory>) -> Self {
        Self { decoders }
    }
}

impl Media for GstMedia {
    fn clip(&self, codec: Codec, file: &Path) -> Result<Box<dyn ClipWriter>, MediaError> {
        Ok(Box::new(clip::begin(codec, file)?))
    }

    fn still(&self, packets: &[Packet], at: Timestamp) -> Result<Still, MediaError> {
        still::still(self.decoders.as_ref(), packets, at)
    }
}
