// One stencil: its sizes in all builds, and its code.

// What an instruction does, as `code.rs` numbers it.
const NOTES = [[1, "call"], [2, "indirect"], [4, "spill"], [8, "reload"]];

const hexadecimal = (number) => `0x${number.toString(16)}`;
const spaced = (digits) => digits.replace(/../g, "$& ").trimEnd();

// Returns the text of an instruction, with its holes marked.
function instruction(text) {
  const parts = text.split(/(<[^>]*>)/);
  return parts.map((part, index) => (index % 2 ? make("span", { className: "hole" }, part) : part));
}

function jump(target, size, rows) {
  if (target >= size) return "to the next micro-op";
  const made = make("button", { type: "button", className: "link" }, `to ${hexadecimal(target)}`);
  made.addEventListener("click", () => {
    const row = rows.get(target);
    row?.scrollIntoView({ block: "center" });
    row?.focus();
  });
  return made;
}

// Returns a row for an instruction.
function line([text, bytes, notes, target], { offset, sign, size, rows }) {
  const words = NOTES.filter(([bit]) => notes & bit).map(([, word]) => word).join(", ");
  const remarks = make("td", { className: "notes" }, words);
  if (target !== undefined) remarks.append(words ? ", " : "", sign === "-" ? `to ${hexadecimal(target)}` : jump(target, size, rows));
  const names = { "+": "added", "-": "removed" };
  const row = make("tr", { tabIndex: -1, className: names[sign] ?? "" },
    make("td", { className: "offset" }, sign === "-" ? "" : hexadecimal(offset)),
    make("td", { className: "sign" }, sign === "-" ? "\u2212" : sign),
    make("td", { className: "bytes" }, spaced(bytes)),
    make("td", { className: "instruction" }, ...instruction(text)),
    remarks);
  if (sign !== "-") rows.set(offset, row);
  return row;
}

function codeTable([lines, blocks, , signs], stencil) {
  // Labels are numbered in the order of the blocks that have one.
  let labels = 0;
  const starts = new Map(blocks.map((block) => {
    const label = block & 2 ? `L${labels += 1}` : "";
    return [block >> 2, { hot: (block & 1) === 1, label }];
  }));
  const size = (stencil.after ?? stencil.before)[CODE];
  const table = make("table", { className: "code" }, make("caption", null, `Code: ${shown(size)} bytes`));
  const heads = ["offset", signs ? "change" : "", "bytes", "instruction", "notes"];
  table.append(make("thead", null, make("tr", null, ...heads.map((head) => make("th", { scope: "col" }, head)))));
  const rows = new Map();
  let offset = 0;
  let number = 0;
  let body = null;
  lines.forEach((index, place) => {
    const entry = allCode().lines[index];
    const sign = signs?.[place] ?? " ";
    if (body === null || (sign !== "-" && starts.has(number))) {
      const { hot, label } = starts.get(number) ?? { hot: false, label: "" };
      body = make("tbody", { className: hot ? "hot" : "cold" });
      const head = `${label ? `${label}: ` : ""}${hot ? "hot" : "cold"}, at ${hexadecimal(offset)}`;
      body.append(make("tr", null, make("th", { scope: "rowgroup", colSpan: 5 }, head)));
      table.append(body);
    }
    body.append(line(entry, { offset, sign, size, rows }));
    if (sign !== "-") {
      offset += entry[1].length / 2;
      number += 1;
    }
  });
  return table;
}

// Returns a table of data: eight bytes a row, with the names of the holes in them.
function dataTable(content, title) {
  const [digits, holes] = content;
  const table = make("table", { className: "code" }, make("caption", null, title));
  const body = make("tbody");
  for (let offset = 0; offset < digits.length / 2; offset += 8) {
    const names = holes.filter(([at, name]) => name !== undefined && at >= offset && at < offset + 8);
    body.append(make("tr", null,
      make("td", { className: "offset" }, hexadecimal(offset)),
      make("td", { className: "bytes" }, spaced(digits.slice(2 * offset, 2 * offset + 16))),
      make("td", { className: "instruction" }, ...names.flatMap(([, name]) => instruction(`${name} `)))));
  }
  const slots = holes.filter((hole) => hole.length === 1).map(([name]) => name);
  if (slots.length > 0) {
    body.append(make("tr", null, make("td", { colSpan: 3 }, "Slots in the GOT: ", ...instruction(slots.join(" ")))));
  }
  table.append(body);
  return table;
}

// Returns the listing of a stencil of a build.
function listing(build, stencil) {
  const code = allCode().builds[build.index][stencil.place];
  const made = make("section", { "aria-label": build.title }, make("h3", null, build.title));
  if (!stencil.after) made.append(make("p", null, "It was removed. This is its code before."));
  else if (build.compared && !stencil.before) made.append(make("p", null, "It is new."));
  else if (build.compared && !stencil.differs) made.append(make("p", null, "It is the same as before."));
  made.append(make("div", { className: "wide" }, codeTable(code, stencil)));
  if (code[2]) made.append(make("div", { className: "wide" }, dataTable(code[2], `Data: ${shown(code[2][0].length / 2)} bytes`)));
  if (code[4] !== undefined) {
    made.append(code[4]
      ? make("div", { className: "wide" }, dataTable(code[4], "Data before"))
      : make("p", null, "It had no data before."));
  }
  return made;
}

// Returns the numbers of a stencil in a build, as cells.
function numbers(stencil, compared) {
  const cells = data.columns.map((_, index) => {
    const by = stencil.after && stencil.before ? stencil.after[index] - stencil.before[index] : 0;
    return make("td", null, stencil.after ? shown(stencil.after[index]) : "\u2014",
      by === 0 ? null : make("small", null, ` ${signed(by)}`));
  });
  if (compared) cells.unshift(growthCell(stencil, BYTES));
  return cells;
}

function growthCell(stencil, measure) {
  const what = change(stencil, measure);
  const by = growth(stencil, measure);
  const word = { new: " new", removed: " removed", changed: " changed", same: "", grew: " \u25b2", shrank: " \u25bc" }[what];
  return make("td", { className: `growth ${what}` }, what === "same" ? "" : signed(by) + word);
}

function showStencil(build, name) {
  const stencil = build.byName.get(name);
  byId("stencil-title").textContent = name;
  document.title = `${name} \u2013 Stencils`;
  const having = builds.filter((other) => other.byName.has(name));
  const heads = ["build", ...(isCompared ? ["growth"] : []), ...data.columns];
  const body = make("tbody", null, ...having.map((other) => {
    const link = make("a", { href: address(other, name) }, other.title);
    if (other === build) link.setAttribute("aria-current", "true");
    return make("tr", { className: other === build ? "current" : "" },
      make("th", { scope: "row" }, link), ...numbers(other.byName.get(name), isCompared));
  }));
  byId("own").replaceChildren(
    make("thead", null, make("tr", null, ...heads.map((head) => make("th", { scope: "col" }, head)))), body);
  const beside = byId("beside");
  const wanted = beside.value;
  const others = having.filter((other) => other !== build);
  beside.replaceChildren(make("option", { value: "" }, "nothing"),
    ...others.map((other) => make("option", { value: String(other.index) }, other.title)));
  beside.value = others.some((other) => String(other.index) === wanted) ? wanted : "";
  beside.parentElement.hidden = others.length === 0;
  const listings = [listing(build, stencil)];
  if (beside.value !== "") {
    const other = builds[Number(beside.value)];
    listings.push(listing(other, other.byName.get(name)));
  }
  byId("listings").replaceChildren(...listings);
  const dialog = byId("stencil");
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("stencil-title").focus();
}

// Stencils have addresses, so that there can be links to them.
const address = (build, name) => `#${build.index}/${encodeURIComponent(name)}`;

function go(stencil) {
  location.hash = address(stencil.build, stencil.name);
}

// Shows the stencil that the page's address names, if it names one.
function follow() {
  const [, index, encoded] = location.hash.match(/^#(\d+)\/(.+)$/) ?? [];
  let name = null;
  try {
    name = encoded === undefined ? null : decodeURIComponent(encoded);
  } catch {
    // The address is no name.
  }
  const build = builds[Number(index)];
  if (build?.byName.has(name)) showStencil(build, name);
  else if (byId("stencil").open) byId("stencil").close();
}

function listenToStencil() {
  const dialog = byId("stencil");
  byId("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    document.title = title();
    if (location.hash.includes("/")) history.replaceState(null, "", location.href.replace(/#.*$/, ""));
  });
  byId("beside").addEventListener("change", () => {
    follow();
    byId("beside").focus();
  });
  addEventListener("hashchange", follow);
}
