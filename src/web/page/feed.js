// The connection: what is recorded already, then what comes. Comes back by itself, says when it is away, and never repeats.

const SILENCE_MS = 15000; // the service speaks every 5 s; three times nothing is a dead connection
const BACK_FIRST_MS = 1000;
const BACK_MAX_MS = 15000;

export class Feed {
  #source = null; #last = 0; #states = 0; #heard = 0; #wait = BACK_FIRST_MS; #timer = 0; #lostSince = null; #generation = 0;

  // on = { history(items, next), alert(alert), handled(states), state(name, since), now(serverTime) }
  constructor(on) { this.on = on; }

  start() { this.#state("connecting"); this.#load(); setInterval(() => this.#watch(), 1000); }

  async older(before) {
    const answer = await fetch(`/api/v1/alerts?limit=50&before=${before}`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = await answer.json();
    this.on.handled(page.alerts.map((item) => item.state).filter(Boolean));
    return { alerts: page.alerts.map((item) => item.alert), next: page.next_before };
  }

  async #load() {
    const generation = ++this.#generation;
    try {
      const answer = await fetch("/api/v1/alerts?limit=100");
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const page = await answer.json();
      if (generation !== this.#generation) return;
      this.#last = page.last_row;
      this.#states = page.states_row ?? 0;
      this.on.handled(page.alerts.map((item) => item.state).filter(Boolean));
      this.on.history(page.alerts.map((item) => item.alert), page.next_before);
      this.#open();
    } catch { if (generation === this.#generation) this.#later(() => this.#load()); }
  }

  #open() {
    this.#source?.close();
    const source = this.#source = new EventSource(`/api/v1/feed?after=${this.#last}&states_after=${this.#states}`);
    this.#heard = Date.now();
    source.onopen = () => this.#alive();
    source.addEventListener("alive", (event) => { this.#alive(); this.on.now(JSON.parse(event.data).now); });
    source.addEventListener("alert", (event) => {
      this.#alive();
      const row = Number(event.lastEventId);
      if (row <= this.#last) return;
      this.#last = row;
      this.on.alert(JSON.parse(event.data));
    });
    // The disk is full: what is decided is shown all the same, and comes again with its row when it is recorded.
    source.addEventListener("unrecorded", (event) => { this.#alive(); this.on.alert(JSON.parse(event.data)); });
    source.addEventListener("state", (event) => {
      this.#alive();
      const { row, state } = JSON.parse(event.data);
      if (row <= this.#states) return;
      this.#states = row;
      this.on.handled([state]);
    });
    source.addEventListener("reload", (event) => {
      this.#alive();
      // The service goes on from there by itself; only where its store was restored is what is shown no longer true.
      if (JSON.parse(event.data).reason === "store_restored") { source.close(); this.#load(); } else this.#state("catching_up");
    });
    source.onerror = () => { source.close(); this.#later(() => this.#open()); };
  }

  #alive() { this.#heard = Date.now(); this.#wait = BACK_FIRST_MS; this.#lostSince = null; this.#state("live"); }

  #later(again) {
    this.#source = null;
    this.#lostSince ??= this.#heard || Date.now();
    this.#state("lost", this.#lostSince);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(again, this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, BACK_MAX_MS);
  }

  #watch() {
    if (this.#source && Date.now() - this.#heard > SILENCE_MS) { this.#source.close(); this.#later(() => this.#open()); }
  }

  #state(name, since) { this.on.state(name, since); }
}
