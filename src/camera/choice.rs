//! Which decoder is taken: hardware or software, as configuration says. A choice that cannot be kept is an error, never another one.

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::pipeline::packet::Codec;
use crate::pipeline::ports::DecodeError;

/// Which decoder is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DecoderChoice {
    /// Hardware where it works, else software.
    #[default]
    Auto,
    /// Software only.
    Software,
    /// Hardware, or an error.
    Hardware,
    /// This GStreamer element, or an error.
    Element(String),
}

/// How frames are decoded.
#[derive(Clone, Debug)]
pub struct DecoderSettings {
    /// Which decoder is taken.
    pub choice: DecoderChoice,
    /// Threads of a software decoder. One per camera: cameras are many, and more threads add delay.
    pub threads: u32,
}

impl Default for DecoderSettings {
    fn default() -> Self {
        Self { choice: DecoderChoice::Auto, threads: 1 }
    }
}

/// The decoder to use, ready or with the reason why there is none.
pub(super) fn chosen(codec: Codec, settings: &DecoderSettings) -> Result<gst::Element, DecodeError> {
    let software = match codec {
        Codec::H264 => "avdec_h264",
        Codec::H265 => "avdec_h265",
    };
    match &settings.choice {
        DecoderChoice::Software => software_decoder(software, settings),
        DecoderChoice::Element(name) => {
            let element = gst::ElementFactory::make(name).build();
            let element = element.map_err(|_| DecodeError(format!("GStreamer has no decoder {name:?}")))?;
            configured(&element, settings);
            Ok(element)
        }
        DecoderChoice::Hardware => hardware_decoder(codec)
            .ok_or_else(|| DecodeError(format!("no hardware decoder for {} works on this machine", codec.as_str()))),
        DecoderChoice::Auto => hardware_decoder(codec).map_or_else(|| software_decoder(software, settings), Ok),
    }
}

fn software_decoder(name: &str, settings: &DecoderSettings) -> Result<gst::Element, DecodeError> {
    let element = gst::ElementFactory::make(name).build();
    let element =
        element.map_err(|_| DecodeError(format!("GStreamer has no decoder {name:?}; install gstreamer1.0-libav")))?;
    configured(&element, settings);
    Ok(element)
}

fn configured(decoder: &gst::Element, settings: &DecoderSettings) {
    if let Some(kind) = decoder.find_property("max-threads").map(|property| property.value_type()) {
        if kind == gst::glib::Type::I32 {
            decoder.set_property("max-threads", i32::try_from(settings.threads).unwrap_or(i32::MAX));
        } else if kind == gst::glib::Type::U32 {
            decoder.set_property("max-threads", settings.threads);
        }
    }
}

/// The best ranked hardware decoder that can open its device.
fn hardware_decoder(codec: Codec) -> Option<gst::Element> {
    let media = match codec {
        Codec::H264 => "video/x-h264",
        Codec::H265 => "video/x-h265",
    };
    let kind =
        gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO | gst::ElementFactoryType::HARDWARE;
    let factories = gst::ElementFactory::factories_with_type(kind, gst::Rank::MARGINAL);
    let caps = gst::Caps::new_empty_simple(media);
    let mut fitting: Vec<_> = factories.into_iter().filter(|factory| factory.can_sink_any_caps(&caps)).collect();
    fitting.sort_by_key(|factory| std::cmp::Reverse(factory.rank()));
    fitting.into_iter().find_map(|factory| {
        let element = factory.create().build().ok()?;
        let works = element.set_state(gst::State::Ready).is_ok();
        let back = element.set_state(gst::State::Null).is_ok();
        (works && back).then_some(element)
    })
}

pub(super) fn element_name(element: &gst::Element) -> String {
    element.factory().map_or_else(|| element.name().to_string(), |factory| factory.name().to_string())
}
