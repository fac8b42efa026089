//! What a model's class numbers mean, in its own words and in the contract's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::detection::ObjectClass;

/// The 80 classes of COCO, in the order in which most models count them.
#[rustfmt::skip]
pub const COCO80: [&str; 80] = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
    "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
    "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
];

/// COCO's category numbers that no category has; a model that counts by category number has 90 classes with these gaps.
const COCO_GAPS: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The 90 classes of models that count by COCO category number less one (TensorFlow SSD); gaps are empty.
pub fn coco90() -> Vec<String> {
    let mut names = COCO80.iter();
    let mut name =
        |id| if COCO_GAPS.contains(&id) { String::new() } else { names.next().copied().unwrap_or_default().to_owned() };
    (1..=90).map(&mut name).collect()
}

/// One class of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelClass {
    /// The model's own word; empty where the number means nothing.
    pub name: Arc<str>,
    /// The contract's.
    pub class: ObjectClass,
    /// The model's word where it says more than the contract's.
    pub label: Option<Arc<str>>,
}

/// The object class that a name means where a manifest does not say otherwise.
pub fn class_of(name: &str) -> ObjectClass {
    match name {
        "bird" | "cat" | "dog" | "horse" | "sheep" | "cow" | "elephant" | "bear" | "zebra" | "giraffe" => {
            ObjectClass::Animal
        }
        "backpack" | "handbag" | "suitcase" => ObjectClass::Bag,
        "motorbike" => ObjectClass::Motorcycle,
        // What the model calls unknown is still something that the model saw.
        "unknown" => ObjectClass::Other,
        _ => ObjectClass::from_name(name).unwrap_or(ObjectClass::Other),
    }
}

/// A model's classes by number. `map` (name to class) overrules `class_of`.
pub fn resolve(names: &[String], map: &BTreeMap<String, ObjectClass>) -> Vec<ModelClass> {
    let resolve = |name: &String| {
        let class = map.get(name).copied().unwrap_or_else(|| class_of(name));
        let name: Arc<str> = name.as_str().into();
        let label = (&*name != class.as_str()).then(|| Arc::clone(&name));
        ModelClass { name, class, label }
    };
    names.iter().map(resolve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coco_by_category_number_has_its_gaps() {
        let names = coco90();
        assert_eq!(names.len(), 90);
        assert_eq!(
            [&*names[0], &*names[12], &*names[43], &*names[89]],
            ["person", "stop sign", "bottle", "toothbrush"]
        );
        assert_eq!(names[11], "");
    }

    #[test]
    fn names_become_classes_and_keep_what_they_say_more() {
        let names: Vec<String> = ["person", "dog", "backpack", "bottle", "lorry"].map(str::to_owned).to_vec();
        let map = BTreeMap::from([("lorry".to_owned(), ObjectClass::Truck)]);
        let resolved: Vec<_> =
            resolve(&names, &map).into_iter().map(|c| (c.class, c.label.as_deref().map(str::to_owned))).collect();
        let label = |l: &str| Some(l.to_owned());
        assert_eq!(
            resolved,
            [
                (ObjectClass::Person, None),
                (ObjectClass::Animal, label("dog")),
                (ObjectClass::Bag, label("backpack")),
                (ObjectClass::Other, label("bottle")),
                (ObjectClass::Truck, label("lorry")),
            ]
        );
    }
}
