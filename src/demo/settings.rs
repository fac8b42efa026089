//! The street's cameras as Lightbar's configuration writes them.

use super::child::Ready;
use crate::street::cameras;
use crate::street::configuration::camera_toml;

/// The `[[camera]]` tables of a served street; the rest of the configuration is whose who starts the service.
pub fn config_toml(ready: &Ready) -> String {
    let mut out = String::new();
    for camera in cameras::all() {
        if let Some(served) = ready.cameras.iter().find(|c| c.id == camera.id) {
            out += &camera_toml(&camera, &served.url, served.sub_url.as_deref());
        }
    }
    out
}
