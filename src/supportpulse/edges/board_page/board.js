// The page: listens to /events and writes what changed. Elements stay, so focus, selection and scrolling do too.
import { drawPast, drawWindows, percent, plot, seconds } from "/plots.js";

const HOUR = 0, DAY = 3, SILENT_SECONDS = 6, FEW = 8;
const LEVELS = { far_above: "▲▲ far above usual", above: "▲ above usual", "": "as usual" };
const ARROWS = { far_above: " ▲▲", above: " ▲", "": "" };
const MARKS = { ok: "✓", warn: "!", bad: "✕" };
const by = (id) => document.getElementById(id);
const plain = (name) => name.replaceAll("_", " ");
const clockTime = (at) => new Date(at * 1000).toLocaleTimeString();

let told = null;            // the last overview
let heard = Date.now();     // when the board was last heard of
let choice = "";

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function putClass(node, name) {
  if (node.className !== name) node.className = name;
}

// Children of `parent`, one an item, kept by key and in the order of the items. `make` gives [node, show(item)].
function list(parent, key, make) {
  const made = new Map();
  return (items) => {
    const wanted = new Set(items.map(key));
    for (const [name, [node]] of made) if (!wanted.has(name)) { node.remove(); made.delete(name); }
    let at = parent.firstElementChild;
    for (const item of items) {
      const name = key(item);
      if (!made.has(name)) made.set(name, make(item));
      const [node, show] = made.get(name);
      show(item);
      if (node === at) at = at.nextElementSibling; else parent.insertBefore(node, at);
    }
  };
}

function copyButton(name) {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copied(button.dataset.command);
    put(by("said"), done ? `Copied: ${button.dataset.command}` : "Could not copy");
    put(button, done ? "Copied" : "Failed");
    setTimeout(() => put(button, "Copy"), 1500);
  });
  return [button, (line) => {
    if (button.dataset.command === line.command) return;
    button.dataset.command = button.title = line.command;
    button.setAttribute("aria-label", `Copy the command that lists the tickets of ${name}`);
  }];
}

// Pages that do not come from this host have no clipboard of their own.
async function copied(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  const before = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

const beside = (line) => `usual ${percent(line.usual["1d"])}\nallowed ${percent(line.allowed[DAY])}`;
const counted = (line, window) => `${line.breached[window]} of ${line.breached[window] + line.met[window]}`;

function figure(name) {
  const value = el("span"), note = el("small"), node = el("div", {}, el("dt", {}, name), el("dd", {}, value, note));
  return [node, (text, more, level = "") => { put(value, text + (ARROWS[level] ?? "")); putClass(value, level); put(note, more); }];
}

const health = list(by("health"), (check) => check.name, (check) => {
  const mark = el("span", { "aria-hidden": "true" }), word = el("span", { class: "unseen" });
  const value = el("span", { class: "value" }), note = el("span", { class: "note" });
  const node = el("li", {}, el("span", { class: "name" }, check.name), mark, " ", value, word, note);
  return [node, (one) => {
    putClass(node, one.state);
    put(mark, MARKS[one.state]);
    put(word, ` (${one.state})`);
    put(value, one.value);
    put(note, one.note);
  }];
});

const dimensions = list(by("dimensions"), (one) => one.name, (one) => {
  const figures = el("dl", { class: "figures" });
  const none = el("p", { class: "muted" }, "no such clock decided yet");
  const show = list(figures, (line) => line.clock, (line) => {
    const [node, put1] = figure(plain(line.clock));
    return [node, (now) => put1(percent(now.share[DAY]), beside(now), now.levels["1d"])];
  });
  const node = el("div", {}, el("h3", {}, one.name), el("div", { class: "muted" }, one.question), figures, none);
  return [node, (now) => { show(now.clocks); none.hidden = now.clocks.length > 0; }];
});

const worst = list(by("worst"), (line) => `${line.scenario} ${line.clock}`, (line) => {
  const name = `${plain(line.scenario)}, ${plain(line.clock)}`;
  const text = el("div"), level = el("strong"), more = el("span"), code = el("code");
  text.append(el("strong", {}, name), " ", level, " ", more);
  const [button, showButton] = copyButton(name);
  const node = el("li", {}, text, code, button);
  return [node, (now) => {
    putClass(node, now.level);
    put(level, LEVELS[now.level]);
    putClass(level, now.level);
    const going = [[now.overdue, "overdue"], [now.at_risk, "at risk"], [now.waits[0] ?? 0, `waiting over ${told.thresholds[0]}`]];
    put(more, `${percent(now.share[DAY])} of the day breached, usually ${percent(now.usual["1d"])}; last hour ${percent(now.share[HOUR])} ` +
      `(${counted(now, HOUR)}). Now: ${going.filter(([count]) => count).map(([count, what]) => `${count} ${what}`).join(", ") || "none overdue"}.`);
    put(code, now.command);
    showButton(now);
  }];
});

const cards = list(by("scenario-cards"), (line) => line.scenario, (line) => {
  const level = el("strong"), figures = el("dl", { class: "figures" });
  const past = plot(), bars = plot(), fill = el("div", { class: "fill" }), left = el("span");
  const budget = el("div", { class: "budget" }, el("div", { class: "track" }, fill), left);
  const shown = {};
  for (const name of ["last hour", "last day", "first response", "substantive", "open", "at risk", "overdue", "waiting"]) {
    const [node, show] = figure(name);
    figures.append(node);
    shown[name] = show;
  }
  const node = el("article", {}, el("header", {}, el("h3", {}, plain(line.scenario)), level), figures,
    el("div", { class: "plots" },
      el("figure", {}, el("figcaption", {}, "last hour's share, live; dashed: usual, dotted: allowed"), past),
      el("figure", {}, el("figcaption", {}, "share by window; mark: allowed"), bars)), budget);
  return [node, (now) => {
    put(level, LEVELS[now.level]);
    putClass(level, now.level);
    shown["last hour"](percent(now.share[HOUR]), `${counted(now, HOUR)}\nbreached`, now.levels["1h"]);
    shown["last day"](percent(now.share[DAY]), beside(now), now.levels["1d"]);
    for (const [name, clock] of [["first response", "first_response"], ["substantive", "substantive_response"]]) {
      const one = told.clocks.find((found) => found.scenario === now.scenario && found.clock === clock);
      shown[name](percent(one?.share[DAY]), "of the day", one?.levels["1d"] ?? "");
    }
    shown["open"](`${now.open}`, "");
    shown["at risk"](`${now.at_risk}`, "");
    shown["overdue"](`${now.overdue}`, "", now.overdue ? "bad" : "");
    shown["waiting"](now.waits.join(" / ") || "–", told.thresholds.length ? `over ${told.thresholds.join(" / ")}` : "");
    drawPast(past, told.past, now.scenario, now.usual["1d"], now.allowed[HOUR] ?? now.allowed[DAY]);
    drawWindows(bars, told.windows, now);
    put(left, `28 days' budget: ${budgetText(now.budget_left)}`);
    putClass(budget, now.budget_left !== null && now.budget_left < 0 ? "budget spent" : "budget");
    fill.style.width = `${Math.min(1, Math.max(0, now.budget_left ?? 0)) * 100}%`;
  }];
});

function budgetText(left) {
  if (left === null) return "–";
  return left >= 0 ? `${(left * 100).toFixed(0)}% left` : `spent ${(1 - left).toFixed(1)} times`;
}

const LEVEL_OF = ["1h", "1d"];  // of the first columns
const COLUMNS = [
  ["last hour", (line) => percent(line.share[HOUR])],
  ["last day", (line) => percent(line.share[DAY])],
  ["usual", (line) => percent(line.usual["1d"])],
  ["allowed", (line) => percent(line.allowed[DAY])],
  ["open", (line) => `${line.open}`],
  ["at risk", (line) => `${line.at_risk}`],
  ["overdue", (line) => `${line.overdue}`],
  ["waiting", (line) => (line.waits.some(Boolean) ? line.waits.join(" / ") : "0")],
  ["28 days' budget", (line) => budgetText(line.budget_left)],
];

by("headings").append(
  el("th", { scope: "col" }, "scenario"), el("th", { scope: "col" }, "clock"),
  ...COLUMNS.map(([name]) => el("th", { scope: "col", "data-name": name }, name)),
  el("th", { scope: "col", id: "bars-heading" }, "by window"), el("th", { scope: "col" }, "tickets"));

const rows = list(document.querySelector("#clocks tbody"), (line) => `${line.scenario} ${line.clock}`, (line) => {
  const name = `${plain(line.scenario)}, ${plain(line.clock)}`;
  const cells = COLUMNS.map(([label]) => el("td", { "data-label": label }));
  const word = el("small"), bars = plot(96, 24), [button, showButton] = copyButton(name);
  const node = el("tr", {}, el("td", { class: "scenario" }, plain(line.scenario)), el("th", { scope: "row" }, plain(line.clock), word),
    ...cells, el("td", { class: "bars", "data-label": "by window" }, bars), el("td", { "data-label": "tickets" }, button));
  return [node, (now) => {
    cells.forEach((cell, place) => put(cell, COLUMNS[place][1](now) + (ARROWS[now.levels[LEVEL_OF[place]]] ?? "")));
    putClass(cells[0], now.levels["1h"]);
    putClass(cells[1], now.levels["1d"]);
    put(word, now.level ? LEVELS[now.level] : "");
    putClass(word, now.level);
    if (told.thresholds.length) cells[7].title = `over ${told.thresholds.join(" / ")}`;
    drawWindows(bars, told.windows, now, true);
    showButton(now);
  }];
});

// A phone shows the worst first and the rest when asked.
const narrow = window.matchMedia("(max-width: 899px)");
let whole = false;
narrow.addEventListener("change", () => told && render());
by("more").addEventListener("click", () => { whole = true; render(); });

function showRows() {
  const wanted = told.clocks.filter((line) => choice === "" || choice === line.scenario);
  const shown = narrow.matches && !whole ? wanted.slice(0, FEW) : wanted;
  rows(shown);
  by("more").hidden = shown.length === wanted.length;
  put(by("more"), `Show all ${wanted.length}`);
}

const choices = list(by("choice"), (name) => name, (name) => [el("option", { value: name }, name ? plain(name) : "all"), () => {}]);
by("choice").replaceChildren();
by("choice").addEventListener("change", (event) => { choice = event.target.value; render(); });

function render() {
  put(by("policy"), told.policy ? `policy ${told.policy} · ${told.events.toLocaleString("en")} events processed` : "");
  health(told.checks);
  dimensions(told.dimensions);
  worst(told.worst);
  by("none-worst").hidden = told.worst.length > 0 || told.as_of === null;
  cards(told.scenarios);
  choices(["", ...[...new Set(told.clocks.map((line) => line.scenario))].sort()]);
  showRows();
  put(by("bars-heading"), told.windows.join(" "));
  if (told.thresholds.length) put(document.querySelector("th[data-name=waiting]"), `waiting over ${told.thresholds.join(" / ")}`);
  document.title = `${told.worst.length ? `(${told.worst.length}) ` : ""}supportpulse`;
}

// What is wrong in words, and since when: ["", null] if nothing is.
function trouble() {
  const quiet = (Date.now() - heard) / 1000;
  if (quiet > SILENT_SECONDS) return [`No answer from this board since ${clockTime(heard / 1000)}: has it ended? Trying again.`, heard / 1000];
  if (told === null) return ["", null];
  const silent = told.silent.filter((one) => one.reason !== "not asked yet");
  if (!silent.length) return ["", null];
  const since = Math.min(...silent.map((one) => one.since ?? Infinity));
  const each = silent.map((one) => one.since === null
    ? `No answer from worker ${one.url} yet: ${one.reason}.`
    : `No answer from worker ${one.url} since ${clockTime(one.since)}: ${one.reason}.`).join(" ");
  const rest = told.live ? "What it knows is missing below." : told.as_of === null ? "Start one, or give its --url." : "All numbers below are as of then.";
  return [`${each} ${rest}`, Number.isFinite(since) ? since + skew : null];
}

let skew = 0;  // this browser's clock less the board's

function tick() {
  const [text, since] = trouble();
  const live = told !== null && told.live && !text;
  by("banner").hidden = !text;
  put(by("banner-text"), text);
  put(by("banner-age"), since === null ? "" : `(${seconds(Date.now() / 1000 - since)})`);
  document.body.classList.toggle("stale", Boolean(text) && !(told?.live && Date.now() - heard < SILENT_SECONDS * 1000));
  putClass(by("live"), live ? "ok" : text ? "bad" : "muted");
  put(document.querySelector("#live .mark"), live ? "●" : text ? "✕" : "…");
  put(by("live-text"), live ? `live, numbers of ${clockTime(told.as_of)}` : text ? "not live" : "connecting");
}

function connect() {
  const source = new EventSource("/events");
  const hear = () => { heard = Date.now(); };
  source.addEventListener("open", hear);
  source.addEventListener("beat", () => { hear(); tick(); });
  source.addEventListener("message", (event) => {
    hear();
    told = JSON.parse(event.data);
    skew = Date.now() / 1000 - told.now;
    render();
    tick();
  });
  // It comes back by itself, except after an answer that is no stream (a proxy's error page): then we do.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}

connect();
setInterval(tick, 1000);
