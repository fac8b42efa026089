//! Models that `lightbar model pull` can fetch: each with a licence that permits use and a SHA-256 that was computed on the
//! very file. A model whose hash could not be established is not in here.

/// A model that can be fetched.
#[derive(Clone, Copy, Debug)]
pub struct KnownModel {
    /// What to ask for.
    pub name: &'static str,
    /// In a few words.
    pub about: &'static str,
    /// The file's name, in its folder and at the end of `url`.
    pub file: &'static str,
    /// Where from: a fixed commit, never a moving branch.
    pub url: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: &'static str,
    /// Its manifest without `name`, `file` and `sha256`, which are written before it.
    pub manifest_rest: &'static str,
}

/// All of them.
pub const KNOWN_MODELS: &[KnownModel] = &[
    KnownModel {
        name: "yolox-nano-416",
        about: "YOLOX-nano, COCO's 80 classes, 416x416: the small default",
        file: "yolox_nano.onnx",
        url: "https://raw.githubusercontent.com/Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
        bytes: 3_660_092,
        sha256: "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
        manifest_rest: r#"version = "0.1.1"
licence = "Apache-2.0"
source = "Megvii YOLOX, https://github.com/Megvii-BaseDetection/YOLOX; the file from Kazuhito00/YOLOX-ONNX-TFLite-Sample"

[input]
layout = "nchw"
type = "f32"
color = "bgr"
resize = "letterbox"

[output]
layout = "yolox"

[classes]
names = "coco80"
"#,
    },
    KnownModel {
        name: "deimv2-atto-320",
        about: "DEIMv2-atto (DETR kin), COCO's 80 classes, 320x320: smaller yet, no suppression needed",
        file: "deimv2_hgnetv2_atto_coco.onnx",
        url: "https://raw.githubusercontent.com/Kazuhito00/DEIMv2-ONNX-Sample/f88d4382abca74edb26ed4c7f46190ac40da0ea5/model/deimv2_hgnetv2_atto_coco.onnx",
        bytes: 2_248_408,
        sha256: "b114aa6610ac7c2bd9b3186ffb001afa872430db957407ef2473f7148d00646e",
        manifest_rest: r#"version = "2"
licence = "Apache-2.0"
source = "Intellindust DEIMv2, https://github.com/Intellindust-AI-Lab/DEIMv2; the file from Kazuhito00/DEIMv2-ONNX-Sample"

[input]
layout = "nchw"
type = "f32"
color = "rgb"
scale = 0.00392156862745098
resize = "stretch"

[output]
layout = "detr"

[classes]
names = "coco80"
"#,
    },
];

impl KnownModel {
    /// The model of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KNOWN_MODELS.iter().find(|model| model.name == name)
    }

    /// Its whole manifest.
    pub fn manifest(&self) -> String {
        format!(
            "name = \"{}\"\nfile = \"{}\"\nsha256 = \"{}\"\n{}",
            self.name, self.file, self.sha256, self.manifest_rest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::manifest::Manifest;

    #[test]
    fn every_manifest_is_valid_and_every_address_fixed() {
        for model in KNOWN_MODELS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.toml");
            std::fs::write(&path, model.manifest()).unwrap();
            let manifest = Manifest::read(&path).unwrap();
            assert_eq!((manifest.name.as_str(), manifest.sha256.as_str()), (model.name, model.sha256));
            assert!(model.url.ends_with(model.file) && model.url.starts_with("https://"), "{}", model.url);
        }
    }
}
