// What an alert and a camera look like. Text goes in as text, never as markup: names come from configurations and models.

import { clock, language, span, term, word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const SEVERITIES = ["Extreme", "Severe", "Moderate", "Minor"];

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function headline(alert) {
  const text = alert.text?.[language()]?.headline ?? alert.text?.en?.headline;
  return text ?? [term("kind", alert.kind), place(alert)].filter(Boolean).join(" · ");
}

export function place(alert) {
  const camera = alert.camera ? (alert.camera.name ?? alert.camera.id) : alert.node?.id;
  const zone = alert.zone ? (alert.zone.name ?? alert.zone.id) : null;
  return [camera, zone].filter(Boolean).join(" / ");
}

// Evidence may come when it is over: then it is an update, and over all the same.
export function isOpen(alert) { return alert.phase !== "ended" && !alert.timing.ended_at; }

export function matches(alert, wanted) {
  const text = [headline(alert), place(alert), alert.camera?.id, alert.camera?.address, alert.rule?.id, term("kind", alert.kind), alert.kind,
    term("severity", alert.severity), ...(alert.objects ?? []).map((object) => term("class", object.class))].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((part) => text.includes(part));
}

// `handled` is the alert's state with people (none: it is new), `act(action, more)` does something with it.
export function card(alert, now, handled, act) {
  const severity = SEVERITIES.includes(alert.severity) ? alert.severity : "Unknown";
  const open = isOpen(alert);
  const made = element("article", `card ${severity} ${open ? "" : "over"}`);
  made.tabIndex = 0;
  made.dataset.alert = alert.alert_id;
  const badge = element("p", "severity");
  badge.append(element("span", "shape"), element("span", "", term("severity", severity)));
  const what = element("div", "what");
  const title = element("h3", "", headline(alert));
  title.id = `h-${alert.alert_id}`;
  made.setAttribute("aria-labelledby", title.id);
  what.append(title, facts(alert), acts(handled, act));
  made.append(badge, what, where(alert), when(alert, open, now));
  return made;
}

function facts(alert) {
  const line = element("p", "facts");
  const add = (text, className) => { if (text) line.append(element("span", className, text)); };
  if (alert.status !== "Actual") add(term("status", alert.status), "status");
  add(term("kind", alert.kind), "kind");
  add(place(alert));
  const first = alert.objects?.[0];
  if (first) add(word("objects", alert.count ?? 1, first.class === "other" && first.label ? first.label : term("class", first.class)));
  if (first?.dwell_s >= 1) add(word("dwell", span(first.dwell_s)));
  return line;
}

// Whether an alert in this state can be dismissed: whether its card has the list of dispositions.
export function dismissable(handled) {
  return ["new", "acknowledged", "verified", "reopened", "expired"].includes(handled?.state ?? "new");
}

const DISPOSITIONS = ["false_environment", "false_model", "duplicate", "handled", "drill"];

// Where it stands with people, and what can be done next; only what the service would take.
function acts(handled, act) {
  const state = handled?.state ?? "new";
  const line = element("p", "acts");
  const badge = element("span", `handled is-${state}`, term("handled", state));
  if (handled?.change?.actor && handled.change.role !== "system") badge.title = handled.change.actor;
  line.append(badge);
  if (handled?.overdue) line.append(element("span", "overdue", word("overdue", term("timer", handled.overdue.timer))));
  if (handled?.incident_id) line.append(element("span", "", word("incident")));
  const button = (action) => {
    const made = element("button", "act", word(action));
    made.type = "button";
    made.dataset.action = action;
    made.addEventListener("click", () => act(action, {}));
    line.append(made);
  };
  if (["new", "reopened"].includes(state)) button("acknowledge");
  if (["acknowledged", "reopened"].includes(state)) button("verify");
  if (state === "dismissed") button("undo");
  if (dismissable(handled)) {
    const choice = element("select", "act");
    choice.setAttribute("aria-label", word("dismiss"));
    choice.append(new Option(word("dismiss"), ""), ...DISPOSITIONS.map((why) => new Option(term("disposition", why), why)));
    choice.addEventListener("change", () => act("dismiss", { disposition: choice.value }));
    line.append(choice);
  }
  line.append(element("span", "said"));
  return line;
}

// Where in the picture: boxes over the picture that raised it, or on an empty frame while there is none. It opens the clip, once
// that is there.
function where(alert) {
  const drawing = boxes(alert);
  const evidence = alert.evidence ?? [];
  const picture = evidence.find((piece) => piece.kind === "snapshot" && piece.role === "trigger");
  const opens = evidence.find((piece) => piece.kind === "clip") ?? picture;
  if (!opens) return drawing ?? element("span");
  const made = element("a", "where");
  made.href = opens.uri;
  made.target = "_blank";
  made.rel = "noopener";
  made.title = word(opens.kind === "clip" ? "show_clip" : "show_picture");
  made.setAttribute("aria-label", made.title);
  if (picture) {
    const image = element("img");
    image.src = picture.uri;
    image.alt = "";
    image.loading = "lazy";
    made.append(image);
  }
  if (drawing) made.append(drawing);
  if (opens.kind === "clip") made.append(element("span", "play"));
  return made;
}

function boxes(alert) {
  const boxes = (alert.objects ?? []).map((object) => object.bbox).filter(Boolean);
  if (boxes.length === 0) return null;
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "where");
  drawing.setAttribute("viewBox", "0 0 160 90");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  for (const box of boxes) {
    const rect = document.createElementNS(SVG, "rect");
    const at = { x: box.x * 160, y: box.y * 90, width: Math.max(4, box.w * 160), height: Math.max(4, box.h * 90), rx: 1.5 };
    for (const [name, value] of Object.entries(at)) rect.setAttribute(name, String(value));
    drawing.append(rect);
  }
  return drawing;
}

function when(alert, open, now) {
  const timing = alert.timing ?? {};
  const began = timing.started_at ?? timing.captured_at;
  const made = element("div", "when");
  const time = element("time", "", clock(began));
  time.dateTime = began;
  const ago = element("span", "ago", since(began, now));
  ago.dataset.since = began;
  const lasted = (Date.parse(timing.ended_at ?? timing.captured_at) - Date.parse(began)) / 1000;
  made.append(time, ago, element("span", `phase ${open ? "open" : "ended"}`, open ? word("open") : word("ended", span(lasted))));
  return made;
}

export function since(at, now) {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 2 ? word("just_now") : word("ago", span(seconds));
}

export function tile(camera, now) {
  const starting = !camera.online && camera.cause === "starting";
  const made = element("li", `tile ${camera.online ? "" : "blind"} ${starting ? "starting" : ""}`);
  const age = span((now - Date.parse(camera.since)) / 1000);
  const state = camera.online ? word("watching", camera.frames_per_second.toFixed(1))
    : starting ? word("waiting") : word("blind", term("cause", camera.cause), age);
  made.append(element("span", "state"), element("strong", "", camera.name ?? camera.id), element("small", "", state));
  made.title = camera.message ?? camera.id;
  return made;
}
