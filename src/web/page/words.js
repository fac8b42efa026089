// Everything an operator reads, in both languages. Keys are the contract's own words where there are any.

export const LANGUAGES = ["zh-CN", "en"];

const en = {
  brand: "Lightbar", skip: "Go to the alerts", cameras: "Cameras", alerts: "Alerts", open_only: "Open only", filter: "Filter",
  filter_hint: "Camera, place, kind …", older: "Older alerts", keys_move: "next, previous", keys_filter: "filter", keys_top: "newest",
  theme_dark: "Dark", theme_light: "Light", live: "Live", connecting: "Connecting …", catching_up: "Catching up …",
  lost: (at) => `Disconnected since ${at}`, old: (at) => `No connection since ${at}. What you see may be old; new alerts do not arrive here.`,
  cameras_count: (online, total) => `${online} of ${total} watching`, open_count: (n) => `${n} open`,
  new_count: (n) => `↑ ${n} new ${n === 1 ? "alert" : "alerts"}`,
  watching: (fps) => `Watching · ${fps} frames/s`, blind: (cause, time) => `Blind for ${time}: ${cause}`, waiting: "Waiting for its first picture",
  ago: (time) => `${time} ago`, just_now: "just now", open: "Open", ended: (time) => `Ended after ${time}`,
  dwell: (time) => `stayed ${time}`, objects: (n, name) => (n > 1 ? `${n} × ${name}` : name), confidence: (p) => `${p} % sure`,
  quiet: (at) => `Nothing has happened since ${at}`, quiet_why: (n) => (n === 1 ? "The camera is watching." : `All ${n} cameras are watching.`),
  blind_title: "No alerts, but not everything is being watched", blind_why: (names) => `Nobody is looking at: ${names}`,
  unknown_now: "Whether anything happens now is not known", unknown_why: "The connection to the service is lost; this page keeps trying.",
  no_cameras: "No camera is configured yet", no_cameras_why: "Add one to the configuration and reload it: lightbar reload",
  no_match: "No alert fits the filter", no_match_why: "Clear it to see all alerts.",
  kafka_connected: "Kafka takes alerts", kafka_unknown: "Kafka not tried yet", kafka_failing: (at, why) => `Kafka takes nothing since ${at}: ${why}`,
  answers_failing: (at, why) => `Dispatch answers do not come in since ${at}: ${why}`,
  armed: (n, total, ordered) => `${n} of ${total} rules armed${ordered ? ` (${ordered} by order)` : ""}`,
  outbox: (n) => `${n} waiting to be sent`, model: (name) => `Model ${name}`,
  seconds: (n) => `${n} s`, minutes: (n) => `${n} min`, hours: (n) => `${n} h`, days: (n) => `${n} d`,
  acknowledge: "Acknowledge", verify: "Verify", dismiss: "Dismiss …", undo: "Undo", incident: "Several cameras", who: "Your name", who_hint: "Your name",
  keys_act: "acknowledge, verify", not_sent: "Not done: the service does not answer", refused: "Not done", refused_as: (state) => `Not done: it is ${state.toLowerCase()}`,
  show_clip: "Show the clip", show_picture: "Show the picture",
  overdue: (step) => `Overdue: ${step}`,
  timer: { acknowledge: "acknowledge", accept: "accept", arrive: "arrive", resolve: "resolve" },
  handled: { new: "New", acknowledged: "Acknowledged", verified: "Verified", dispatched: "Dispatched", accepted: "Accepted", en_route: "On the way",
    on_scene: "On scene", resolved: "Resolved", closed: "Closed", dismissed: "Dismissed", transferred: "Transferred", reopened: "Reopened",
    suppressed: "Suppressed", expired: "Expired" },
  disposition: { false_environment: "False: light, weather, animal", false_model: "False: detector was wrong", duplicate: "Told already",
    handled: "Handled", drill: "Drill" },
  severity: { Extreme: "Extreme", Severe: "Severe", Moderate: "Moderate", Minor: "Minor", Unknown: "Unknown" },
  status: { Exercise: "Exercise", System: "System", Test: "Test" },
  kind: { line_cross: "Line crossed", zone_enter: "Zone entered", zone_exit: "Zone left", zone_presence: "Presence in zone", loitering: "Loitering",
    wrong_way: "Wrong way", crowd: "Crowd", object_abandoned: "Object left behind", object_removed: "Object removed", vehicle_stopped: "Vehicle stopped",
    object_present: "Object present", fast_move: "Fast movement", camera_tamper: "Camera tampered with", video_degraded: "Poor picture",
    video_loss: "Picture lost", storm: "Too many alerts", overload: "Machine overloaded", store: "Storage problem", manual: "Reported by a person" },
  class: { person: "person", bicycle: "bicycle", motorcycle: "motorcycle", car: "car", bus: "bus", truck: "truck", van: "van", animal: "animal",
    bag: "bag", boat: "boat", fire: "fire", smoke: "smoke", other: "object", unknown: "unnamed object" },
  cause: { starting: "starting", unreachable: "not reachable", unauthorized: "password refused", stalled: "sends nothing", unusable: "unusable video",
    undecodable: "cannot be decoded", overload: "machine too busy", service_down: "service was down", disabled: "switched off",
    view_moved: "view has moved" },
  kafka_reason: { unreachable: "not reachable", unauthorized: "access refused", topic_missing: "a topic is missing", too_large: "a record is too large",
    topic_forbidden: "a topic is forbidden", cluster_forbidden: "the cluster is forbidden", not_enough_replicas: "too few replicas are in step",
    no_leader: "a partition has no leader", not_acknowledged: "nothing is acknowledged", record_refused: "a record is refused",
    timestamp_refused: "the time stamp is refused", store: "the store does not answer", other: "see the log" },
};

const zh = {
  brand: "警灯 Lightbar", skip: "跳到告警", cameras: "摄像机", alerts: "告警", open_only: "只看未结束", filter: "筛选",
  filter_hint: "摄像机、地点、类型……", older: "更早的告警", keys_move: "下一条、上一条", keys_filter: "筛选", keys_top: "最新",
  theme_dark: "深色", theme_light: "浅色", live: "实时", connecting: "正在连接……", catching_up: "正在补收……",
  lost: (at) => `${at} 起连接中断`, old: (at) => `${at} 起连接中断：所见内容可能已过时，新告警不会显示。`,
  cameras_count: (online, total) => `${total} 路中 ${online} 路正在监看`, open_count: (n) => `${n} 条未结束`,
  new_count: (n) => `↑ ${n} 条新告警`,
  watching: (fps) => `监看中 · 每秒 ${fps} 帧`, blind: (cause, time) => `失明 ${time}：${cause}`, waiting: "等待首帧画面",
  ago: (time) => `${time}前`, just_now: "刚刚", open: "进行中", ended: (time) => `持续 ${time}`,
  dwell: (time) => `停留 ${time}`, objects: (n, name) => (n > 1 ? `${name} × ${n}` : name), confidence: (p) => `置信度 ${p}%`,
  quiet: (at) => `${at} 以来没有发生任何事件`, quiet_why: (n) => `全部 ${n} 路摄像机正在监看。`,
  blind_title: "没有告警，但并非处处有人看", blind_why: (names) => `以下摄像机无人监看：${names}`,
  unknown_now: "当前是否有事件发生，无从得知", unknown_why: "与服务的连接已中断，页面正在不断重试。",
  no_cameras: "尚未配置摄像机", no_cameras_why: "请在配置中添加摄像机，然后执行：lightbar reload",
  no_match: "没有符合筛选条件的告警", no_match_why: "清除筛选即可查看全部告警。",
  kafka_connected: "Kafka 正常接收", kafka_unknown: "尚未连接 Kafka", kafka_failing: (at, why) => `${at} 起 Kafka 无法接收：${why}`,
  answers_failing: (at, why) => `${at} 起收不到处警反馈：${why}`,
  armed: (n, total, ordered) => `${total} 条规则中 ${n} 条布防${ordered ? `（${ordered} 条按指令）` : ""}`,
  outbox: (n) => `${n} 条待发送`, model: (name) => `模型 ${name}`,
  seconds: (n) => `${n} 秒`, minutes: (n) => `${n} 分钟`, hours: (n) => `${n} 小时`, days: (n) => `${n} 天`,
  acknowledge: "接警", verify: "核实", dismiss: "解除……", undo: "撤销", incident: "多路可见", who: "您的姓名", who_hint: "您的姓名",
  keys_act: "接警、核实", not_sent: "未执行：服务无响应", refused: "未执行", refused_as: (state) => `未执行：当前状态为${state}`,
  show_clip: "播放录像片段", show_picture: "查看截图",
  overdue: (step) => `超时：${step}`,
  timer: { acknowledge: "接警", accept: "出警确认", arrive: "到场", resolve: "处置" },
  handled: { new: "待处理", acknowledged: "已接警", verified: "已核实", dispatched: "已派警", accepted: "已接单", en_route: "在途",
    on_scene: "已到场", resolved: "已处置", closed: "已办结", dismissed: "已解除", transferred: "已转交", reopened: "已重开",
    suppressed: "已抑制", expired: "已过期" },
  disposition: { false_environment: "误报：光线、天气、动物", false_model: "误报：识别错误", duplicate: "重复告警", handled: "已处理", drill: "演练" },
  severity: { Extreme: "特别严重", Severe: "严重", Moderate: "中等", Minor: "轻微", Unknown: "未知" },
  status: { Exercise: "演练", System: "系统", Test: "测试" },
  kind: { line_cross: "越线", zone_enter: "进入区域", zone_exit: "离开区域", zone_presence: "区域内有目标", loitering: "徘徊",
    wrong_way: "逆行", crowd: "人员聚集", object_abandoned: "物品遗留", object_removed: "物品移走", vehicle_stopped: "车辆停留",
    object_present: "出现目标", fast_move: "快速移动", camera_tamper: "摄像机被干扰", video_degraded: "画面质量差",
    video_loss: "视频丢失", storm: "告警过多", overload: "主机过载", store: "存储故障", manual: "人工上报" },
  class: { person: "人员", bicycle: "自行车", motorcycle: "摩托车", car: "小汽车", bus: "公交车", truck: "卡车", van: "面包车", animal: "动物",
    bag: "包", boat: "船", fire: "火", smoke: "烟", other: "物体", unknown: "未知物体" },
  cause: { starting: "正在启动", unreachable: "无法连接", unauthorized: "密码被拒", stalled: "不再发送画面", unusable: "视频不可用",
    undecodable: "无法解码", overload: "主机过忙", service_down: "服务未运行", disabled: "已停用",
    view_moved: "画面移位" },
  kafka_reason: { unreachable: "无法连接", unauthorized: "认证或授权被拒", topic_missing: "主题不存在", too_large: "单条消息过大",
    topic_forbidden: "主题无权访问", cluster_forbidden: "集群无权访问", not_enough_replicas: "同步副本不足", no_leader: "分区没有主副本",
    not_acknowledged: "未得到确认", record_refused: "消息被拒收", timestamp_refused: "时间戳被拒", store: "存储无响应", other: "详见日志" },
};

const BOTH = { en, "zh-CN": zh };
let current = "en";

export function chosenLanguage() {
  const remembered = remember("language");
  if (LANGUAGES.includes(remembered)) return remembered;
  const wanted = navigator.languages?.length ? navigator.languages : [navigator.language];
  return wanted[0]?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export function setLanguage(language) { current = language; }
export function language() { return current; }
export function word(key, ...values) { const found = BOTH[current][key]; return typeof found === "function" ? found(...values) : found; }

// A word of the contract; one from the future is shown as it is.
export function term(group, key) { return BOTH[current][group][key] ?? String(key ?? "").replaceAll("_", " "); }

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return word("seconds", s);
  if (s < 100 * 60) return word("minutes", Math.round(s / 60));
  if (s < 48 * 3600) return word("hours", Math.round(s / 3600));
  return word("days", Math.round(s / 86400));
}

export function clock(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { month: "2-digit", day: "2-digit" };
  return date.toLocaleString(current, { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

// Storage may be forbidden by the browser; the page then works all the same and only forgets.
export function remember(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`lightbar.${key}`);
    localStorage.setItem(`lightbar.${key}`, value);
  } catch { /* forgets */ }
  return null;
}
