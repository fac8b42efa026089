//! Models that `lightbar model pull` can fetch: each with a licence that permits use and a pinned SHA-256. Where we had the
//! file, the hash was computed on it; else unrelated projects that pinned it before us agree on it, and the entry says which.
//! A model whose hash could not be established so is not in here.

/// A model that can be fetched.
#[derive(Clone, Copy, Debug)]
pub struct KnownModel {
    /// What to ask for.
    pub name: &'static str,
    /// In a few words.
    pub about: &'static str,
    /// The file's name, in its folder and at the end of `url`.
    pub file: &'static str,
    /// Where from: a fixed commit or a tag's release, never a moving branch.
    pub url: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: &'static str,
    /// Its manifest without `name`, `file` and `sha256`, which are written before it.
    pub manifest_rest: &'static str,
}

/// YOLOX as its publisher exports it since 0.1.1: blue first, levels 0..255, the raw grid.
macro_rules! yolox_manifest {
    ($source:literal) => {
        concat!(
            "version = \"0.1.1\"\nlicence = \"Apache-2.0\"\nsource = \"",
            $source,
            "\"\n\n[input]\nlayout = \"nchw\"\ntype = \"f32\"\ncolor = \"bgr\"\nresize = \"letterbox\"\n\n",
            "[output]\nlayout = \"yolox\"\n\n[classes]\nnames = \"coco80\"\n"
        )
    };
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
        manifest_rest: yolox_manifest!(
            "Megvii YOLOX, https://github.com/Megvii-BaseDetection/YOLOX; the file from Kazuhito00/YOLOX-ONNX-TFLite-Sample"
        ),
    },
    // Hash and size: not computed by us. Installers and model lists of at least six unrelated public projects that fetch this
    // release's asset pin this hash, four of them with this size.
    KnownModel {
        name: "yolox-tiny-416",
        about: "YOLOX-tiny, COCO's 80 classes, 416x416: finds more than nano; 6.5 GFLOP a picture instead of 1.1",
        file: "yolox_tiny.onnx",
        url: "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_tiny.onnx",
        bytes: 20_219_662,
        sha256: "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
        manifest_rest: yolox_manifest!("Megvii YOLOX, https://github.com/Megvii-BaseDetection/YOLOX, release 0.1.1rc0"),
    },
    // Hash and size: not computed by us. OpenCV's model zoo distributes the same file (object_detection_yolox_2022nov.onnx: the
    // Git LFS pointer in opencv/opencv_zoo has this hash and size), and several unrelated projects pin them for the release's.
    KnownModel {
        name: "yolox-s-640",
        about: "YOLOX-s, COCO's 80 classes, 640x640: small and far objects; 26.8 GFLOP a picture, so an accelerator or few cameras",
        file: "yolox_s.onnx",
        url: "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_s.onnx",
        bytes: 35_858_002,
        sha256: "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
        manifest_rest: yolox_manifest!("Megvii YOLOX, https://github.com/Megvii-BaseDetection/YOLOX, release 0.1.1rc0"),
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
