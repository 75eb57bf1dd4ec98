"use strict";
// Sorting, and the runs behind a number. Without this script the page reads the same; all runs are listed at its end.
const runs = document.getElementById("listing").textContent.trim().split("\n").map((line) => line.split("\t"));
const header = runs.shift();
const sets = JSON.parse(document.getElementById("sets").textContent);
const dialog = document.getElementById("behind");

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
    button.addEventListener("click", () => sort(table, head, column));
  });
}

// Tracing: a cell opens the list of its runs; the set of them is named by the cell, or by its row for all cells.
const TRACED = "td[data-runs], [data-runs] td";

function runsOf(cell) {
  const found = [];
  const stretches = sets[Number(cell.closest("[data-runs]").dataset.runs)];
  for (let i = 0; i < stretches.length; i += 2) found.push(...runs.slice(stretches[i], stretches[i] + stretches[i + 1]));
  return found;
}

function placeOf(cell) {
  const table = cell.closest("table");
  const heads = [...cell.parentElement.querySelectorAll("th")];
  const groups = [...table.tHead.rows[0].querySelectorAll("th.over")].flatMap((group) => Array(group.colSpan).fill(group));
  const column = cell.cellIndex - heads.length;
  return [...heads, groups[column], table.tHead.rows[1].cells[column]].map((head) => head.textContent.trim());
}

function show(cell) {
  const found = runsOf(cell);
  const box = dialog.querySelector("div");
  box.replaceChildren();
  make("h2", placeOf(cell).join(", "), box).id = "behind-title";
  make("p", cell.closest("table").caption.textContent.trim(), box).className = "says";
  const exact = cell.dataset.v === undefined ? "" : ` (${cell.dataset.v})`;
  make("p", `${cell.firstChild.textContent}${exact} from ${found.length} run${found.length === 1 ? "" : "s"}:`, box);
  if (cell.title) make("p", `† ${cell.title}`, box).className = "holes";
  const scroll = make("div", "", box);
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  const table = make("table", "", scroll);
  const head = make("tr", "", make("thead", "", table));
  for (const name of header) make("th", name, head).scope = "col";
  const body = make("tbody", "", table);
  for (const run of found) {
    const row = make("tr", "", body);
    for (const value of run) make("td", value, row);
  }
  dialog.showModal();
}

// One stop of the Tab key per table; the arrow keys move within it.
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function traceable(table) {
  const first = table.querySelector(TRACED);
  if (!first) return;
  table.setAttribute("role", "grid");
  table.classList.add("traced");
  first.tabIndex = 0;
  table.addEventListener("click", (event) => {
    const cell = event.target.closest(TRACED);
    if (cell) show(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    if ((event.key === "Enter" || event.key === " ") && cell.matches(TRACED)) {
      event.preventDefault();
      show(cell);
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const [down, right] = ARROWS[event.key];
      const row = table.tBodies[0].rows[cell.parentElement.sectionRowIndex + down];
      move(cell, row && row.cells[cell.cellIndex + right]);
    }
  });
}

function move(cell, next) {
  if (!next || next.tagName !== "TD") return;
  cell.closest("table").querySelector("td[tabindex='0']").tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

for (const table of document.querySelectorAll("main table")) {
  sortable(table);
  traceable(table);
}
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
document.getElementById("how").hidden = false;
