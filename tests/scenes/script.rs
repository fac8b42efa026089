//! The form of a `.scene` file: one statement per line, `#` begins a comment, times end in `s`, places are 0..1.
//!
//! ```text
//! zone yard 0.2,0.3 0.8,0.3 0.8,1.0 0.2,1.0
//! zone both 0.1,0.3 0.4,0.3 0.4,1 0.1,1 | 0.6,0.3 0.9,0.3 0.9,1 0.6,1 less 0.2,0.5 0.3,0.5 0.3,0.6     less holes
//! line gate 0.5,1.0 0.5,0.0
//! ground 0.2,0.9,0,0 0.8,0.9,6,0 0.6,0.4,6,20 0.4,0.4,0,20     the ground, in metres
//! rule r1 loitering zone=yard dwell=10s classes=person cooldown=30s min_confidence=0.5 min_height=0.1 anchor=centre
//! rule r2 line_cross line=gate direction=left_to_right
//! rule r3 object_removed settle=5s gone=2s labels=bottle      a rule's keys as configured; `dwell=10s` is `dwell_s = 10`
//! fps 2 5 10 25            each is run
//! seeds 3                  each frame rate with so many different noises
//! noise 0.02               standard deviation of box places and sizes, in box sizes
//! until 30s
//! picture                  it is the one that docs/img/rules/KIND.svg shows for its first rule's kind
//! object anna person 0.9 0.06x0.3     a thing of class[:label], confidence, width x height
//!   2s 0.1,0.8                        is at this bottom centre then; between, it moves straight
//!   9s 0.9,0.8 0.08x0.4               with another size, if given
//! stays anna               remains where it last was
//! hide anna 4s..5s         is not detected then
//! weak anna 4s..5s 0.2     is detected with this confidence then
//! miss anna 0.3            is missed on this share of frames
//! alias anna bicycle 0.3   is taken for another class on this share of frames
//! behind anna bus          is not detected while the other covers half of it
//! glimpse 5s person 0.6 0.5,0.8 0.06x0.3    one detection on one frame
//! see 5s person 0.6 0.1 0.2 0.05 0.2        one detection as recorded: x y w h; frames are where these are
//! frame 5.2s                                a recorded frame without detections
//! blind 5s..20s stalled    nobody looks, and why; silence 5s..20s: nobody says anything
//! unchanged 5s..20s        the gate looks and nothing moves
//! change 12s drop r1       the configuration is read again without this rule
//! end 20s restart          every alert is ended
//! order 12s armed rule=r until=20s          somebody arms it (or disarmed, as_configured), one rule or all, for a while or for good
//! watch 5s bicycle 0.3,0.8 0.1x0.1          somebody asks to watch what stands there
//! restart 20s..60s         the service is stopped and started again; what stood is known, nothing else
//! expect loitering rule=r1 started=4s~0.5 raised=14s~0.7 ended=20s~1 end=left direction=left_to_right updates=1
//!                          and count=4, how many objects it opened with; speed=3.5~0.3, of the first, in m/s
//! ```
//! Every rule may have `hours=5s..20s,30s..40s armed=5s..20s deliver=record mode=shadow max_per_hour=2`; of an alert may be expected
//! `deliver=record status=Test suppressed=3 watched=yes` too.
//! Every alert must be expected, and every expected one must come.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::conduct::{self, RuleHours, ScriptOrder};
use lightbar::config::scene_from_text;
use lightbar::domain::alert::EndReason;
use lightbar::domain::detection::ObjectClass;
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::CameraId;
use lightbar::domain::scene::{BlindCause, SceneConfig};

pub(crate) struct Script {
    pub(crate) config: SceneConfig,
    /// Hours of each rule, in the scene's own time.
    pub(crate) hours: Vec<RuleHours>,
    pub(crate) fps: Vec<f64>,
    pub(crate) seeds: u64,
    pub(crate) picture: bool,
    pub(crate) noise: f64,
    pub(crate) until: f64,
    pub(crate) objects: Vec<Actor>,
    pub(crate) glimpses: Vec<Shot>,
    pub(crate) recorded: BTreeMap<u64, Vec<Shot>>,
    pub(crate) spans: Vec<(f64, f64, Span)>,
    pub(crate) acts: Vec<(f64, Act)>,
    pub(crate) expected: Vec<Expected>,
}

pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) class: ObjectClass,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) confidence: f32,
    pub(crate) keys: Vec<(f64, [f64; 4])>,
    pub(crate) stays: bool,
    pub(crate) hidden: Vec<(f64, f64)>,
    pub(crate) weak: Vec<(f64, f64, f32)>,
    pub(crate) miss: f64,
    pub(crate) alias: Option<(ObjectClass, f64)>,
    pub(crate) behind: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Shot {
    pub(crate) at: f64,
    pub(crate) class: ObjectClass,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) confidence: f32,
    pub(crate) bbox: BBox,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Span {
    Blind(BlindCause),
    Silence,
    Unchanged,
    Off,
}

#[derive(Clone)]
pub(crate) enum Act {
    Drop(String),
    Order(ScriptOrder),
    Watch(ObjectClass, BBox),
    End(EndReason),
    Restart,
}

pub(crate) struct Expected {
    pub(crate) text: String,
    pub(crate) kind: String,
    pub(crate) fields: BTreeMap<String, String>,
}

pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('s').ok_or_else(|| format!("a time ends in `s`, got {text:?}"))?;
    number.parse().map_err(|_| format!("not a time: {text:?}"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text:?}"))
}

fn pair(text: &str, by: char) -> Result<(f64, f64), String> {
    let (a, b) = text.split_once(by).ok_or_else(|| format!("wanted two numbers joined by {by:?}, got {text:?}"))?;
    Ok((number(a)?, number(b)?))
}

fn span(text: &str) -> Result<(f64, f64), String> {
    let (a, b) = text.split_once("..").ok_or_else(|| format!("wanted FROM..TO, got {text:?}"))?;
    Ok((seconds(a)?, seconds(b)?))
}

pub(crate) fn spans(text: &str) -> Result<Vec<(f64, f64)>, String> {
    text.split(',').map(span).collect()
}

fn class(text: &str) -> Result<(ObjectClass, Option<Arc<str>>), String> {
    let (name, label) = text.split_once(':').map_or((text, None), |(c, l)| (c, Some(Arc::from(l))));
    Ok((ObjectClass::from_name(name).ok_or_else(|| format!("unknown class {name:?}"))?, label))
}

fn fields(words: &[&str]) -> Result<BTreeMap<String, String>, String> {
    words
        .iter()
        .map(|w| {
            let (key, value) = w.split_once('=').ok_or_else(|| format!("wanted KEY=VALUE, got {w:?}"))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A value as configuration files write it: `10s` becomes the key's `_s`, `0,0.5>1,0.5` a list of points.
fn setting(key: &str, value: &str) -> String {
    if let Some(number) = value.strip_suffix('s').filter(|number| number.parse::<f64>().is_ok()) {
        return format!("{key}_s = {number}");
    }
    if matches!(key, "classes" | "labels") {
        let items: Vec<String> = value.split(',').map(|item| format!("{item:?}")).collect();
        return format!("{key} = [{}]", items.join(", "));
    }
    if value.contains('>') {
        let points: Vec<String> = value.split('>').map(|point| format!("[{point}]")).collect();
        return format!("{key} = [{}]", points.join(", "));
    }
    let is_bare = value.parse::<f64>().is_ok() || value.parse::<bool>().is_ok();
    if is_bare { format!("{key} = {value}") } else { format!("{key} = {value:?}") }
}

/// A rule as a configuration file has it; one that rests never and takes any confidence where nothing is said.
fn rule(words: &[&str]) -> Result<(String, RuleHours), String> {
    let [id, kind, given @ ..] = words else { return Err("wanted: rule ID KIND KEY=VALUE ...".into()) };
    let mut settings = fields(given)?;
    let hours = conduct::take(&mut settings)?;
    settings.entry("cooldown".to_owned()).or_insert_with(|| "0s".to_owned());
    settings.entry("min_confidence".to_owned()).or_insert_with(|| "0".to_owned());
    let settings: Vec<String> = settings.iter().map(|(key, value)| setting(key, value)).collect();
    Ok((format!("[[rule]]\nid = {id:?}\nkind = {kind:?}\n{}\n", settings.join("\n")), hours))
}

/// A zone or line as a configuration file has it.
fn shape(what: &str, id: &str, words: &[&str]) -> String {
    let part = |words: &[&str]| words.iter().map(|point| format!("[{point}]")).collect::<Vec<_>>().join(", ");
    let list = |words: &[&str]| {
        words.split(|word| *word == "|").map(|words| format!("[{}]", part(words))).collect::<Vec<_>>().join(", ")
    };
    if what == "line" {
        return format!("[[line]]\nid = {id:?}\npoints = [{}]\n", part(words));
    }
    let (polygons, holes) = words.split_at(words.iter().position(|word| *word == "less").unwrap_or(words.len()));
    let holes = holes.split_first().map_or(String::new(), |(_, holes)| format!("holes = [{}]\n", list(holes)));
    format!("[[zone]]\nid = {id:?}\npolygons = [{}]\n{holes}", list(polygons))
}

impl Script {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut script, mut drawn) = (Self::empty(), String::new());
        for (i, line) in text.lines().enumerate() {
            let statement = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = statement.split_whitespace().collect();
            if !words.is_empty() {
                let text = script.take(&words, statement).map_err(|e| format!("line {}: {e}", i + 1))?;
                drawn += &text.unwrap_or_default();
            }
        }
        script.config = scene_from_text(&drawn).map_err(|e| e.to_string())?;
        Ok(script)
    }

    fn empty() -> Self {
        let config = SceneConfig::new(CameraId::parse("scene").unwrap());
        Self {
            config,
            hours: Vec::new(),
            fps: vec![5.0],
            seeds: 1,
            picture: false,
            noise: 0.0,
            until: 0.0,
            objects: Vec::new(),
            glimpses: Vec::new(),
            recorded: BTreeMap::new(),
            spans: Vec::new(),
            acts: Vec::new(),
            expected: Vec::new(),
        }
    }

    /// Takes in a statement; gives what configuration it stands for.
    fn take(&mut self, words: &[&str], statement: &str) -> Result<Option<String>, String> {
        let word = |i: usize| words.get(i).copied().ok_or_else(|| format!("{} wants more words", words[0]));
        match words[0] {
            "zone" | "line" => return Ok(Some(shape(words[0], word(1)?, &words[2..]))),
            "rule" => {
                let (text, hours) = rule(&words[1..])?;
                self.hours.push(hours);
                return Ok(Some(text));
            }
            "ground" => {
                let points: Vec<String> = words[1..].iter().map(|point| format!("[{point}]")).collect();
                return Ok(Some(format!("[ground]\npoints = [{}]\n", points.join(", "))));
            }
            "fps" => self.fps = words[1..].iter().map(|w| number(w)).collect::<Result<_, _>>()?,
            "picture" => self.picture = true,
            "seeds" => self.seeds = number(word(1)?)?,
            "noise" => self.noise = number(word(1)?)?,
            "until" => self.until = seconds(word(1)?)?,
            "object" => self.enter(words)?,
            "glimpse" => {
                let ((class, label), (x, y), (w, h)) = (class(word(2)?)?, pair(word(4)?, ',')?, pair(word(5)?, 'x')?);
                let bbox = BBox::new(x - w / 2.0, y - h, w, h);
                self.glimpses.push(Shot { at: seconds(word(1)?)?, class, label, confidence: number(word(3)?)?, bbox });
            }
            "see" => {
                let (at, (class, label)) = (seconds(word(1)?)?, class(word(2)?)?);
                let bbox = BBox::new(number(word(4)?)?, number(word(5)?)?, number(word(6)?)?, number(word(7)?)?);
                let shot = Shot { at, class, label, confidence: number(word(3)?)?, bbox };
                self.recorded.entry((at * 1000.0).round() as u64).or_default().push(shot);
            }
            "frame" => {
                self.recorded.entry((seconds(word(1)?)? * 1000.0).round() as u64).or_default();
            }
            "blind" | "silence" | "unchanged" => {
                let (from, to) = span(word(1)?)?;
                let cause = |text: &str| BlindCause::ALL.into_iter().find(|c| c.as_str() == text);
                let what = match words[0] {
                    "blind" => Span::Blind(cause(word(2)?).ok_or_else(|| format!("unknown cause {:?}", words[2]))?),
                    "silence" => Span::Silence,
                    _ => Span::Unchanged,
                };
                self.spans.push((from, to, what));
            }
            "change" => self.acts.push((seconds(word(1)?)?, Act::Drop(word(3)?.to_owned()))),
            "order" => {
                let order = ScriptOrder::parse(word(2)?, fields(&words[3..])?)?;
                self.acts.push((seconds(word(1)?)?, Act::Order(order)));
            }
            "watch" => {
                let ((x, y), (w, h)) = (pair(word(3)?, ',')?, pair(word(4)?, 'x')?);
                let act = Act::Watch(class(word(2)?)?.0, BBox::new(x - w / 2.0, y - h, w, h));
                self.acts.push((seconds(word(1)?)?, act));
            }
            "restart" => {
                let (from, to) = span(word(1)?)?;
                self.acts.push((from, Act::Restart));
                self.spans.push((from, to, Span::Off));
            }
            "end" => self.acts.push((seconds(word(1)?)?, Act::End(EndReason::Restart))),
            "expect" => {
                let (kind, fields) = (word(1)?.to_owned(), fields(&words[2..])?);
                self.expected.push(Expected { text: statement.trim().to_owned(), kind, fields });
            }
            _ if statement.starts_with(' ') => self.keyframe(words)?,
            _ => self.of_an_actor(words)?,
        }
        Ok(None)
    }

    fn enter(&mut self, words: &[&str]) -> Result<(), String> {
        let [_, name, what, confidence, size] = words else {
            return Err("wanted: object NAME CLASS CONFIDENCE WxH".into());
        };
        let ((class, label), (w, h)) = (class(what)?, pair(size, 'x')?);
        self.objects.push(Actor {
            name: (*name).to_owned(),
            class,
            label,
            confidence: number(confidence)?,
            keys: vec![(f64::NAN, [0.0, 0.0, w, h])],
            stays: false,
            hidden: Vec::new(),
            weak: Vec::new(),
            miss: 0.0,
            alias: None,
            behind: Vec::new(),
        });
        Ok(())
    }

    fn keyframe(&mut self, words: &[&str]) -> Result<(), String> {
        let actor = self.objects.last_mut().ok_or("a keyframe without an object")?;
        let &(last, [_, _, mut w, mut h]) = actor.keys.last().ok_or("no size")?;
        let ((x, y), at) = (pair(words[1], ',')?, seconds(words[0])?);
        if let Some(size) = words.get(2) {
            (w, h) = pair(size, 'x')?;
        }
        if last.is_nan() {
            actor.keys.clear();
        }
        actor.keys.push((at, [x, y, w, h]));
        Ok(())
    }

    fn of_an_actor(&mut self, words: &[&str]) -> Result<(), String> {
        let name = words.get(1).ok_or_else(|| format!("unknown statement {:?}", words[0]))?;
        let actor = self.objects.iter_mut().find(|o| o.name == *name);
        let actor = actor.ok_or_else(|| format!("unknown statement or object: {words:?}"))?;
        match (words[0], &words[2..]) {
            ("stays", []) => actor.stays = true,
            ("hide", [during]) => actor.hidden.push(span(during)?),
            ("weak", [during, confidence]) => {
                let (from, to) = span(during)?;
                actor.weak.push((from, to, number(confidence)?));
            }
            ("miss", [share]) => actor.miss = number(share)?,
            ("alias", [other, share]) => actor.alias = Some((class(other)?.0, number(share)?)),
            ("behind", [other]) => actor.behind.push((*other).to_owned()),
            _ => return Err(format!("unknown statement: {words:?}")),
        }
        Ok(())
    }
}
