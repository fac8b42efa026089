// The page: keeps what is known, shows it, and answers keys. Newest on top; an update changes its alert in place.

import { card, dismissable, element, headline, isOpen, matches, since, tile } from "./cards.js";
import { Feed } from "./feed.js";
import { LANGUAGES, chosenLanguage, clock, remember, setLanguage, term, word } from "./words.js";

const KEPT_MAX = 500;
const LOOK_EVERY_MS = 5000;
const $ = (id) => document.getElementById(id);

const alerts = new Map(); // alert id -> alert at its newest revision
const handled = new Map(); // alert id -> its state with people; none: it is new
let order = []; // alert ids, newest opening first
let unseen = new Set();
let stale = false; // a card that was in use was not drawn anew
let cameras = null, service = null, next = null, skew = 0, link = { name: "connecting", at: 0 };
const serverNow = () => Date.now() + skew;
const shown = (alert) => (!$("open-only").checked || isOpen(alert)) && matches(alert, $("filter").value.trim());

// ------------------------------------------------------------ what comes in

function take(alert) {
  const known = alerts.get(alert.alert_id);
  if (known && known.revision >= alert.revision) return false;
  alerts.set(alert.alert_id, alert);
  return !known;
}

function sort() {
  const began = (id) => Date.parse(alerts.get(id).timing.started_at ?? alerts.get(id).timing.captured_at);
  order = [...alerts.keys()].sort((a, b) => began(b) - began(a));
  for (const id of order.splice(KEPT_MAX)) { alerts.delete(id); handled.delete(id); unseen.delete(id); }
}

const feed = new Feed({
  handled(states) {
    for (const state of states) if ((handled.get(state.alert_id)?.state_revision ?? 0) < state.state_revision) handled.set(state.alert_id, state);
    redraw();
  },
  history(items, more) { alerts.clear(); items.forEach(take); next = more; sort(); draw(); },
  alert(alert) {
    const isNew = take(alert);
    if (isNew && shown(alert)) {
      if (document.hidden || window.scrollY > 120) unseen.add(alert.alert_id);
      $("spoken").textContent = headline(alert);
    }
    sort();
    redraw();
    const drawn = cardOf(alert.alert_id);
    if (isNew) drawn?.classList.add("arrived", "fresh");
    if (isNew) setTimeout(() => cardOf(alert.alert_id)?.classList.remove("fresh"), 8000);
  },
  state(name, at) { if (link.name !== name) { link = { name, at }; drawLink(); drawEmpty(); } },
  now(at) { skew = Date.parse(at) - Date.now(); },
});

async function look() {
  try {
    const [seen, said] = await Promise.all(["/api/v1/cameras", "/api/v1/status"].map((path) => fetch(path).then((answer) => answer.json())));
    cameras = seen.cameras;
    service = said;
    skew = Date.parse(said.now) - Date.now();
  } catch { /* the feed's state tells that the service is away */ }
  drawCameras();
  drawEmpty();
  drawService();
}

// ------------------------------------------------------------ what is shown

function draw() {
  const list = $("alerts");
  const wanted = order.map((id) => alerts.get(id)).filter(shown);
  const fresh = new Set([...list.querySelectorAll(".fresh")].map((old) => old.dataset.alert));
  place(list, wanted.map((alert) => alert.alert_id));
  for (const id of fresh) cardOf(id)?.classList.add("fresh");
  const open = [...alerts.values()].filter(isOpen).length;
  $("open-count").textContent = open ? word("open_count", open) : "";
  $("older").hidden = next === null || wanted.length === 0;
  drawNew();
  drawEmpty();
}

// The cards of these alerts, all new but one: a card whose list of dispositions is in use stays the very node it is, in its place,
// since a list closes when its node is moved. What it shows is made good when the list is left.
function place(list, ids) {
  const fresh = (id) => card(alerts.get(id), serverNow(), handled.get(id), (action, more) => act(id, action, more));
  const held = chooser()?.closest("[data-alert]");
  const at = held ? ids.indexOf(held.dataset.alert) : -1;
  stale = at >= 0 && dismissable(handled.get(held.dataset.alert));
  if (!stale) return list.replaceChildren(...ids.map(fresh));
  for (const old of [...list.children]) if (old !== held) old.remove();
  held.before(...ids.slice(0, at).map(fresh));
  held.after(...ids.slice(at + 1).map(fresh));
}

// The list of dispositions that somebody is choosing from.
function chooser() { return document.activeElement?.closest("#alerts select.act"); }

// Draws anew and leaves who works on a card where he was.
function redraw() {
  const focused = document.activeElement?.closest("[data-alert]")?.dataset.alert;
  draw();
  if (focused && !stale) cardOf(focused)?.focus({ preventScroll: true });
}

function drawNew() {
  $("new").hidden = unseen.size === 0;
  $("new").textContent = word("new_count", unseen.size);
  document.title = (unseen.size ? `(${unseen.size}) ` : "") + word("brand");
}

function drawLink() {
  const kind = link.name === "catching_up" ? "connecting" : link.name;
  $("link").className = `link ${kind}`;
  $("link-text").textContent = link.name === "lost" ? word("lost", clock(link.at)) : word(link.name);
  $("old").hidden = link.name !== "lost";
  document.body.classList.toggle("lost", link.name === "lost");
  if (link.name === "lost") $("old").textContent = word("old", clock(link.at));
}

function drawCameras() {
  if (!cameras) return;
  const blindFirst = [...cameras].sort((a, b) => Number(a.online) - Number(b.online));
  $("cameras").replaceChildren(...blindFirst.map((camera) => tile(camera, serverNow())));
  $("cameras-count").textContent = word("cameras_count", cameras.filter((camera) => camera.online).length, cameras.length);
}

function drawEmpty() {
  const empty = $("empty");
  empty.hidden = $("alerts").childElementCount > 0 || (link.name !== "lost" && (!cameras || !service));
  if (empty.hidden) return;
  const blind = (cameras ?? []).filter((camera) => !camera.online);
  let [title, why, warn] = ["", "", false];
  if (link.name === "lost") [title, why, warn] = [word("unknown_now"), word("unknown_why"), true];
  else if (alerts.size > 0) [title, why] = [word("no_match"), word("no_match_why")];
  else if (cameras.length === 0) [title, why, warn] = [word("no_cameras"), word("no_cameras_why"), true];
  else if (blind.length > 0) {
    const names = blind.map((camera) => `${camera.name ?? camera.id} (${term("cause", camera.cause)})`).join(", ");
    [title, why, warn] = [word("blind_title"), word("blind_why", names), true];
  } else [title, why] = [word("quiet", clock(service.started_at)), word("quiet_why", cameras.length)];
  empty.classList.toggle("warn", warn);
  empty.querySelector(".empty-title").textContent = title;
  empty.querySelector(".empty-why").textContent = why;
}

function drawService() {
  if (!service) return;
  const failing = service.kafka.state === "failing";
  const parts = [element("span", failing ? "warn" : "", failing ? word("kafka_failing", clock(service.kafka.since), term("kafka_reason", service.kafka.reason)) : word(`kafka_${service.kafka.state}`))];
  const deaf = service.answers?.state === "failing";
  if (deaf) parts.push(element("span", "warn", word("answers_failing", clock(service.answers.since), term("kafka_reason", service.answers.reason))));
  if (service.outbox?.depth) parts.push(element("span", "", word("outbox", service.outbox.depth)));
  const rules = service.rules;
  // Worth a word only where somebody might expect an alert that will not come.
  if (rules?.total && (rules.armed < rules.total || rules.ordered)) parts.push(element("span", rules.ordered ? "warn" : "", word("armed", rules.armed, rules.total, rules.ordered)));
  if (service.model) parts.push(element("span", "", word("model", service.model.name)));
  parts.push(element("span", "", `Lightbar ${service.version}`));
  $("service").replaceChildren(...parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
  $("service").title = [failing && service.kafka.message, deaf && service.answers.message].filter(Boolean).join("\n");
}

function speak(language) {
  setLanguage(language);
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-word]")) place.textContent = word(place.dataset.word);
  for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  $("filter").placeholder = word("filter_hint");
  $("who").placeholder = word("who_hint");
  drawTheme();
  draw();
  drawLink();
  drawCameras();
  drawService();
}

function drawTheme() {
  const dark = document.documentElement.dataset.theme === "dark";
  $("theme").textContent = word(dark ? "theme_light" : "theme_dark");
}

// ------------------------------------------------------------ what the operator does

const cardOf = (id) => document.querySelector(`[data-alert="${CSS.escape(id)}"]`);

// There is no log-in yet: who acts is who he says he is.
async function act(alert, action, more) {
  const body = { action, by: $("who").value.trim() || "operator", ...more };
  const headers = { "content-type": "application/json", "idempotency-key": `${Date.now()}-${Math.random()}` };
  let refused = word("not_sent");
  try {
    const answer = await fetch(`/api/v1/alerts/${alert}/transitions`, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.ok) return;
    const problem = await answer.json();
    refused = problem.state ? word("refused_as", term("handled", problem.state)) : word("refused");
  } catch { /* said below */ }
  const said = cardOf(alert)?.querySelector(".said");
  if (said) said.textContent = refused;
  $("spoken").textContent = refused;
}

function move(by) {
  const cards = [...$("alerts").children];
  const at = cards.indexOf(document.activeElement);
  const to = cards[at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + by))];
  to?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

function toTop() { window.scrollTo({ top: 0 }); unseen.clear(); drawNew(); }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target === $("filter")) {
    if (event.key === "Escape") { $("filter").value = ""; draw(); $("filter").blur(); }
    return;
  }
  if (event.target.matches?.("input, select")) return;
  const focused = document.activeElement?.closest("[data-alert]")?.dataset.alert;
  const does = { a: "acknowledge", v: "verify" }[event.key.toLowerCase()];
  if (does && focused && cardOf(focused)?.querySelector(`[data-action="${does}"]`)) { event.preventDefault(); act(focused, does, {}); return; }
  const moves = { j: () => move(1), k: () => move(-1), f: () => $("filter").focus(), t: toTop }[event.key.toLowerCase()];
  if (moves) { event.preventDefault(); moves(); }
});
document.addEventListener("scroll", () => { if (window.scrollY < 40 && unseen.size) { unseen.clear(); drawNew(); } }, { passive: true });
document.addEventListener("visibilitychange", () => { if (!document.hidden && window.scrollY < 40) { unseen.clear(); drawNew(); } });
$("new").addEventListener("click", toTop);
$("filter").addEventListener("input", draw);
$("who").addEventListener("change", () => remember("who", $("who").value.trim()));
$("open-only").addEventListener("change", draw);
$("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  drawTheme();
});
for (const language of LANGUAGES) {
  document.querySelector(`[data-lang="${language}"]`).addEventListener("click", () => { remember("language", language); speak(language); });
}
$("older").addEventListener("click", async () => {
  try {
    const page = await feed.older(next);
    page.alerts.forEach(take);
    next = page.next;
    sort();
    draw();
  } catch { /* stays; the feed's state tells that the service is away */ }
});

setInterval(() => {
  for (const ago of document.querySelectorAll("[data-since]")) ago.textContent = since(ago.dataset.since, serverNow());
  drawCameras();
  if (stale && !chooser()) redraw();
}, 1000);
setInterval(look, LOOK_EVERY_MS);

document.documentElement.dataset.theme = remember("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
$("who").value = remember("who") ?? "";
speak(chosenLanguage());
feed.start();
look();
