//! What evidence there is, for people.

use std::fs;
use std::path::Path;

use super::canonical;
use super::disk::{names, said};
use super::form::{MANIFEST, Manifest, read_folder_name};
use crate::domain::ids::CameraId;
use crate::pipeline::evidence::VaultError;

/// Evidence as its manifest tells it; nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which camera.
    pub camera: String,
    /// Its number in the camera's chain.
    pub number: u64,
    /// Which alert.
    pub alert: String,
    /// The alert's kind; none where the manifest cannot be read.
    pub kind: Option<String>,
    /// When it was triggered, as written.
    pub triggered_at: Option<String>,
    /// The names of its files.
    pub pieces: Vec<String>,
    /// How many bytes these have.
    pub bytes: u64,
}

/// Lists evidence by camera and number.
pub fn list(data_dir: &Path, camera: Option<&CameraId>) -> Result<Vec<Kept>, VaultError> {
    let root = data_dir.join("evidence");
    let mut out = Vec::new();
    let wanted = |name: &String| camera.map_or_else(|| CameraId::parse(name).is_ok(), |camera| camera.as_str() == name);
    for camera in names(&root)?.into_iter().filter(wanted) {
        for folder in names(&root.join(&camera))? {
            let Some((number, alert)) = read_folder_name(&folder) else { continue };
            let path = root.join(&camera).join(folder).join(MANIFEST);
            let text = match fs::read(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(said("cannot read", &path, &e)),
                text => text.unwrap_or_default(),
            };
            let manifest = canonical::read::<Manifest>(&text).ok();
            let pieces = manifest.as_ref().map_or(&[][..], |manifest| &manifest.pieces);
            out.push(Kept {
                camera: camera.clone(),
                number,
                alert: alert.to_string(),
                pieces: pieces.iter().map(|sealed| sealed.piece.name.clone()).collect(),
                bytes: pieces.iter().map(|sealed| sealed.size_bytes).sum(),
                kind: manifest.as_ref().map(|manifest| manifest.told.kind.clone()),
                triggered_at: manifest.map(|manifest| manifest.told.triggered_at),
            });
        }
    }
    Ok(out)
}
