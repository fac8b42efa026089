//! Models for tests: the shared ones by their manifests, and one written by hand, byte by byte.

use std::path::{Path, PathBuf};

use super::footage::footage;

/// The manifests of the shared models.
pub(crate) const SHARED: [&str; 6] =
    ["yolox-nano", "yolox-nano-v8", "yolox-nano-e2e", "yolox-nano-nms", "deimv2-atto", "ssd-mobilenet"];

/// The manifest of a shared model, in `folder`, with the test data's place written in.
pub(crate) fn manifest(name: &str, folder: &Path) -> Option<PathBuf> {
    let data = footage("models")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/models").join(name).with_extension("toml");
    let text = std::fs::read_to_string(source)
        .unwrap()
        .replace("${LIGHTBAR_TEST_DATA}", data.parent().unwrap().to_str().unwrap());
    let path = folder.join(name).with_extension("toml");
    std::fs::write(&path, text).unwrap();
    Some(path)
}

/// An ONNX model that gives back what it takes, a float tensor of 1x3x8x8: loads anywhere and is no detector.
pub(crate) fn identity() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let number = |field: u8, value: u8| vec![field << 3, value];
    let side = |n: u8| field(1, &number(1, n));
    let shape = [side(1), side(3), side(8), side(8)].concat();
    let tensor = [number(1, 1), field(2, &shape)].concat();
    let value = |name: &str| [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat();
    let node = [field(1, b"x"), field(2, b"y"), field(4, b"Identity")].concat();
    let graph = [field(1, &node), field(2, b"identity"), field(11, &value("x")), field(12, &value("y"))].concat();
    [number(1, 8), field(7, &graph), field(8, &number(2, 13))].concat()
}

/// A manifest for `file` with that hash, otherwise sound.
pub(crate) fn manifest_text(file: &str, sha256: &str) -> String {
    format!(
        "name = \"test\"\nversion = \"1\"\nfile = \"{file}\"\nsha256 = \"{sha256}\"\nlicence = \"Apache-2.0\"\nsource = \"test\"\n\
         [input]\nlayout = \"nchw\"\ntype = \"f32\"\ncolor = \"rgb\"\nresize = \"stretch\"\n[output]\nlayout = \"end_to_end\"\n\
         [classes]\nnames = [\"person\"]\n"
    )
}
