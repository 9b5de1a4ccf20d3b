// The tables, and what the page does when it is used.

const title = () => `Stencils of ${data.place}`;

// The columns of the table of stencils: their keys, titles, the numbers to sort by, and the cells.
function tableColumns() {
  const { build, measure, view } = state;
  const name = {
    key: "name", title: "stencil", isText: true, of: (stencil) => stencil.name,
    cell: (stencil) => make("th", { scope: "row" }, make("a", { href: address(stencil.build, stencil.name) }, stencil.name)),
  };
  const number = (key, heading, of) => ({
    key, title: heading, of, cell: (stencil) => {
      const value = of(stencil);
      return make("td", null, value === null ? "\u2014" : shown(value));
    },
  });
  // The first number, as it is what a comparison is for.
  const grown = build.compared
    ? [{ key: "growth", title: "growth", of: (stencil) => (stencil.build === build ? growth(stencil, measure) : null), cell: (stencil) => (stencil.build === build ? growthCell(stencil, measure) : make("td", null, "\u2014")) }]
    : [];
  if (view === "builds") {
    const each = builds.map((other) => number(`build${other.index}`, other.title, (stencil) => {
      const own = other.byName.get(stencil.name);
      return own?.after ? measure.of(own.after) : null;
    }));
    return [name, ...grown, ...each];
  }
  const all = measures.map((one) => number(one.name, one.title, (stencil) => amount(stencil, one)));
  return [name, ...grown, ...all];
}

// Returns all stencils of the build, and with builds beside each other those that only other builds have, too.
function candidates() {
  const { build, view } = state;
  if (view !== "builds") return build.stencils;
  const all = new Map(builds.flatMap((other) => [...other.byName]));
  build.byName.forEach((stencil, name) => all.set(name, stencil));
  return [...all.values()];
}

function wanted() {
  return candidates().filter(finder(byId("search").value, byId("deep").checked));
}

function drawTable(stencils) {
  const columns = tableColumns();
  const by = columns.find(({ key }) => key === state.sort) ?? columns[0];
  const sign = state.descending ? -1 : 1;
  const names = (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0);
  const compare = by.isText ? names : (one, other) => (by.of(one) ?? -Infinity) - (by.of(other) ?? -Infinity);
  const sorted = [...stencils].sort((one, other) => sign * compare(one, other) || names(one, other));
  const table = byId("table");
  const head = make("tr", null, ...columns.map(({ key, title: text }) => {
    const isSorted = key === by.key;
    const order = isSorted ? (state.descending ? "descending" : "ascending") : "none";
    const arrow = isSorted ? (state.descending ? " \u2193" : " \u2191") : "";
    const button = make("button", { type: "button", "data-key": key }, text,
      make("span", { "aria-hidden": "true" }, arrow));
    return make("th", { scope: "col", "aria-sort": order }, button);
  }));
  table.tHead.replaceChildren(head);
  const rows = sorted.slice(0, state.limit).map((stencil) =>
    make("tr", null, ...columns.map(({ cell: of }) => of(stencil))));
  table.tBodies[0].replaceChildren(...rows);
  byId("table-title").textContent = state.view === "builds"
    ? `${state.measure.title} in all builds`
    : `Sizes in ${state.build.title}`;
  const more = byId("more");
  more.hidden = sorted.length <= state.limit;
  more.textContent = `Show all ${shown(sorted.length)}`;
}

// Returns a row with the sums of a build.
function sums(build) {
  const sum = (of) => build.stencils.reduce((total, stencil) => total + of(stencil), 0);
  const button = make("button", { type: "button", className: "link", "data-build": String(build.index) }, build.title);
  if (build === state.build) button.setAttribute("aria-current", "true");
  const cells = [
    make("td", null, shown(build.stencils.filter(({ after }) => after).length)),
    ...measures.map((measure) => make("td", null, shown(sum((stencil) => amount(stencil, measure))))),
  ];
  if (isCompared) {
    const by = sum((stencil) => growth(stencil, BYTES));
    const before = sum((stencil) => amountBefore(stencil, BYTES));
    const share = before > 0 ? ` (${signed(Math.round((1000 * by) / before) / 10)} %)` : "";
    const mark = by > 0 ? "grew" : by < 0 ? "shrank" : "same";
    cells.splice(1, 0, make("td", { className: `growth ${mark}` }, build.compared ? signed(by) + share : "not compared"));
  }
  return make("tr", { className: build === state.build ? "current" : "" }, make("th", { scope: "row" }, button), ...cells);
}

function drawBuilds() {
  const heads = ["build", "stencils", ...(isCompared ? ["growth"] : []), ...measures.map((measure) => measure.title)];
  byId("builds").replaceChildren(
    make("thead", null, make("tr", null, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", null, ...builds.map(sums)));
}

function draw() {
  const stencils = wanted();
  const where = state.view === "builds" ? "all builds" : state.build.title;
  byId("count").textContent = `${shown(stencils.length)} of ${shown(candidates().length)} stencils in ${where}`;
  drawMap(stencils);
  drawTable(stencils);
}

function choose(build) {
  state.build = build;
  byId("build").value = String(build.index);
  drawBuilds();
  draw();
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

// Some browsers remember nothing for pages in files.
function remembered(theme) {
  try {
    if (theme !== undefined) localStorage.setItem("jit-cli-theme", theme);
    return localStorage.getItem("jit-cli-theme") ?? "";
  } catch {
    return theme ?? "";
  }
}

function fill() {
  document.title = title();
  document.querySelector("h1").textContent = title();
  const compared = data.before === null ? "" : ` Compared with ${data.before}.`;
  byId("about").textContent = `Made by jit-cli ${data.version}. Sizes are in bytes.${compared}`;
  byId("build").append(...builds.map((build) => make("option", { value: String(build.index) }, build.title)));
  byId("measure").append(...measures.map((measure, index) => make("option", { value: String(index) }, measure.title)));
  byId("view").append(make("option", { value: "sizes" }, "all sizes of the build"),
    make("option", { value: "builds" }, "builds beside each other"));
  byId("view").parentElement.hidden = builds.length < 2;
  byId("build").parentElement.hidden = builds.length < 2;
  if (isCompared) state.sort = "growth";
  byId("theme").value = remembered();
  setTheme(byId("theme").value);
}

function listen() {
  byId("theme").addEventListener("change", ({ target }) => {
    remembered(target.value);
    setTheme(target.value);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", draw);
  byId("deep").addEventListener("change", draw);
  byId("build").addEventListener("change", ({ target }) => choose(builds[Number(target.value)]));
  byId("measure").addEventListener("change", ({ target }) => {
    state.measure = measures[Number(target.value)];
    if (state.view === "sizes") [state.sort, state.descending] = [state.measure.name, true];
    draw();
  });
  byId("view").addEventListener("change", ({ target }) => {
    state.view = target.value;
    [state.sort, state.descending] = [state.view === "builds" ? `build${state.build.index}` : state.measure.name, true];
    draw();
  });
  byId("builds").addEventListener("click", ({ target }) => {
    const index = target.closest("[data-build]")?.dataset.build;
    if (index === undefined) return;
    choose(builds[Number(index)]);
    byId("builds").querySelector(`[data-build="${index}"]`).focus();
  });
  byId("table").tHead.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-key]")?.dataset.key;
    if (key === undefined) return;
    // Numbers are sorted from the largest at first, and names from A.
    state.descending = state.sort === key ? !state.descending : key !== "name";
    state.sort = key;
    drawTable(wanted());
    byId("table").querySelector(`[data-key="${key}"]`).focus();
  });
  byId("more").addEventListener("click", () => {
    state.limit = Infinity;
    drawTable(wanted());
  });
  let width = byId("map").clientWidth;
  new ResizeObserver(() => {
    if (byId("map").clientWidth === width) return;
    width = byId("map").clientWidth;
    drawMap(wanted());
  }).observe(byId("map"));
}

fill();
listen();
listenToMap();
listenToStencil();
choose(builds[0]);
follow();
