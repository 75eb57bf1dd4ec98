"use strict";
// Sorting, copying, the runs behind a number, and what is long unpacked when it is unfolded. Without this script the page
// reads the same, but for what it says is long.
const sets = JSON.parse(document.getElementById("sets").textContent);
const dialog = document.getElementById("behind");
let header, runs;

// Unpacking: base64 of a zlib stream.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

async function listing() {
  if (!runs) {
    const lines = (await unpacked(document.getElementById("run-lines").textContent)).trim().split("\n");
    runs = lines.map((line) => line.split("\t"));
    header = runs.shift();
  }
  return runs;
}

function make(tag, text, parent) {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
}

// Sorting: by the unrounded value where cells carry one (data-v), else by text; what has no value comes last either way.
function keyOf(row, column) {
  const cell = row.cells[column];
  if (cell.tagName === "TD") return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
  return cell.textContent.trim();
}

function compare(one, other) {
  if (typeof one === "number") return one - other;
  return one.localeCompare(other, "en", { numeric: true });
}

function sort(table, head, column) {
  const next = { none: "descending", descending: "ascending", ascending: "none" }[head.getAttribute("aria-sort") || "none"];
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  if (next !== "none") head.setAttribute("aria-sort", next);
  const sign = { descending: -1, ascending: 1, none: 0 }[next];
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((one, other) => Number(one.dataset.place) - Number(other.dataset.place));
  if (sign) {
    const keys = new Map(rows.map((row) => [row, keyOf(row, column)]));
    const missing = (row) => Number(keys.get(row) === null);
    rows.sort((one, other) => missing(one) - missing(other)
      || (missing(one) ? 0 : sign * compare(keys.get(one), keys.get(other))));
  }
  body.append(...rows);
}

function sortable(table) {
  [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
  const labels = [...table.querySelectorAll("thead th[rowspan]")];
  const columns = [...table.tHead.rows[1].cells];
  [...labels, ...columns].forEach((head, column) => {
    const text = head.textContent;
    head.textContent = "";
    const button = make("button", text, head);
    button.type = "button";
    button.tabIndex = -1;
    button.addEventListener("click", () => sort(table, head, column));
  });
}

// Tracing: a cell opens the list of its runs; the set of them is named by the cell, or by its row for all cells.
const TRACED = "td[data-runs], [data-runs] td";

function runsOf(cell, every) {
  const found = [];
  const stretches = sets[Number(cell.closest("[data-runs]").dataset.runs)];
  for (let i = 0; i < stretches.length; i += 2) found.push(...every.slice(stretches[i], stretches[i] + stretches[i + 1]));
  return found;
}

function placeOf(cell) {
  const table = cell.closest("table");
  const heads = [...cell.parentElement.querySelectorAll("th")];
  const groups = [...table.tHead.rows[0].querySelectorAll("th.over")].flatMap((group) => Array(group.colSpan).fill(group));
  const column = cell.cellIndex - heads.length;
  return [...heads, groups[column], table.tHead.rows[1].cells[column]].map((head) => head.textContent.trim());
}

async function show(cell) {
  const found = runsOf(cell, await listing());
  const box = dialog.querySelector("div");
  box.replaceChildren();
  make("h2", placeOf(cell).join(", "), box).id = "behind-title";
  make("p", cell.closest("table").caption.textContent.trim(), box).className = "says";
  const exact = cell.dataset.v === undefined ? "" : ` (${cell.dataset.v})`;
  make("p", `${cell.firstChild.textContent}${exact} from ${found.length} run${found.length === 1 ? "" : "s"}:`, box);
  if (cell.title) make("p", `† ${cell.title}`, box).className = "holes";
  list(found, box);
  dialog.showModal();
}

function list(found, parent) {
  const scroll = make("div", "", parent);
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.role = "region";
  scroll.ariaLabel = "Runs";
  const table = make("table", "", scroll);
  const head = make("tr", "", make("thead", "", table));
  for (const name of header) make("th", name, head).scope = "col";
  const body = make("tbody", "", table);
  for (const run of found) {
    const row = make("tr", "", body);
    for (const value of run) make("td", value, row);
  }
}

// Copying a table: as it is shown, or with all digits.
function rowsOf(table, exact) {
  const over = [...table.tHead.rows[0].querySelectorAll("th.over")].flatMap((head) => Array(head.colSpan).fill(head.textContent));
  const labels = [...table.tHead.querySelectorAll("th[rowspan]")].map((head) => head.textContent);
  const columns = [...table.tHead.rows[1].cells].map((head, at) => `${over[at]}: ${head.textContent}`);
  const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const value = (cell) => (exact && cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim());
  return [[...labels, ...columns], ...shown.map((row) => [...row.cells].map(value))];
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "−": "$-$", "±": "$\\pm$", "§": "\\S{}",
  "≠": "$\\neq$", "†": "\\textdagger{}", "–": "--", "<": "\\textless{}", ">": "\\textgreater{}" };
const escaped = (text) => text.replace(/[\\~^−±§≠†–<>&%$#_{}]/g, (sign) => TEX[sign] || `\\${sign}`);

const COPIES = {
  "Copy LaTeX": (table) => {
    const [head, ...rows] = rowsOf(table, false).map((row) => row.map(escaped).join(" & ") + " \\\\");
    const labels = table.tHead.querySelectorAll("th[rowspan]").length;
    const form = "l".repeat(labels) + "r".repeat(table.tHead.rows[1].cells.length);
    return [`\\begin{tabular}{${form}}`, "\\toprule", head, "\\midrule", ...rows, "\\bottomrule", "\\end{tabular}"].join("\n");
  },
  "Copy CSV": (table) => rowsOf(table, true).map((row) => row.map(quoted).join(",")).join("\n"),
  "Copy link": (table) => `${location.href.split("#")[0]}#${table.id}`,
};

function copyable(table) {
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [name, text] of Object.entries(COPIES)) {
    const button = make("button", name, tools);
    button.type = "button";
    button.tabIndex = -1;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text(table)); } catch { copyByHand(text(table)); }
      say(`${name.replace("Copy ", "")} of ${table.id} copied`);
    });
  }
  table.closest(".table").prepend(tools);
  return tools;
}

function copyByHand(text) {  // a page opened from a file may not reach the clipboard otherwise
  const field = make("textarea", text, document.body);
  field.select();
  document.execCommand("copy");
  field.remove();
}

const status = make("p", "", document.body);
status.role = "status";
status.className = "heard";
function say(text) { status.textContent = text; }

// Row headers stay where they are while a table scrolls, as long as they leave room for numbers.
function keep(table) {
  const room = table.closest(".scroll").clientWidth;
  if (!room) return;
  const heads = table.tHead.querySelectorAll("th[rowspan]");
  const widths = [...heads].map((head) => head.getBoundingClientRect().width);
  const lefts = widths.map((_, at) => widths.slice(0, at).reduce((sum, width) => sum + width, 0));
  const kept = lefts.map((left, at) => at === 0 || left + widths[at] < 0.6 * room);
  for (const row of [table.tHead.rows[0], ...table.tBodies[0].rows]) {
    [...row.querySelectorAll("th:not(.over)")].forEach((head, at) => {
      head.classList.toggle("kept", kept[at]);
      head.style.left = kept[at] ? `${lefts[at]}px` : "";
    });
  }
}

// One stop of the Tab key per table; the arrow keys move within it, from the first row up to headers and copy buttons.
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function walkable(table, tools) {
  const heads = [...table.tHead.querySelectorAll("th[rowspan] button")];
  const columns = [...table.tHead.rows[1].querySelectorAll("button")];
  const lines = () => [[...tools.children], [...heads, ...columns], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)
    .map((row) => [...Array(heads.length).fill(null), ...row.querySelectorAll("td")])];
  const first = table.querySelector("tbody td");
  if (!first) return;
  const scroll = table.closest(".scroll");
  scroll.removeAttribute("tabindex");
  table.classList.toggle("traced", Boolean(table.querySelector(TRACED)));
  first.tabIndex = 0;
  let current = first;
  table.addEventListener("click", (event) => {
    const cell = event.target.closest(TRACED);
    if (cell) show(cell);
  });
  table.closest(".table").addEventListener("keydown", (event) => {
    const at = event.target.closest("td, .tools button, thead button");
    if (!at) return;
    if ((event.key === "Enter" || event.key === " ") && at.matches(TRACED)) {
      event.preventDefault();
      show(at);
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const [down, right] = ARROWS[event.key];
      const every = lines();
      const line = every.findIndex((own) => own.includes(at));
      const place = every[line].indexOf(at) + right;
      const row = every[line + down];
      if (!row) return;
      const next = down ? row[Math.min(place, row.length - 1)] || row[heads.length] : row[place];
      if (!next) return;
      current.tabIndex = -1;
      next.tabIndex = 0;
      current = next;
      next.focus();
    }
  });
}

function prepare(parent) {
  for (const table of parent.querySelectorAll(".table table")) {
    sortable(table);
    walkable(table, copyable(table));
    keep(table);
  }
}

// What is long is unpacked when it is unfolded, or when a link leads into it.
async function unfold(details) {
  const kept = details.querySelector(":scope > script");
  if (kept) {
    kept.remove();
    const box = make("div", "", details);
    box.innerHTML = await unpacked(kept.textContent);
    prepare(box);
    reachable();
  }
  details.open = true;
  if (details.id === "listing" && !details.querySelector("table")) list(await listing(), details);
  for (const table of details.querySelectorAll(".table table")) keep(table);
}

for (const details of document.querySelectorAll("main details")) {
  details.addEventListener("toggle", () => { if (details.open) unfold(details); });
}

async function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  const packed = [...document.querySelectorAll("details.packed")].find((own) => own.dataset.ids.split(" ").includes(id));
  if (packed) await unfold(packed);
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) await unfold(folded);
  target.scrollIntoView();
}

// A filter: rows whose headers hold what is typed.
function filterable() {
  const nav = document.querySelector("nav");
  if (!nav) return;
  const label = make("label", "Show rows with ", nav);
  label.className = "filter";
  const field = make("input", "", label);
  field.type = "search";
  field.placeholder = "a strategy, dataset or ratio";
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of document.querySelectorAll(".table tbody tr")) {
      const text = [...row.querySelectorAll("th")].map((head) => head.textContent).join(" ").toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    say(wanted.length ? `${shown} rows shown` : "all rows shown");
  });
}

// What is wider than the window is reached by the Tab key, so that the arrow keys can move it.
function reachable() {
  for (const figure of document.querySelectorAll("figure")) {
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  }
}

prepare(document.querySelector("main"));
filterable();
reachable();
const ways = document.querySelector("details.wide");
if (ways) ways.open = matchMedia("(min-width: 50rem)").matches;
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
document.getElementById("how").hidden = false;
addEventListener("hashchange", follow);
addEventListener("resize", () => { document.querySelectorAll(".table table").forEach(keep); reachable(); });
if (location.hash) follow();
