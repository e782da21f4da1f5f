"use strict";
// All text of hosts comes in as JSON and goes out as text nodes; nothing here is ever read as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const PASS = data.verdicts.length - 1; // the worst come first
const ROWS = 60; // drawn at first, so that they are there at once; then twice as many each time
const MISSING = "missing";
const [ASKED, VERDICT, VALUE, BEFORE, REASON, REMEDY, SAID, WAIVER] = [0, 1, 2, 3, 4, 5, 6, 7]; // places in a result

const byId = id => document.getElementById(id);
const grid = byId("grid");

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const asked = data.asked.map(([check, topic, subject, expected, unit, source, origin]) => ({
  name: subject ? `${check} ${subject}` : check,
  title: data.titles[check] || "",
  search: `${check} ${subject} ${data.titles[check] || ""}`.toLowerCase(),
  topic, expected, unit, source, origin,
}));

const hosts = data.hosts.map(([name, state, profile, lab, reason, results]) => ({
  name, state, profile, lab, reason, results,
  judged: state === "judged",
  search: `${name} ${profile}`.toLowerCase(),
  shown: results, // what the filter lets through
}));

// --- what a result says ---

function measure(value, unit) {
  return value === null ? "not measured" : unit ? `${value} ${unit}` : String(value);
}

function badge(word, tone) {
  return make("span", {class: `badge ${tone}`}, word);
}

function before(result) { // undefined when it was the same, null when it was not there
  const place = result[BEFORE];
  return place === -1 ? null : data.before[place];
}

function was(result) {
  const then = before(result);
  if (then === undefined) return "the same";
  return then === null ? "not in that run" : `${then[0]}, ${measure(then[1], asked[result[ASKED]].unit)}`;
}

function facts(result) {
  const {expected, unit, source, origin} = asked[result[ASKED]];
  const rows = [
    ["Measured", measure(data.values[result[VALUE]], unit)],
    ["Expected", expected ? measure(expected, unit) : "–"],
    ["Source", source || "–"],
    ["Asked by", origin || "–"],
  ];
  if (data.compared) rows.push(["In the run before", was(result)]);
  return listed(rows);
}

function listed(rows) {
  return make("dl", {class: "facts"}, ...rows.map(([name, text]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, text))));
}

function waiver(place) {
  const [verdict, reason, owner, expires, ticket, origin] = data.waivers[place];
  const rows = [["Without the waiver", verdict], ["Owner", owner], ["Until", expires], ["Written in", origin]];
  if (ticket) rows.push(["Ticket", ticket]);
  return [make("p", {}, make("b", {}, "Waived: "), reason), listed(rows)];
}

function evidence(place) {
  const [command, outcome, stdout, stderr, leftOut] = data.said[place];
  const lines = [make("span", {class: "asked"}, `$ ${data.texts[command]}`)];
  if (data.texts[stdout]) lines.push(make("span", {}, data.texts[stdout]));
  if (data.texts[stderr]) lines.push(make("span", {class: "errors"}, data.texts[stderr]));
  const more = leftOut ? `, ${leftOut} more lines in the evidence of the run` : "";
  return make("figure", {}, make("pre", {}, ...lines), make("figcaption", {}, data.texts[outcome] + more));
}

function finding(result) {
  const [word, , tone] = data.verdicts[result[VERDICT]];
  const {name, title} = asked[result[ASKED]];
  const made = make("article", {class: `failure ${tone}`},
    make("h3", {}, badge(word, tone), ` ${name} `, make("span", {class: "soft"}, title)));
  if (data.texts[result[REASON]]) made.append(make("p", {class: "says"}, data.texts[result[REASON]]));
  made.append(facts(result));
  if (result[WAIVER] !== undefined) made.append(...waiver(result[WAIVER]));
  if (data.texts[result[REMEDY]]) {
    made.append(make("p", {class: "remedy"}, make("b", {}, "Do this: "), data.texts[result[REMEDY]]));
  }
  if (result[SAID].length) made.append(make("p", {class: "soft"}, "What the host said:"), ...result[SAID].map(evidence));
  return made;
}

function passed(results) {
  const columns = ["check", "measured", "expected", "source", "asked by", ...(data.compared ? ["in the run before"] : [])];
  const rows = results.map(result => {
    const {name, title, expected, unit, source, origin} = asked[result[ASKED]];
    const cells = [measure(data.values[result[VALUE]], unit), measure(expected, unit), source, origin];
    if (data.compared) cells.push(was(result));
    return make("tr", {}, make("th", {scope: "row", title}, name),
      ...cells.map(text => make("td", {class: "wrap"}, text)));
  });
  return make("table", {class: "passed"}, make("caption", {}, `PASS: ${results.length}`),
    make("thead", {}, make("tr", {}, ...columns.map(word => make("th", {scope: "col"}, word)))),
    make("tbody", {}, ...rows));
}

function worstFirst(results) {
  return [...results].sort((a, b) => a[VERDICT] - b[VERDICT]);
}

function lab(host) {
  return host.lab ? [" ", badge("lab", "calm")] : [];
}

// --- the filter ---

function filtered() {
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [verdict, topic, bad] = [byId("verdict").value, byId("topic").value, byId("bad").checked];
  const named = new Map(); // the checks that words which are not in a host's name are in
  const found = [];
  for (const host of hosts) {
    if (verdict === MISSING && host.judged) continue;
    const left = words.filter(word => !host.search.includes(word));
    const key = left.join(" ");
    if (!named.has(key)) named.set(key, asked.map(one => left.every(word => one.search.includes(word))));
    const may = named.get(key);
    host.shown = host.results.filter(result =>
      may[result[ASKED]]
      && (verdict === "" || verdict === MISSING || result[VERDICT] === Number(verdict))
      && (topic === "" || asked[result[ASKED]].topic === Number(topic))
      && (!bad || result[VERDICT] !== PASS));
    // A host of which nothing is known is never hidden by what is asked of results.
    if (host.shown.length || (!host.judged && !left.length && (verdict === "" || verdict === MISSING))) found.push(host);
  }
  if (!byId("worst").checked) return found;
  return found.map(host => [weight(host), host]).sort(([a], [b]) => heavier(a, b)).map(([, host]) => host);
}

function weight(host) {
  const counts = data.verdicts.map(() => 0);
  for (const result of host.shown) counts[result[VERDICT]] += 1;
  return [host.judged ? 0 : 1, ...counts.slice(0, PASS)];
}

function heavier(a, b) {
  const place = a.findIndex((count, at) => count !== b[at]);
  return place < 0 ? 0 : b[place] - a[place];
}

// --- the matrix ---

let topics = []; // its columns
let drawMore = null; // draws the rows that are not there yet

function draw() {
  const found = filtered();
  const used = new Set(found.flatMap(host => host.shown.map(result => asked[result[ASKED]].topic)));
  topics = data.topics.map((_, topic) => topic).filter(topic => used.has(topic));
  grid.tHead.replaceChildren(make("tr", {}, make("th", {scope: "col"}, "host"), ...topics.map(topic =>
    make("th", {scope: "col", class: "topic"}, make("span", {}, data.topics[topic])))));
  grid.tBodies[0].replaceChildren();
  grid.setAttribute("aria-rowcount", found.length + 1);
  const results = found.reduce((sum, host) => sum + host.shown.length, 0);
  const all = hosts.reduce((sum, host) => sum + host.results.length, 0);
  byId("count").textContent = `${found.length} of ${hosts.length} hosts, ${results} of ${all} results`;
  let [next, count] = [0, ROWS];
  const more = () => {
    grid.tBodies[0].append(...found.slice(next, next + count).map(row));
    next += count;
    count *= 2;
    drawMore = next < found.length ? more : null;
  };
  more();
  if (grid.tBodies[0].rows.length) grid.tBodies[0].rows[0].cells[0].tabIndex = 0;
  const later = () => { if (drawMore === more) { more(); setTimeout(later); } };
  setTimeout(later);
}

function row(host) {
  const made = make("tr", {}, make("th", {scope: "row", tabindex: -1, title: host.profile}, host.name, ...lab(host)));
  made.host = host;
  if (!host.judged) made.cells[0].append(" ", badge(host.state, "bad"));
  if (!host.shown.length) {
    made.append(make("td", {class: "none", colspan: Math.max(1, topics.length), tabindex: -1}, host.reason));
    return made;
  }
  const cells = new Map();
  for (const result of host.shown) {
    const topic = asked[result[ASKED]].topic;
    if (!cells.has(topic)) cells.set(topic, []);
    cells.get(topic).push(result);
  }
  made.append(...topics.map(topic => cell(host, topic, cells.get(topic))));
  return made;
}

function cell(host, topic, results) {
  const about = `${host.name}, ${data.topics[topic]}`;
  if (!results) return make("td", {class: "none", tabindex: -1, "aria-label": `${about}: nothing`}, "·");
  const worst = Math.min(...results.map(result => result[VERDICT]));
  const counts = data.verdicts.map(([word], verdict) => [results.filter(r => r[VERDICT] === verdict).length, word]);
  const moved = results.some(result => before(result) && before(result)[0] !== data.verdicts[result[VERDICT]][0]);
  const said = counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`).join(", ");
  const label = `${about}: ${said}${moved ? ", changed" : ""}`;
  const [, letters, tone] = data.verdicts[worst];
  const made = make("td", {class: `cell ${tone}${moved ? " moved" : ""}`, tabindex: -1, title: label, "aria-label": label},
    make("b", {}, letters), String(counts[worst][0]));
  made.topic = topic;
  return made;
}

// --- what lies behind a cell ---

const detail = byId("detail");

function open(host, topic) {
  const results = worstFirst(host.results.filter(result => topic === undefined || asked[result[ASKED]].topic === topic));
  const bad = results.filter(result => result[VERDICT] !== PASS);
  const good = results.filter(result => result[VERDICT] === PASS);
  byId("detail-title").replaceChildren(host.name, ...lab(host), topic === undefined ? "" : ` / ${data.topics[topic]}`);
  const words = [host.profile ? `Profile ${host.profile}` : "No profile", ...(host.reason ? [host.reason] : [])];
  byId("detail-body").replaceChildren(
    make("p", {class: "soft"}, ...(host.judged ? [] : [badge(host.state, "bad"), " "]), words.join("; ")),
    ...bad.map(finding), ...(good.length ? [passed(good)] : []));
  byId("all").hidden = topic === undefined;
  byId("all").onclick = () => open(host);
  if (!detail.open) detail.showModal();
  byId("detail-body").scrollTop = 0;
}

function openAt(element) {
  const at = element.closest("td, tbody th");
  if (at) open(at.parentElement.host, at.topic);
}

function goTo(cells, column) {
  const to = cells[Math.max(0, Math.min(column, cells.length - 1))];
  for (const other of grid.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

grid.addEventListener("click", event => openAt(event.target));
grid.addEventListener("keydown", event => {
  const at = event.target.closest("td, tbody th");
  if (!at || event.altKey || event.metaKey) return;
  const rows = grid.tBodies[0].rows;
  const [line, column] = [at.parentElement.sectionRowIndex, at.cellIndex];
  const [first, last] = event.ctrlKey ? [0, rows.length - 1] : [line, line];
  const to = {
    ArrowUp: [line - 1, column], ArrowDown: [line + 1, column], ArrowLeft: [line, column - 1],
    ArrowRight: [line, column + 1], Home: [first, 0], End: [last, topics.length],
    PageUp: [Math.max(0, line - 10), column], PageDown: [Math.min(rows.length - 1, line + 10), column],
  }[event.key];
  if (event.key === "Enter" || event.key === " ") openAt(at);
  else if (!to) return;
  else if (rows[to[0]]) goTo(rows[to[0]].cells, to[1]);
  event.preventDefault();
});
byId("close").addEventListener("click", () => detail.close());
detail.addEventListener("click", event => { if (event.target === detail) detail.close(); });

byId("filter").addEventListener("input", draw);
byId("filter").addEventListener("submit", event => event.preventDefault());
byId("filter").addEventListener("reset", () => setTimeout(draw)); // once the fields are empty

// --- on paper, which cannot be clicked, everything that is not PASS stands open ---

addEventListener("beforeprint", () => {
  while (drawMore) drawMore();
  const told = hosts.map(host => [host, worstFirst(host.shown).filter(result => result[VERDICT] !== PASS)]);
  byId("paper").replaceChildren(make("h2", {}, "Everything that is not PASS"), ...told.filter(([, bad]) => bad.length)
    .flatMap(([host, bad]) => [make("h3", {}, host.name, ...lab(host)), ...bad.map(finding)]));
});
addEventListener("afterprint", () => byId("paper").replaceChildren());

draw();
